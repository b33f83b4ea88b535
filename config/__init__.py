"""The configuration: its schema, its strict loader, and the files that ship with the program."""
