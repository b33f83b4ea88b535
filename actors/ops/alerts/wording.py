"""Words that are safe to show: names and texts come from the broker, and who can name an account.

Pure. `clean` makes one bounded line of anything, without control characters and without those that turn
the direction of what follows; what a channel takes for markup is escaped later, by its format.
"""

import unicodedata
from datetime import datetime

from actors.ops.narrator import awaited
from messages.values import Lockout

LINE = 300
"""Characters of one line at most."""
_NAME = 64


def clean(text: str, limit: int = LINE) -> str:
    """Return a text as one line of at most so many characters."""
    shown = "".join(" " if _unprintable(each) else each for each in text[: 4 * limit])
    return cut(" ".join(shown.split()), limit)


def cut(text: str, limit: int) -> str:
    """Return a text shortened to so many characters; one that was ends in `…`."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _unprintable(character: str) -> bool:
    return unicodedata.category(character)[0] == "C" or character in "\u2028\u2029"


def until_of(lock: Lockout) -> str:
    """Say what ends a lockout."""
    return instant(lock.until) if lock.until else awaited(lock)


def instant(at: datetime) -> str:
    """Return an instant as people read it."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def span(seconds: float) -> str:
    """Return a duration, e.g. `0.4 s`, `2 min 05 s`, `3 h 10 min`."""
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


_SHADOW = "SHADOW "


class Names:
    """The accounts' names, as far as they were told."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}

    def note(self, account: int, name: str, *, shadow: bool) -> None:
        """Learn a name, and whether the account is only watched: whatever is told of it says so."""
        self._names[account] = f"{_SHADOW if shadow else ''}{clean(name, _NAME)}"

    def of(self, account: int) -> str:
        """Return an account as people know it, e.g. `50K-ONE (13298777)`."""
        name = self._names.get(account)
        return f"{name} ({account})" if name else f"account {account}"

    def some(self, accounts: list[int], limit: int = 5) -> str:
        """Return a few of many accounts, and how many more there are."""
        shown = ", ".join(self.of(each) for each in accounts[:limit])
        more = len(accounts) - limit
        return f"{shown} and {more} more" if more > 0 else shown
