"""Reads a YAML file of the original with the line of every key; which of its files it is, its keys tell.

Values stay as they are written: numbers never pass a float, `17:00` is no number to the base 60, a day
no timestamp, and `${NAME}` is left for our own loader. Two equal keys are refused instead of losing one.
"""

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import yaml

from actors import private
from config.keys import Key, shown

type Kind = Literal["risk", "timers", "accounts", "api", "events"]

_KINDS: dict[str, Kind] = {
    "rules": "risk",
    "general": "risk",
    "daily_reset": "timers",
    "lockout_durations": "timers",
    "session_hours": "timers",
    "holidays": "timers",
    "topstepx": "accounts",
    "monitored_account": "accounts",
    "accounts": "accounts",
    "projectx": "api",
    "rate_limit": "api",
    "events": "events",
    "quotes": "events",
}
_TRUE = {"true", "yes", "on"}
_LARGEST = 1024 * 1024


class ImportFault(Exception):  # noqa: N818 - what is at fault is the file
    """A file that cannot be read at all."""


@dataclass(frozen=True, slots=True)
class Document:
    """One file of the original."""

    path: Path
    """The file."""
    kind: Kind
    """Which one of them it is."""
    data: dict[str, Any]
    """What it says."""
    lines: dict[Key, int]
    """Where its keys stand."""

    def place(self, key: Key) -> str:
        """Return `risk_config.yaml:12`; a key that is not there stands with the table around it."""
        while key and key not in self.lines:
            key = key[:-1]
        return f"{self.path.name}:{self.lines[key]}" if key else self.path.name


def read(path: Path) -> Document:
    """Return a file of the original.

    Raises:
        ImportFault: it cannot be read, is not YAML, or is none of its files.
    """
    try:
        text = private.read_file(path, _LARGEST).decode()
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except OSError as error:
        raise ImportFault(f"{path}: cannot be read: {error.strerror}; check the path") from None
    except UnicodeDecodeError:
        raise ImportFault(f"{path}: is not UTF-8 text") from None
    except yaml.YAMLError as error:
        raise ImportFault(f"{_at(path, error)}: is not valid YAML: {_problem(error)}") from None
    except RecursionError:
        raise ImportFault(f"{path}: is nested too deeply to be one of the original's") from None
    if not isinstance(node, yaml.MappingNode):
        raise ImportFault(f"{path}: must be a table of settings, as the original's files are")
    lines: dict[Key, int] = {}
    try:
        data = _Reader(path, lines).table(node, ())
    except ValueError as error:  # a number of thousands of digits
        raise ImportFault(f"{path}: {error}") from None
    kind = next((_KINDS[key] for key in data if key in _KINDS), None)
    if kind is None:
        raise ImportFault(
            f"{path}: is none of risk_config.yaml, timers_config.yaml and accounts.yaml; "
            f"it has {', '.join(data) or 'no settings'}"
        )
    return Document(path=path, kind=kind, data=data, lines=lines)


def _at(path: Path, error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return f"{path}:{mark.line + 1}" if mark else str(path)


def _problem(error: yaml.YAMLError) -> str:
    return str(getattr(error, "problem", None) or error).splitlines()[0]


class _Reader:
    def __init__(self, path: Path, lines: dict[Key, int]) -> None:
        self._path = path
        self._lines = lines
        self._open: list[yaml.Node] = []

    def table(self, node: yaml.MappingNode, key: Key) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name_node, value_node in node.value:
            name, line = str(name_node.value), name_node.start_mark.line + 1
            here = (*key, name)
            if name in found:
                raise ImportFault(
                    f"{self._path}:{line}: {shown(here)} stands twice, first on line "
                    f"{self._lines[here]}; keep one"
                )
            self._lines[here] = line
            found[name] = self._value(value_node, here)
        return found

    def _value(self, node: yaml.Node, key: Key) -> Any:
        if any(node is each for each in self._open):
            line = node.start_mark.line + 1
            raise ImportFault(f"{self._path}:{line}: {shown(key)} contains itself")
        self._open.append(node)
        try:
            if isinstance(node, yaml.MappingNode):
                return self.table(node, key)
            if isinstance(node, yaml.SequenceNode):
                return [self._item(each, (*key, n)) for n, each in enumerate(node.value)]
            return _scalar(node)
        finally:
            self._open.pop()

    def _item(self, node: yaml.Node, key: Key) -> Any:
        self._lines[key] = node.start_mark.line + 1
        return self._value(node, key)


def _scalar(node: yaml.Node) -> Any:
    text: str = node.value
    match node.tag.rpartition(":")[2]:
        case "null":
            return None
        case "bool":
            return text.lower() in _TRUE
        case "int" if text.lstrip("+-").isdecimal():
            return int(text)
        case "float" if text.lstrip("+-").replace(".", "", 1).isdecimal():
            return Decimal(text)
        case _:
            return text
