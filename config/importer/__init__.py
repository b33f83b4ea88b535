"""Converts the YAML files of the system Lockstep grew from into its own TOML.

`reading` knows YAML and lines, `section` what was asked for and what was left, `rules`, `timers` and
`accounts` what each setting meant, `toml` how ours is written, `convert` puts it together.
"""

from config.importer.convert import Imported, convert
from config.importer.reading import ImportFault, read

__all__ = ["ImportFault", "Imported", "convert", "read"]
