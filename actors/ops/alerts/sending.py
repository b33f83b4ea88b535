"""Hands one message to one channel, within a time limit; says in words, without secrets, why it failed.

TLS is verified and no redirect is followed: a token goes nowhere but where it was meant to go. An answer
is read only as far as a `retry_after` may stand. apprise is synchronous and may hang: each of its sends
has a daemon thread of its own, and as long as one hangs no other is begun.
"""

import asyncio
import logging
import threading
from typing import Any, Protocol
from urllib.parse import urlsplit, urlunsplit

import httpx
import msgspec

from actors.ops.alerts.formats import head_of, request_of, text_of
from actors.ops.alerts.outbox import Failure
from actors.ops.alerts.settings import ChannelSettings, SwitchSettings, secrets_in, without
from actors.ops.alerts.wording import clean
from config.listening import is_loopback
from messages.alerts import Notice, Severity

_ANSWER = 4096
"""Bytes of an answer that are read."""
_AGAIN = frozenset({408, 425, 429})
"""Refusals that a later try may not meet; those from 500 on are others."""
_FIRST_FAULT = 500


class SendError(Exception):
    """A message was not taken."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.error)
        self.failure = failure


class Sender(Protocol):
    """One channel's way out; used on one loop."""

    async def send(self, notice: Notice) -> None:
        """Send, or raise SendError within the channel's time limit."""

    async def close(self) -> None:
        """Give back what it holds."""


def sender_for(settings: ChannelSettings) -> Sender:
    """Return the way out of a channel."""
    return AppriseSender(settings) if settings.kind == "apprise" else Webhook(settings)


class Poster:
    """Posts to one URL, which it never says."""

    def __init__(self, url: str, timeout_s: float) -> None:
        self._secrets = secrets_in(url)
        self._timeout_s = timeout_s
        self._loopback = is_loopback(urlsplit(url).hostname or "")
        self._client: httpx.AsyncClient | None = None

    async def post(self, url: str, **content: Any) -> None:
        """Post once.

        Raises:
            SendError: it was not taken, or not in time.
        """
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._post(url, content)
        except TimeoutError:
            raise SendError(Failure(f"no answer within {self._timeout_s:g} s")) from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            why = clean(without(f"{type(error).__name__}: {error}".rstrip(": "), self._secrets))
            raise SendError(Failure(why)) from None

    async def _post(self, url: str, content: dict[str, Any]) -> None:
        if self._client is None:
            # Made on the loop it is used on. A proxy is for what lies outside.
            self._client = httpx.AsyncClient(
                timeout=self._timeout_s, follow_redirects=False, trust_env=not self._loopback
            )
        async with self._client.stream("POST", url, **content) as answer:
            if answer.is_success:
                return
            body = b""
            async for part in answer.aiter_bytes():
                body += part
                if len(body) >= _ANSWER:
                    break
            raise SendError(_refusal(answer, body))

    async def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            await self._client.aclose()


class Webhook(Poster):
    """Discord, Slack, Telegram, or anything that takes JSON."""

    def __init__(self, settings: ChannelSettings) -> None:
        super().__init__(settings.url, settings.timeout_s)
        self._settings = settings

    async def send(self, notice: Notice) -> None:
        """Post a notice as this kind of channel wants it."""
        url, body = request_of(self._settings.kind, self._settings.url, notice)
        await self.post(url, json=body)


class Switch(Poster):
    """The dead-man's switch."""

    def __init__(self, settings: SwitchSettings) -> None:
        super().__init__(settings.url, settings.timeout_s)
        self._url = urlsplit(settings.url)

    async def ping(self, sign: str, text: str) -> None:
        """Ping with one of the signs it knows, e.g. `/fail`."""
        url = urlunsplit(self._url._replace(path=self._url.path.rstrip("/") + sign))
        await self.post(url, content=text.encode())


def _refusal(answer: httpx.Response, body: bytes) -> Failure:
    code = answer.status_code
    if answer.is_redirect:
        return Failure(f"HTTP {code}: it redirects, which is not followed", final=True)
    again = code in _AGAIN or code >= _FIRST_FAULT
    return Failure(f"HTTP {code}", retry_after_s=_retry_after_s(answer, body), final=not again)


def _retry_after_s(answer: httpx.Response, body: bytes) -> float | None:
    """Return how long we are to wait: the header, or what Discord and Telegram write into the body."""
    said: list[object] = [answer.headers.get("retry-after")]
    try:
        told = msgspec.json.decode(body)
    except msgspec.DecodeError:
        told = None
    if isinstance(told, dict):
        parameters = told.get("parameters")
        said.append(told.get("retry_after"))
        said.append(parameters.get("retry_after") if isinstance(parameters, dict) else None)
    found = [seconds for each in said if (seconds := _seconds(each)) is not None]
    return max(found, default=None)


def _seconds(said: object) -> float | None:
    """Return a number of seconds; a date, or anything else, is none, and our own back-off counts."""
    try:
        seconds = float(said) if isinstance(said, str | int | float) else None
    except ValueError:
        return None
    return seconds if seconds is not None and 0 <= seconds < float("inf") else None


class AppriseSender:
    """Desktop notes, e-mail, and whatever else apprise can reach."""

    def __init__(self, settings: ChannelSettings) -> None:
        self._settings = settings
        self._hanging: threading.Thread | None = None

    async def send(self, notice: Notice) -> None:
        """Have apprise send on a thread of its own.

        Raises:
            SendError: it says it failed, or says nothing in time.
        """
        if self._hanging is not None and self._hanging.is_alive():
            raise SendError(Failure("apprise hangs in an earlier message"))
        loop = asyncio.get_running_loop()
        done: asyncio.Future[bool] = loop.create_future()

        def run() -> None:
            sent = notify(self._settings.url, notice)
            try:
                loop.call_soon_threadsafe(_settle, done, sent)
            except RuntimeError:
                return  # the loop is closed: nobody waits any more

        self._hanging = threading.Thread(target=run, name="apprise", daemon=True)
        self._hanging.start()
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                sent = await done
        except TimeoutError:
            timeout_s = self._settings.timeout_s
            raise SendError(Failure(f"apprise has not sent within {timeout_s:g} s")) from None
        self._hanging = None
        if not sent:
            raise SendError(Failure("apprise could not send it"))

    async def close(self) -> None:
        """Leave a thread that hangs to itself."""


def _settle(done: "asyncio.Future[bool]", sent: bool) -> None:
    if not done.done():
        done.set_result(sent)


_TYPES = {Severity.INFO: "info", Severity.WARNING: "warning", Severity.CRITICAL: "failure"}


def notify(url: str, notice: Notice) -> bool:
    """Send through apprise, waiting; False if it failed, whatever it raised."""
    import apprise

    silence_apprise()
    title, _, body = text_of(notice).partition("\n")
    try:
        door = apprise.Apprise()
        return door.add(url) and bool(
            door.notify(
                title=title,
                body=body or head_of(notice),
                notify_type=_TYPES[notice.severity],
                body_format=apprise.NotifyFormat.TEXT,
            )
        )
    except Exception:  # noqa: BLE001 - a hundred services' code; it may quote the URL, so it is not told
        return False


def silence_apprise() -> None:
    """Keep apprise and what it posts with from logging URLs."""
    for name in ("apprise", "urllib3", "requests"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
