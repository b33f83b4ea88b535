"""What outlives an instance of the JournalActor: its subscribers, and what the store refused.

Made once by whoever supervises the journal and handed to every successor, so that a restart loses
neither. Refused events are kept in their order until the store takes them; they are bounded, and what had
to be dropped is counted.
"""

from collections.abc import Iterable

from actors.journal.chain import Row
from messages.events import Event

LIMIT = 100_000
"""Events kept while the store refuses; at some 1 kB each, about 100 MB."""


class Memory:
    """Owned by one JournalActor at a time; not thread-safe."""

    def __init__(self, limit: int = LIMIT) -> None:
        self.subscribers: dict[str, None] = {}
        self.rows: list[Row] = []
        self.events: list[Event] = []
        self.dropped = 0
        self._limit = limit

    def keep(self, rows: Iterable[Row], events: Iterable[Event]) -> None:
        """Keep refused events behind those already kept; past the limit, count them instead.

        The first event dropped makes all later ones drop too: one gap, at the end, not many.
        """
        for row, event in zip(rows, events, strict=True):
            if self.dropped or len(self.rows) >= self._limit:
                self.dropped += 1
            else:
                self.rows.append(row)
                self.events.append(event)

    def clear(self) -> None:
        """Forget the refused events: the store has taken them."""
        self.rows.clear()
        self.events.clear()
        self.dropped = 0
