"""Time: the only module that reads it, and the actor that owns all deadlines.

`SystemClock` runs the product, `OffsetClock` the demo at a chosen hour, `VirtualClock` tests and replay,
where time stands still until somebody moves it. The ClockActor is told WakeAfter, WakeAt and CancelWake
and tells `Woken` through the directory: never early, at once when late, in order of due time. It loses
no deadline to a restart if its factory hands every successor the same `Deadlines`.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import structlog
from pykka import ActorDeadError

from actors.runtime.actor import PooledActor
from actors.runtime.deadlines import Deadline, Deadlines
from actors.runtime.directory import Directory
from actors.runtime.dispatcher import Dispatcher
from messages.commands import CancelWake, WakeAfter, WakeAt, Woken

RECHECK_S = 1.0
"""How often the wall clock is looked at while instants are awaited: a jump is noticed within this."""

_log = structlog.get_logger()


class Clock(Protocol):
    """Where everybody gets the time from."""

    def now(self) -> datetime:
        """Return the wall time, aware UTC."""

    def monotonic(self) -> float:
        """Return seconds that only ever grow, for durations within one run."""


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        """Return the wall time, aware UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return the machine's monotonic seconds."""
        return time.monotonic()


class OffsetClock:
    """Time that runs at real speed from a chosen instant on."""

    def __init__(self, start: datetime) -> None:
        self._start = _aware(start)
        self._begun = time.monotonic()

    def now(self) -> datetime:
        """Return the chosen instant plus the time since then, aware UTC."""
        return self._start + timedelta(seconds=time.monotonic() - self._begun)

    def monotonic(self) -> float:
        """Return the machine's monotonic seconds."""
        return time.monotonic()


class VirtualClock:
    """Time that stands still until it is moved; thread-safe."""

    def __init__(self, start: datetime) -> None:
        self._lock = threading.Lock()
        self._now = _aware(start)
        self._monotonic = 0.0
        self._callbacks: list[Callable[[], None]] = []

    def now(self) -> datetime:
        """Return the wall time it was set to, aware UTC."""
        with self._lock:
            return self._now

    def monotonic(self) -> float:
        """Return the seconds it was advanced by so far."""
        with self._lock:
            return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let so many seconds pass on both clocks.

        Raises:
            ValueError: negative; only the wall clock can go back (`set_wall`).
        """
        if not seconds >= 0:
            raise ValueError(f"time does not pass by {seconds} s: use set_wall to move the wall")
        with self._lock:
            self._now += timedelta(seconds=seconds)
            self._monotonic += seconds
        self._changed()

    def set_wall(self, now: datetime) -> None:
        """Make the wall clock jump, as NTP or an operator would; no monotonic time passes."""
        with self._lock:
            self._now = _aware(now)
        self._changed()

    def on_change(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` after each move, on the mover's thread; return what ends that."""
        with self._lock:
            self._callbacks.append(callback)
        return lambda: self._forget(callback)

    def _forget(self, callback: Callable[[], None]) -> None:
        with self._lock:
            if callback in self._callbacks:
                self._callbacks.remove(callback)

    def _changed(self) -> None:
        with self._lock:
            callbacks = tuple(self._callbacks)
        for callback in callbacks:
            callback()


def _aware(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError(f"{instant} has no time zone: give an aware time, e.g. with tzinfo=UTC")
    return instant.astimezone(UTC)


class _Look:
    """Told by the ClockActor to itself: something may be due."""


class ClockActor(PooledActor):
    """The owner of all deadlines; one per system, on a `LoopThread` unless its clock is virtual."""

    def __init__(
        self,
        *,
        clock: Clock,
        directory: Directory,
        dispatcher: Dispatcher,
        deadlines: Deadlines | None = None,
    ) -> None:
        super().__init__(dispatcher=dispatcher)
        if dispatcher.loop is None and not isinstance(clock, VirtualClock):
            raise TypeError("a ClockActor with a running clock needs a LoopThread for its timers")
        self._clock = clock
        self._directory = directory
        self._loop = dispatcher.loop
        self._deadlines = Deadlines() if deadlines is None else deadlines
        self._timer: asyncio.TimerHandle | None = None
        self._unsubscribe: Callable[[], None] | None = None

    def on_start(self) -> None:
        """Listen to a virtual clock, and take up the deadlines of a predecessor."""
        if isinstance(self._clock, VirtualClock):
            self._unsubscribe = self._clock.on_change(self._look)
        self.on_turn_end()

    def on_stop(self) -> None:
        """End timers and subscriptions."""
        if self._timer is not None:
            self._timer.cancel()
        if self._unsubscribe is not None:
            self._unsubscribe()

    def on_failure(self, *_exc_info: Any) -> None:
        """End timers and subscriptions: the successor makes its own."""
        self.on_stop()

    def on_receive(self, message: Any) -> None:
        """Book or cancel a deadline; what is due is told at the end of the turn."""
        match message:
            case WakeAfter():
                due = self._clock.monotonic() + message.after_s
                self._deadlines.after(_deadline(message), due)
            case WakeAt():
                self._deadlines.at(_deadline(message), message.due)
            case CancelWake():
                self._deadlines.cancel(message.to, message.key)
            case _Look():
                pass
            case _:
                raise TypeError(f"ClockActor knows no {type(message).__name__}")

    def on_turn_end(self) -> None:
        """Tell everything that is due, and come back when the next is."""
        now = self._clock.now()
        for deadline in self._deadlines.pop_due(self._clock.monotonic(), now):
            woken = Woken(at=now, cause=deadline.cause, key=deadline.key)
            self._directory.tell(deadline.to, woken)
        if not isinstance(self._clock, VirtualClock):
            self._arm()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        wait = self._wait()
        self._timer = None
        if wait is not None and self._loop is not None:
            self._timer = self._loop.call_later(wait, self._look)

    def _wait(self) -> float | None:
        waits = []
        if (due := self._deadlines.next_duration()) is not None:
            waits.append(due - self._clock.monotonic())
        if (due := self._deadlines.next_instant()) is not None:
            waits += [due - self._clock.now().timestamp(), RECHECK_S]
        return max(0.0, min(waits)) if waits else None

    def _look(self) -> None:
        try:
            self.actor_ref.tell(_Look())
        except ActorDeadError:
            _log.debug("clock_moved_after_its_actor_ended")


def _deadline(message: WakeAfter | WakeAt) -> Deadline:
    return Deadline(to=message.to, key=message.key, cause=message.cause)
