"""Who may ask the HTTP server what: stands before every route, also before one that is added later.

A request must name this machine as its host (a page whose name was pointed here does not), and one that
could change something must bear the token, come from no other origin, be JSON and be small. Where the
server listens beyond loopback, everything but `/healthz` needs the token. Every answer carries headers
that keep browsers from storing, guessing at or framing it.
"""

import asyncio
import hmac
import ipaddress
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

import structlog
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from config.listening import TOKEN_VARIABLE

JSON = "application/json"
LARGEST_BODY = 64 * 1024
"""Bytes; what is asked for here is a few short fields."""
MOST_FAILURES = 10
"""Wrong tokens that are looked at in a window; after that none is, not even the right one."""
FAILURE_WINDOW_S = 60.0

_READS = frozenset({"GET", "HEAD"})
_OPEN_TO_ALL = frozenset({"/healthz"})
_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}

_log = structlog.get_logger(actor="http")


class Refusal(NamedTuple):
    """Why a request gets no further."""

    status: int
    """HTTP status."""
    complaint: str
    """For who asked; never what was sent."""


class Gatekeeper:
    """The outermost layer of the application; on the server's loop."""

    def __init__(self, app: ASGIApp, *, host: str, token: str | None, remote: bool) -> None:
        self._app = app
        self._host = host
        self._token = token
        self._remote = remote
        self._failures: deque[float] = deque(maxlen=MOST_FAILURES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] != "http":
            raise TypeError(f"only HTTP is spoken here, not {scope['type']}")
        request = Request(scope, receive)
        send = _with_headers(send)
        refused = self._refusal(request)
        if refused is not None:
            await complaints(refused.status, [refused.complaint])(scope, receive, send)
        elif request.method in _READS:
            await self._app(scope, receive, send)
        else:
            await self._pass_on(request, scope, receive, send)

    async def _pass_on(self, request: Request, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await _body_of(request)
        except ClientDisconnect:
            return  # nobody is left to be answered, and nothing was done
        if body is None:
            too_large = [f"the body is larger than {LARGEST_BODY} bytes"]
            await complaints(413, too_large)(scope, receive, send)
        else:
            await self._app(scope, _replay(body, receive), send)

    def _refusal(self, request: Request) -> Refusal | None:
        if not is_ours(_host_of(request.headers.get("host", "")), self._host):
            return Refusal(421, "this is another machine's name; use the address in http.listen")
        changes = request.method not in _READS
        if changes and not _is_of_same_origin(request):
            return Refusal(403, "asked from another origin; nothing can be changed from there")
        if changes or (self._remote and request.scope["path"] not in _OPEN_TO_ALL):
            refused = self._token_refusal(request)
            if refused is not None:
                return refused
        if changes and _type_of(request) != JSON:
            return Refusal(415, f"the content type must be {JSON}")
        return None

    def _token_refusal(self, request: Request) -> Refusal | None:
        """Refuse who does not bear the token; a guesser soon gets no more answers."""
        if not self._token:
            return Refusal(403, f"started without {TOKEN_VARIABLE}: nothing can be changed here")
        wrong = Refusal(403, "the token is not the one the process was started with")
        borne = request.headers.get("authorization")
        if borne is None:
            return wrong
        now = asyncio.get_running_loop().time()
        if len(self._failures) == MOST_FAILURES and now - self._failures[0] < FAILURE_WINDOW_S:
            return Refusal(429, f"too many wrong tokens; wait {FAILURE_WINDOW_S:g} s")
        if hmac.compare_digest(borne.encode("latin-1"), f"Bearer {self._token}".encode()):
            return None
        self._failures.append(now)
        _log.warning("token_refused", path=request.scope["path"][:80], failures=len(self._failures))
        return wrong


def is_ours(host: str, listened: str) -> bool:
    """Tell whether a host in a request is this server.

    Only names can be pointed at another machine, so where every address is listened on, any address
    will do and no name. The port is not looked at: a tunnel has one of its own.
    """
    if host in _LOCAL_NAMES or host == listened:
        return True
    try:
        ipaddress.ip_address(host)
        return ipaddress.ip_address(listened).is_unspecified
    except ValueError:
        return False


def complaints(status: int, said: Iterable[str]) -> Response:
    """Return an answer that says what is wrong."""
    return JSONResponse({"complaints": list(said)}, status_code=status)


def _host_of(header: str) -> str:
    """Return the host of a Host header, without its port and without brackets."""
    if header.startswith("["):
        return header[1:].partition("]")[0].lower()
    return header.partition(":")[0].lower()


def _is_of_same_origin(request: Request) -> bool:
    """Tell whether a request comes from our own page or from no page at all."""
    origin = request.headers.get("origin")
    return origin is None or origin == f"http://{request.headers.get('host', '')}"


def _type_of(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def _body_of(request: Request) -> bytes | None:
    """Return the body, or None as soon as it is too large."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            return None
    return body


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives a body that was read already."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _with_headers(send: Send) -> Send:
    """Return a `send` that adds our headers where an answer does not have its own."""

    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return guarded
