"""The trader at the platform: orders placed, changed and closed beside the API, by the same exchange."""

from decimal import Decimal

from actors.simulator.ledger import Bracket, Ticket
from actors.simulator.verbs import Verbs, verb
from messages.values import OrderType, Side


class Trader(Verbs):
    """What a trader does; refusals come back as `RefusedError`."""

    @verb
    def place_order(
        self,
        account: int,
        contract: str,
        side: Side,
        size: int,
        type: OrderType = OrderType.MARKET,  # noqa: A002 - the gateway's own word
        *,
        limit_price: Decimal | None = None,
        stop_price: Decimal | None = None,
        trail_price: Decimal | None = None,
        tag: str | None = None,
        stop_loss_ticks: int | None = None,
        take_profit_ticks: int | None = None,
    ) -> int:
        """Place an order as the trader; return its id."""
        ticket = Ticket(
            contract=contract,
            type=type,
            side=side,
            size=size,
            limit_price=limit_price,
            stop_price=stop_price,
            trail_price=trail_price,
            tag=tag,
            stop_loss=Bracket(stop_loss_ticks, OrderType.STOP) if stop_loss_ticks else None,
            take_profit=Bracket(take_profit_ticks, OrderType.LIMIT) if take_profit_ticks else None,
        )
        order, pushes = self._broker.exchange.place(account, ticket, self._broker.now())
        self._broker.tell(pushes)
        return order.id

    @verb
    def cancel_order(self, account: int, order_id: int) -> None:
        """Cancel an order as the trader."""
        self._broker.tell(self._broker.exchange.cancel(account, order_id, self._broker.now()))

    @verb
    def modify_order(
        self,
        account: int,
        order_id: int,
        *,
        size: int | None = None,
        limit_price: Decimal | None = None,
        stop_price: Decimal | None = None,
    ) -> None:
        """Change an order as the trader."""
        modify = self._broker.exchange.modify
        changes = {"size": size, "limit_price": limit_price, "stop_price": stop_price}
        self._broker.tell(modify(account, order_id, self._broker.now(), **changes))  # type: ignore[arg-type]

    @verb
    def trader_close(self, account: int, contract: str, size: int | None = None) -> None:
        """Close a position, or so many contracts of it, as the trader."""
        exchange = self._broker.exchange
        now = self._broker.now()
        if size is None:
            self._broker.tell(exchange.close(account, contract, now))
        else:
            self._broker.tell(exchange.partial_close(account, contract, size, now))
