"""One login at one broker: the SDK's `ProjectX` with our own rules for tokens, time and requests.

What the SDK keeps doing: it holds the token and speaks `/Auth/validate`. What is replaced, because it
is unsafe or slow for a guard: login and refresh are single-flight, checked, and run on our clock; every
request passes the request budget and is sent once by our HTTP client (`transport`), with no retries, no
60 s sleeps and no other limiter; a 401 is answered by one new login and one resend, for it proves that
nothing was applied. Whether a request has begun to leave is known (`Flight`): "not sent" is a fact, not
a guess. The broker's time that an answer shows is reported.

Lives on the event loop of its GatewayActor. It holds the API key; no text it makes contains it.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import aiohttp
import msgspec
from project_x_py import ProjectX, ProjectXConfig

from actors.gateway import signalr
from actors.gateway.answers import LOGIN, Reply, expiry_of, token_of
from actors.gateway.backoff import Backoff
from actors.gateway.budget import Priority, RequestBudget
from actors.gateway.errors import (
    BrokerUnreachableError,
    DecodeError,
    GatewayError,
    LoginRefusedError,
)
from actors.gateway.lanes import Lanes
from actors.gateway.settings import LoginSettings
from actors.gateway.transport import (
    Fence,
    Flight,
    date_of,
    failure_of,
    http_client,
    silence_libraries,
)
from actors.runtime.clock import Clock
from actors.secrets import Secrets
from messages.values import AlarmCode

_LOGIN_S = 5.0
_QUEUEING = 0.6
# Share of a request's time it may spend in the queue: one that leaves at its last moment wastes its turn.
_USUAL_LIFE = timedelta(hours=24)
# The documented life of a token, for tokens that do not tell.
_REFRESH_AFTER = 0.75
# Share of its life after which a token is replaced: six hours before its end.
_UNAUTHORIZED = 401
_OK = 200
_DATE_STEP = timedelta(seconds=1)
# A `Date` names the second an answer was made in.


class Session(ProjectX):  # type: ignore[misc]  # the SDK is untyped for mypy
    """A `ProjectX` client whose login, clock and requests are ours."""

    session_token: str
    token_expiry: datetime | None
    base_url: str

    def __init__(
        self,
        settings: LoginSettings,
        *,
        clock: Clock,
        alarm: Callable[[AlarmCode, str], None],
        report_time: Callable[[datetime, datetime], None],
        fence: Fence,
        secrets: Secrets | None = None,
    ) -> None:
        config = ProjectXConfig(
            api_url=settings.api_url,
            user_hub_url=settings.user_hub_url,
            market_hub_url=settings.market_hub_url,
        )
        super().__init__(settings.username, settings.api_key, config=config)
        silence_libraries()
        self._clock = clock
        self._alarm = alarm
        self._report_time = report_time
        self._login = settings.name
        self._secrets = secrets or Secrets(settings.username, settings.api_key)
        self._fence = fence
        self._refresh_at: datetime | None = None
        self._renewal: asyncio.Task[None] | None = None
        self._backoff = Backoff(random.Random(settings.name))  # noqa: S311 - jitter, no secret
        self._refusal = ""
        self._refused_until = 0.0
        self._failing = False
        self._http: aiohttp.ClientSession | None = None
        self._lanes = Lanes()
        self.budget = RequestBudget(
            clock=clock, requests=settings.budget_requests, window_s=settings.budget_window_s
        )
        self.last_request_at = clock.monotonic()

    # --- the token ------------------------------------------------------------------------------

    async def authenticate(self) -> None:
        """Log in; once for all who ask at the same time.

        Raises:
            LoginRefusedError: the broker refused us.
            BrokerUnreachableError: it could not be asked.
        """
        await self.renew(self.session_token)

    async def token(self) -> str:
        """Return a token that is valid as far as we know; logs in where there is none."""
        await self._ensure_authenticated()
        return self.session_token

    async def renew(self, stale: str) -> None:
        """Replace a token that the broker refused, unless somebody has done so already."""
        if self.session_token != stale:
            return
        if self._renewal is None:
            self._renewal = asyncio.get_running_loop().create_task(self._log_in())
            self._renewal.add_done_callback(self._renewed)
        # Shielded: the deadline of one who waits must not take the login away from the others.
        await asyncio.shield(self._renewal)

    async def refresh_if_due(self) -> None:
        """Replace the token well before it expires."""
        if self.session_token and self._should_refresh_token():
            await self._refresh_authentication()

    async def _ensure_authenticated(self) -> None:
        expiry = self.token_expiry
        if not self.session_token or (expiry is not None and self._clock.now() >= expiry):
            await self.renew(self.session_token)

    def _should_refresh_token(self) -> bool:
        return self._refresh_at is None or self._clock.now() >= self._refresh_at

    async def _refresh_authentication(self) -> None:
        """Prolong the session without a new login where the broker does that."""
        before = self.session_token
        if await self.validate_session() and self.session_token != before:
            self._adopt(self.session_token)
        else:
            await self.renew(before)

    def _renewed(self, renewal: asyncio.Task[None]) -> None:
        self._renewal = None
        if renewal.cancelled() or (error := renewal.exception()) is None:
            return
        if isinstance(error, GatewayError) and not self._failing:
            self._failing = True
            self._alarm(AlarmCode.LOGIN_FAILED, f"{error}; trying again")

    async def _log_in(self) -> None:
        if self._clock.monotonic() < self._refused_until:
            # A refused key stays refused; asking again at once only gets the user blocked.
            raise LoginRefusedError(self._refusal)
        try:
            self._adopt(await self._fetch_token())
        except LoginRefusedError as error:
            self._refusal = str(error)
            self._refused_until = self._clock.monotonic() + self._backoff.next_s(at_least=1.0)
            raise

    async def _fetch_token(self) -> str:
        self.budget.charge()
        body = {"userName": self.username, "apiKey": self.api_key}
        try:
            async with asyncio.timeout(_LOGIN_S):
                reply = await self._send("POST", LOGIN, body, Flight())
        except TimeoutError:
            raise BrokerUnreachableError(f"{self._place}: no answer in {_LOGIN_S:g} s") from None
        except aiohttp.ClientError as error:
            raise BrokerUnreachableError(f"{self._place}: {failure_of(error)}") from None
        return token_of(reply, place=self._place, blot=self._secrets.blot)

    def _adopt(self, token: str) -> None:
        """Use a token from now on."""
        now = self._clock.now()
        expiry = expiry_of(token)
        # A token that is born expired tells of a wrong clock; the broker's 401 will tell the truth.
        self.token_expiry = expiry if expiry is not None and expiry > now else None
        life = self.token_expiry - now if self.token_expiry is not None else _USUAL_LIFE
        self._refresh_at = now + _REFRESH_AFTER * life
        self.session_token = token
        self._secrets.learn(token)
        self.headers["Authorization"] = f"Bearer {token}"
        self._authenticated = True
        self._failing = False

    # --- requests -------------------------------------------------------------------------------

    async def request(
        self,
        endpoint: str,
        body: object,
        *,
        priority: Priority,
        within_s: float,
        flight: Flight,
        method: str = "POST",
        exposure_usd: Decimal | None = None,
        paid: bool = False,
    ) -> Reply:
        """Send one request when its turn comes; after a 401 log in and send it once more.

        The caller sets the total deadline, `within_s`; a request that would wait for the budget so long
        that too little were left for the exchange itself fails at once. One that is `paid` was let out
        before, with others (`verifying`).

        Raises:
            NoBudgetError: it would have had to wait too long.
            LoginRefusedError: there is no valid token to be had.
            BrokerUnreachableError: likewise.
            FencedError: it is a command, and this process may not act any more.
            aiohttp.ClientError: the transport failed; `flight` tells whether anything had left.
        """
        turn = partial(
            self.budget.take,
            priority,
            within_s=_QUEUEING * within_s,
            exposure_usd=exposure_usd,
        )
        await self._ensure_authenticated()
        async with self._lanes.of(priority):
            if not paid:
                await turn()
            reply = await self._send(method, endpoint, body, flight)
            if reply.status != _UNAUTHORIZED:
                return self._without_secrets(reply)
            flight.begun = False
            await self.renew(flight.token)
            await turn()
            return self._without_secrets(await self._send(method, endpoint, body, flight))

    @asynccontextmanager
    async def verifying(
        self, count: int, *, within_s: float, exposure_usd: Decimal | None
    ) -> AsyncIterator[None]:
        """Let out all reads of a snapshot that verifies an enforcement, or none; then send them paid.

        What it waits for a lane counts: let out too late the reads would be charged for and given up.

        Raises:
            NoBudgetError: they would have had to wait too long.
        """
        now = asyncio.get_running_loop().time
        until = now() + _QUEUEING * within_s
        async with self._lanes.verifying():
            await self.budget.take(
                Priority.URGENT_READ,
                within_s=max(0.0, until - now()),
                exposure_usd=exposure_usd,
                count=count,
            )
            yield

    def _without_secrets(self, reply: Reply) -> Reply:
        """Return an answer that cannot repeat what it was asked with; its texts are quoted later."""
        return reply._replace(content=self._secrets.blot_bytes(reply.content))

    async def _send(self, method: str, endpoint: str, body: object, flight: Flight) -> Reply:
        if self._http is None:
            self._http = http_client()
        flight.pass_fence()
        flight.token = self.session_token
        sent_at = self.last_request_at = self._clock.monotonic()
        async with self._http.request(
            method,
            self.base_url + endpoint,
            data=None if body is None else msgspec.json.encode(body),
            headers=self.headers,
            allow_redirects=False,
            trace_request_ctx=flight,
        ) as response:
            content = await response.read()
        if (date := date_of(response.headers.get("Date", ""))) is not None:
            took = timedelta(seconds=self._clock.monotonic() - sent_at)
            self._report_time(date, date + _DATE_STEP + took)
        return Reply(response.status, content, response.headers.get("Retry-After"))

    async def _make_request(
        self,
        method: str,
        endpoint: str,
        data: dict[str, Any] | None = None,
        *_unused: object,
        **_also_unused: object,
    ) -> Any:
        """Do what the SDK's own methods ask for (we call `validate_session`): one attempt, no login.

        Raises:
            BrokerUnreachableError: there was no answer, or none that is JSON.
        """
        self.budget.charge()
        try:
            async with asyncio.timeout(_LOGIN_S):
                reply = await self._send(method, endpoint, data, Flight())
            if reply.status != _OK:
                raise BrokerUnreachableError(f"{self._place}: {endpoint}: HTTP {reply.status}")
            return signalr.parse(reply.content)
        except (aiohttp.ClientError, TimeoutError, DecodeError) as error:
            raise BrokerUnreachableError(f"{self._place}: {endpoint} failed") from error

    async def close(self) -> None:
        """Close the connections; nothing can be sent afterwards."""
        self.budget.close()
        if self._renewal is not None:
            self._renewal.cancel()
        if self._http is not None:
            await self._http.close()

    @property
    def _place(self) -> str:
        return f"login {self._login!r} at {self.base_url}"
