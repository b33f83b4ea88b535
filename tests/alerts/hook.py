"""A channel for tests: an HTTP server in this process that keeps what it is told, and may misbehave."""

import json
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

WITHIN_S = 100.0


@dataclass(frozen=True)
class Told:
    """One request."""

    path: str
    body: bytes
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """What is answered; `hang` answers nothing until the server is closed."""

    status: int = 200
    body: bytes = b"ok"
    headers: tuple[tuple[str, str], ...] = ()
    hang: bool = False
    after_s: float = 0.0
    """So long it is thought over."""
    cut: bool = False
    """The connection is closed without an answer."""


OK = Answer()


class Hook:
    """Listens on loopback until it is closed."""

    def __init__(self, certificate: Path | None = None) -> None:
        self._changed = threading.Condition()
        self._told: list[Told] = []
        self._script: list[Answer] = []
        self.usual = OK
        """What is answered when the script is at its end."""
        self._closing = threading.Event()
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                told = Told(self.path, self.rfile.read(length), dict(self.headers))
                hook._answer(self, hook._take(told))

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                """A client that hung up is no news."""

        self._server = Server(("127.0.0.1", 0), Handler)
        scheme = "http"
        if certificate:
            scheme, tls = "https", ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(certificate)
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.url = f"{scheme}://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        self._thread.start()

    def answer(self, *answers: Answer) -> None:
        """Answer the next requests so, one after the other."""
        with self._changed:
            self._script += answers

    def _take(self, told: Told) -> Answer:
        with self._changed:
            self._told.append(told)
            self._changed.notify_all()
            return self._script.pop(0) if self._script else self.usual

    def _answer(self, handler: BaseHTTPRequestHandler, answer: Answer) -> None:
        if answer.hang or answer.after_s:
            self._closing.wait(WITHIN_S if answer.hang else answer.after_s)
        if answer.hang or answer.cut:
            handler.close_connection = True
            return
        with suppress(OSError):
            handler.send_response(answer.status)
            for name, value in answer.headers:
                handler.send_header(name, value)
            handler.send_header("Content-Length", str(len(answer.body)))
            handler.end_headers()
            handler.wfile.write(answer.body)

    # --- what it was told ---

    @property
    def told(self) -> list[Told]:
        """Return every request so far."""
        with self._changed:
            return list(self._told)

    @property
    def notices(self) -> list[dict[str, Any]]:
        """Return the notices of a channel of kind `json`."""
        return [each.json for each in self.told]

    @property
    def titles(self) -> list[str]:
        """Return what they say first."""
        return [each["title"] for each in self.notices]

    def wait(self, count: int) -> list[Told]:
        """Return all requests once there are so many."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._told) >= count, WITHIN_S), self._told
            return list(self._told)

    def close(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
