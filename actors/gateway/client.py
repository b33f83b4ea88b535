"""What the system asks of a broker, for any account of the login. Made and used by a GatewayActor.

Commands: `carry_out` turns a BrokerCommand into exactly one request and one `Outcome`, within the
command's own deadline, queueing and a renewed login included. It raises nothing that the broker or the
network can cause.
Reads: complete or `ReadFailedError`; never an empty list for want of an answer. Every row must belong
to the account that was asked for.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime

import aiohttp

from actors.gateway.answers import Reply, outcome_of, read_of, row_of, rows_of
from actors.gateway.budget import Priority
from actors.gateway.decode import (
    account_record_of,
    contract_of,
    fill_of,
    order_of,
    position_of,
)
from actors.gateway.errors import (
    BrokerUnreachableError,
    DecodeError,
    FencedError,
    LoginRefusedError,
    NoBudgetError,
    ReadFailedError,
)
from actors.gateway.fields import Fields
from actors.gateway.requests import Body, request_of
from actors.gateway.session import Session
from actors.gateway.transport import Flight, failure_of
from messages.commands import BrokerCommand
from messages.values import (
    AccountRecord,
    AlarmCode,
    Contract,
    Fill,
    NotSent,
    Order,
    OrderStatus,
    Outcome,
    Position,
    Uncertain,
)

_WORKING = (
    OrderStatus.OPEN,
    OrderStatus.PENDING,
    OrderStatus.PENDING_CANCELLATION,
    OrderStatus.SUSPENDED,
)
_ACCOUNTS = "/Account/search"
_POSITIONS = "/Position/searchOpen"
_ORDERS = "/Order/v2/query"
_TRADES = "/Trade/search"
_CONTRACT = "/Contract/searchById"
_PAGE = 100
_TOO_MANY_REQUESTS = 429
_HOLD_S = 2.0
# How long ordinary reads rest after a 429 that does not say.
_LONGEST_HOLD_S = 60.0
_ALARM_EVERY_S = 60.0


class BrokerClient(Session):
    """The session, with the operations on it."""

    _alarmed_at: float | None = None

    # --- commands -------------------------------------------------------------------------------

    async def carry_out(self, command: BrokerCommand) -> Outcome:
        """Send a command, and say what became of it within `command.deadline_s` seconds."""
        endpoint, priority, body = request_of(command)
        flight = Flight(self._fence)
        try:
            async with asyncio.timeout(command.deadline_s):
                reply = await self.request(
                    endpoint,
                    body,
                    priority=priority,
                    within_s=command.deadline_s,
                    flight=flight,
                    exposure_usd=command.exposure_usd,
                )
        except NoBudgetError as error:
            self._exhausted(f"{endpoint} for account {command.account}: {error}")
            return NotSent(reason=str(error), retry_after_s=error.retry_after_s)
        except (LoginRefusedError, BrokerUnreachableError, FencedError) as error:
            return NotSent(reason=str(error))
        except aiohttp.ClientError as error:
            return _lost(flight, f"{endpoint}: {failure_of(error)}")
        except TimeoutError:
            return _lost(flight, f"{endpoint}: no answer within {command.deadline_s:g} s")
        if reply.status == _TOO_MANY_REQUESTS:
            self._exhausted(f"{endpoint} for account {command.account}: HTTP 429")
        return outcome_of(endpoint, reply)

    # --- reads ----------------------------------------------------------------------------------

    async def accounts(self, *, within_s: float, only_active: bool = True) -> tuple[Fields, ...]:
        """Return the accounts of the login, undecoded: one bad record must not hide others."""
        body: Body = {"onlyActiveAccounts": only_active}
        answer = await self._read(_ACCOUNTS, body, Priority.READ, within_s)
        return rows_of(_ACCOUNTS, answer, "accounts", _as_it_is)

    async def account_record(
        self, account: int, *, priority: Priority, within_s: float, paid: bool = False
    ) -> AccountRecord:
        """Return one account's record, active or not."""
        body: Body = {"onlyActiveAccounts": False}
        answer = await self._read(_ACCOUNTS, body, priority, within_s, paid=paid)
        for row in rows_of(_ACCOUNTS, answer, "accounts", _as_it_is):
            if row.get("id") == account:
                return row_of(_ACCOUNTS, row.raw, account_record_of)
        raise ReadFailedError(f"account {account} is not among those the broker lists")

    async def positions(
        self, account: int, *, priority: Priority, within_s: float, paid: bool = False
    ) -> tuple[Position, ...]:
        """Return every open position of an account."""
        body: Body = {"accountId": account}
        answer = await self._read(_POSITIONS, body, priority, within_s, paid=paid)
        rows = rows_of(_POSITIONS, answer, "positions", _of(account, position_of))
        return tuple(position for position in rows if position.size)

    async def working_orders(
        self, account: int, *, priority: Priority, within_s: float, paid: bool = False
    ) -> tuple[Order, ...]:
        """Return every order that may still fill, pending and suspended ones too, of all pages.

        Only the first page can be paid.
        """
        orders: dict[int, Order] = {}
        while True:
            body: Body = {
                "filter": {"accountId": account, "statuses": list(_WORKING)},
                "pageSize": _PAGE,
                "pageOffset": len(orders),
                "includeTotalCount": True,
            }
            first = paid and not orders
            answer = await self._read(_ORDERS, body, priority, within_s, paid=first)
            page = rows_of(_ORDERS, answer, "orders", _of(account, order_of))
            known = len(orders)
            orders |= {order.order_id: order for order in page}
            total = answer.get("totalCount")
            if len(orders) == total or (total is None and not page):
                return tuple(orders.values())
            if len(orders) == known:
                raise ReadFailedError(f"{_ORDERS}: {known} orders read, {total} announced")

    async def fills(
        self,
        account: int,
        since: datetime,
        *,
        priority: Priority,
        within_s: float,
        paid: bool = False,
    ) -> tuple[Fill, ...]:
        """Return every fill of an account since an instant."""
        body: Body = {"accountId": account, "startTimestamp": since.isoformat()}
        answer = await self._read(_TRADES, body, priority, within_s, paid=paid)
        return rows_of(_TRADES, answer, "trades", _of(account, fill_of))

    async def contract(self, contract: str, *, within_s: float) -> Contract:
        """Return the broker's record of a contract."""
        body: Body = {"contractId": contract}
        answer = await self._read(_CONTRACT, body, Priority.READ, within_s)
        record = row_of(_CONTRACT, answer.get("contract"), contract_of)
        if record.contract != contract:
            raise ReadFailedError(f"{_CONTRACT}: asked for {contract}, got {record.contract}")
        return record

    async def keep_warm(self, *, within_s: float) -> None:
        """Use the connection, so that the next command need not open one."""
        await self._exchange("/Status/ping", None, Priority.KEEP_WARM, within_s, method="GET")

    async def _read(
        self,
        endpoint: str,
        body: Body,
        priority: Priority,
        within_s: float,
        *,
        paid: bool = False,
    ) -> Fields:
        reply = await self._exchange(endpoint, body, priority, within_s, paid=paid)
        if reply.status == _TOO_MANY_REQUESTS:
            self.budget.hold_reads(_pause_of(reply.retry_after))
            self._exhausted(f"{endpoint}: HTTP 429")
        return read_of(endpoint, reply)

    async def _exchange(
        self,
        endpoint: str,
        body: Body | None,
        priority: Priority,
        within_s: float,
        method: str = "POST",
        *,
        paid: bool = False,
    ) -> Reply:
        try:
            async with asyncio.timeout(within_s):
                return await self.request(
                    endpoint,
                    body,
                    priority=priority,
                    within_s=within_s,
                    flight=Flight(),
                    method=method,
                    paid=paid,
                )
        except (NoBudgetError, LoginRefusedError, BrokerUnreachableError) as error:
            raise ReadFailedError(f"{endpoint}: {error}") from None
        except aiohttp.ClientError as error:
            raise ReadFailedError(f"{endpoint}: {failure_of(error)}") from None
        except TimeoutError:
            raise ReadFailedError(f"{endpoint}: no answer within {within_s:g} s") from None

    def _exhausted(self, text: str) -> None:
        """Raise an alarm, at most one a minute."""
        now = self._clock.monotonic()
        if self._alarmed_at is None or now - self._alarmed_at >= _ALARM_EVERY_S:
            self._alarmed_at = now
            self._alarm(
                AlarmCode.BUDGET_EXHAUSTED,
                f"{text}; is another program using this login?",
            )


def _lost(flight: Flight, reason: str) -> Outcome:
    return Uncertain(reason=reason) if flight.begun else NotSent(reason=reason)


def _as_it_is(row: Fields) -> Fields:
    return row


def _of[T](account: int, decode: Callable[[Fields], T]) -> Callable[[Fields], T]:
    """Return a decoder that also insists on the account."""

    def decode_own(row: Fields) -> T:
        if row.integer("accountId") != account:
            raise DecodeError("accountId", row.get("accountId"), str(account))
        return decode(row)

    return decode_own


def _pause_of(retry_after: str | None) -> float:
    """Return the seconds that a 429 asks us to wait."""
    if retry_after is None or not retry_after.isdecimal():
        return _HOLD_S
    return min(float(retry_after), _LONGEST_HOLD_S)
