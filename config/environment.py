"""Puts environment variables into values, and keeps what they hold out of everything that is said. Pure.

Only `${NAME}` in values is expanded, after parsing, so comments are left alone and no value can change
the structure of a file.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from config.keys import Key, shown

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")

_SECRET = 4
"""Shorter values hide nothing, and would be found in every other word."""


@dataclass(slots=True)
class Expansion:
    """The environment variables of one file."""

    environment: Mapping[str, str] = field(repr=False)
    """The process's own."""
    complaints: list[str] = field(default_factory=list)
    """Which ones are missing, and where they are asked for."""
    _used: dict[str, str] = field(default_factory=dict, repr=False)

    def expand(self, value: Any, key: Key = ()) -> Any:
        """Return a value with every `${NAME}` in its strings replaced."""
        match value:
            case str():
                return _VARIABLE.sub(lambda found: self._variable(found[1], key), value)
            case list():
                return [self.expand(each, (*key, place)) for place, each in enumerate(value)]
            case dict():
                return {name: self.expand(each, (*key, name)) for name, each in value.items()}
            case _:
                return value

    def masked(self, text: str) -> str:
        """Return a text in which every value that came from the environment is its name again."""
        for value, name in sorted(self._used.items(), key=lambda each: -len(each[0])):
            for form in (value, repr(value)[1:-1]):
                text = text.replace(form, f"${{{name}}}")
        return text

    def _variable(self, name: str, key: Key) -> str:
        if name not in self.environment:
            self.complaints.append(
                f"{shown(key)}: environment variable {name} is not set; "
                f"export it or remove ${{{name}}}"
            )
            return ""
        value = self.environment[name]
        if len(value) >= _SECRET:
            self._used[value] = name
        return value
