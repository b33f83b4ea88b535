"""One table of the original, read key by key: what nobody asked for is told, never lost silently."""

from decimal import Decimal
from typing import Any

from config.importer.notes import Kind, Notes
from config.importer.reading import Document
from config.keys import Key, shown


class Section:
    """A table of one of the files."""

    def __init__(self, document: Document, notes: Notes, data: object, key: Key = ()) -> None:
        self._document = document
        self._notes = notes
        self._key = key
        self._left = dict(data) if isinstance(data, dict) else {}
        self.is_there = isinstance(data, dict)
        if data is not None and not self.is_there:
            self.note("decide", "", "must be a table; it is not carried over")

    def take(self, name: str) -> Any:
        """Return a setting, None where it is not written."""
        return self._left.pop(name, None)

    def has(self, name: str) -> bool:
        """Say whether a setting is written and was not taken yet."""
        return self._left.get(name) is not None

    def table(self, name: str) -> "Section":
        """Return a table below, an empty one where it is not written."""
        return Section(self._document, self._notes, self._left.pop(name, None), (*self._key, name))

    def names(self) -> list[str]:
        """Return what is left."""
        return list(self._left)

    def assume(self, name: str, what: str) -> None:
        """Tell of a setting that is not written what both systems take it for."""
        if not self.has(name):
            self.note("ignored", name, f"is not written; {what} is assumed")

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a yes or no; anything else must be decided by a person."""
        value = self.take(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            word = str(default).lower()
            self.note("decide", name, f"must be true or false, not {value!r}; taken as {word}")
            return default
        return value

    def money(self, name: str) -> Any:
        """Return an amount without its sign, which ours says in its name; other things as they are."""
        value = self.take(name)
        is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
        return abs(value) if is_number else value

    def note(self, kind: Kind, name: str, text: str) -> None:
        """Tell something about one setting, or with no name about the table."""
        key = (*self._key, name) if name else self._key
        self._notes.add(kind, self.place(name), f"{shown(key)}: {text}")

    def place(self, name: str) -> str:
        """Return file and line of a setting."""
        return self._document.place((*self._key, name) if name else self._key)

    def key(self, name: str) -> str:
        """Return the whole key of a setting."""
        return shown((*self._key, name))

    def drop(self, text: str, *names: str) -> None:
        """Tell that settings, where they are written, are not carried over."""
        for name in names:
            if name in self._left:
                self._left.pop(name)
                self.note("dropped", name, text)

    def ignored(self, text: str, *names: str) -> None:
        """Tell that settings, where they are written, had no effect in the original either."""
        for name in names:
            if name in self._left:
                self._left.pop(name)
                self.note("ignored", name, text)

    def finish(self) -> None:
        """Tell of everything nobody knew."""
        for name in self._left:
            self.note("decide", name, "is no setting of the original; it is not carried over")
