"""The loopback HTTP server: is it alive, does it protect, how does each account stand.

Started last by the system, on a thread of its own. `/healthz` answers while the process runs, `/readyz`
says 200 only if every account is guarded on live data and all is on disk, `/api/status` is
`status --json`. The one request that changes something is `POST /api/reload`, for who bears the token
the process was started with.
"""

import asyncio
import contextlib
import hmac
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from actors.reloading import TOKEN_VARIABLE, ReloadRefusedError
from config.errors import ConfigError
from messages import codec
from messages.queries import ConfigReloaded, SystemStatus
from messages.values import Health, Phase

_JSON = "application/json"


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
        token: str | None,
    ) -> None:
        host, _, port = listen.rpartition(":")
        self._status = status
        self._reload = reload
        self._token = token
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
                Route("/api/reload", self._api_reload, methods=["POST"]),
            ]
        )

    def _healthz(self, _request: Request) -> Response:
        return JSONResponse({"alive": True})

    def _readyz(self, _request: Request) -> Response:
        status = self._status()
        not_ready = [
            f"{each.account}: {each.phase}, {each.health}"
            + (f", {each.starting}" if each.starting else "")
            for each in status.accounts
            if each.phase is Phase.STARTING or each.health is not Health.LIVE
        ]
        if status.unrecorded != 0:
            missing = "it does not answer" if status.unrecorded is None else status.unrecorded
            not_ready.append(f"journal: events that are not on disk: {missing}")
        ready = bool(status.accounts) and not not_ready
        return JSONResponse(
            {"ready": ready, "not_ready": not_ready}, status_code=200 if ready else 503
        )

    def _api_status(self, _request: Request) -> Response:
        return Response(codec.to_json(self._status()), media_type=_JSON)

    async def _api_reload(self, request: Request) -> Response:
        if refused := self._refused(request):
            return refused
        try:
            asked = msgspec.json.decode(await request.body(), type=ReloadRequest)
            done = await run_in_threadpool(self._reload, Path(asked.config))
        except msgspec.DecodeError as error:
            return _complaints(400, (f"the body is not what it must be: {error}",))
        except ReloadRefusedError as error:
            return _complaints(409, error.complaints)
        except ConfigError as error:
            return _complaints(400, error.complaints)
        return Response(codec.to_json(done), media_type=_JSON)

    def _refused(self, request: Request) -> Response | None:
        """Refuse to change anything for who does not bear the token, or for a browser's form."""
        if not self._token:
            return _complaints(
                403, (f"started without {TOKEN_VARIABLE}: nothing can be changed here",)
            )
        borne = request.headers.get("authorization", "").encode()
        if not hmac.compare_digest(borne, f"Bearer {self._token}".encode()):
            return _complaints(403, ("the token is not the one the process was started with",))
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _JSON:
            return _complaints(415, (f"the content type must be {_JSON}",))
        return None


def _complaints(status: int, complaints: tuple[str, ...]) -> Response:
    return JSONResponse({"complaints": complaints}, status_code=status)


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
