"""Finds actors that hang: the same message under way at every look, for longer than their spec allows.

Used by the RootSupervisor, which the clock wakes for it, so nothing polls. It looks at threads, of which
there are few, and not at actors: one that is at nothing cannot hang, and one that waits behind a hung one
is freed with it. Time counts only as far as it was looked at: while a process is stopped for a minute,
its actors have no minute to get further.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from actors.runtime.child import Life
from actors.runtime.dispatcher import Dispatcher, UnderWay

LOOK_S = 1.0
"""Between two looks, in seconds."""


class ChildHung(NamedTuple):
    """Told to the Supervisor of a child: an instance gets no further."""

    life: Life
    at: object | None
    """What it has under way."""
    hung_s: float
    """For how long, at least."""
    write_off: Callable[[], None]
    """Replaces the thread it holds."""


class _Seen(NamedTuple):
    sign: object | None
    at: object | None
    """Both stay the same as long as it gets no further."""
    for_s: float


class HangWatch:
    """Looks at dispatchers, again and again."""

    def __init__(self, dispatchers: Iterable[Dispatcher]) -> None:
        self._dispatchers = dispatchers
        self._seen: dict[Life, _Seen] = {}
        self._looked_at: float | None = None

    def look(self, monotonic: float) -> Iterator[ChildHung]:
        """Return who has hung for too long; each again at every look, as long as it does."""
        passed = 0.0 if self._looked_at is None else monotonic - self._looked_at
        self._looked_at = monotonic
        seen: dict[Life, _Seen] = {}
        for each in tuple(self._dispatchers):
            for under_way in each.under_way():
                yield from self._look_at(under_way, min(passed, 2 * LOOK_S), seen)
        self._seen = seen

    def _look_at(
        self, under_way: UnderWay, passed: float, seen: dict[Life, _Seen]
    ) -> Iterator[ChildHung]:
        life = under_way.inbox.watcher
        if not isinstance(life, Life):
            return
        sign, at = under_way.sign, life.actor.under_way
        if sign is None and at is None:
            return
        before = self._seen.get(life)
        stuck = before is not None and before.sign is sign and before.at is at
        for_s = before.for_s + passed if before is not None and stuck else 0.0
        seen[life] = _Seen(sign, at, for_s)
        limit = life.child.spec.hung_after_s
        if limit is not None and for_s >= limit:
            yield ChildHung(life, at, for_s, under_way.write_off)
