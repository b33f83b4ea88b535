"""A configuration that cannot be used: every complaint names the file, the key, and the fix."""

from pathlib import Path

from config.keys import leading
from config.lines import Lines


class ConfigError(Exception):
    """What is wrong with a configuration, all of it at once (exit 78)."""

    def __init__(self, path: Path, complaints: list[str]) -> None:
        self.path = path
        self.complaints = tuple(complaints)
        lines = "\n".join(f"  - {complaint}" for complaint in complaints)
        super().__init__(f"{path}: {len(complaints)} thing(s) to mend:\n{lines}")


def located(path: Path, lines: Lines, complaints: list[str]) -> list[str]:
    """Return complaints with file and line of the key each begins with, in the order of the file."""
    found = [(lines.of(leading(each)), each) for each in dict.fromkeys(complaints)]
    found.sort(key=lambda each: each[0] or 0)
    return [text if line is None else f"{path}:{line}: {text}" for line, text in found]
