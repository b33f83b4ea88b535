"""Finds threads that are late: they must never block, yet what is handed to them waits too long.

Used by the RootSupervisor, which the clock wakes for it every second. Each such dispatcher is handed a
beat, which queues as any actor's turn does; how long it took is the lag of that thread or pool. One that
is late is told again at every look until it turns again, and then how long it was. (The clock looks after
itself: without it nobody looks.)
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from actors.runtime.clock import Clock
from actors.runtime.dispatcher import Dispatcher
from actors.runtime.inbox import Watcher


class Lag(NamedTuple):
    """A dispatcher that is late, or was."""

    name: str
    """The dispatcher, e.g. `gateway-desk`."""
    late_s: float
    """For how long what it was handed has waited, in seconds."""
    began: bool
    """This is news: its lateness was not told before."""
    over: bool
    """It turns again."""


type OnLag = Callable[[Lag], None]


class Beat:
    """What is handed to one dispatcher, again and again; runs there, so it only reads the clock."""

    watcher: Watcher | None = None
    ahead = False

    def __init__(self, dispatcher: Dispatcher, clock: Clock) -> None:
        self._dispatcher = dispatcher
        self._clock = clock
        self.sent_at = 0.0
        self.took_s: float | None = 0.0
        """How long the last one took; None while it is on its way."""
        self.told = False
        """That it is late was told."""

    def send(self) -> None:
        """Hand it in."""
        self.sent_at, self.took_s = self._clock.monotonic(), None
        if self._dispatcher.in_flight is not None:
            self._dispatcher.in_flight.entered()
        self._dispatcher.submit(self)

    def run_turn(self, limit: int) -> None:  # noqa: ARG002 - an inbox's turn has one
        """Note that it has come through."""
        self.took_s = self._clock.monotonic() - self.sent_at
        if self._dispatcher.in_flight is not None:
            self._dispatcher.in_flight.left(1)

    def close(self) -> None:
        """Note that the dispatcher has ended, which is not late."""
        self.sent_at = self._clock.monotonic()
        self.run_turn(0)


class LagWatch:
    """Looks at dispatchers, again and again."""

    def __init__(
        self, dispatchers: Iterable[Dispatcher], clock: Clock, late_after_s: float
    ) -> None:
        self._dispatchers = dispatchers
        self._clock = clock
        self._late_after_s = late_after_s
        self._beats: dict[Dispatcher, Beat] = {}

    def look(self) -> Iterator[Lag]:
        """Return who is late, and who was and is not any more; hand out new beats."""
        for each in tuple(self._dispatchers):
            if each.must_turn:
                if each not in self._beats:
                    self._beats[each] = Beat(each, self._clock)
                yield from self._look_at(each.name, self._beats[each])

    def _look_at(self, name: str, beat: Beat) -> Iterator[Lag]:
        took_s = beat.took_s
        lag_s = self._clock.monotonic() - beat.sent_at if took_s is None else took_s
        if lag_s > self._late_after_s:
            yield Lag(name, lag_s, began=not beat.told, over=took_s is not None)
        beat.told = took_s is None and (beat.told or lag_s > self._late_after_s)
        if took_s is not None:
            beat.send()
