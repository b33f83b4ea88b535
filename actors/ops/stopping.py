"""When a process ends: told by a signal, or because what all accounts need cannot be kept alive."""

import signal
import threading
from collections.abc import Callable
from typing import Any

from actors.journal import LEASE
from actors.ops import exits


class Stop:
    """Waits for SIGINT or SIGTERM, or for the news that protection has a hole; SIGHUP in between."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._reason = ""
        self._hung_up = False
        self._do_on_hangup: Callable[[], None] = lambda: None
        self.code = 0
        signal.signal(signal.SIGINT, self._on_signal)
        signal.signal(signal.SIGTERM, self._on_signal)

    def _on_signal(self, number: int, _frame: Any) -> None:
        self._reason = signal.Signals(number).name
        self.code = exits.INTERRUPTED if number == signal.SIGINT else 0
        self._event.set()

    def on_hangup(self, do: Callable[[], None]) -> None:
        """Do this on SIGHUP: while waiting, on the waiting thread, not in the handler."""
        self._do_on_hangup = do
        signal.signal(signal.SIGHUP, self._on_sighup)

    def _on_sighup(self, _number: int, _frame: Any) -> None:
        self._hung_up = True
        self._event.set()

    def give_up(self, address: str, error: str) -> None:
        """End the process: what all need cannot be kept alive, or it is another's now."""
        self._reason = error if address == LEASE else f"{address} cannot be kept alive: {error}"
        self.code = exits.LEASE if address == LEASE else exits.SYSTEM
        self._event.set()

    def ended(self, within_s: float) -> bool:
        """Wait at most so long; tell whether to end."""
        if self._event.wait(within_s) and not self._reason:
            self._event.clear()
        return bool(self._reason)

    def wait(self) -> str:
        """Return why it ends."""
        while not self._reason:
            self._event.wait()
            self._event.clear()  # before looking: what comes while looking wakes it again
            if self._hung_up and not self._reason:
                self._hung_up = False
                self._do_on_hangup()
        return self._reason
