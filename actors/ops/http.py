"""The loopback HTTP server: is it alive, does it protect, how does each account stand.

Started last by the system, on a thread of its own. `/healthz` answers while the process runs, `/readyz`
says 200 only if nothing is wrong (`protection.py`), `/metrics` is for Prometheus, `/api/status` is
`status --json`. Two requests change something, for who bears the token the process was started with:
`POST /api/reload`, and `POST /api/lock`, which can only lock. Who may ask at all is the gatekeeper's
business; however many ask, the accounts are asked once at a time.
"""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import msgspec
import pykka
import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from actors.locking import LockRefusedError, LockRequest
from actors.ops.connections import BoundedConnection
from actors.ops.gatekeeper import JSON, Gatekeeper, complaints
from actors.ops.protection import holes
from actors.ops.shared_read import SharedRead
from actors.ops.web import Dashboard
from actors.reloading import ReloadRefusedError
from config.errors import ConfigError
from config.listening import is_loopback, parts_of
from messages import codec
from messages.queries import ConfigReloaded, SelfLockout, SystemStatus

METRICS = "text/plain; version=0.0.4; charset=utf-8"
"""The content type of Prometheus' text format."""
_STATUS_ERRORS = (pykka.Timeout, pykka.ActorDeadError)

_log = structlog.get_logger(actor="http")


class PortInUseError(RuntimeError):
    """The address to listen on is taken."""


class ReloadRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of `POST /api/reload`."""

    config: Annotated[str, msgspec.Meta(pattern=r"^[^\x00]+$")]
    """Absolute path of the configuration file, which must be the one the process was started with."""


class HttpServer:
    """Serves until `stop`; `start` returns when requests are answered."""

    def __init__(
        self,
        *,
        listen: str,
        status: Callable[[], SystemStatus],
        reload: Callable[[Path], ConfigReloaded],
        lock: Callable[[LockRequest], SelfLockout],
        metrics: Callable[[], bytes],
        dashboard: Dashboard,
        token: str | None,
    ) -> None:
        host, port = parts_of(listen)
        self._status = SharedRead(status)
        self._figures = SharedRead(metrics)
        self._reload = reload
        self._lock = lock
        self._dashboard = dashboard
        self._socket = _bound(host, port, listen)
        self.url = f"http://{listen.rpartition(':')[0]}:{self._socket.getsockname()[1]}"
        """Where it listens."""
        self.app = Starlette(routes=self._routes())
        """What is served; every way in is one of its routes."""
        self.app.router.redirect_slashes = False  # to nowhere: it would send bodies and tokens on
        guarded = Gatekeeper(self.app, host=host, token=token, remote=not is_loopback(host))
        config = uvicorn.Config(
            guarded,
            http=BoundedConnection,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            ws="none",
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, name="http", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Answer what is being asked, then end."""
        self._server.should_exit = True
        self._dashboard.close()
        if self._thread.ident is not None:
            self._thread.join(timeout=5)
        self._socket.close()

    def _serve(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(self._server.serve(sockets=[self._socket]))

    def _routes(self) -> list[Route]:
        return [
            Route("/healthz", self._healthz),
            Route("/readyz", self._readyz),
            Route("/metrics", self._metrics),
            Route("/api/status", self._api_status),
            Route("/api/reload", self._api_reload, methods=["POST"]),
            Route("/api/lock", self._api_lock, methods=["POST"]),
            *self._dashboard.routes(),
        ]

    async def _healthz(self, _request: Request) -> Response:
        return JSONResponse({"alive": True})

    async def _readyz(self, _request: Request) -> Response:
        try:
            status = await self._status.read()
        except _STATUS_ERRORS as error:
            return _unanswered(error)
        found = holes(status)
        body = {
            "ready": not found,
            "not_ready": [hole.line for hole in found],
            "holes": [hole._asdict() for hole in found],
        }
        return JSONResponse(body, status_code=503 if found else 200)

    async def _metrics(self, _request: Request) -> Response:
        return Response(await self._figures.read(), media_type=METRICS)

    async def _api_status(self, _request: Request) -> Response:
        try:
            status = await self._status.read()
        except _STATUS_ERRORS as error:
            return _unanswered(error)
        return Response(codec.to_json(status), media_type=JSON)

    async def _api_reload(self, request: Request) -> Response:
        try:
            asked = msgspec.json.decode(await request.body(), type=ReloadRequest)
            done = await run_in_threadpool(self._reload, Path(asked.config))
        except (msgspec.DecodeError, RecursionError) as error:
            return complaints(400, [f"the body is not what it must be: {error}"])
        except ReloadRefusedError as error:
            return complaints(409, error.complaints)
        except ConfigError as error:
            return complaints(400, error.complaints)
        return Response(codec.to_json(done), media_type=JSON)

    async def _api_lock(self, request: Request) -> Response:
        try:
            asked = msgspec.json.decode(await request.body(), type=LockRequest)
            done = await run_in_threadpool(self._lock, asked)
        except (msgspec.DecodeError, RecursionError) as error:
            return complaints(400, [f"the body is not what it must be: {error}"])
        except LockRefusedError as error:
            return complaints(400, error.complaints)
        except _STATUS_ERRORS as error:
            _log.error("lock_unanswered", error=repr(error))
            said = (
                "the account was told, but has not answered yet; look at status and at the alarms"
            )
            return complaints(503, [said])
        return Response(codec.to_json(done), media_type=JSON)


def _unanswered(error: Exception) -> Response:
    """Say that an account did not say how it stands: unknown, which is never ready."""
    _log.error("status_unanswered", error=repr(error))
    said = "an account does not say how it stands; look at the log"
    return JSONResponse({"ready": False, "complaints": [said]}, status_code=503)


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
