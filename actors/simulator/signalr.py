"""One SignalR connection: handshake, records, pings, and an outbox that keeps the order of pushes.

Speaks the JSON protocol v1 (records end with 0x1e) over an aiohttp websocket. The hub decides what an
invocation means; this decides how it is framed. Runs on the simulator's loop.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
from aiohttp import WSMsgType, web

from actors.simulator.wire import RECORD_SEPARATOR, decode, record

PING = record({"type": 6})
HANDSHAKE_ANSWER = "{}" + RECORD_SEPARATOR
CLOSE_WITHIN_S = 0.5

type Row = dict[str, Any]
type Invoke = Callable[["Connection", str, list[Any]], None]


class Outgoing(NamedTuple):
    """A record on its way to a socket."""

    text: str
    on_write: Callable[[], None] | None
    """Called just before it is written."""


class HubError(Exception):
    """What a hub method answers instead of a result; the text goes over the wire."""


class Silence:
    """How mute the hubs are: `silent` sends nothing, not `thawed` does nothing at all."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Be neither silent nor frozen, on whichever loop runs from now on."""
        self.silent = False
        self.thawed = asyncio.Event()
        self.thawed.set()


class Connection:
    """One client of one hub."""

    def __init__(self, request: web.Request, hub: str, user: str, silence: Silence) -> None:
        self.hub = hub
        self.user = user
        self._request = request
        self._silence = silence
        self._socket = web.WebSocketResponse(autoping=False, compress=False, timeout=CLOSE_WITHIN_S)
        self._outbox: asyncio.Queue[Outgoing | None] = asyncio.Queue()
        self._sender: asyncio.Task[None] | None = None

    async def serve(self, invoke: Invoke) -> web.WebSocketResponse:
        """Speak with the client until either side hangs up."""
        await self._socket.prepare(self._request)
        try:
            await self._receive(invoke)
        finally:
            if self._sender is not None:
                self._sender.cancel()
                await asyncio.wait((self._sender,))
        return self._socket

    def send(self, text: str, on_write: Callable[[], None] | None = None) -> None:
        """Put a record on its way; lost while the hubs are silent."""
        if not self._silence.silent:
            self._outbox.put_nowait(Outgoing(text, on_write))

    def hang_up(self) -> None:
        """Close the websocket properly once everything before this is sent."""
        self._outbox.put_nowait(None)

    def abort(self) -> None:
        """Drop the TCP connection without a word."""
        if self._request.transport is not None:
            self._request.transport.abort()

    async def close(self, code: int = 1001, message: bytes = b"going away") -> None:
        """Close the websocket properly."""
        await self._socket.close(code=code, message=message)

    async def _send_outbox(self) -> None:
        with contextlib.suppress(ConnectionError):  # the client is gone; its reader notices
            while (outgoing := await self._outbox.get()) is not None:
                await self._silence.thawed.wait()
                if outgoing.on_write is not None:
                    outgoing.on_write()
                await self._socket.send_str(outgoing.text)
            await self.close()

    async def _receive(self, invoke: Invoke) -> None:
        async for frame in self._socket:
            await self._silence.thawed.wait()
            if frame.type is WSMsgType.PING:
                await self._socket.pong(frame.data)
            if frame.type is not WSMsgType.TEXT:
                continue
            for text in filter(None, frame.data.split(RECORD_SEPARATOR)):
                if self._sender is None:
                    await self._shake_hands(text)
                else:
                    self._handle(text, invoke)

    async def _shake_hands(self, text: str) -> None:
        asked = _row(text)
        if (asked.get("protocol"), asked.get("version")) != ("json", 1):
            refusal = {"error": f"The protocol '{asked.get('protocol')}' is not supported."}
            await self._socket.send_str(record(refusal))
            await self.close(1002, b"handshake")
            return
        await self._socket.send_str(HANDSHAKE_ANSWER)
        # pushes wait in the outbox until the client knows that it is connected
        self._sender = asyncio.create_task(self._send_outbox())

    def _handle(self, text: str, invoke: Invoke) -> None:
        message = _row(text)
        if message.get("type") != 1:
            return  # the client's pings, completions and close messages want no answer
        invocation = message.get("invocationId")
        completion: Row = {"type": 3, "invocationId": invocation}
        try:
            invoke(self, str(message.get("target")), list(message.get("arguments") or []))
        except HubError as error:
            completion["error"] = str(error)
        else:
            completion["result"] = None
        if invocation is not None:
            self.send(record(completion))


def _row(text: str) -> Row:
    try:
        row = decode(text)
    except msgspec.DecodeError:
        return {}
    return row if isinstance(row, dict) else {}
