"""Claims: one process of a machine guards a login, whatever journal it has.

The lease keeps a second process from one journal; this keeps a second journal from one login. Two that
guard the same accounts would both close what breaches, know nothing of each other's locks, and spend one
budget. A claim is a name in Linux's abstract namespace of Unix sockets: one process has it, it is gone
with that process however it ends, and no file could be deleted or left behind. It is seen by all users
of the machine, but not from another container (a network namespace), machine or system: there nothing
finds out. Who only watches (`run --shadow`) claims nothing and may run beside a guard.
"""

import errno
import socket
import struct
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256

import structlog

from actors.gateway.settings import LoginSettings
from actors.runtime import Clock
from config.errors import ConfigError
from config.loader import Config

_PATIENCE_S = 2.0
"""How long somebody else's claim is waited for: who is just ending may close its files in any order."""
_LOOK_EVERY_S = 0.05
_CREDENTIALS = struct.Struct("3i")
"""What `SO_PEERCRED` answers: process, user, group (unix(7))."""

_log = structlog.get_logger(actor="claims")


class Claims:
    """The logins this process has claimed; they are given up by `close`, or by the process's end."""

    def __init__(self) -> None:
        self._held: list[socket.socket] = []

    def take(self, config: Config, environment: Mapping[str, str], clock: Clock) -> None:
        """Claim every login of a configuration.

        Raises:
            ConfigError: another process guards one of them; all claims are given up.
        """
        if not sys.platform.startswith("linux"):
            _log.info("logins_not_claimed", reason="only Linux has abstract sockets")
            return
        until = clock.monotonic() + _PATIENCE_S
        names = [_name_of(config.login_settings(each, environment)) for each in config.file.logins]
        for name, login in zip(names, config.file.logins, strict=True):
            while not self._claim(name):
                if clock.monotonic() >= until:
                    self.close()
                    raise ConfigError(config.path, [_complaint(login.name, name)])
                threading.Event().wait(_LOOK_EVERY_S)

    def _claim(self, name: bytes) -> bool:
        """Tell whether nobody else has claimed a name; where that cannot be told, it is said and left."""
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(name)
            claim.listen()
        except OSError as error:
            claim.close()
            if error.errno == errno.EADDRINUSE:
                return False
            _log.warning("login_not_claimed", reason=str(error))
            return True
        self._held.append(claim)
        return True

    def close(self) -> None:
        """Let others claim them; any number of times."""
        while self._held:
            self._held.pop().close()


def _name_of(login: LoginSettings) -> bytes:
    """Return the name of a login's claim: the same user at the same broker, whatever it is called here.

    Hashed, for every user of the machine can read it.
    """
    who = f"{login.api_url.lower()}\n{login.username.lower()}"
    return b"\0lockstep/" + sha256(who.encode()).hexdigest().encode()


def _complaint(login: str, name: bytes) -> str:
    return (
        f"logins: {login}: another Lockstep on this machine, {_holder(name)}, guards this user's "
        "accounts with a journal of its own; both would close the same positions, and neither knows the "
        "other's locks; have every login in one configuration only, stop the other one first, or add "
        "--shadow to watch"
    )


def _holder(name: bytes) -> str:
    """Return which process has claimed a name."""
    with socket.socket(socket.AF_UNIX) as asking, suppress(OSError):
        asking.settimeout(_LOOK_EVERY_S)
        asking.connect(name)
        told = asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        return f"process {_CREDENTIALS.unpack(told)[0]}"
    return "an unknown process"
