"""One hub that is always being kept up: the user hub or the market hub of a login.

Run by a GatewayActor as a task on its loop. It fetches a fresh token per attempt, keeps a desired set
of topics subscribed and has each of them acknowledged, counts the connections (generations), and comes
back after every loss: 0.1 s after a healthy connection, more and more slowly after a bad one. What it
hears it hands to its listener at once and in order; it decides nothing about it.

It never negotiates (the broker's own samples do not), never replays and never gives up.
"""

import asyncio
from collections.abc import Awaitable, Coroutine, Iterable
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple, Protocol
from urllib.parse import quote

from websockets.exceptions import InvalidStatus, WebSocketException

from actors.gateway.backoff import Backoff
from actors.gateway.connection import (
    Call,
    Connection,
    LoggedOutError,
    RecordListener,
    reason_of,
)
from actors.gateway.errors import GatewayError, HubError, SubscriptionRefusedError, first_error

_PING_EVERY_S = 15.0
_LOGOUT_PAUSE_S = 2.0
# After a session conflict: at 0.1 s we would throw the trader's own platform out again and again.
_TOKEN_REFUSED = (401, 403)


class Topic(NamedTuple):
    """Something that can be subscribed, e.g. one account or one contract's quotes."""

    name: str
    """Unique within the hub."""
    calls: tuple[Call, ...]
    """The hub methods that subscribe it, all of which must be acknowledged."""


class TokenSource(Protocol):
    """Where a hub gets its token: the session."""

    def token(self) -> Awaitable[str]:
        """Return a token that is valid as far as we know."""

    def renew(self, stale: str) -> Awaitable[None]:
        """Replace a token that was refused."""


class HubListener(RecordListener, Protocol):
    """Who hears how a hub fares; called on the loop, must not block."""

    def topic_up(self, topic: str, generation: int) -> None:
        """Hear that a topic is subscribed and acknowledged on this connection."""

    def topic_left(self, topic: str) -> None:
        """Hear that the broker knows that a topic is not wanted: what comes now is of a new wish."""

    def topic_refused(self, topic: str, generation: int, reason: str) -> None:
        """Hear that the hub refused a topic; it is tried again within 15 s."""

    def hub_down(self, generation: int, reason: str) -> None:
        """Hear that a connection was lost or an attempt failed; generation 0 = none yet."""

    def logged_out(self) -> None:
        """Hear that the broker ended the session; `hub_down` follows."""


