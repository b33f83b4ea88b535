"""Who runs the turns of actors: a pool of workers, or a thread of one's own (`loop_thread.py`: a loop).

A turn is handed in with `submit` exactly when its inbox becomes runnable, so an actor is never in two
hands. `InFlight` counts every message from its put until it is completely handled, over all dispatchers
that share it; tests wait for it to reach zero. Dispatchers are started by being made, hold no actors, and
after `stop` answer whatever is still submitted as dead. They say what is under way on their threads, and
write a thread off that hangs: a fresh one takes its place, and it ends when it comes back.
"""

import abc
import asyncio
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Protocol

from actors.runtime.blocking import forbid_blocking
from actors.runtime.right_of_way import RightOfWay

SLICE_SIZE = 64
"""Messages per turn: 1 costs a third of the throughput, more lets one busy actor delay the others."""

_AHEAD_IN_A_ROW = 4
"""After so many turns of those that come ahead, one of the others is run."""

if TYPE_CHECKING:
    from actors.runtime.inbox import Watcher


class Runnable(Protocol):
    """What a dispatcher runs: an inbox."""

    watcher: "Watcher | None"
    """Who is told how the instance fares."""

    @property
    def ahead(self) -> bool:
        """Tell whether its turns come before those of the others now."""

    def run_turn(self, limit: int) -> None:
        """Handle up to `limit` messages."""

    def close(self) -> None:
        """Answer what waits as undeliverable."""


class UnderWay(NamedTuple):
    """A thread that runs an actor."""

    inbox: Runnable
    """Whose turn it runs."""
    sign: object | None
    """Stays the same while the thread gets no further; None: only what the actor is at says it."""
    write_off: Callable[[], None]
    """Have a fresh thread take its place; any number of times."""


class InFlight:
    """Counts messages that were put and are not completely handled yet."""

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._count = 0

    def entered(self) -> None:
        """Count one more."""
        with self._changed:
            self._count += 1

    def left(self, count: int) -> None:
        """Count so many as completely handled."""
        with self._changed:
            self._count -= count
            if self._count == 0:
                self._changed.notify_all()

    def wait_idle(self, timeout: float) -> None:
        """Wait until nothing is in flight; the barrier of tests.

        Raises:
            TimeoutError: something still is after `timeout` seconds; says how many messages.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._count == 0, timeout):
                raise TimeoutError(f"{self._count} messages still in flight after {timeout} s")


class Dispatcher(abc.ABC):
    """Runs the turns of actors; never two turns of one actor at once."""

    loop: asyncio.AbstractEventLoop | None = None
    """The asyncio loop the turns run on, if they do."""
    must_turn = False
    """Nothing on it may block: that it stands still is worth an alarm."""

    def __init__(self, name: str, in_flight: InFlight | None = None) -> None:
        self.name = name
        self.in_flight = in_flight

    def hurry(self) -> None:  # noqa: B027 - most have nothing to hurry
        """Run what is submitted without delay: somebody's decision waits for it."""

    @abc.abstractmethod
    def submit(self, inbox: Runnable) -> None:
        """Have one turn of `inbox` run soon; called only by whoever holds its turn."""

    def promote(self, inbox: Runnable) -> None:  # noqa: B027 - most run turns in their order
        """Run a turn that is submitted already before those of others; nothing if it runs by now."""

    @abc.abstractmethod
    def under_way(self) -> Iterator[UnderWay]:
        """Say what its threads are at, for who looks whether they get further."""

    def write_off(self, inbox: Runnable) -> None:
        """Write off the thread that runs `inbox`, if one does."""
        for each in self.under_way():
            if each.inbox is inbox:
                each.write_off()

    @abc.abstractmethod
    def stop(self, timeout: float = 5.0) -> None:
        """Finish the turns already submitted and end; stop the actors first.

        Raises:
            TimeoutError: a handler still runs after `timeout` seconds.
        """


class _Worker:
    """One thread of a pool."""

    __slots__ = ("inbox", "retired", "thread")

    def __init__(self) -> None:
        self.inbox: Runnable | None = None
        self.retired = False
        self.thread: threading.Thread


