"""The REST endpoints: what each takes, does and answers.

One function per endpoint, one typed struct per body (`bodies.py`); `ENDPOINTS` is the table REST
dispatches by. A function returns the fields beside the envelope, or raises `RefusedError`. Another
user's account does not exist here.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from actors.simulator.bodies import (
    AccountAsked,
    AccountsAsked,
    BarsAsked,
    ContractAsked,
    ContractsAsked,
    Leg,
    Modifying,
    OrderAsked,
    OrdersAsked,
    PartAsked,
    PeriodAsked,
    Placing,
    PositionAsked,
)
from actors.simulator.broker import BARS, Broker
from actors.simulator.ledger import Account, Bracket, Order, Ticket
from actors.simulator.refusals import Refusal, RefusedError
from actors.simulator.wire import Row, account_row, contract_row, order_row, position_row, trade_row
from messages.values import OrderStatus, OrderType

SEARCH_ROWS = 20
BAR_UNITS = range(1, 8)
BAR_ROWS = 20_000
DUSK = datetime.max.replace(tzinfo=UTC)


def search_accounts(broker: Broker, user: str, asked: AccountsAsked) -> Row:
    """List the accounts of a user."""
    mine = (account for account in broker.exchange.accounts.values() if account.user == user)
    wanted = (account for account in mine if account.active or not asked.only_active_accounts)
    return {"accounts": [account_row(account) for account in wanted]}


def available_contracts(broker: Broker, _user: str, _asked: ContractsAsked) -> Row:
    """List the front months."""
    contracts = broker.exchange.market.contracts.values()
    return {"contracts": [contract_row(spec) for spec in contracts if spec.active]}


def search_contracts(broker: Broker, _user: str, asked: ContractsAsked) -> Row:
    """List contracts by part of their name or id."""
    text = asked.search_text.upper()
    contracts = broker.exchange.market.contracts.values()
    found = [contract_row(spec) for spec in contracts if text in spec.name or text in spec.id]
    return {"contracts": found[:SEARCH_ROWS]}


def search_contract(broker: Broker, _user: str, asked: ContractAsked) -> Row:
    """Describe one contract."""
    spec = broker.exchange.market.contracts.get(asked.contract_id)
    if spec is None:
        raise RefusedError(Refusal.CONTRACT_NOT_FOUND)
    return {"contract": contract_row(spec)}


def search_positions(broker: Broker, user: str, asked: AccountAsked) -> Row:
    """List what an account holds."""
    positions = own(broker, user, asked.account_id).positions.values()
    return {"positions": [position_row(position) for position in positions]}


def search_orders(broker: Broker, user: str, asked: PeriodAsked) -> Row:
    """List the orders created in a period."""
    orders = own(broker, user, asked.account_id).orders.values()
    return {"orders": _rows(order for order in orders if _within(asked, order.created))}


def search_open_orders(broker: Broker, user: str, asked: AccountAsked) -> Row:
    """List orders of status Open and nothing else: pending and suspended ones are missing."""
    orders = own(broker, user, asked.account_id).orders.values()
    return {"orders": _rows(order for order in orders if order.status is OrderStatus.OPEN)}


def search_order(broker: Broker, user: str, asked: OrderAsked) -> Row:
    """Describe one order."""
    own(broker, user, asked.account_id)
    return {"order": order_row(broker.exchange.order(asked.account_id, asked.order_id))}


def query_orders(broker: Broker, user: str, asked: OrdersAsked) -> Row:
    """List orders of any statuses, a page at a time."""
    wanted = asked.filter
    orders = own(broker, user, wanted.account_id).orders.values()
    found = [
        order
        for order in orders
        if (not wanted.statuses or order.status in wanted.statuses)
        and wanted.contract_id in {None, order.spec.id}
    ]
    page = found[asked.page_offset : asked.page_offset + asked.page_size]
    total = {"totalCount": len(found)} if asked.include_total_count else {}
    return {"orders": _rows(page), **total}


def search_trades(broker: Broker, user: str, asked: PeriodAsked) -> Row:
    """List the fills of a period, oldest first."""
    trades = own(broker, user, asked.account_id).trades.values()
    return {"trades": [trade_row(trade) for trade in trades if _within(asked, trade.created)]}


def place_order(broker: Broker, user: str, asked: Placing) -> Row:
    """Place an order; requests may not use StopLimit."""
    own(broker, user, asked.account_id)
    if asked.type == OrderType.STOP_LIMIT:
        raise RefusedError(Refusal.ORDER_REJECTED, "Order type is not supported.")
    order, pushes = broker.exchange.place(asked.account_id, _ticket(asked), broker.now())
    broker.tell(pushes)
    return {"orderId": order.id}


def modify_order(broker: Broker, user: str, asked: Modifying) -> Row:
    """Change a working order."""
    own(broker, user, asked.account_id)
    pushes = broker.exchange.modify(
        asked.account_id,
        asked.order_id,
        broker.now(),
        size=asked.size,
        limit_price=asked.limit_price,
        stop_price=asked.stop_price,
        trail_price=asked.trail_price,
    )
    broker.tell(pushes)
    return {}


def cancel_order(broker: Broker, user: str, asked: OrderAsked) -> Row:
    """Cancel a working order."""
    _require_simulated(own(broker, user, asked.account_id))
    broker.tell(broker.exchange.cancel(asked.account_id, asked.order_id, broker.now()))
    return {}


def close_contract(broker: Broker, user: str, asked: PositionAsked) -> Row:
    """Close a position; the answer names no order."""
    _require_simulated(own(broker, user, asked.account_id))
    broker.tell(broker.exchange.close(asked.account_id, asked.contract_id, broker.now()))
    return {}


def partial_close_contract(broker: Broker, user: str, asked: PartAsked) -> Row:
    """Close part of a position."""
    _require_simulated(own(broker, user, asked.account_id))
    close = broker.exchange.partial_close
    broker.tell(close(asked.account_id, asked.contract_id, asked.size, broker.now()))
    return {}


def retrieve_bars(broker: Broker, _user: str, asked: BarsAsked) -> Row:
    """Answer one bar at the last price: nothing here needs history."""
    if asked.contract_id not in broker.exchange.market.contracts:
        raise RefusedError(Refusal.CONTRACT_NOT_FOUND)
    if asked.unit not in BAR_UNITS:
        raise RefusedError(Refusal.UNIT_INVALID)
    if asked.unit_number < 1:
        raise RefusedError(Refusal.UNIT_NUMBER_INVALID)
    if not 0 < asked.limit <= BAR_ROWS:
        raise RefusedError(Refusal.LIMIT_INVALID)
    last = broker.exchange.market.listing(asked.contract_id).last
    return {"bars": [{"t": broker.now(), "o": last, "h": last, "l": last, "c": last, "v": 1}]}


def own(broker: Broker, user: str, account_id: int) -> Account:
    """Return an account of this user; anybody else's is refused like one that does not exist."""
    account = broker.exchange.account(account_id)
    if account.user != user:
        raise RefusedError(Refusal.ACCOUNT_NOT_FOUND)
    return account


