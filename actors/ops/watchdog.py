"""The watchdog: a process of its own that starts the guard, listens to its pulse, and starts it again.

`main.py watchdog` runs it. It knows nothing of brokers and accounts: it starts `main.py run`, hears
READY, heartbeats and STOPPING from it (`notify.py`), and its end. A guard that falls silent is told to
end, then killed, and started again, which frees the lease for whoever is first, its successor or a
stand-by. Signals are passed on. Dying itself it harms nobody: the guard goes on, unwatched, and says so.
"""

import signal
from collections.abc import Callable, Mapping, Sequence

import structlog

from actors.ops import exits
from actors.ops.exits import Again
from actors.ops.guard import Guard, Limits
from actors.ops.notify import BEAT, JOURNAL, READY, STOPPING, Notifier
from actors.ops.signals import HARMLESS, Signals
from actors.runtime import Clock

_LONGEST_BACK_OFF_S = 60.0
_LONG_LIFE_S = 60.0
_SIGNALLED = 128

_log = structlog.get_logger(actor="watchdog")


class BackOff:
    """How long to wait before the next start: not at all at first, then longer and longer."""

    def __init__(self) -> None:
        self._next_s = 0.0

    def after(self, ready_for_s: float) -> float:
        """Return the wait after a life that guarded for so long."""
        if ready_for_s >= _LONG_LIFE_S:
            self._next_s = 0.0
        wait_s, self._next_s = self._next_s, min(max(1.0, 2 * self._next_s), _LONGEST_BACK_OFF_S)
        return wait_s


class Watchdog:
    """Keeps one guard running until it is told to end, or starting it again cannot help."""

    def __init__(
        self,
        command: Callable[[bool], Sequence[str]],
        *,
        environment: Mapping[str, str],
        restarted_variable: str,
        clock: Clock,
        limits: Limits,
    ) -> None:
        self._command = command
        self._environment = environment
        self._variable = restarted_variable
        self._clock = clock
        self._limits = limits
        self._above = Notifier(environment)
        self._has_guarded = False
        self._journal = ""
        self._stands_by = False
        self._told_to_end: int | None = None
        self._reload = False

    def run(self) -> int:
        """Watch until the end; return the exit code."""
        back_off, because = BackOff(), ""
        with Signals() as signals:
            while True:
                if (guard := self._start(because)) is None:
                    wait_s = back_off.after(0.0)
                else:
                    self._watch(guard, signals)
                    code = guard.process.returncode
                    self._above.tell(f"STATUS=the guard has ended: {code}")
                    if (verdict := self._verdict(guard)) is not None:
                        self._above.tell(STOPPING)
                        return verdict
                    because = guard.stalled or _told(code)
                    wait_s = back_off.after(guard.guarded_for_s())
                _log.critical("guard_is_restarted", because=because, in_s=wait_s)
                if self._pause(wait_s, signals):
                    return exits.INTERRUPTED if self._told_to_end == signal.SIGINT else 0

    def _start(self, because: str) -> Guard | None:
        """Start the next life, told why the one before ended; None if the system refuses it for now."""
        told = {self._variable: because, JOURNAL: self._journal}
        environment = {**self._environment} | {key: each for key, each in told.items() if each}
        try:
            guard = Guard(self._command(self._stands_by), environment, self._limits, self._clock)
        except OSError as error:
            # Memory, processes, descriptors or room on a disk come back: a watchdog that ended would not.
            _log.critical("guard_not_started", error=str(error))
            self._above.tell(f"STATUS=the guard cannot be started: {error}")
            return None
        _log.info("guard_started", pid=guard.process.pid, as_stand_by=self._stands_by)
        return guard

    def _watch(self, guard: Guard, signals: Signals) -> None:
        while guard.process.poll() is None:
            signals.wait(min(guard.left_s(), self._every_s()), guard.socket)
            self._hear(guard)
            for number in signals.take():
                self._pass_on(guard, number)
            if guard.left_s() <= 0:
                guard.overdue()
            self._above.tell(BEAT)
        guard.hear()
        guard.bury()
        self._has_guarded |= guard.ready_at is not None
        self._journal = guard.journal or self._journal

    def _hear(self, guard: Guard) -> None:
        if READY not in guard.hear():
            return
        self._stands_by = False
        _log.info("guard_ready", pid=guard.process.pid)
        self._above.tell(READY, "STATUS=guarding")
        if self._reload:
            self._pass_on(guard, signal.SIGHUP)

    def _pass_on(self, guard: Guard, number: int) -> None:
        if number in HARMLESS:
            # Before it is ready it has no ear for it, and would die of it.
            deaf = guard.ready_at is None
            if number == signal.SIGHUP:
                self._reload = deaf
            if deaf:
                return
        else:
            self._told_to_end = number
            self._above.tell(STOPPING)
        guard.pass_on(number)

    def _verdict(self, guard: Guard) -> int | None:
        """Return the code to end with, or None if the guard is to be started again."""
        code = guard.process.returncode
        ending = exits.ending_of(code)
        if self._told_to_end is not None:
            return code if code >= 0 else _SIGNALLED - code
        if guard.stalled:
            return None
        if ending.again is Again.YES:
            return None
        if ending.again is Again.AS_STAND_BY and self._has_guarded:
            self._stands_by = True
            return None
        say = _log.info if code == 0 else _log.critical
        say("guard_not_restarted", code=code, meaning=ending.meaning, why=ending.why)
        return code

    def _pause(self, wait_s: float, signals: Signals) -> bool:
        """Wait before the next start; True if told to end meanwhile."""
        until = self._clock.monotonic() + wait_s
        while True:
            for number in signals.take():
                if number not in HARMLESS:  # the next start reads the file anyway
                    self._told_to_end = number
                    return True
            if (left_s := until - self._clock.monotonic()) <= 0:
                return False
            signals.wait(min(left_s, self._every_s()))
            self._above.tell(BEAT)

    def _every_s(self) -> float:
        return (self._above.limit_s or 2 * self._limits.silence_s) / 2


def _told(code: int) -> str:
    ending = exits.ending_of(code)
    return ending.meaning if code < 0 else f"exit {code}, {ending.meaning}"
