"""One life of the guard as its watchdog sees it: the process, what it tells, and when it must tell again.

Used by `watchdog.py` only. Told nothing in time, a guard is told to end, and then killed.
"""

import socket
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import structlog

from actors.ops.notify import BEAT, FOR_WHOM, JOURNAL, PERIOD, READY, SOCKET, STOPPING
from actors.ops.signals import HARMLESS
from actors.runtime import Clock

_EXTEND = "EXTEND_TIMEOUT_USEC="
_JOURNAL = f"{JOURNAL}="
_OVERSLEPT_S = 1.0
_DATAGRAM = 4096

_log = structlog.get_logger(actor="watchdog")


class Limits(NamedTuple):
    """How patient the watchdog is, in seconds."""

    silence_s: float = 10.0
    """A guard that was ready and is silent for so long has stalled."""
    start_s: float = 120.0
    """A guard that is not ready after so long has stalled."""
    stop_s: float = 30.0
    """A guard that was told to end and has not after so long is killed."""
    grace_s: float = 2.0
    """A stalled guard gets so long between SIGTERM and SIGKILL."""


class Guard:
    """One life of the guard: the process, what it told, and when it must tell the next.

    Making it starts the process; raises OSError, and leaves nothing behind, where that fails.
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], limits: Limits, clock: Clock
    ) -> None:
        self._limits = limits
        self._clock = clock
        tempfile.tempdir = None  # looked for anew: the place of the last life may be full or gone
        with ExitStack() as given:
            folder = tempfile.TemporaryDirectory(prefix="lockstep-", ignore_cleanup_errors=True)
            place = str(Path(given.enter_context(folder)) / "notify")
            self.socket = given.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
            self.socket.bind(place)
            self.socket.setblocking(False)
            told = {SOCKET: place, PERIOD: str(round(limits.silence_s * 1e6))}
            inherited = {key: each for key, each in environment.items() if key != FOR_WHOM}
            self.process = subprocess.Popen(command, env=inherited | told)  # noqa: S603 - our own program
            self._given = given.pop_all()
        self.ready_at: float | None = None
        self.journal = ""
        self.stalled = ""
        self._ending = False
        self._bears_s = limits.start_s
        self._due = clock.monotonic() + limits.start_s

    def left_s(self) -> float:
        """Return how long it may still be silent."""
        return self._due - self._clock.monotonic()

    def hear(self) -> list[str]:
        """Take in what it told, and return that."""
        told: list[str] = []
        while True:
            try:
                told += self.socket.recv(_DATAGRAM).decode(errors="replace").splitlines()
            except BlockingIOError:
                break
        for line in told:
            self._heard(line)
        return told

    def _heard(self, line: str) -> None:
        if self._ending:
            return
        if line == READY:
            self.ready_at = self._clock.monotonic()
            self._grant(self._limits.silence_s)
        elif line.startswith(_JOURNAL):
            self.journal = line.removeprefix(_JOURNAL)
        elif line == BEAT and self.ready_at is not None:
            self._grant(self._limits.silence_s)
        elif line.startswith(_EXTEND) and self.ready_at is None:
            self._grant(self._limits.start_s)
        elif line == STOPPING:
            self._ending = True
            self._grant(self._limits.stop_s)

    def pass_on(self, number: int) -> None:
        """Send it a signal; one that ends it starts the time it has for that."""
        self.process.send_signal(number)
        if number not in HARMLESS and not self._ending:
            self._ending = True
            self._grant(self._limits.stop_s)

    def overdue(self) -> None:
        """Go one step further with one that has told nothing in time: SIGTERM, then SIGKILL."""
        if self.left_s() < -_OVERSLEPT_S:
            # It is this process that did not run, as when the machine slept: no word about the other.
            self._grant(self._bears_s)
        elif self.stalled or self._ending:
            # What it must not survive is done before a word of it: a log may block (nobody reads).
            self.process.kill()
            self.stalled = self.stalled or f"it did not end within {self._bears_s:g} s"
            self._due = float("inf")
            _log.critical("guard_killed", pid=self.process.pid, after_s=self._bears_s)
        else:
            what = "no heartbeat" if self.ready_at is not None else "not ready"
            self.stalled = f"stalled: {what} for {self._bears_s:g} s"
            self._ending = True
            self.process.terminate()
            self._grant(self._limits.grace_s)
            _log.critical("guard_stalled", pid=self.process.pid, why=self.stalled)

    def _grant(self, seconds: float) -> None:
        self._bears_s = seconds
        self._due = self._clock.monotonic() + seconds

    def guarded_for_s(self) -> float:
        """Return how long it has been ready."""
        return 0.0 if self.ready_at is None else self._clock.monotonic() - self.ready_at

    def bury(self) -> None:
        """Give back what it was given."""
        self._given.close()
