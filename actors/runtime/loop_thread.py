"""A dispatcher whose turns run on an asyncio loop in a thread of its own.

Handlers must not block it; what they return as awaitables runs on beside others. A loop that answers no
beat hangs, in a handler or in a task: written off, it is left to its thread, a new loop takes over what
was submitted, and the old one ends as soon as it comes back.
"""

import asyncio
import contextvars
import threading
from collections import deque
from collections.abc import Iterator
from functools import partial

import structlog

from actors.runtime.blocking import forbid_blocking
from actors.runtime.dispatcher import (
    SLICE_SIZE,
    Dispatcher,
    InFlight,
    Runnable,
    UnderWay,
    join,
)
from actors.runtime.right_of_way import RightOfWay

_log = structlog.get_logger()


class _Loop:
    """One loop with its thread."""

    def __init__(
        self,
        name: str,
        linger_s: float,
        run: contextvars.Context,
        right_of_way: RightOfWay | None,
    ) -> None:
        self.name = name
        self.loop = asyncio.new_event_loop()
        self.ready: deque[Runnable] = deque()
        self.inboxes: dict[Runnable, None] = {}
        """Whoever lives on it."""
        self.beat: object | None = None
        """Sent and not answered yet."""
        self.stopping = threading.Event()
        self._linger_s = linger_s
        self._right_of_way = right_of_way
        self._wake = threading.Lock()
        self._context = run
        self.thread = threading.Thread(target=self._work, name=name, daemon=True)
        self.thread.start()

    def submit(self, inbox: Runnable) -> bool:
        """Run one turn soon, many with one wake-up; False if the loop is closed."""
        self.inboxes[inbox] = None
        self.ready.append(inbox)
        if self._wake.acquire(blocking=False):
            return self._call_soon()
        return not self.loop.is_closed()

    def _call_soon(self) -> bool:
        try:
            run = self._linger if self._linger_s else self._run_ready
            self.loop.call_soon_threadsafe(run, context=self._context)
        except RuntimeError:  # the loop is closed
            return False
        return True

    def _linger(self) -> None:
        self.loop.call_later(self._linger_s, self._run_ready, context=self._context)

    def _run_ready(self) -> None:
        self._wake.release()
        for _ in range(len(self.ready)):
            try:
                inbox = self.ready.popleft()
            except IndexError:  # it hung meanwhile, and another loop has taken over
                return
            inbox.run_turn(SLICE_SIZE)
        if self._right_of_way is not None and self._right_of_way.claimed:
            # Behind the first step of what those turns began: by then a command is on its way.
            self.loop.call_soon(self._right_of_way.release)

    def ask_beat(self) -> bool:
        """Tell whether a beat is still unanswered; send one if not."""
        if self.beat is None and not self.stopping.is_set():
            self.beat = object()
            self.loop.call_soon_threadsafe(self._beaten)
            return False
        return self.beat is not None

    def _beaten(self) -> None:
        self.beat = None

    def end(self) -> None:
        """Have the loop end as soon as its thread is free."""
        self.stopping.set()
        self.loop.call_soon_threadsafe(self.loop.stop)

    def _work(self) -> None:
        forbid_blocking(f"loop thread {self.name!r}")
        asyncio.set_event_loop(self.loop)
        while not self.stopping.is_set():
            try:
                self.loop.run_forever()
            except (KeyboardInterrupt, SystemExit) as error:
                # asyncio lets these out of run_forever; the task that raised one has it as its result.
                _log.exception("loop_interrupted", loop=self.name, error=repr(error))
        self.loop.run_until_complete(_cancel_all())
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()


class LoopThread(Dispatcher):
    """An asyncio loop in a thread of its own; turns run on the loop and must not block it.

    With `linger_s` turns give way as those of a `LingeringThread` do, and nothing hurries those. Hurried,
    it has the right of way until what its turns began has had its first step.
    """

    loop: asyncio.AbstractEventLoop
    """The loop, running until `stop`; another one after a hang."""
    must_turn = True

    def __init__(
        self,
        name: str,
        in_flight: InFlight | None = None,
        *,
        linger_s: float = 0.0,
        right_of_way: RightOfWay | None = None,
    ) -> None:
        super().__init__(name, in_flight)
        self._linger_s = linger_s
        self._right_of_way = right_of_way
        self._replacing = threading.Lock()
        # Of its own, or every turn would run in the context of whoever happened to tell first.
        self._context = contextvars.copy_context()
        self._runs = self._new()

    def _new(self) -> _Loop:
        new = _Loop(self.name, self._linger_s, self._context.copy(), self._right_of_way)
        self.loop = new.loop
        return new

    def hurry(self) -> None:
        """Take the right of way for the coming turn."""
        if self._right_of_way is not None:
            self._right_of_way.claim()

    def submit(self, inbox: Runnable) -> None:
        """Run one turn of `inbox` in a coming iteration of the loop; many submits share one wake-up."""
        runs = self._runs
        if not runs.submit(inbox):
            self._abandon()
        elif runs is not self._runs:
            self._move(runs)

    def under_way(self) -> Iterator[UnderWay]:
        """Say who lives on the loop, if it has not answered the last beat."""
        runs = self._runs
        if runs.ask_beat():
            for inbox in tuple(runs.inboxes):
                yield UnderWay(inbox, runs.beat, partial(self._replace, runs))

    def _replace(self, runs: _Loop) -> None:
        with self._replacing:
            if runs is not self._runs:
                return
            self._runs = self._new()
        self._move(runs)
        runs.end()

    def _move(self, runs: _Loop) -> None:
        while True:
            try:
                inbox = runs.ready.popleft()
            except IndexError:
                return
            self._runs.submit(inbox)

    def stop(self, timeout: float = 5.0) -> None:
        """Cancel what still runs on the loop, and end it; stop the actors first.

        Raises:
            TimeoutError: a handler or a task still runs after `timeout` seconds.
        """
        if not self._runs.loop.is_closed():
            self._runs.end()
            join(self._runs.thread, timeout)
        self._abandon()

    def _abandon(self) -> None:
        while True:
            try:
                inbox = self._runs.ready.popleft()
            except IndexError:
                return
            inbox.close()


async def _cancel_all() -> None:
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
