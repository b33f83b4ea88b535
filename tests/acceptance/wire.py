"""Everything that goes over the wire while an acceptance run asks its questions: kept, with its times.

The client and the hub connection are the product's own; they are only listened in on.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from websockets.asyncio.client import connect

from actors.gateway import signalr
from actors.gateway.client import BrokerClient
from actors.gateway.connection import Connection
from actors.gateway.errors import DecodeError, GatewayError
from actors.gateway.settings import LoginSettings
from actors.gateway.transport import http_client
from actors.runtime import Clock
from actors.secrets import Secrets

OPEN_S = 10.0


class Log:
    """What was said, in order; written down without secrets."""

    def __init__(self, clock: Clock, secrets: Secrets) -> None:
        self._clock = clock
        self._secrets = secrets
        self._began = clock.monotonic()
        self.entries: list[dict[str, Any]] = []

    def note(self, via: str, direction: str, **what: Any) -> dict[str, Any]:
        """Keep one thing that was said, and return it."""
        entry = {"t_s": round(self._clock.monotonic() - self._began, 6), "via": via}
        self.entries.append(entry | {"direction": direction} | what)
        return self.entries[-1]

    def lines(self) -> list[str]:
        """Return everything as JSON lines in which no secret is left."""
        return [self._secrets.blot(json.dumps(each, default=str)) for each in self.entries]


class _Response:
    """One request of aiohttp on its way; the headers of its answer are noted."""

    def __init__(self, inner: Any, noted: Callable[[Any], None]) -> None:
        self._inner = inner
        self._noted = noted

    async def __aenter__(self) -> Any:
        response = await self._inner.__aenter__()
        self._noted(response)
        return response

    async def __aexit__(self, *error: object) -> Any:
        return await self._inner.__aexit__(*error)


class _Http:
    """The product's HTTP client, listened in on."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.headers: dict[str, str] = {}

    def request(self, method: str, url: str, **how: Any) -> _Response:
        return _Response(self._inner.request(method, url, **how), self._noted)

    def _noted(self, response: Any) -> None:
        self.headers = dict(response.headers)

    async def close(self) -> None:
        await self._inner.close()


class Client(BrokerClient):
    """The product's client; every exchange is kept with its headers and times."""

    def __init__(self, settings: LoginSettings, *, clock: Clock) -> None:
        self.secrets = Secrets(settings.username, settings.api_key)
        self.log = Log(clock, self.secrets)
        super().__init__(
            settings,
            clock=clock,
            alarm=lambda code, text: (
                self.log.note("client", "alarm", code=code, text=text) and None
            ),
            report_time=lambda _earliest, _latest: None,
            fence=lambda: "",
            secrets=self.secrets,
        )

    async def _send(self, method: str, endpoint: str, body: object, flight: Any) -> Any:
        if self._http is None:
            self._http = _Http(http_client())  # type: ignore[assignment]
        sent = self.log.note("rest", "sent", endpoint=endpoint, body=_without_key(body))
        reply = await super()._send(method, endpoint, body, flight)
        self.log.note(
            *("rest", "answered"),
            endpoint=endpoint,
            status=reply.status,
            headers=self._http.headers,
            body=_json(reply.content),
            sent_at_s=sent["t_s"],
        )
        return reply

    @property
    def headers_seen(self) -> dict[str, str]:
        """Return the headers of the last answer."""
        return {} if self._http is None else self._http.headers


def _without_key(body: object) -> object:
    return {**body, "apiKey": "***"} if isinstance(body, dict) and "apiKey" in body else body


def _json(content: bytes) -> object:
    try:
        return json.loads(content)
    except ValueError:
        return content.decode("utf-8", "backslashreplace")[:2000]


class _Socket:
    """A websocket, listened in on; pings of SignalR are seen here alone."""

    def __init__(self, inner: Any, heard: Callable[[str, str], None]) -> None:
        self._inner = inner
        self._heard = heard

    async def send(self, frame: str) -> None:
        self._heard("sent", frame)
        await self._inner.send(frame)

    async def recv(self, decode: bool | None = None) -> Any:
        frame = await self._inner.recv(decode=decode)
        self._heard("received", frame.decode() if isinstance(frame, bytes) else frame)
        return frame

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class Ears:
    """One hub connection of the product, everything on it kept in order and waited for."""

    def __init__(self, name: str, url: str, client: Client) -> None:
        self._name = name
        self._url = "ws" + url.removeprefix("http")
        self._client = client
        self._changed = asyncio.Event()
        self._listening: asyncio.Task[None] | None = None
        self.heard: list[tuple[float, str, Any]] = []
        """When, the target as the hub spells it, and its arguments."""
        self.pings: list[float] = []
        """When the hub said that it is there."""
        self.ended = ""
        """Why the connection ended; empty = it has not."""

    async def open(self, **query: str) -> "Ears":
        """Connect, agree on the protocol, and listen from now on."""
        token = await self._client.token()
        parameters = "".join(f"&{key}={quote(value)}" for key, value in query.items())
        url = f"{self._url}?access_token={quote(token)}{parameters}"
        self._client.log.note(self._name, "connecting", query=sorted(query))
        socket = await connect(url, compression=None, open_timeout=OPEN_S)
        self._connection = Connection(_Socket(socket, self._note), self)  # type: ignore[arg-type]
        await self._connection._shake_hands()
        self._listening = asyncio.create_task(self._listen())
        return self

    async def invoke(self, method: str, *arguments: object) -> None:
        """Call a hub method and wait until it is acknowledged."""
        await self._connection.invoke((method, arguments))

    async def wait(self, found: Callable[[], Any], within_s: float) -> Any:
        """Return what `found` finds as soon as it finds something; None when the time is up."""
        try:
            async with asyncio.timeout(within_s):
                while not (value := found()) and not self.ended:
                    self._changed.clear()
                    await self._changed.wait()
                return value
        except TimeoutError:
            return None

    def of(self, target: str) -> list[Any]:
        """Return the payloads of a target, in order."""
        return [said for _, spelt, said in self.heard if spelt.lower() == target.lower()]

    async def close(self) -> None:
        """Hang up."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
            await self._connection.close()

    # --- what is heard --------------------------------------------------------------------------

    def _note(self, direction: str, frame: str) -> None:
        entry = self._client.log.note(self._name, direction, frame=frame)
        if direction == "received":
            for text in filter(None, frame.split("\x1e")):
                self._hear(entry["t_s"], text)
            self._changed.set()

    def _hear(self, at_s: float, text: str) -> None:
        record = _json(text.encode())
        if isinstance(record, dict) and record.get("type") == signalr.PING:
            self.pings.append(at_s)
        elif isinstance(record, dict) and record.get("type") == signalr.INVOCATION:
            self.heard.append((at_s, str(record.get("target")), record.get("arguments")))

    async def _listen(self) -> None:
        try:
            await self._connection.listen(3600)
        except (GatewayError, OSError) as error:
            self.ended = str(error) or type(error).__name__
        except Exception as error:  # noqa: BLE001 - however it ended, it is told
            self.ended = f"{type(error).__name__}: {error}"
        self._changed.set()

    def usual(self, raw: bytes) -> bool:  # noqa: ARG002
        """Take no record by the short way: what is heard is kept as it came."""
        return False

    def record(self, target: str, arguments: object, raw: bytes) -> None:
        """Hear what is kept already."""

    def malformed(self, raw: bytes, error: DecodeError) -> None:
        """Hear what is kept already."""
