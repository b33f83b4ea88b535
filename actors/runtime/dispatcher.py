"""Who runs the turns of actors: a pool of workers, a thread of one's own, or an asyncio loop.

A turn is handed in with `submit` exactly when its inbox becomes runnable, so an actor is never in two
hands. `InFlight` counts every message from its put until it is completely handled, over all dispatchers
that share it; tests wait for it to reach zero. Dispatchers are started by being made, hold no actors, and
after `stop` answer whatever is still submitted as dead.
"""

import abc
import asyncio
import contextvars
import queue
import threading
from collections import deque
from typing import Protocol

import structlog

from actors.runtime.blocking import forbid_blocking

SLICE_SIZE = 64
"""Messages per turn: 1 costs a third of the throughput, more lets one busy actor delay the others."""

_log = structlog.get_logger()


class Runnable(Protocol):
    """What a dispatcher runs: an inbox."""

    def run_turn(self, limit: int) -> None:
        """Handle up to `limit` messages."""

    def close(self) -> None:
        """Answer what waits as undeliverable."""


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

    def __init__(self, in_flight: InFlight | None = None) -> None:
        self.in_flight = in_flight

    def hurry(self) -> None:  # noqa: B027 - most have nothing to hurry
        """Run what is submitted without delay; only a `LingeringThread` ever lets it wait."""

    @abc.abstractmethod
    def submit(self, inbox: Runnable) -> None:
        """Have one turn of `inbox` run soon; called only by whoever holds its turn."""

    @abc.abstractmethod
    def stop(self, timeout: float = 5.0) -> None:
        """Finish the turns already submitted and end; stop the actors first.

        Raises:
            TimeoutError: a handler still runs after `timeout` seconds.
        """


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
    ) -> None:
        super().__init__(in_flight)
        self._name = name
        self._slice_size = slice_size
        self._blocking = blocking
        self._runnable: queue.SimpleQueue[Runnable | None] = queue.SimpleQueue()
        self._ended = threading.Event()
        # Daemons: an ordered stop is the supervisor's duty, and a crash must not hang the process.
        self._threads = [
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True)
            for number in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, inbox: Runnable) -> None:
        """Queue one turn of `inbox` for whichever worker is free."""
        self._runnable.put(inbox)
        if self._ended.is_set():
            self._abandon()

    def _work(self) -> None:
        if not self._blocking:
            forbid_blocking(f"a worker of pool {self._name!r}")
        while (inbox := self._runnable.get()) is not None:
            self._before_turn()
            inbox.run_turn(self._slice_size)

    def _before_turn(self) -> None:
        """Let a subclass wait; runs on the worker."""

    def stop(self, timeout: float = 5.0) -> None:
        """Finish the turns already submitted and end the workers.

        Raises:
            TimeoutError: a handler still runs after `timeout` seconds.
        """
        for _ in self._threads:
            self._runnable.put(None)
        for thread in self._threads:
            _join(thread, timeout)
        self._ended.set()
        self._abandon()

    def _abandon(self) -> None:
        while True:
            try:
                inbox = self._runnable.get_nowait()
            except queue.Empty:
                return
            if inbox is not None:
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
    """An own thread whose turns give way: each waits a moment, unless it is hurried.

    For bookkeeping. A thread that wakes at every message takes the interpreter from the decision that
    caused it; one that waits finds more to do at once, and finds it when the decision is on its way.
    """

    def __init__(
        self,
        name: str,
        in_flight: InFlight | None = None,
        *,
        linger_s: float,
        slice_size: int = SLICE_SIZE,
    ) -> None:
        self._linger_s = linger_s
        self._hurried = threading.Event()
        super().__init__(name, in_flight, slice_size=slice_size)

    def hurry(self) -> None:
        """End the wait before the coming turn."""
        self._hurried.set()

    def stop(self, timeout: float = 5.0) -> None:
        """Finish the turns already submitted, without lingering, and end the thread."""
        self._linger_s = 0.0
        self.hurry()
        super().stop(timeout)

    def _before_turn(self) -> None:
        if self._linger_s:
            self._hurried.wait(self._linger_s)
            # Cleared before the turn, so a message that comes during it hurries the next one.
            self._hurried.clear()


class LoopThread(Dispatcher):
    """An asyncio loop in a thread of its own; turns run on the loop and must not block it.

    With `linger_s` turns give way as those of a `LingeringThread` do, but nothing hurries them.
    """

    loop: asyncio.AbstractEventLoop
    """The loop, running until `stop`."""

    def __init__(
        self, name: str, in_flight: InFlight | None = None, *, linger_s: float = 0.0
    ) -> None:
        super().__init__(in_flight)
        self._linger_s = linger_s
        self._name = name
        self._ready: deque[Runnable] = deque()
        self._wake = threading.Lock()
        self._stopping = threading.Event()
        # Of its own, or every turn would run in the context of whoever happened to tell first.
        self._context = contextvars.copy_context()
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def submit(self, inbox: Runnable) -> None:
        """Run one turn of `inbox` in a coming iteration of the loop; many submits share one wake-up."""
        self._ready.append(inbox)
        if self._wake.acquire(blocking=False):
            self._call_soon()
        elif self.loop.is_closed():
            self._abandon()

    def _call_soon(self) -> None:
        try:
            run = self._linger if self._linger_s else self._run_ready
            self.loop.call_soon_threadsafe(run, context=self._context)
        except RuntimeError:  # the loop is closed
            self._abandon()

    def _linger(self) -> None:
        self.loop.call_later(self._linger_s, self._run_ready, context=self._context)

    def _run_ready(self) -> None:
        self._wake.release()
        for _ in range(len(self._ready)):
            self._ready.popleft().run_turn(SLICE_SIZE)

    def _work(self) -> None:
        forbid_blocking(f"loop thread {self._name!r}")
        asyncio.set_event_loop(self.loop)
        while not self._stopping.is_set():
            try:
                self.loop.run_forever()
            except (KeyboardInterrupt, SystemExit) as error:
                # asyncio lets these out of run_forever; the task that raised one has it as its result.
                _log.exception("loop_interrupted", loop=self._name, error=repr(error))
        self.loop.run_until_complete(_cancel_all())
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()

    def stop(self, timeout: float = 5.0) -> None:
        """Cancel what still runs on the loop, and end it; stop the actors first.

        Raises:
            TimeoutError: a handler or a task still runs after `timeout` seconds.
        """
        if not self.loop.is_closed():
            self._stopping.set()
            self.loop.call_soon_threadsafe(self.loop.stop)
            _join(self._thread, timeout)
        self._abandon()

    def _abandon(self) -> None:
        while True:
            try:
                inbox = self._ready.popleft()
            except IndexError:
                return
            inbox.close()


async def _cancel_all() -> None:
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _join(thread: threading.Thread, timeout: float) -> None:
    thread.join(timeout)
    if thread.is_alive():
        raise TimeoutError(f"thread {thread.name!r} still runs a handler after {timeout} s")
