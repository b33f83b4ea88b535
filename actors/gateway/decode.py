"""From the broker's payloads to our messages. Pure: no clock, no I/O, no state.

What comes in is parsed JSON, of a hub record or a REST answer; what goes out are values and facts.
Both spellings of a hub payload are understood: the live envelope `{action, data}` and the bare
object of the documentation, alone or in a list padded with nulls. Anything else raises
`DecodeError` (and nothing but that), so that the caller can set the payload aside and go on.

The sign of a position comes from its `type` alone. An unknown order status or type is kept.
"""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from actors.gateway.errors import DecodeError
from actors.gateway.fields import Fields
from messages.facts import AccountChanged, OrderChanged, PositionChanged, TradeExecuted
from messages.values import (
    AccountRecord,
    Contract,
    Fill,
    Order,
    Position,
    Side,
)

ACCOUNT_TARGET = "gatewayuseraccount"
_POSITION_TARGET = "gatewayuserposition"
_ORDER_TARGET = "gatewayuserorder"
_TRADE_TARGET = "gatewayusertrade"
QUOTE_TARGET = "gatewayquote"
LOGOUT_TARGET = "gatewaylogout"
USER_TARGETS = frozenset({ACCOUNT_TARGET, _POSITION_TARGET, _ORDER_TARGET, _TRADE_TARGET})
"""Hub targets in lower case: SignalR compares them so, and the broker's own casing varies."""

_DELETED = 2
_SIGNS = {1: 1, 2: -1}
# Position type 1 is long, 2 is short.

type UserFact = TradeExecuted | PositionChanged | OrderChanged | AccountChanged


class Item(NamedTuple):
    """One entity of a hub record."""

    fields: Fields
    """The entity."""
    deleted: bool
    """The envelope said that it is gone."""


class QuoteDelta(NamedTuple):
    """What one quote record changes; None = that side was left out."""

    contract: str
    last: Decimal | None
    bid: Decimal | None
    ask: Decimal | None


def items_of(arguments: object) -> Iterator[object]:
    """Yield each entity of a hub record, still wrapped, without the nulls it is padded with.

    Raises:
        DecodeError: there is none.
    """
    found = False
    for argument in arguments if isinstance(arguments, list) else ():
        for raw in argument if isinstance(argument, list) else (argument,):
            if raw is not None:
                found = True
                yield raw
    if not found:
        raise DecodeError("arguments", arguments, "a list with at least one object")


def unwrap(raw: object) -> Item:
    """Take an entity out of its envelope, if it has one."""
    outer = Fields(raw, "payload")
    inner = outer.get("data")
    if inner is None:
        return Item(outer, deleted=False)
    return Item(Fields(inner, "data"), deleted=outer.integer_or("action", 1) == _DELETED)


def account_of(target: str, item: Item) -> int:
    """Return the account a hub entity belongs to."""
    return item.fields.integer("id" if target == ACCOUNT_TARGET else "accountId")


def fact_of(target: str, item: Item, *, at: datetime) -> UserFact:
    """Turn one entity of a user hub record into the fact it states."""
    account = account_of(target, item)
    fields = item.fields
    match target:
        case "gatewayuserposition":
            position = position_of(fields, deleted=item.deleted)
            cause = f"position/{position.contract}"
            return PositionChanged(account=account, at=at, cause=cause, position=position)
        case "gatewayuserorder":
            order = order_of(fields)
            return OrderChanged(
                account=account, at=at, cause=f"order/{order.order_id}", order=order
            )
        case "gatewayusertrade":
            fill = fill_of(fields)
            return TradeExecuted(account=account, at=at, cause=f"trade/{fill.trade_id}", fill=fill)
        case "gatewayuseraccount":
            return AccountChanged(
                account=account,
                at=at,
                cause=f"account/{account}",
                can_trade=fields.flag_or_none("canTrade"),
                balance_usd=fields.decimal_or_none("balance"),
            )
        case _:
            raise DecodeError("target", target, "a target of the user hub")


