"""The user hub and the market hub: who is connected, who subscribed what, and what goes to whom.

One websocket can subscribe many accounts. A new connection starts with no subscriptions and nothing is
ever replayed. Faults on pushes interfere here, between the exchange and its subscribers. Runs on the
simulator's loop.
"""

import asyncio
import random
from collections.abc import Iterable
from functools import partial
from itertools import count
from typing import Any

from aiohttp import web

from actors.runtime.clock import Clock
from actors.simulator.exchange import Exchange
from actors.simulator.faults import FaultKind, Faults
from actors.simulator.record import Record
from actors.simulator.sessions import Sessions
from actors.simulator.signalr import PING, Connection, Silence
from actors.simulator.subscriptions import Subscriptions, Topic
from actors.simulator.wire import Push, record

PUSH_FAULTS = frozenset({FaultKind.DROP, FaultKind.DUPLICATE, FaultKind.LATE, FaultKind.REORDER})


class Hubs:
    """Both hubs."""

    def __init__(
        self,
        *,
        exchange: Exchange,
        sessions: Sessions,
        faults: Faults,
        log: Record,
        clock: Clock,
        seed: int,
    ) -> None:
        self.silence = Silence()
        self._exchange = exchange
        self._sessions = sessions
        self._faults = faults
        self._log = log
        self._clock = clock
        self._random = random.Random(seed)  # noqa: S311 - a reproducible shuffle, not a secret
        self._connection_numbers = count(1)
        self._negotiated: set[str] = set()
        self._connections: set[Connection] = set()
        self._subscriptions = Subscriptions(exchange)
        self._shuffling: list[Push] = []

    # --- connecting -----------------------------------------------------------------------------------

    async def negotiate(self, request: web.Request) -> web.Response:
        """Give out a connection id that works once."""
        await self.silence.thawed.wait()
        if self._user(request) is None:
            return web.Response(status=401)
        connection_id = f"sim-{next(self._connection_numbers)}"
        self._negotiated.add(connection_id)
        transport = {"transport": "WebSockets", "transferFormats": ["Text", "Binary"]}
        return web.json_response(
            {
                "negotiateVersion": 0,
                "connectionId": connection_id,
                "availableTransports": [transport],
            }
        )

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """Serve one websocket: 401 for a bad token, 404 for a connection id that is used up."""
        await self.silence.thawed.wait()
        user, hub = self._user(request), request.match_info["hub"]
        entry = self._log.received(user, f"/hubs/{hub}", None, None)
        connection_id = request.query.get("id")
        if user is None or connection_id not in {None, *self._negotiated}:
            status = 401 if user is None else 404
            self._log.update(entry, status=status)
            return web.Response(status=status)
        if fault := self._faults.take({FaultKind.HTTP}, entry.endpoint, None):
            self._log.update(entry, status=fault.status)
            return web.Response(status=fault.status)
        self._log.update(entry, status=101)
        self._negotiated.discard(connection_id or "")
        connection = Connection(request, hub, user, self.silence)
        self._connections.add(connection)
        try:
            return await connection.serve(self._invoke)
        finally:
            self._forget(connection)

    def _user(self, request: web.Request) -> str | None:
        token = request.query.get("access_token") or bearer(request)
        return self._sessions.user_of(token)

    def _forget(self, connection: Connection) -> None:
        self._connections.discard(connection)
        self._subscriptions.forget(connection)

    # --- subscribing ----------------------------------------------------------------------------------

    def _invoke(self, connection: Connection, method: str, arguments: list[Any]) -> None:
        account = next((argument for argument in arguments if isinstance(argument, int)), None)
        endpoint = f"/hubs/{connection.hub}/{method}"
        entry = self._log.received(connection.user, endpoint, account, arguments)
        topic = self._subscriptions.change(connection, method, arguments)
        if method.startswith("Subscribe"):
            self._greet(connection, topic)
        self._log.update(entry, status=200, applied=True)

    def _greet(self, connection: Connection, topic: Topic) -> None:
        """Send the whole quote first, deltas later; a contract nobody quoted yet stays silent."""
        target, subject = topic
        if target != "GatewayQuote":
            return
        listing = self._exchange.market.listing(str(subject))
        if listing.quoted:
            quote = self._exchange.market.quote(str(subject), listing.sides, self._clock.now())
            connection.send(_invocation(target, [subject, quote]))

    # --- publishing -----------------------------------------------------------------------------------

    def publish(self, pushes: Iterable[Push]) -> None:
        """Push events to whoever subscribed them, in order, unless a fault interferes."""
        for push in pushes:
            fault = self._faults.take(PUSH_FAULTS, push.target, push.account)
            match fault.kind if fault else None:
                case FaultKind.DROP:
                    self._log.pushed(push.target, push.account, push.data, 0)
                case FaultKind.DUPLICATE if fault:
                    for _ in range(fault.copies):
                        self._deliver(push)
                case FaultKind.LATE if fault:
                    asyncio.get_running_loop().call_later(fault.seconds, self._deliver, push)
                case FaultKind.REORDER if fault:
                    self._shuffle(push, fault.seconds)
                case _:
                    self._deliver(push)

    def _deliver(self, push: Push) -> None:
        self.send_user(push.target, push.account, {"action": push.action, "data": push.data})

    def _shuffle(self, push: Push, window_s: float) -> None:
        if not self._shuffling:
            asyncio.get_running_loop().call_later(window_s, self.flush)
        self._shuffling.append(push)

    def flush(self) -> None:
        """Send what a reordering window has gathered."""
        gathered, self._shuffling = self._shuffling, []
        self._random.shuffle(gathered)
        for push in gathered:
            self._deliver(push)

    def send_user(self, target: str, account: int | None, payload: Any) -> None:
        """Push a payload as it stands: to an account's subscribers, or to every user connection."""
        if account is None:
            receivers = {connection for connection in self._connections if connection.hub == "user"}
        else:
            receivers = self._subscriptions.of_account(target, account)
        self._send(receivers, target, account, payload, [payload])

    def send_market(self, target: str, contract: str, payload: Any) -> None:
        """Push market data of a contract to its subscribers."""
        receivers = self._subscriptions.of_contract(target, contract)
        if receivers:
            self._send(receivers, target, None, payload, [contract, payload])

    def _send(
        self,
        receivers: set[Connection],
        target: str,
        account: int | None,
        payload: Any,
        args: list[Any],
    ) -> None:
        reached = 0 if self.silence.silent else len(receivers)
        data = payload.get("data", payload) if isinstance(payload, dict) else payload
        pushed = self._log.pushed(target, account, data, reached)
        if receivers:
            text = _invocation(target, args)
            first, *others = receivers
            first.send(text, partial(self._log.written, pushed))
            for connection in others:
                connection.send(text)

    # --- what a server does to its clients ------------------------------------------------------------

    async def ping_forever(self, every_s: float) -> None:
        """Send the server's keepalive to every connection."""
        while True:
            await asyncio.sleep(every_s)
            for connection in self._connections:
                connection.send(PING)

    def log_out(self, username: str | None, reason: str) -> None:
        """Say GatewayLogout and hang up, as on a session conflict; None = every user."""
        for connection in self._of(username):
            self._log.pushed("GatewayLogout", None, reason, 1)
            connection.send(_invocation("GatewayLogout", [reason]))
            self._subscriptions.forget(connection)  # what comes after the end reaches nobody
            connection.hang_up()

    def drop(self, username: str | None, *, abruptly: bool) -> int:
        """Drop connections (None = all) and return how many: by reset, or with a proper close."""
        connections = self._of(username)
        for connection in connections:
            self._subscriptions.forget(connection)
            if abruptly:
                connection.abort()
            else:
                connection.hang_up()
        return len(connections)

    def forget_subject(self, about: int | str) -> None:
        """Forget who subscribed an account or a contract; nobody is told."""
        self._subscriptions.forget_subject(about)

    def _of(self, username: str | None) -> list[Connection]:
        return [
            connection for connection in self._connections if username in {None, connection.user}
        ]

    async def close(self) -> None:
        """Say goodbye to every client."""
        self.silence.thawed.set()
        await asyncio.gather(*(connection.close() for connection in self._connections))


def bearer(request: web.Request) -> str:
    """Return the token of an Authorization header, empty without one."""
    return request.headers.get("Authorization", "").removeprefix("Bearer ")


def _invocation(target: str, arguments: list[Any]) -> str:
    return record({"type": 1, "target": target, "arguments": arguments})
