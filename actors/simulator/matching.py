"""When orders fill and what a fill does: the heart of the simulated exchange.

`Matcher` lets orders work, fills them as prices move and settles brackets: a filled entry activates its
children, a filled leg cancels its sibling (OCO). Everything that happens is appended to `out` in the
order the gateway pushes it: order, trade, order, position, account. Pure: no clock, no I/O.
"""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from itertools import count

from actors.simulator import orders
from actors.simulator.costs import CostTable
from actors.simulator.ledger import Account, Execution, Order, Position, Trade
from actors.simulator.market import Listing, Market
from actors.simulator.wire import Push, account_row, order_row, position_row, trade_row
from actors.simulator.wire import without_nulls as present
from messages.values import OrderStatus, OrderType, Side

ACCOUNT_REPEATS = 2
"""The live service repeats unchanged account events around a fill."""
CREATED, UPDATED, DELETED = 0, 1, 2


def execution_price(order: Order, listing: Listing) -> Decimal | None:
    """Return the price an order would fill at now, None while it has to wait."""
    price = listing.price(order.side)
    if order.type is OrderType.MARKET:
        return price
    if not listing.quoted:
        return None
    match order.type:
        case OrderType.STOP | OrderType.TRAILING_STOP:
            return price if _stop_reached(order, listing) else None
        case OrderType.STOP_LIMIT:
            return price if order.triggered and _limit_reached(order, price) else None
        case _:
            return price if _limit_reached(order, price) else None


def arm(order: Order, listing: Listing) -> None:
    """Turn a stop-limit whose stop is reached into a limit order, for good."""
    if order.type is OrderType.STOP_LIMIT and listing.quoted:
        order.triggered |= _stop_reached(order, listing)


def _stop_reached(order: Order, listing: Listing) -> bool:
    if order.stop_price is None:
        return False
    if order.side is Side.BUY:
        return listing.last >= order.stop_price
    return listing.last <= order.stop_price


def _limit_reached(order: Order, price: Decimal) -> bool:
    if order.limit_price is None:
        return False
    return price <= order.limit_price if order.side is Side.BUY else price >= order.limit_price


def trail(order: Order, listing: Listing) -> bool:
    """Pull a trailing stop behind the last price, never back; say whether it moved."""
    if order.trail_distance is None or order.stop_price is None or not listing.quoted:
        return False
    if order.side is Side.SELL:
        level = max(order.stop_price, listing.last - order.trail_distance)
    else:
        level = min(order.stop_price, listing.last + order.trail_distance)
    moved = level != order.stop_price
    order.stop_price = level
    return moved


def order_push(order: Order) -> Push:
    """Say how an order stands."""
    return Push("GatewayUserOrder", order.account, present(order_row(order)))


def account_push(account: Account) -> Push:
    """Say how an account stands."""
    return Push("GatewayUserAccount", account.id, account_row(account))


def trade_push(trade: Trade, action: int) -> Push:
    """Say what was executed, or (action 1) that it was voided."""
    return Push("GatewayUserTrade", trade.account, present(trade_row(trade)), action)


def position_push(position: Position) -> Push:
    """Say how a position stands; a closed one goes out once more with size 0."""
    action = UPDATED if position.size else DELETED
    return Push("GatewayUserPosition", position.account, position_row(position), action)


