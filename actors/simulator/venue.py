"""The venue and the firm: prices, trading hours, liquidity, accounts, costs, and fills booked by hand."""

import asyncio
from decimal import Decimal

from actors.simulator.broker import Broker
from actors.simulator.ledger import Execution, Ticket
from actors.simulator.sessions import SimAccount
from actors.simulator.verbs import Verbs, verb
from actors.simulator.walk import walk
from messages.values import OrderType, Side


class Venue(Verbs):
    """What happens to the market and to accounts."""

    def __init__(self, broker: Broker) -> None:
        super().__init__(broker)
        self._walks: dict[str, asyncio.Task[None]] = {}

    @verb
    def set_price(
        self, contract: str, last: Decimal, bid: Decimal | None = None, ask: Decimal | None = None
    ) -> None:
        """Move the market: quotes go out, orders trigger. Bid and ask left out are equal to `last`."""
        broker = self._broker
        now = broker.now()
        prices = (last, last if bid is None else bid, last if ask is None else ask)
        changed, pushes = broker.exchange.move(contract, prices, now)
        market = broker.exchange.market
        broker.hubs.send_market("GatewayQuote", contract, market.quote(contract, changed, now))
        print_ = {"symbolId": market.contracts[contract].symbol_id, "price": last, "timestamp": now}
        broker.hubs.send_market("GatewayTrade", contract, [{**print_, "type": 0, "volume": 1}])
        broker.tell(pushes)

    @verb
    def set_market_open(self, is_open: bool, contract: str | None = None) -> None:
        """Open or halt one contract, or all; what can fill at the reopening fills."""
        self._broker.exchange.market.set_open(contract, is_open)
        self._rematch(contract)

    @verb
    def set_liquidity(self, contract: str, size: int | None) -> None:
        """Let so many contracts be filled and no more; None = any number again."""
        self._broker.exchange.market.listing(contract).liquidity = size
        self._rematch(contract)

    def _rematch(self, contract: str | None) -> None:
        for each in (contract,) if contract else tuple(self._broker.exchange.market.contracts):
            self._broker.tell(self._broker.exchange.rematch(each, self._broker.now()))

    @verb
    def start_walk(self, contract: str, every_s: float = 0.25, seed: int = 0) -> None:
        """Let a contract's price walk at random from where it is (only while the simulator runs)."""
        self.stop_walk(contract)
        spec = self._broker.exchange.market.contracts[contract]
        last = self._broker.exchange.market.listing(contract).last
        prices = walk(last, spec.product.tick_size, seed)

        async def go() -> None:
            for price in prices:
                self.set_price(contract, price, price, price + spec.product.tick_size)
                await asyncio.sleep(every_s)

        self._walks[contract] = asyncio.get_running_loop().create_task(go())

    @verb
    def stop_walk(self, contract: str) -> None:
        """Let a contract's price stand still."""
        task = self._walks.pop(contract, None)
        if task is not None:
            task.cancel()

    def walks(self) -> list[asyncio.Task[None]]:
        """Return the walks under way, for the server to end."""
        return list(self._walks.values())

    @verb
    def add_account(self, username: str, account: SimAccount, api_key: str | None = None) -> None:
        """Give a user another account; a new user comes with an api_key."""
        if api_key is not None:
            self._broker.sessions.add_user(username, api_key)
        self._broker.open_account(username, account)

    @verb
    def set_account(
        self,
        account: int,
        *,
        name: str | None = None,
        balance: Decimal | None = None,
        is_visible: bool | None = None,
        simulated: bool | None = None,
        active: bool | None = None,
    ) -> None:
        """Change an account's record; None leaves a field as it is."""
        asked = {
            "name": name,
            "balance": balance,
            "is_visible": is_visible,
            "simulated": simulated,
            "active": active,
        }
        changes = {name: value for name, value in asked.items() if value is not None}
        self._broker.tell(self._broker.exchange.change_account(account, changes))

    @verb
    def set_can_trade(self, account: int, can_trade: bool) -> None:
        """Let an account trade, or not."""
        self._broker.tell(self._broker.exchange.change_account(account, {"can_trade": can_trade}))

    @verb
    def liquidate(self, account: int) -> None:
        """Let the platform cancel every order, close every position and forbid trading."""
        exchange, now = self._broker.exchange, self._broker.now()
        books = exchange.account(account)
        for order_id in [order.id for order in books.orders.values() if order.working]:
            if exchange.order(account, order_id).working:  # not gone with its entry
                self._broker.tell(exchange.cancel(account, order_id, now))
        for contract, held in list(books.positions.items()):
            side = Side.SELL if held.size > 0 else Side.BUY
            ticket = Ticket(contract, OrderType.MARKET, side, abs(held.size))
            self._broker.tell(exchange.place(account, ticket, now)[1])
        self.set_can_trade(account, can_trade=False)

    @verb
    def set_costs(
        self,
        fees: Decimal,
        commissions: Decimal,
        contract: str | None = None,
        side: Side | None = None,
    ) -> None:
        """Charge so much per contract from now on; None = every contract, either side."""
        self._broker.exchange.matcher.costs.set(fees, commissions, contract, side)

    @verb
    def book_trade(
        self,
        account: int,
        contract: str,
        size: int = 1,
        side: Side = Side.SELL,
        profit_and_loss: Decimal | None = None,
        *,
        fees: Decimal = Decimal(0),
        commissions: Decimal = Decimal(0),
        price: Decimal | None = None,
        order_id: int | None = None,
        moves_position: bool = False,
    ) -> int:
        """Book a fill with exactly this gross P&L and these total costs; return its trade id.

        It belongs to a new filled market order, or to `order_id` as one more partial fill of it.
        """
        exchange = self._broker.exchange
        at = exchange.market.listing(contract).last if price is None else price
        trade, pushes = exchange.book_trade(
            account,
            Ticket(contract, OrderType.MARKET, side, size),
            Execution(size, at, profit_and_loss, fees, commissions),
            self._broker.now(),
            order_id=order_id,
            moves_position=moves_position,
        )
        self._broker.tell(pushes)
        return trade.id

    @verb
    def void_trade(self, account: int, trade_id: int) -> None:
        """Take a fill back."""
        self._broker.tell(self._broker.exchange.void_trade(account, trade_id))
