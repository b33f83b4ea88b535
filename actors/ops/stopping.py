"""When a process ends: told by a signal, or because what all accounts need cannot be kept alive."""

import os
import select
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

from actors.journal import LEASE
from actors.ops import exits

_CHUNK = 4096


class Ending(NamedTuple):
    """Why a process ends, and with which exit code."""

    reason: str
    code: int


class Stop:
    """Waits for SIGINT or SIGTERM, or for the news that protection has a hole; SIGHUP in between.

    Made and waited on by the main thread: there signals are handled, between any two of its steps.
    """

    def __init__(self) -> None:
        # A pipe that the system itself writes to when a signal comes. With a lock, an Event or a queue
        # one that comes just before the thread waits is heard only when something else wakes it, perhaps
        # never; and an Event's `set` in a handler waits for a lock that the interrupted thread may hold.
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)
        signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        self._ending: Ending | None = None
        self._hung_up = False
        self._do_on_hangup: Callable[[], None] = lambda: None
        signal.signal(signal.SIGINT, self._on_signal)
        signal.signal(signal.SIGTERM, self._on_signal)

    def _end(self, reason: str, code: int) -> None:
        """End, unless it ends already: what comes later is of the end, or comes too late."""
        self._ending = self._ending or Ending(reason, code)
        self._wake()

    def _wake(self) -> None:
        with suppress(BlockingIOError):  # it is full: whoever waits is awake
            os.write(self._write, b"\0")

    def _sleep(self, within_s: float | None = None) -> None:
        """Wait until woken, by a signal too, or so long."""
        select.select([self._read], [], [], within_s)
        with suppress(BlockingIOError):
            os.read(self._read, _CHUNK)

    def _on_signal(self, number: int, _frame: Any) -> None:
        self._end(signal.Signals(number).name, exits.INTERRUPTED if number == signal.SIGINT else 0)

    def on_hangup(self, do: Callable[[], None]) -> None:
        """Do this on SIGHUP: while waiting, on the waiting thread, not in the handler."""
        self._do_on_hangup = do
        signal.signal(signal.SIGHUP, self._on_sighup)

    def _on_sighup(self, _number: int, _frame: Any) -> None:
        self._hung_up = True
        self._wake()

    def give_up(self, address: str, error: str) -> None:
        """End the process: what all need cannot be kept alive, or it is another's now."""
        if address == LEASE:
            self._end(error, exits.LEASE)
        else:
            self._end(f"{address} cannot be kept alive: {error}", exits.SYSTEM)

    def ended(self, within_s: float) -> bool:
        """Wait at most so long; tell whether to end."""
        if not self._ending:
            self._sleep(within_s)
        return self._ending is not None

    def wait(self) -> Ending:
        """Wait until it ends; return how."""
        while not (ending := self._ending):
            self._sleep()
            if self._hung_up and not self._ending:
                self._hung_up = False
                self._do_on_hangup()
        return ending
