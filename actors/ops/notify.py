"""How a process tells whoever started it how it goes: systemd's own protocol, sd_notify.

One datagram of `NAME=value` lines to the unix socket that NOTIFY_SOCKET names. systemd listens there
(`Type=notify`, `WatchdogSec=`), and so does `main.py watchdog`. Nobody listening is no error of ours:
telling never raises and never waits.
"""

import os
import socket
from collections.abc import Mapping

READY, STOPPING, BEAT = "READY=1", "STOPPING=1", "WATCHDOG=1"
SOCKET, PERIOD, FOR_WHOM = "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"
"""Environment variables: where to tell, how long silence is borne, and by which process it is due."""
JOURNAL = "LOCKSTEP_JOURNAL"
"""Identity of the journal that is guarded: a guard says it with READY, and its watchdog hands it to the
next life as an environment variable, for that must go on with this journal and never begin a new one."""


class Notifier:
    """The way to whoever watches this process; thread-safe."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        named = environment.get(SOCKET, "")
        self._address = "\0" + named[1:] if named.startswith("@") else named
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self.limit_s = _limit_s(environment) if named else None
        """Seconds of silence after which this process is taken for stalled; None = nobody watches."""

    def tell(self, *lines: str) -> bool:
        """Tell these lines; False if somebody should listen and nobody does any more."""
        if not self._address:
            return True
        try:
            self._socket.sendto("\n".join(lines).encode(), self._address)
        except BlockingIOError:
            return True  # it does not read at the moment; what it has not read says enough
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Tell nothing more."""
        self._socket.close()


def _limit_s(environment: Mapping[str, str]) -> float | None:
    """Return the time within which heartbeats are due; None if they are not, or not from us."""
    if environment.get(FOR_WHOM, str(os.getpid())) != str(os.getpid()):
        return None
    period = environment.get(PERIOD, "")
    return int(period) / 1e6 if period.isdecimal() and int(period) else None