def position_of(fields: Fields, *, deleted: bool = False) -> Position:
    """Read a position; size 0 or a deleting envelope means closed."""
    contract = fields.text("contractId")
    size = 0 if deleted else fields.size("size")
    if size == 0:
        return Position(contract=contract, size=0, average_price=Decimal(0))
    direction = fields.get("type")
    sign = _SIGNS.get(direction) if type(direction) is int else None
    if sign is None:
        raise DecodeError("type", direction, "1 (long) or 2 (short) for an open position")
    return Position(
        contract=contract, size=sign * size, average_price=fields.decimal("averagePrice")
    )


def order_of(fields: Fields) -> Order:
    """Read an order; its status and type are kept even if they are not known."""
    size = fields.size("size")
    filled = fields.size_or_zero("fillVolume")
    if filled > size:
        raise DecodeError("fillVolume", filled, f"at most the order's size, {size}")
    return Order(
        order_id=fields.integer("id"),
        contract=fields.text("contractId"),
        side=_side_of(fields),
        type=fields.integer("type"),
        size=size,
        filled=filled,
        status=fields.integer("status"),
        limit_price=fields.decimal_or_none("limitPrice"),
        stop_price=fields.decimal_or_none("stopPrice"),
        tag=fields.text_or_none("customTag"),
    )


def fill_of(fields: Fields) -> Fill:
    """Read a half-turn trade; without `profitAndLoss` it opened or increased a position."""
    return Fill(
        trade_id=fields.integer("id"),
        order_id=fields.integer("orderId"),
        contract=fields.text("contractId"),
        side=_side_of(fields),
        size=fields.size("size"),
        price=fields.decimal("price"),
        profit_and_loss_usd=fields.decimal_or_none("profitAndLoss"),
        fees_usd=fields.decimal_or_zero("fees"),
        commissions_usd=fields.decimal_or_zero("commissions"),
        voided=fields.flag_or_none("voided") or False,
        executed_at=fields.instant("creationTimestamp"),
    )


def account_record_of(fields: Fields) -> AccountRecord:
    """Read an account as `/Account/search` lists it; one that does not say so is not simulated.

    Whether it can trade is unknown where it is left out: that is no reason not to guard it.
    """
    return AccountRecord(
        account=fields.integer("id"),
        name=fields.text("name"),
        balance_usd=fields.decimal("balance"),
        can_trade=fields.flag_or_none("canTrade"),
        simulated=fields.flag_or_none("simulated") or False,
    )


def contract_of(fields: Fields) -> Contract:
    """Read a contract record; its tick size and tick value must be positive."""
    tick_size, tick_value = fields.decimal("tickSize"), fields.decimal("tickValue")
    for name, value in (("tickSize", tick_size), ("tickValue", tick_value)):
        if value <= 0:
            raise DecodeError(name, value, "a positive number")
    return Contract(
        contract=fields.text("id"),
        name=fields.text("name"),
        tick_size=tick_size,
        tick_value_usd=tick_value,
    )


def quote_of(arguments: object) -> QuoteDelta:
    """Read a quote record `[contract id, {…}]`; a side that is left out is None, never 0."""
    match arguments:
        case [contract, dict() as raw] | [contract, [dict() as raw]]:
            fields = Fields(raw, "quote")
        case _:
            raise DecodeError("arguments", arguments, "[contract id, quote]")
    return QuoteDelta(
        contract=Fields({"contractId": contract}, "quote").text("contractId"),
        last=fields.price_or_none("lastPrice"),
        bid=fields.price_or_none("bestBid"),
        ask=fields.price_or_none("bestAsk"),
    )


def _side_of(fields: Fields) -> Side:
    side = fields.get("side")
    if type(side) is int and side in (Side.BUY, Side.SELL):
        return Side(side)
    raise DecodeError("side", side, "0 (buy) or 1 (sell)")
