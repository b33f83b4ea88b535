"""The loopback HTTP server: is it alive, does it protect, how does each account stand.

Started last by the system, on a thread of its own; it only reads. `/healthz` answers while the process
runs, `/readyz` says 200 only if every account is guarded on live data, `/api/status` is `status --json`.
"""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from messages import codec
from messages.queries import SystemStatus
from messages.values import Health, Phase

_JSON = "application/json"


class PortInUseError(RuntimeError):
    """The address to listen on is taken."""


class HttpServer:
    """Serves until `stop`; `start` returns when requests are answered."""

    def __init__(self, *, listen: str, status: Callable[[], SystemStatus]) -> None:
        host, _, port = listen.rpartition(":")
        self._status = status
        self._socket = _bound(host.strip("[]"), int(port), listen)
        self.url = f"http://{host}:{self._socket.getsockname()[1]}"
        """Where it listens."""
        config = uvicorn.Config(
            self._app(), log_config=None, access_log=False, lifespan="off", ws="none"
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, name="http", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Answer what is being asked, then end."""
        self._server.should_exit = True
        if self._thread.ident is not None:
            self._thread.join(timeout=5)
        self._socket.close()

    def _serve(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(self._server.serve(sockets=[self._socket]))

    def _app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/healthz", self._healthz),
                Route("/readyz", self._readyz),
                Route("/api/status", self._api_status),
            ]
        )

    def _healthz(self, _request: Request) -> Response:
        return JSONResponse({"alive": True})

    def _readyz(self, _request: Request) -> Response:
        accounts = self._status().accounts
        not_ready = [
            f"{each.account}: {each.phase}, {each.health}"
            for each in accounts
            if each.phase is Phase.STARTING or each.health is not Health.LIVE
        ]
        ready = bool(accounts) and not not_ready
        return JSONResponse(
            {"ready": ready, "not_ready": not_ready}, status_code=200 if ready else 503
        )

    def _api_status(self, _request: Request) -> Response:
        return Response(codec.to_json(self._status()), media_type=_JSON)


def _bound(host: str, port: int, listen: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise PortInUseError(
            f"cannot listen on {listen}: {error.strerror}; stop the other program or change http.listen"
        ) from None
    return listener