class Hub:
    """A hub connection with a desired set of topics."""

    def __init__(
        self,
        *,
        url: str,
        tokens: TokenSource,
        listener: HubListener,
        backoff: Backoff,
        silence_s: float,
        first_calls: tuple[Call, ...] = (),
    ) -> None:
        self._url = "ws" + url.removeprefix("http") + "?access_token="
        self._tokens = tokens
        self._listener = listener
        self._backoff = backoff
        self._silence_s = silence_s
        self._first_calls = first_calls
        self._desired: dict[str, Topic] = {}
        self._active: dict[str, Topic] = {}
        self._under_way: set[str] = set()
        """What is being subscribed and not acknowledged yet."""
        self._renewed: set[str] = set()
        """What is to be subscribed once more."""
        self._changed = asyncio.Event()
        self._up_since: float | None = None
        self.generation = 0
        """Counts the connections that came up, from 1."""

    def want(self, topics: Iterable[Topic]) -> None:
        """Subscribe exactly these topics from now on."""
        self._desired = {topic.name: topic for topic in topics}
        self._changed.set()

    def renew(self, topic: str, *, afresh: bool = False) -> None:
        """Subscribe a topic once more; `topic_up` follows. One that is not up will be anyway.

        Args:
            topic: Its name.
            afresh: Also if it is being subscribed just now, for what comes with that may have come.
        """
        if afresh if topic in self._under_way else topic in self._active:
            self._renewed.add(topic)
            self._changed.set()

    @property
    def connected(self) -> bool:
        """Say whether a connection is up, whatever is subscribed on it."""
        return self._up_since is not None

    def is_up(self, topic: str) -> bool:
        """Say whether a topic is subscribed and acknowledged on the present connection."""
        unsure = topic in self._renewed or topic in self._under_way
        return topic in self._active and not unsure

    async def run(self) -> None:
        """Keep the hub connected until cancelled."""
        while True:
            at_least = 0.0
            try:
                await self._connect_and_serve()
            except LoggedOutError as error:
                self._listener.logged_out()
                at_least = _LOGOUT_PAUSE_S
                self._end_connection(error)
            except (GatewayError, WebSocketException, OSError) as error:
                self._end_connection(error)
            await asyncio.sleep(self._backoff.next_s(at_least))

    async def _connect_and_serve(self) -> None:
        token = await self._tokens.token()
        try:
            connection = await Connection.open(self._url + quote(token), self._listener)
        except InvalidStatus as error:
            if error.response.status_code in _TOKEN_REFUSED:
                await self._tokens.renew(token)
            raise
        try:
            await self._serve(connection)
        except asyncio.CancelledError:
            await connection.close()
            raise
        finally:
            connection.abort()

    async def _serve(self, connection: Connection) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._keep_subscribed(connection))
                await connection.listen(self._silence_s)
        except BaseExceptionGroup as group:
            raise first_error(group) from None

    async def _keep_subscribed(self, connection: Connection) -> None:
        """Bring the subscriptions to the desired set, and say every 15 s that we are here."""
        for call in self._first_calls:
            await connection.invoke(call)
        self.generation += 1
        self._up_since = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as leaving:
            while True:
                self._changed.clear()
                for name in self._active.keys() - self._desired.keys():
                    # Not waited for: the answer comes behind the very records that are not wanted any
                    # more, and what is wanted instead must not wait as long.
                    leaving.create_task(self._unsubscribe(connection, self._active.pop(name)))
                await self._subscribe_missing(connection)
                try:
                    async with asyncio.timeout(_PING_EVERY_S):
                        await self._changed.wait()
                except TimeoutError:
                    await connection.ping()

    async def _subscribe_missing(self, connection: Connection) -> None:
        missing = [topic for name, topic in self._desired.items() if not self.is_up(name)]
        await _all_of(self._subscribe(connection, topic) for topic in missing)

    async def _subscribe(self, connection: Connection, topic: Topic) -> None:
        self._renewed.discard(topic.name)
        self._under_way.add(topic.name)
        try:
            await _all_of(connection.invoke(call) for call in topic.calls)
        except SubscriptionRefusedError as error:
            self._active.pop(topic.name, None)
            self._listener.topic_refused(topic.name, self.generation, str(error))
            return
        finally:
            self._under_way.discard(topic.name)
        self._active[topic.name] = topic
        self._listener.topic_up(topic.name, self.generation)

    async def _unsubscribe(self, connection: Connection, topic: Topic) -> None:
        """Tell the hub that a topic is not wanted any more; it handles our calls in their order."""
        # Whoever is refused this, or not answered in time, as behind a backlog, may go on being told: it
        # is ignored as what nobody watches. A line that is dead is found by its silence.
        with suppress(HubError):
            for method, arguments in topic.calls:
                left = ("Un" + method[0].lower() + method[1:], arguments)
                await connection.invoke(left, then=partial(self._listener.topic_left, topic.name))

    def _end_connection(self, error: Exception) -> None:
        self._active.clear()
        self._renewed.clear()
        if self._up_since is not None:
            self._backoff.lasted(asyncio.get_running_loop().time() - self._up_since)
            self._up_since = None
        self._listener.hub_down(self.generation, reason_of(error))


async def _all_of(steps: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Do all of it at once, to the end, and then raise the first error, if any."""
    for error in await asyncio.gather(*steps, return_exceptions=True):
        if error is not None:
            raise error
