"""One connection to a SignalR hub, from the handshake to its end. A Hub makes one per attempt.

It speaks records: it calls hub methods and waits for their completion, hands on what the hub calls, and
notices when the hub says nothing at all. Every end is an exception; `reason_of` puts it into words.
"""

import asyncio
import itertools
from collections.abc import Callable
from typing import NamedTuple, Protocol

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from actors.gateway import signalr
from actors.gateway.errors import DecodeError, GatewayError, HubError, SubscriptionRefusedError
from actors.gateway.fields import Fields

_OPEN_S = 5.0
_ANSWER_S = 5.0
# A handshake or an acknowledgement that takes longer means that the connection is no good.
_WEBSOCKET_PING_S = 10.0
_CLOSE_S = 0.5
_LOGOUT_TARGET = "gatewaylogout"

type Call = tuple[str, tuple[object, ...]]


class RecordListener(Protocol):
    """Who hears what a hub says; called on the loop, must not block."""

    def usual(self, raw: bytes) -> bool:
        """Take a record that is exactly as they are all day; False = it is not, and nothing was done."""

    def record(self, target: str, arguments: object, raw: bytes) -> None:
        """Hear that the hub called a method of ours; `target` is in lower case."""

    def malformed(self, raw: bytes, error: DecodeError) -> None:
        """Hear of a record that could not be understood."""


class LoggedOutError(HubError):
    """The broker ended the session, usually because the user is logged in elsewhere."""


class _Answer(NamedTuple):
    """What the hub says to a call of ours, once it does."""

    refusal: asyncio.Future[str | None]
    then: Callable[[], None] | None

    def come(self, error: str | None) -> None:
        self.refusal.set_result(error)
        if error is None and self.then is not None:
            self.then()


class Connection:
    """A hub connection that is open."""

    def __init__(self, socket: ClientConnection, listener: RecordListener) -> None:
        self._socket = socket
        self._listener = listener
        self._buffer = signalr.RecordBuffer()
        self._early: list[bytes] = []
        self._answers: dict[str, _Answer] = {}
        self._numbers = itertools.count(1)

    @classmethod
    async def open(cls, url: str, listener: RecordListener) -> "Connection":
        """Connect and agree on the protocol.

        Raises:
            InvalidStatus, OSError, TimeoutError, HubError: `reason_of` puts them into words.
        """
        socket = await connect(
            url,
            compression=None,
            open_timeout=_OPEN_S,
            ping_interval=_WEBSOCKET_PING_S,
            ping_timeout=_WEBSOCKET_PING_S,
            close_timeout=_CLOSE_S,
        )
        connection = cls(socket, listener)
        try:
            await connection._shake_hands()
        except BaseException:
            connection.abort()
            raise
        return connection

    async def _shake_hands(self) -> None:
        await self._socket.send(signalr.HANDSHAKE)
        try:
            async with asyncio.timeout(_ANSWER_S):
                while not self._early:
                    self._early = self._buffer.feed(await self._socket.recv(decode=False))
        except TimeoutError:
            raise HubError(f"no handshake within {_ANSWER_S:g} s") from None
        answer = Fields(signalr.parse(self._early.pop(0)), "handshake")
        refusal = answer.text_or_none("error")
        if refusal is not None:
            raise HubError(f"handshake refused: {refusal}")

    async def listen(self, silence_s: float) -> None:
        """Hear records until the connection ends or says nothing for so long; never returns."""
        for record in self._early:
            self._hear(record)
        now = asyncio.get_running_loop().time
        try:
            async with asyncio.timeout(silence_s) as silence:
                while True:
                    frame = await self._socket.recv(decode=False)
                    silence.reschedule(now() + silence_s)
                    for record in self._buffer.feed(frame):
                        self._hear(record)
        except TimeoutError:
            raise HubError(f"silent for {silence_s:g} s") from None

    def _hear(self, raw: bytes) -> None:
        if self._listener.usual(raw):
            return
        try:
            self._handle(Fields(signalr.parse(raw), "record"), raw)
        except DecodeError as error:
            self._listener.malformed(raw, error)

    def _handle(self, record: Fields, raw: bytes) -> None:
        match record.get("type"):
            case signalr.INVOCATION:
                target = record.text("target").lower()
                if target == _LOGOUT_TARGET:
                    raise LoggedOutError("logged out by the broker")
                self._listener.record(target, record.get("arguments"), raw)
            case signalr.COMPLETION:
                answer = self._answers.get(record.text("invocationId"))
                if answer is not None and not answer.refusal.done():
                    answer.come(record.text_or_none("error"))
            case signalr.PING:
                pass
            case signalr.CLOSE:
                raise HubError(f"closed by server: {record.text_or_none('error') or 'no error'}")
            case unknown:
                raise DecodeError("type", unknown, "1, 3, 6 or 7")

    async def invoke(self, call: Call, then: Callable[[], None] | None = None) -> None:
        """Call a hub method and wait until the hub says that it is done.

        Args:
            call: The method and its arguments.
            then: Called when it is, before the next record is heard; whoever waits goes on only later.

        Raises:
            SubscriptionRefusedError: the hub answered with an error.
            HubError: it did not answer in time.
        """
        method, arguments = call
        number = str(next(self._numbers))
        answer = self._answers[number] = _Answer(asyncio.get_running_loop().create_future(), then)
        try:
            await self._socket.send(signalr.invocation(number, method, arguments))
            async with asyncio.timeout(_ANSWER_S):
                refusal = await answer.refusal
        except TimeoutError:
            raise HubError(f"no answer to {method} within {_ANSWER_S:g} s") from None
        finally:
            del self._answers[number]
        if refusal is not None:
            raise SubscriptionRefusedError(f"{method}: {refusal}")

    async def ping(self) -> None:
        """Say that we are here (SignalR's own ping)."""
        await self._socket.send(signalr.PING_RECORD)

    async def close(self) -> None:
        """Say goodbye; takes at most half a second."""
        await self._socket.close()

    def abort(self) -> None:
        """End it without waiting for a peer that may be gone."""
        self._socket.transport.abort()


def reason_of(error: Exception) -> str:
    """Return in words why a connection ended; never a URL, which would hold the token."""
    match error:
        case GatewayError():
            words = str(error)
        case InvalidStatus():
            words = f"refused with HTTP {error.response.status_code}"
        case ConnectionClosed():
            words = _closing_of(error)
        case TimeoutError():
            words = f"no connection within {_OPEN_S:g} s"
        case OSError():
            words = f"no connection: {error.strerror or type(error).__name__}"
        case _:
            words = f"websocket error: {type(error).__name__}"
    return words


def _closing_of(error: ConnectionClosed) -> str:
    if error.rcvd is not None:
        return f"closed by server: {error.rcvd.code} {error.rcvd.reason}".rstrip()
    if error.sent is not None:
        return f"no answer to websocket pings ({error.sent.code})"
    return "connection lost"