class Matcher:
    """All working orders and their fills."""

    def __init__(self, market: Market, accounts: dict[int, Account]) -> None:
        self.market = market
        self.costs = CostTable()
        self.order_ids: Iterator[int] = count(2_934_939_764)
        self._trade_ids = count(2_555_492_505)
        self._position_ids = count(3_703_034_494)
        self._accounts = accounts
        self._working: dict[str, dict[int, Order]] = {}

    def submit(self, family: list[Order], at: datetime, out: list[Push]) -> None:
        """Accept an entry (and its suspended children) and let it work."""
        entry = family[0]
        account = self._accounts[entry.account]
        for order in family:
            account.orders[order.id] = order
            out.append(order_push(order))
        account.tags.update(order.tag for order in family if order.tag)
        entry.status = OrderStatus.OPEN
        self._work(entry, at, out)

    def _work(self, order: Order, at: datetime, out: list[Push]) -> None:
        self._working.setdefault(order.spec.id, {})[order.id] = order
        if not self.match(order, at, out):
            out.append(order_push(order))

    def match(self, order: Order, at: datetime, out: list[Push]) -> bool:
        """Fill an order as far as price and liquidity allow; say whether anything was filled."""
        listing = self.market.listing(order.spec.id)
        arm(order, listing)
        price = execution_price(order, listing)
        size = (
            order.remaining
            if listing.liquidity is None
            else min(order.remaining, listing.liquidity)
        )
        if price is None or not size or not self.market.is_open(order.spec.id):
            return False
        if listing.liquidity is not None:
            listing.liquidity -= size
        self.fill(order, size, price, at, out)
        return True

    def rematch(self, contract: str, at: datetime, out: list[Push]) -> None:
        """Go through a contract's working orders after its market changed."""
        listing = self.market.listing(contract)
        for order in list(self._working.get(contract, {}).values()):
            if not order.working:
                continue  # its OCO sibling was filled a moment ago
            if trail(order, listing):
                out.append(order_push(order))
            self.match(order, at, out)

    def fill(self, order: Order, size: int, price: Decimal, at: datetime, out: list[Push]) -> None:
        """Fill so much of an order at a price, with its effect on position and balance."""
        position = self.position(order, at)
        realised = position.apply(order.side, size, price)
        costs = self.costs.of(order.spec, order.side, size)
        self.book(order, Execution(size, price, realised, *costs), at, out, position)

    def book(
        self,
        order: Order,
        execution: Execution,
        at: datetime,
        out: list[Push],
        position: Position | None,
    ) -> Trade:
        """Write a fill down and say so; the position is already changed, None leaves it out."""
        account = self._accounts[order.account]
        trade = self._trade(order, execution, at)
        account.trades[trade.id] = trade
        account.balance += trade.net
        order.filled += execution.size
        order.filled_price = execution.price
        order.updated = at
        order.status = OrderStatus.OPEN if order.remaining > 0 else OrderStatus.FILLED
        out.append(trade_push(trade, CREATED))
        out.append(order_push(order))
        if position is not None:
            self._keep(account, position)
            out.append(position_push(position))
        out.extend(account_push(account) for _ in range(ACCOUNT_REPEATS))
        if order.status is OrderStatus.FILLED:
            self._settle(account, order, at, out)
        return trade

    def withdraw(self, order: Order, at: datetime, out: list[Push]) -> None:
        """Cancel an order and the children that wait for it; an OCO sibling stays."""
        account = self._accounts[order.account]
        family = (order, *(account.orders[child] for child in order.children))
        for member in family:
            if member is order or member.status is OrderStatus.SUSPENDED:
                self._working.get(member.spec.id, {}).pop(member.id, None)
                member.status = OrderStatus.CANCELLED
                member.updated = at
                out.append(order_push(member))

    def _settle(self, account: Account, order: Order, at: datetime, out: list[Push]) -> None:
        self._working.get(order.spec.id, {}).pop(order.id, None)
        sibling = account.orders.get(order.linked_id or 0)
        if sibling is not None and sibling.working:
            self.withdraw(sibling, at, out)
        for child in (account.orders[child_id] for child_id in order.children):
            if child.status is OrderStatus.SUSPENDED:
                orders.activate(child, order.filled_price or Decimal(0), at)
                self._work(child, at, out)

    def _trade(self, order: Order, execution: Execution, at: datetime) -> Trade:
        return Trade(
            id=next(self._trade_ids),
            account=order.account,
            contract=order.spec.id,
            created=at,
            price=execution.price,
            profit_and_loss=execution.profit_and_loss,
            fees=execution.fees,
            commissions=execution.commissions,
            side=order.side,
            size=execution.size,
            order_id=order.id,
        )

    def position(self, order: Order, at: datetime) -> Position:
        """Return the position an order trades in, a fresh one (not kept yet) when the account is flat."""
        held = self._accounts[order.account].positions.get(order.spec.id)
        return held or Position(next(self._position_ids), order.account, order.spec, at)

    @staticmethod
    def _keep(account: Account, position: Position) -> None:
        if position.size:
            account.positions[position.spec.id] = position
        else:
            account.positions.pop(position.spec.id, None)
