"""The HTTP server alone, on a real socket, with a system behind it that only notes what is done to it."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from actors.locking import LockRefusedError, LockRequest
from actors.ops.http import HttpServer
from actors.ops.web import Dashboard
from messages.queries import ConfigReloaded, SelfLockout, SystemBoard, SystemStatus

TOKEN = "canary-token-4711-0815"
NOW = datetime(2025, 10, 29, 17, tzinfo=UTC)
STATUS = SystemStatus(
    version="0",
    config="0",
    config_version=1,
    at=NOW,
    live=True,
    unrecorded=0,
    accounts=(),
    unanswered=(),
)
PATIENCE_S = 100.0
NOWHERE = Path("no-such-folder/lockstep.db")


class Door:
    """A running server; what was reloaded is in `reloaded`, and `statuses` counts questions."""

    def __init__(self, *, token: str | None = TOKEN, listen: str = "127.0.0.1:0") -> None:
        self.reloaded: list[Path] = []
        self.locked: list[LockRequest] = []
        self.statuses = 0
        self.server = HttpServer(
            listen=listen,
            status=self._status,
            reload=self._reload,
            lock=self._lock,
            metrics=self._metrics,
            dashboard=Dashboard(
                board=self._board, journal=NOWHERE, anchor=NOWHERE, locks=bool(token)
            ),
            token=token,
        )
        self.port = int(self.server.url.rpartition(":")[2])
        self.host = f"127.0.0.1:{self.port}"

    def _status(self) -> SystemStatus:
        self.statuses += 1
        return STATUS

    def _metrics(self) -> bytes:
        return b"up 1\n"

    def _board(self) -> SystemBoard:
        return SystemBoard(status=self._status(), accounts=(), profiles={})

    def _reload(self, path: Path) -> ConfigReloaded:
        self.reloaded.append(path)
        return ConfigReloaded(config="1", config_version=2, accounts=(), unanswered=())

    def _lock(self, asked: LockRequest) -> SelfLockout:
        self.locked.append(asked)
        raise LockRefusedError(["nothing is guarded here"])

    def connect(self) -> socket.socket:
        """Open a connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)

    def say(self, raw: bytes) -> bytes:
        """Send bytes and return all that comes back until the other side hangs up."""
        with self.connect() as line:
            with suppress(OSError):  # if it has hung up, what it said before can still be read
                line.sendall(raw)
            return read_all(line)

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
        """Send one request; return its status and everything that came back."""
        given = {"Host": self.host, "Connection": "close"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        if body:
            given.setdefault("Content-Length", str(len(body)))
        lines = [f"{name}: {value}" for name, value in given.items() if value]
        head = "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""])
        answer = self.say(head.encode("latin-1") + body)
        return int(answer.split(b" ", 2)[1]), answer


def read_all(line: socket.socket) -> bytes:
    """Return what comes until the other side hangs up."""
    found = b""
    try:
        while chunk := line.recv(65536):
            found += chunk
    except ConnectionResetError:
        pass  # hung up with some of ours unread
    return found


@contextmanager
def door(**how) -> Iterator[Door]:
    """Run a server, and stop it afterwards."""
    running = Door(**how)
    running.server.start()
    try:
        yield running
    finally:
        running.server.stop()


def bearer(token: str = TOKEN) -> dict[str, str]:
    """Return the headers of a request that may change something."""
    return {"Authorization": f"Bearer {token}", "Content_Type": "application/json"}
