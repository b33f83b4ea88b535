"""The ClockActor: the owner of all deadlines, and of the question whether the clock is right.

It is told WakeAfter, WakeAt and CancelWake and tells `Woken` through the directory: never early, at once
when late, in order of due time. It loses no deadline to a restart if its factory hands every successor
the same `Deadlines`. The gateways report what the broker's clock shows; what is found about the time is
journaled as an alarm. Every second it looks again, so that a jump, or the end of a sleep, is noticed; and
that its own timer rang late, because the process or its thread had stood still.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

import structlog
from pykka import ActorDeadError

from actors.runtime.actor import PooledActor
from actors.runtime.clock import Clock, TrustedClock, VirtualClock
from actors.runtime.deadlines import Deadline, Deadlines
from actors.runtime.directory import Directory
from actors.runtime.dispatcher import Dispatcher
from actors.runtime.lag import Lag, OnLag
from actors.runtime.trust import Finding, Sighting
from messages.commands import CancelWake, ReportBrokerTime, SettleTime, WakeAfter, WakeAt, Woken
from messages.events import AlarmRaised
from messages.journal import Append
from messages.queries import Ping
from messages.values import AlarmCode

ADDRESS = "clock"
RECHECK_S = 1.0
"""How often the clock is looked at: a jump is noticed within this."""

_log = structlog.get_logger()


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
        late_after_s: float = RECHECK_S,
        on_lag: OnLag = lambda _lag: None,
    ) -> None:
        super().__init__(dispatcher=dispatcher)
        self._trusted = clock if isinstance(clock, TrustedClock) else None
        source = clock.source if isinstance(clock, TrustedClock) else clock
        self._virtual = source if isinstance(source, VirtualClock) else None
        if dispatcher.loop is None and self._virtual is None:
            raise TypeError("a ClockActor with a running clock needs a LoopThread for its timers")
        self._clock = clock
        self._directory = directory
        self._loop = dispatcher.loop
        self._deadlines = Deadlines() if deadlines is None else deadlines
        self._late_after_s = late_after_s
        self._on_lag = on_lag
        self._timer: asyncio.TimerHandle | None = None
        self._unsubscribe: Callable[[], None] | None = None

    def on_start(self) -> None:
        """Listen to a virtual clock, and take up the deadlines of a predecessor."""
        if self._virtual is not None:
            self._unsubscribe = self._virtual.on_change(self._look)
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

    def on_receive(self, message: Any) -> datetime | str | None:
        """Book or cancel a deadline; what is due is told at the end of the turn."""
        match message:
            case WakeAfter():
                due = self._clock.monotonic() + message.after_s
                self._deadlines.after(_deadline(message), due)
            case WakeAt():
                self._deadlines.at(_deadline(message), message.due)
            case CancelWake():
                self._deadlines.cancel(message.to, message.key)
            case ReportBrokerTime() if self._trusted:
                self._trusted.hear(
                    Sighting(message.earliest, message.latest, elapsed_s=message.elapsed_s)
                )
            case SettleTime() if self._trusted:
                self._trusted.settle()
                return self._clock.now()
            case _Look():
                pass
            case Ping():
                return ADDRESS
            case _:
                raise TypeError(f"ClockActor knows no {type(message).__name__}")
        return None

    def on_turn_end(self) -> None:
        """Tell everything that is due, and come back when the next is."""
        found = self._trusted.look() if self._trusted else []
        now = self._clock.now()
        for deadline in self._deadlines.pop_due(self._clock.monotonic(), now):
            woken = Woken(at=now, cause=deadline.cause, key=deadline.key)
            self._directory.tell(deadline.to, woken)
        if found:
            self._directory.tell("journal", _alarms(found, now))
        if self._virtual is None:
            self._arm()

    def _arm(self) -> None:
        if self._loop is None:
            return
        due, timer = self._loop.time() + self._wait(), self._timer
        if timer is not None and not timer.cancelled():
            if self._loop.time() < timer.when() <= due:
                return  # it rings no later than needed, and is set anew then
            timer.cancel()
        self._timer = self._loop.call_at(due, self._ring, self._loop, due)

    def _wait(self) -> float:
        waits = [RECHECK_S]
        if (due := self._deadlines.next_duration()) is not None:
            waits.append(due - self._clock.monotonic())
        if (due := self._deadlines.next_instant()) is not None:
            waits.append(due - self._clock.now().timestamp())
        return max(0.0, min(waits))

    def _ring(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        late_s = loop.time() - due
        if late_s > self._late_after_s:
            text = f"the clock rang {late_s:.1f} s late: this process stood still, or is overloaded"
            late = [Finding(AlarmCode.TURNS_LATE, text)]
            self._directory.tell("journal", _alarms(late, self._clock.now()))
            self._on_lag(Lag(ADDRESS, late_s, began=True, over=True))
        self._look()

    def _look(self) -> None:
        try:
            self.actor_ref.tell(_Look())
        except ActorDeadError:
            _log.debug("clock_moved_after_its_actor_ended")


def _deadline(message: WakeAfter | WakeAt) -> Deadline:
    return Deadline(to=message.to, key=message.key, cause=message.cause)


def _alarms(found: list[Finding], now: datetime) -> Append:
    alarms = tuple(
        AlarmRaised(at=now, cause="clock", account=None, code=each.code, text=each.text)
        for each in found
    )
    return Append(at=now, cause="clock", events=alarms, asker=None, token="")
