"""A dispatcher that lets every actor of a system run on one thread, in an order a seed decides.

Stands in for the pool, the journal's, the clock's and the gateway's threads of a system under test: which
of the runnable inboxes is next, and how many messages it may handle, is drawn from a generator, so one
seed is one interleaving and can be played again. While nobody shuffles, first come is first served.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from actors.runtime import Dispatcher, InFlight
from actors.runtime.dispatcher import Runnable, UnderWay

_SLICES = (1, 1, 1, 2, 64)


class Turnstile(Dispatcher):
    """One thread for all; `stop` ends it when it is told so by its owner, not by a system."""

    def __init__(self, in_flight: InFlight) -> None:
        super().__init__("turnstile", in_flight)
        self._random: Random | None = None
        self._ready: list[Runnable] = []
        self._changed = threading.Condition()
        self._ending = False
        self._thread = threading.Thread(target=self._work, name="turnstile", daemon=True)
        self._thread.start()

    @contextmanager
    def shuffled(self, random: Random) -> Iterator[None]:
        """Let a generator decide the order meanwhile."""
        self._random = random
        try:
            yield
        finally:
            self._random = None

    def submit(self, inbox: Runnable) -> None:
        """Have one turn of an inbox run some time."""
        with self._changed:
            if not self._ending:
                self._ready.append(inbox)
                self._changed.notify()
                return
        inbox.close()

    def under_way(self) -> Iterator[UnderWay]:
        """Say nothing: what hangs here is found by the test's own time limit."""
        return iter(())

    def _work(self) -> None:
        while (turn := self._next()) is not None:
            inbox, limit = turn
            inbox.run_turn(limit)

    def _next(self) -> tuple[Runnable, int] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._ready or self._ending)
            if not self._ready:
                return None
            if self._random is None:
                return self._ready.pop(0), 64
            place = self._random.randrange(len(self._ready))
            return self._ready.pop(place), self._random.choice(_SLICES)

    def stop(self, timeout: float = 5.0) -> None:
        """Do nothing: several of a system's dispatchers are this one."""

    def end(self) -> None:
        """Finish what is runnable and end the thread."""
        with self._changed:
            self._ending = True
            self._changed.notify()
        self._thread.join(5.0)