def _require_simulated(account: Account) -> None:
    if not account.simulated:
        raise RefusedError(Refusal.ACCOUNT_REJECTED)


def _ticket(asked: Placing) -> Ticket:
    return Ticket(
        contract=asked.contract_id,
        type=asked.type,
        side=asked.side,
        size=asked.size,
        limit_price=asked.limit_price,
        stop_price=asked.stop_price,
        trail_price=asked.trail_price,
        tag=asked.custom_tag,
        stop_loss=_bracket(asked.stop_loss_bracket),
        take_profit=_bracket(asked.take_profit_bracket),
    )


def _bracket(leg: Leg | None) -> Bracket | None:
    return None if leg is None else Bracket(leg.ticks, leg.type)


def _rows(orders: Iterable[Order]) -> list[Row]:
    return [order_row(order) for order in orders]


def _within(asked: PeriodAsked, at: datetime) -> bool:
    return asked.start_timestamp <= at <= (asked.end_timestamp or DUSK)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One row of the table; `mutates` = it changes the exchange when it succeeds."""

    body: type[msgspec.Struct]
    run: Callable[[Broker, str, Any], Row]
    mutates: bool = False


ENDPOINTS = {
    "/Account/search": Endpoint(AccountsAsked, search_accounts),
    "/Contract/available": Endpoint(ContractsAsked, available_contracts),
    "/Contract/search": Endpoint(ContractsAsked, search_contracts),
    "/Contract/searchById": Endpoint(ContractAsked, search_contract),
    BARS: Endpoint(BarsAsked, retrieve_bars),
    "/Order/search": Endpoint(PeriodAsked, search_orders),
    "/Order/searchOpen": Endpoint(AccountAsked, search_open_orders),
    "/Order/searchById": Endpoint(OrderAsked, search_order),
    "/Order/v2/query": Endpoint(OrdersAsked, query_orders),
    "/Order/place": Endpoint(Placing, place_order, mutates=True),
    "/Order/modify": Endpoint(Modifying, modify_order, mutates=True),
    "/Order/cancel": Endpoint(OrderAsked, cancel_order, mutates=True),
    "/Position/searchOpen": Endpoint(AccountAsked, search_positions),
    "/Position/closeContract": Endpoint(PositionAsked, close_contract, mutates=True),
    "/Position/partialCloseContract": Endpoint(PartAsked, partial_close_contract, mutates=True),
    "/Trade/search": Endpoint(PeriodAsked, search_trades),
}
