"""The `init` command: from a few answers to a configuration. `command.py` goes through it."""