class WorkerPool(Dispatcher):
    """A few threads that carry any number of actors; their handlers must not block."""

    def __init__(
        self,
        *,
        workers: int = 2,
        name: str = "pool",
        slice_size: int = SLICE_SIZE,
        blocking: bool = False,
        in_flight: InFlight | None = None,
        gives_way: RightOfWay | None = None,
    ) -> None:
        super().__init__(name, in_flight)
        self._gives_way = gives_way
        self._slice_size = slice_size
        self.must_turn = not blocking
        self._runnable: queue.SimpleQueue[bool] = queue.SimpleQueue()
        """One True for each entry of the two queues, and a False for each worker that is to end."""
        self._ahead: deque[Runnable] = deque()
        self._others: deque[Runnable] = deque()
        self._due: dict[Runnable, None] = {}
        """Whoever has a turn to come: one that was promoted stands in both queues."""
        self._in_a_row = 0
        self._ended = threading.Event()
        self._hiring = threading.Lock()
        self._workers: list[_Worker] = []
        self._hired = 0
        for _ in range(workers):
            self._hire()

    def _hire(self) -> None:
        worker = _Worker()
        # Daemons: an ordered stop is the supervisor's duty, and a crash must not hang the process.
        worker.thread = threading.Thread(
            target=self._work, args=(worker,), name=f"{self.name}-{self._hired}", daemon=True
        )
        self._hired += 1
        self._workers.append(worker)
        worker.thread.start()

    def submit(self, inbox: Runnable) -> None:
        """Queue one turn of `inbox` for whichever worker is free."""
        self._due[inbox] = None
        self._queue(inbox, self._ahead if inbox.ahead else self._others)

    def promote(self, inbox: Runnable) -> None:
        """Let a turn that is still to come stand ahead, too."""
        if inbox in self._due:
            self._queue(inbox, self._ahead)

    def _queue(self, inbox: Runnable, queued: deque[Runnable]) -> None:
        queued.append(inbox)
        self._runnable.put(True)
        if self._ended.is_set():
            self._abandon()

    def _next(self) -> Runnable | None:
        """Return the next inbox, or None if it had its turn; called once for each True that was taken.

        Those ahead go first, but so many of them in a row that the others wait for ever never do.
        """
        if self._gives_way is not None and not self._ahead:
            self._gives_way.give()  # and see then who has come ahead meanwhile
        # Two workers may count at once: then one turn more or less goes ahead.
        self._in_a_row += 1
        order = (self._ahead, self._others)
        if self._in_a_row > _AHEAD_IN_A_ROW:
            order = (self._others, self._ahead)
        while True:
            for runnable in order:
                try:
                    inbox = runnable.popleft()
                except IndexError:
                    continue
                if runnable is self._others:
                    self._in_a_row = 0
                return inbox if self._due.pop(inbox, self) is None else None

    def _work(self, worker: _Worker) -> None:
        if self.must_turn:
            forbid_blocking(f"a worker of pool {self.name!r}")
        while not worker.retired and self._runnable.get():
            self._before_turn()
            worker.inbox = inbox = self._next()
            if inbox is not None:
                inbox.run_turn(self._slice_size)
            worker.inbox = None
            self._after_turn()

    def under_way(self) -> Iterator[UnderWay]:
        """Say which actors its workers run."""
        for worker in tuple(self._workers):
            if (inbox := worker.inbox) is not None:
                yield UnderWay(inbox, None, partial(self._replace, worker))

    def _replace(self, worker: _Worker) -> None:
        with self._hiring:
            if not worker.retired:
                worker.retired = True
                self._workers.remove(worker)
                self._hire()

    def _before_turn(self) -> None:
        """Let a subclass wait; runs on the worker."""

    def _after_turn(self) -> None:
        """Tell a subclass; runs on the worker."""

    def stop(self, timeout: float = 5.0) -> None:
        """Finish the turns already submitted and end the workers.

        Raises:
            TimeoutError: a handler still runs after `timeout` seconds.
        """
        for _ in self._workers:
            self._runnable.put(False)
        for worker in self._workers:
            join(worker.thread, timeout)
        self._ended.set()
        self._abandon()

    def _abandon(self) -> None:
        while True:
            try:
                runnable = self._runnable.get_nowait()
            except queue.Empty:
                return
            if runnable and (inbox := self._next()) is not None:
                inbox.close()


class OwnThread(WorkerPool):
    """One thread for one actor (or a few that may wait for each other's turns); it may block."""

    def __init__(
        self, name: str, in_flight: InFlight | None = None, *, slice_size: int = SLICE_SIZE
    ) -> None:
        super().__init__(
            workers=1, name=name, slice_size=slice_size, blocking=True, in_flight=in_flight
        )


class LingeringThread(OwnThread):
    """An own thread whose turns give way: they wait a moment, unless it is hurried.

    For bookkeeping. A thread that wakes at every message takes the interpreter from the decision that
    caused it; one that waits finds more to do at once, and finds it when the decision is on its way.
    Hurried, a decision waits for it: then it has the right of way, until the end of that turn.
    """

    def __init__(
        self,
        name: str,
        in_flight: InFlight | None = None,
        *,
        linger_s: float,
        slice_size: int = SLICE_SIZE,
        right_of_way: RightOfWay | None = None,
    ) -> None:
        self._linger_s = linger_s
        self._right_of_way = right_of_way
        self._hurried = threading.Event()
        self._waited = 0
        """Turns that were submitted when the last wait ended: one wait is enough for all of them."""
        super().__init__(name, in_flight, slice_size=slice_size)

    def hurry(self) -> None:
        """End the wait before the coming turn."""
        if self._right_of_way is not None:
            self._right_of_way.claim()
        self._hurried.set()

    def stop(self, timeout: float = 5.0) -> None:
        """Finish the turns already submitted, without lingering, and end the thread."""
        self._linger_s = 0.0
        self.hurry()
        super().stop(timeout)

    def _before_turn(self) -> None:
        if self._waited:
            self._waited -= 1
        elif self._linger_s:
            self._hurried.wait(self._linger_s)
            self._waited = self._runnable.qsize()
            # Cleared before the turn, so a message that comes during it hurries the next one.
            self._hurried.clear()

    def _after_turn(self) -> None:
        if self._right_of_way is not None and not self._hurried.is_set():
            self._right_of_way.release()


def join(thread: threading.Thread, timeout: float) -> None:
    """Wait for the end of a thread.

    Raises:
        TimeoutError: it has not ended in time; names it.
    """
    thread.join(timeout)
    if thread.is_alive():
        raise TimeoutError(f"thread {thread.name!r} still runs a handler after {timeout} s")
