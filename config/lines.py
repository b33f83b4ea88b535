"""Finds the line of every key of a TOML file, which tomllib reads but does not tell.

A scanner over a text that tomllib has accepted already, so it needs to understand only where keys,
headers and values begin and end: dotted and quoted keys, inline tables, arrays of tables, multi-line
strings. Pure.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from config.keys import Key

_BLANK = " \t\r\n"


@dataclass(frozen=True, slots=True)
class Lines:
    """Where the keys of one file stand."""

    known: Mapping[Key, int]
    """Line of every table, key and array element, counted from 1."""
    aliases: Mapping[Key, Key] = field(default_factory=dict)
    """Tables that are spoken of by name: `accounts.5` is the table `accounts[0]`."""

    def of(self, key: Key) -> int | None:
        """Return the line of a key, or of the nearest table around it; None = the file has neither."""
        parts = self.aliases.get(key[:2], key[:2]) + key[2:]
        while parts and parts not in self.known:
            parts = parts[:-1]
        return self.known.get(parts)


def scan(text: str) -> dict[Key, int]:
    """Return the line of every key of a text that tomllib accepts."""
    return _Scanner(text).scan()


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text.replace("\r\n", "\n")
        self._at = 0
        self._line = 1
        self._found: dict[Key, int] = {}
        self._arrays: dict[Key, int] = {}

    def scan(self) -> dict[Key, int]:
        table: Key = ()
        while self._skip_blank():
            if self._peek("["):
                table = self._header()
            else:
                self._assignment(table)
        return self._found

    # --- headers and keys ---

    def _header(self) -> Key:
        """Read `[table]` or `[[array of tables]]`; in an array, the last table is meant."""
        is_array = self._peek("[[")
        line = self._line
        self._advance(2 if is_array else 1)
        names = self._key()
        self._advance(2 if is_array else 1)
        key = self._resolved(names[:-1]) + names[-1:]
        self._note(key, line)
        if is_array:
            self._arrays[key] = self._arrays.get(key, -1) + 1
        if key in self._arrays:
            key = (*key, self._arrays[key])
        self._note(key, line)
        return key

    def _resolved(self, names: Iterable[str]) -> Key:
        key: Key = ()
        for name in names:
            key = (*key, name)
            self._note(key, self._line)
            if key in self._arrays:
                key = (*key, self._arrays[key])
        return key

    def _key(self) -> tuple[str, ...]:
        """Read a key with its dots, up to what follows it."""
        names = [self._name()]
        self._skip_spaces()
        while self._peek("."):
            self._advance(1)
            self._skip_spaces()
            names.append(self._name())
            self._skip_spaces()
        return tuple(names)

    def _name(self) -> str:
        self._skip_spaces()
        start = self._at
        if self._text[start] in "\"'":
            self._string()
            # tomllib knows the escapes
            return next(iter(tomllib.loads(f"{self._text[start : self._at]} = 0")))
        while self._at < len(self._text) and self._text[self._at] not in " \t.=]":
            self._advance(1)
        return self._text[start : self._at]

    def _assignment(self, table: Key) -> None:
        self._skip_spaces()
        line = self._line
        names = self._key()
        for end in range(1, len(names) + 1):
            self._note((*table, *names[:end]), line)
        self._advance(1)  # the equals sign
        self._value((*table, *names))

    # --- values ---

    def _value(self, key: Key) -> None:
        self._skip_spaces()
        match self._text[self._at]:
            case "{":
                self._inline_table(key)
            case "[":
                self._array(key)
            case '"' | "'":
                self._string()
            case _:
                while self._at < len(self._text) and self._text[self._at] not in ",]}#\n":
                    self._advance(1)

    def _inline_table(self, key: Key) -> None:
        self._advance(1)
        while self._skip_blank() and not self._peek("}"):
            if self._peek(","):
                self._advance(1)
            else:
                self._assignment(key)
        self._advance(1)

    def _array(self, key: Key) -> None:
        self._advance(1)
        place = 0
        while self._skip_blank() and not self._peek("]"):
            if self._peek(","):
                self._advance(1)
                continue
            self._note((*key, place), self._line)
            self._value((*key, place))
            place += 1
        self._advance(1)

    def _string(self) -> None:
        quote = self._text[self._at]
        is_long = self._peek(quote * 3)
        end = quote * 3 if is_long else quote
        self._advance(len(end))
        while not self._peek(end):
            escaped = quote == '"' and self._peek("\\")
            self._advance(2 if escaped else 1)
        self._advance(len(end))
        while is_long and self._peek(quote):  # up to two quotes may stand before the closing ones
            self._advance(1)

    # --- moving on ---

    def _note(self, key: Key, line: int) -> None:
        self._found.setdefault(key, line)

    def _peek(self, text: str) -> bool:
        return self._text.startswith(text, self._at)

    def _advance(self, count: int) -> None:
        self._line += self._text.count("\n", self._at, self._at + count)
        self._at += count

    def _skip_spaces(self) -> None:
        while self._at < len(self._text) and self._text[self._at] in " \t":
            self._advance(1)

    def _skip_blank(self) -> bool:
        """Skip space, lines and comments; return whether anything is left."""
        while self._at < len(self._text) and self._text[self._at] in _BLANK + "#":
            if self._peek("#"):
                end = self._text.find("\n", self._at)
                self._at = len(self._text) if end < 0 else end
            else:
                self._advance(1)
        return self._at < len(self._text)
