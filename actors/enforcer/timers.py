"""Which wake is which: one that was replaced or cancelled may wait in the inbox already. Pure.

The clock replaces what has the same key, but cannot take back what it has told. Every wake has a key of
its own here, and only the last one of a name is heard, as OTP compares a timer's reference.
"""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Timers:
    """The wakes an enforcer waits for, by name."""

    _keys: dict[str, str] = field(default_factory=dict)
    _count: int = 0

    def key(self, name: str) -> str | None:
        """Return the key of the wake that is waited for under a name; None = none is."""
        return self._keys.get(name)

    def begin(self, name: str) -> str:
        """Return the key of a new wake, which takes the place of one of the same name."""
        self._count += 1
        self._keys[name] = key = f"{name} {self._count}"
        return key

    def end(self, name: str) -> str | None:
        """Wait no longer for a name; return the key that was waited for."""
        return self._keys.pop(name, None)

    def rang(self, key: str) -> str | None:
        """Return the name of a wake that is waited for, once; None = it is of the past."""
        name = key.split(" ", 1)[0]
        return name if self._keys.get(name) == key and self._keys.pop(name) else None
