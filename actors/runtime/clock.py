"""Time: the only module that reads it.

`SystemClock` is the machine's, `OffsetClock` the demo's at a chosen hour, `VirtualClock` that of tests
and replay, where time stands still until somebody moves it. The system wraps whichever it is given into a
`TrustedClock`, so that setting a clock moves nothing that the broker does not confirm.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Protocol

from actors.runtime.trust import Finding, Line, Reading, Sighting, Trust

_COUNTS_SLEEP: int | None = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))
# Linux has a clock of its own that counts a suspended machine's sleep; elsewhere the monotonic one does.
_elapsed_s: Callable[[], float] = (
    time.monotonic if _COUNTS_SLEEP is None else partial(time.clock_gettime, _COUNTS_SLEEP)
)


class Clock(Protocol):
    """Where everybody gets the time from."""

    def now(self) -> datetime:
        """Return the wall time, aware UTC."""

    def monotonic(self) -> float:
        """Return seconds that only ever grow, for durations within one run."""

    def read(self) -> Reading:
        """Return both, of one instant."""


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        """Return the wall time, aware UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return the seconds since the machine was started, its sleep included where it counts that."""
        return _elapsed_s()

    def read(self) -> Reading:
        """Return both, of one instant."""
        return Reading(datetime.now(UTC), _elapsed_s())


class OffsetClock:
    """Time that runs at real speed from a chosen instant on."""

    def __init__(self, start: datetime) -> None:
        self._start = _aware(start)
        self._begun = _elapsed_s()

    def now(self) -> datetime:
        """Return the chosen instant plus the time since then, aware UTC."""
        return self.read().wall

    def monotonic(self) -> float:
        """Return the seconds since the machine was started."""
        return _elapsed_s()

    def read(self) -> Reading:
        """Return both, of one instant."""
        elapsed_s = _elapsed_s()
        return Reading(self._start + timedelta(seconds=elapsed_s - self._begun), elapsed_s)


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

    def read(self) -> Reading:
        """Return both, of one instant."""
        with self._lock:
            return Reading(self._now, self._monotonic)

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


class TrustedClock:
    """The time the whole system goes by: another clock's, believed as far as `Trust` does; thread-safe.

    It never goes back, and it follows no jump that the broker has not confirmed. (While the system
    starts and nothing is built on it, the broker may set it.) It is read several times for each fact, by
    all threads: only who changes what is believed takes the lock.
    """

    def __init__(self, source: Clock) -> None:
        self.source = source
        """The clock that is read."""
        self._lock = threading.Lock()
        self._trust = Trust.begin(source.read())
        self._line: Line | None = self._trust.line
        """None while it is being changed."""

    def now(self) -> datetime:
        """Return the believed wall time, aware UTC."""
        return self.read().wall

    def monotonic(self) -> float:
        """Return the source's seconds that only grow."""
        return self.source.monotonic()

    def read(self) -> Reading:
        """Return both, of one instant."""
        line = self._line
        elapsed_s = self.source.monotonic()
        # Still the same: so what it may be replaced by begins later than the seconds that were read.
        if line is not None and line is self._line:
            return Reading(line.at(elapsed_s), elapsed_s)
        with self._lock:
            elapsed_s = self.source.monotonic()
            return Reading(self._trust.now(elapsed_s), elapsed_s)

    def not_before(self, recorded_at: datetime) -> None:
        """Take note that it is later than the journal's last record."""
        with self._changing() as reading:
            self._trust.not_before(recorded_at, reading)

    def hear(self, sighting: Sighting) -> None:
        """Weigh what the broker's clock showed."""
        with self._changing() as reading:
            self._trust.hear(sighting, reading)

    def settle(self) -> None:
        """End the start: from here on the time only goes on."""
        with self._changing() as reading:
            self._trust.settle(reading)

    def look(self) -> list[Finding]:
        """Look at the source, and return what was found about the time since the last look."""
        with self._changing() as reading:
            self._trust.look(reading)
            found, self._trust.findings = self._trust.findings, []
            return found

    @contextmanager
    def _changing(self) -> Iterator[Reading]:
        with self._lock:
            self._line = None
            yield self.source.read()
            self._line = self._trust.line


def _aware(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError(f"{instant} has no time zone: give an aware time, e.g. with tzinfo=UTC")
    return instant.astimezone(UTC)
