"""What a fact of the broker says to people, beside what it changes. Pure.

Decisions have their words in the narrator, for the log and everybody else; these are for who reads a
whole day, fill by fill.
"""

from decimal import Decimal

from actors.ops.narrator import Line
from messages.base import Message
from messages.events import SystemStarted, SystemStopped
from messages.facts import (
    AccountChanged,
    OrderChanged,
    PositionChanged,
    StreamConnected,
    TradeExecuted,
)
from messages.values import Fill, Order, OrderStatus, OrderType, Side, product_of


def say(event: Message) -> list[Line]:  # noqa: PLR0911 - a table, one line per fact
    """Return what a fact says, possibly nothing."""
    match event:
        case TradeExecuted(fill=fill):
            return [("info", _fill(fill))]
        case PositionChanged(position=held) if held.size:
            return [("info", f"holds {held.size} {held.product} at {held.average_price}")]
        case PositionChanged(position=held):
            return [("info", f"holds no {held.product}")]
        case OrderChanged(order=order):
            return [("info", _order(order))]
        case AccountChanged(can_trade=False):
            return [("warning", "the firm does not let it trade")]
        case StreamConnected():
            return [("info", "user stream connected")]
        case SystemStarted():
            return [
                ("info", f"Lockstep {event.version} started, configuration {event.config[:12]}")
            ]
        case SystemStopped():
            return [("info", f"Lockstep stopped: {event.reason}")]
        case _:
            return []


def usd(amount: Decimal) -> str:
    """Return an amount as the rules write it, e.g. `$-35.50`."""
    return f"${amount:.2f}"


def _fill(fill: Fill) -> str:
    did = "bought" if fill.side is Side.BUY else "sold"
    text = f"{did} {fill.size} {product_of(fill.contract)} at {fill.price}"
    if fill.profit_and_loss_usd is not None:
        text += f", P&L {usd(fill.profit_and_loss_usd)}"
    if fill.costs_usd:
        text += f", costs {usd(fill.costs_usd)}"
    return text + (", TAKEN BACK by the broker" if fill.voided else "")


def _order(order: Order) -> str:
    side = "buy" if order.side is Side.BUY else "sell"
    prices = {"limit": order.limit_price, "stop": order.stop_price}
    at = "".join(f", {name} {price}" for name, price in prices.items() if price is not None)
    filled = f", {order.filled} filled" if 0 < order.filled < order.size else ""
    what = f"{side} {order.size} {product_of(order.contract)}"
    kind, status = _word(OrderType, order.type), _word(OrderStatus, order.status)
    return f"order {order.order_id} {what} {kind}{at}: {status}{filled}"


def _word(kind: type[OrderType | OrderStatus], number: int) -> str:
    if number not in kind:
        return f"unknown ({number})"
    return kind(number).name.lower().replace("_", " ")
