"""Small matters of the HTTP client under the SDK: progress, dates, failures in words, quiet loggers."""

import logging
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx


class Flight:
    """Whether a request has begun to leave: until then it certainly has no effect."""

    begun = False
    token = ""
    """The token it left with."""

    async def trace(self, event: str, _details: dict[str, Any]) -> None:
        """Take note of the client's progress (httpcore's `trace` extension)."""
        if event.endswith("send_request_headers.started"):
            self.begun = True


def date_of(response: httpx.Response) -> datetime | None:
    """Return the second in which an answer was made; None if it does not say, or not in GMT."""
    try:
        date = parsedate_to_datetime(response.headers.get("Date", ""))
    except ValueError:
        return None
    return date if date.tzinfo is not None else None


def failure_of(error: httpx.HTTPError) -> str:
    """Return a failed request in words."""
    return f"{type(error).__name__}: {error}".rstrip(": ")


def silence_libraries() -> None:
    """Keep the SDK from printing JSON to stdout, and the HTTP and hub clients from logging URLs."""
    for name in tuple(logging.root.manager.loggerDict):
        if name.partition(".")[0] == "project_x_py":
            logger = logging.getLogger(name)
            logger.handlers.clear()
            logger.setLevel(logging.CRITICAL + 1)
    for name in ("httpx", "httpcore", "websockets", "hpack"):
        logging.getLogger(name).setLevel(logging.WARNING)
