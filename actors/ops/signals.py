"""Signals and children's ends, as something a process can wait for beside its sockets.

Used by the watchdog, on the main thread, where signals arrive.
"""

import select
import signal
import socket
from types import TracebackType
from typing import Any, Self

_PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)
HARMLESS = frozenset({signal.SIGHUP, signal.SIGUSR1})
"""Those that end nobody who has an ear for them."""
_CHUNK = 4096


class Signals:
    """Signals and children's ends, as bytes on a socket that can be waited for."""

    def __enter__(self) -> Self:
        self.got: list[int] = []
        self._read, self._write = socket.socketpair()
        self._read.setblocking(False)
        self._write.setblocking(False)
        self._before: dict[int, Any] = {
            each: signal.signal(each, self._on_signal) for each in (*_PASSED_ON, signal.SIGCHLD)
        }
        self._wakeup = signal.set_wakeup_fd(self._write.fileno(), warn_on_full_buffer=False)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        signal.set_wakeup_fd(self._wakeup)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._read.close()
        self._write.close()

    def wait(self, timeout_s: float, *others: socket.socket) -> bool:
        """Wait for a signal or a datagram; False if neither came in time."""
        ready, _, _ = select.select([self._read, *others], [], [], max(0.0, timeout_s))
        if self._read in ready:
            self._read.recv(_CHUNK)
        return bool(ready)

    def take(self) -> list[int]:
        """Return the signals that came since the last time and are to be passed on."""
        got, self.got = self.got, []
        return got

    def _on_signal(self, number: int, _frame: object) -> None:
        if number != signal.SIGCHLD:
            self.got.append(number)
