"""The HTTP client under the session: its progress, dates, failures in words, and quiet loggers.

aiohttp instead of the SDK's httpx, for it is what a close waits for: a request reaches the broker in half
the time (tests/load/README.md). HTTP/1.1 with kept connections; nothing is redirected, retried (but a
GET) or remembered between requests. Certificates are those that httpx trusts.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.request import getproxies

import aiohttp
import httpx

from actors.gateway.errors import FencedError
from actors.runtime.fence import refuse_fenced

_CONNECTIONS = 200
_KEPT_S = 60.0
_CONNECT_S = 5.0
# What the SDK gives its own client.


type Fence = Callable[[], str]
"""Returns why this process may not act any more, or ""; asked at every command, so it must be quick."""


class Flight:
    """Whether a request has begun to leave: until then it certainly has no effect."""

    def __init__(self, fence: Fence | None = None) -> None:
        self.fence = fence
        """What a command must pass before it leaves; None = it only reads, and changes nothing."""

    begun = False
    token = ""
    """The token it left with."""

    def pass_fence(self) -> None:
        """Go on if it may leave.

        Raises:
            FencedError: it is a command, and this process may not act any more.
        """
        if self.fence and (reason := self.fence()):
            raise FencedError(reason)


def http_client() -> aiohttp.ClientSession:
    """Return a client; every request is to be given its `Flight` as `trace_request_ctx`."""
    tracing = aiohttp.TraceConfig()
    tracing.on_connection_create_end.append(_leaves_at_last)
    tracing.on_connection_reuseconn.append(_leaves)
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            limit=_CONNECTIONS, keepalive_timeout=_KEPT_S, ssl=httpx.create_ssl_context()
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S),
        trace_configs=[tracing],
        # Asking the environment costs at every request, so it is asked only where it has an answer.
        trust_env=bool(getproxies()),
    )


async def _leaves(_client: aiohttp.ClientSession, context: Any, _details: object) -> None:
    """Note that a request has its connection: the next thing that happens is that it is written.

    Here and not before, for a gateway that hung and was replaced may come back anywhere on the way.
    """
    refuse_fenced()
    context.trace_request_ctx.begun = True


async def _leaves_at_last(client: aiohttp.ClientSession, context: Any, details: object) -> None:
    """Do so after a connection had to be made, which may have taken seconds: ask the fence again."""
    context.trace_request_ctx.pass_fence()
    await _leaves(client, context, details)


def date_of(header: str) -> datetime | None:
    """Return the second in which an answer was made; None if it does not say, or not in GMT."""
    try:
        date = parsedate_to_datetime(header)
    except ValueError:
        return None
    return date if date.tzinfo is not None else None


def failure_of(error: aiohttp.ClientError) -> str:
    """Return a failed request in words."""
    return f"{type(error).__name__}: {error}".rstrip(": ")


def silence_libraries() -> None:
    """Keep the SDK from printing JSON to stdout, and the HTTP and hub clients from logging URLs."""
    for name in tuple(logging.root.manager.loggerDict):
        if name.partition(".")[0] == "project_x_py":
            logger = logging.getLogger(name)
            logger.handlers.clear()
            logger.setLevel(logging.CRITICAL + 1)
    for name in ("aiohttp", "websockets"):
        logging.getLogger(name).setLevel(logging.WARNING)
