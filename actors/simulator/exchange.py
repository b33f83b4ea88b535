"""The simulated exchange: everything a trader or the gateway can do to an account.

A pure matching engine. Each operation takes the instant as `at`, changes the ledger and returns the
events to push, in order; a refusal raises `RefusedError` with the gateway's name for it and changes
nothing but, for a rejected order, its own record. REST and the control API use the same operations.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from actors.simulator import orders
from actors.simulator.contracts import ContractSpec
from actors.simulator.ledger import Account, Execution, Order, Position, Ticket, Trade
from actors.simulator.market import Market
from actors.simulator.matching import UPDATED, Matcher, account_push, order_push, trade_push
from actors.simulator.refusals import INACTIVE, Refusal, RefusedError
from actors.simulator.wire import Push
from messages.values import OrderStatus, OrderType, Side


class Exchange:
    """Accounts, the market and the orders between them."""

    def __init__(self, contracts: dict[str, ContractSpec]) -> None:
        self.accounts: dict[int, Account] = {}
        self.market = Market(contracts)
        self.matcher = Matcher(self.market, self.accounts)

    def account(self, account_id: int) -> Account:
        """Return an account, or refuse with AccountNotFound."""
        account = self.accounts.get(account_id)
        if account is None:
            raise RefusedError(Refusal.ACCOUNT_NOT_FOUND)
        return account

    def order(self, account_id: int, order_id: int) -> Order:
        """Return an order of an account, or refuse with OrderNotFound."""
        order = self.account(account_id).orders.get(order_id)
        if order is None:
            raise RefusedError(Refusal.ORDER_NOT_FOUND)
        return order

    def place(self, account_id: int, ticket: Ticket, at: datetime) -> tuple[Order, list[Push]]:
        """Place an order, with its brackets; return the entry."""
        account = self.account(account_id)
        spec = self._tradable(ticket.contract, Refusal.OUTSIDE_TRADING_HOURS)
        if not account.can_trade:
            raise RefusedError(Refusal.ACCOUNT_VIOLATION, "Account is not allowed to trade.")
        if ticket.type not in orders.PLACEABLE or ticket.side not in tuple(Side):
            raise RefusedError(Refusal.ORDER_REJECTED, "Invalid order type or side.")
        listing = self.market.listing(spec.id)
        flaw = orders.flaw(ticket, account, listing)
        family = orders.build(ticket, account, listing, at, self.matcher.order_ids)
        if flaw:
            raise RefusedError(Refusal.ORDER_REJECTED, flaw, (self._reject(account, family[0]),))
        out: list[Push] = []
        self.matcher.submit(family, at, out)
        return family[0], out

    @staticmethod
    def _reject(account: Account, order: Order) -> Push:
        """Keep a rejected order; the stream shows it as status 5 and never says why."""
        order.status = OrderStatus.REJECTED
        order.children = ()
        account.orders[order.id] = order
        return order_push(order)

    def cancel(self, account_id: int, order_id: int, at: datetime) -> list[Push]:
        """Cancel a working order."""
        order = self._working(account_id, order_id)
        out: list[Push] = []
        self.matcher.withdraw(order, at, out)
        return out

    def modify(
        self,
        account_id: int,
        order_id: int,
        at: datetime,
        *,
        size: int | None = None,
        limit_price: Decimal | None = None,
        stop_price: Decimal | None = None,
        trail_price: Decimal | None = None,
    ) -> list[Push]:
        """Change a working order; None leaves a field as it is."""
        order = self._working(account_id, order_id)
        listing = self.market.listing(order.spec.id)
        stop = stop_price if trail_price is None else trail_price
        flaw = orders.price_flaw(order.side, listing, limit=limit_price, stop=stop)
        if order.status is OrderStatus.SUSPENDED:
            flaw = "Order is suspended."
        elif size is not None and size <= order.filled:
            flaw = "Invalid order size."
        if flaw:
            raise RefusedError(Refusal.REJECTED, flaw)
        order.size = order.size if size is None else size
        order.limit_price = order.limit_price if limit_price is None else limit_price
        order.stop_price = order.stop_price if stop is None else stop
        if trail_price is not None:
            order.trail_distance = abs(listing.last - trail_price)
        order.updated = at
        out = [order_push(order)]
        self.matcher.match(order, at, out)
        return out

    def close(self, account_id: int, contract: str, at: datetime) -> list[Push]:
        """Close a whole position at the market; resting orders stay."""
        position = self._closable(account_id, contract)
        return self._reduce(position, abs(position.size), at)

    def partial_close(self, account_id: int, contract: str, size: int, at: datetime) -> list[Push]:
        """Close so many contracts of a position at the market."""
        position = self._closable(account_id, contract)
        if not 0 < size <= abs(position.size):
            raise RefusedError(Refusal.INVALID_CLOSE_SIZE, f"Cannot close {size} contracts.")
        return self._reduce(position, size, at)

    def _reduce(self, position: Position, size: int, at: datetime) -> list[Push]:
        side = Side.SELL if position.size > 0 else Side.BUY
        ticket = Ticket(position.spec.id, OrderType.MARKET, side, size)
        account = self.accounts[position.account]
        listing = self.market.listing(position.spec.id)
        out: list[Push] = []
        family = orders.build(ticket, account, listing, at, self.matcher.order_ids)
        self.matcher.submit(family, at, out)
        return out

    def move(
        self, contract: str, prices: tuple[Decimal, Decimal, Decimal], at: datetime
    ) -> tuple[dict[str, Decimal], list[Push]]:
        """Set last, bid and ask; return the quote fields that changed and what the move set off."""
        changed = self.market.listing(contract).update(*prices)
        return changed, self.rematch(contract, at)

    def rematch(self, contract: str, at: datetime) -> list[Push]:
        """Fill what can be filled after a contract's market opened or became liquid."""
        out: list[Push] = []
        self.matcher.rematch(contract, at, out)
        return out

    def book_trade(
        self,
        account_id: int,
        ticket: Ticket,
        execution: Execution,
        at: datetime,
        *,
        order_id: int | None,
        moves_position: bool,
    ) -> tuple[Trade, list[Push]]:
        """Book a fill exactly as given, of a new market order or as one more fill of a known one."""
        out: list[Push] = []
        order = self._order_to_book(account_id, ticket, order_id, at, out)
        position = self.matcher.position(order, at) if moves_position else None
        if position is not None:
            position.apply(order.side, execution.size, execution.price)
        return self.matcher.book(order, execution, at, out, position), out

    def _order_to_book(
        self, account_id: int, ticket: Ticket, order_id: int | None, at: datetime, out: list[Push]
    ) -> Order:
        if order_id is not None:
            order = self.order(account_id, order_id)
            order.size = max(order.size, order.filled + ticket.size)
            return order
        account = self.account(account_id)
        listing = self.market.listing(self._contract(ticket.contract).id)
        (order,) = orders.build(ticket, account, listing, at, self.matcher.order_ids)
        account.orders[order.id] = order
        out.append(order_push(order))
        return order

    def void_trade(self, account_id: int, trade_id: int) -> list[Push]:
        """Take a fill back as the broker does: flagged, and out of the balance; the position stays."""
        account = self.account(account_id)
        trade = account.trades[trade_id]
        account.balance -= trade.net
        trade.voided = True
        return [trade_push(trade, UPDATED), account_push(account)]

    def change_account(self, account_id: int, changes: Mapping[str, object]) -> list[Push]:
        """Set fields of an account's record and say so."""
        account = self.account(account_id)
        for name, value in changes.items():
            setattr(account, name, value)
        return [account_push(account)]

    def _working(self, account_id: int, order_id: int) -> Order:
        order = self.order(account_id, order_id)
        if not order.working:
            raise RefusedError(Refusal.REJECTED, "Order is not working.")
        self._tradable(order.spec.id, Refusal.REJECTED)
        return order

    def _closable(self, account_id: int, contract: str) -> Position:
        account = self.account(account_id)
        self._contract(contract)
        position = account.positions.get(contract)
        if position is None:
            raise RefusedError(Refusal.POSITION_NOT_FOUND)
        self._tradable(contract, Refusal.CONTRACT_NOT_ACTIVE)
        return position

    def _tradable(self, contract: str, refusal: Refusal) -> ContractSpec:
        spec = self._contract(contract)
        if not self.market.is_open(contract):
            raise RefusedError(refusal, INACTIVE)
        return spec

    def _contract(self, contract: str) -> ContractSpec:
        spec = self.market.contracts.get(contract)
        if spec is None:
            raise RefusedError(Refusal.CONTRACT_NOT_FOUND, f"no contract {contract!r}")
        return spec
