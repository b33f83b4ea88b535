"""A configuration that cannot be used: every complaint names the file, the key, and the fix."""

from pathlib import Path


class ConfigError(Exception):
    """What is wrong with a configuration, all of it at once (exit 78)."""

    def __init__(self, path: Path, complaints: list[str]) -> None:
        self.path = path
        self.complaints = tuple(complaints)
        lines = "\n".join(f"  - {complaint}" for complaint in complaints)
        super().__init__(f"{path}: {len(complaints)} thing(s) to mend:\n{lines}")
