"""The records a hub sends all day, decoded in one pass: from JSON text to typed fields to our messages.

Pure. Understood is only what is exactly as the live gateway sends it: one entity in its envelope, names
in camelCase that are known, every value of its type. Of anything else `None` is returned, and `decode`
reads it with care: it knows every spelling and says what is wrong. What is understood here means the same
there (`tests/gateway/test_typed.py`), so this saves time and decides nothing.
"""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Raw

from actors.gateway.decode import QuoteDelta, UserFact
from actors.gateway.fields import LARGEST_ID, LARGEST_SIZE, instant_of, number_of
from messages.facts import AccountChanged, OrderChanged, PositionChanged, TradeExecuted
from messages.values import Fill, Order, Position, Side

type _Id = Annotated[int, Meta(ge=0, le=LARGEST_ID)]
type _Size = Annotated[int, Meta(ge=0, le=LARGEST_SIZE)]
type _Text = Annotated[str, Meta(min_length=1)]
type _Number = Any
# Checked as it is taken: an int, or a Decimal made of the very digits that were sent.

_DELETED = 2
_NOT_READ = Raw()


class _Known(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """An object with no other fields than these."""


class _OrderData(_Known, frozen=True):
    id: _Id
    account_id: _Id
    contract_id: _Text
    side: Side
    type: _Id
    size: _Size
    status: _Id
    fill_volume: _Size | None = None
    limit_price: _Number = None
    stop_price: _Number = None
    custom_tag: str | None = None
    symbol_id: Raw = _NOT_READ
    creation_timestamp: Raw = _NOT_READ
    update_timestamp: Raw = _NOT_READ
    trail_price: Raw = _NOT_READ
    filled_price: Raw = _NOT_READ
    parent_order_id: Raw = _NOT_READ
    linked_order_id: Raw = _NOT_READ


class _PositionData(_Known, frozen=True):
    account_id: _Id
    contract_id: _Text
    type: Literal[1, 2]
    size: _Size
    average_price: _Number = None
    id: Raw = _NOT_READ
    contract_display_name: Raw = _NOT_READ
    creation_timestamp: Raw = _NOT_READ


class _TradeData(_Known, frozen=True):
    id: _Id
    account_id: _Id
    contract_id: _Text
    order_id: _Id
    side: Side
    size: _Size
    price: _Number
    creation_timestamp: str
    profit_and_loss: _Number = None
    fees: _Number = None
    commissions: _Number = None
    voided: bool | None = None


class _AccountData(_Known, frozen=True):
    id: _Id
    can_trade: bool | None = None
    balance: _Number = None
    name: Raw = _NOT_READ
    is_visible: Raw = _NOT_READ
    simulated: Raw = _NOT_READ


class _QuoteData(_Known, frozen=True):
    last_price: _Number = None
    best_bid: _Number = None
    best_ask: _Number = None
    symbol: Raw = _NOT_READ
    symbol_name: Raw = _NOT_READ
    change: Raw = _NOT_READ
    change_percent: Raw = _NOT_READ
    open: Raw = _NOT_READ
    high: Raw = _NOT_READ
    low: Raw = _NOT_READ
    volume: Raw = _NOT_READ
    last_updated: Raw = _NOT_READ
    timestamp: Raw = _NOT_READ


class _Envelope[Data](msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    data: Data
    action: _Id | None = None


class _Call(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="target"):
    type: Literal[1]


class _OrderCall(_Call, frozen=True, tag="GatewayUserOrder"):
    arguments: tuple[_Envelope[_OrderData]]


class _PositionCall(_Call, frozen=True, tag="GatewayUserPosition"):
    arguments: tuple[_Envelope[_PositionData]]


class _TradeCall(_Call, frozen=True, tag="GatewayUserTrade"):
    arguments: tuple[_Envelope[_TradeData]]


class _AccountCall(_Call, frozen=True, tag="GatewayUserAccount"):
    arguments: tuple[_Envelope[_AccountData]]


class _QuoteCall(_Call, frozen=True, tag="GatewayQuote"):
    arguments: tuple[_Text, _QuoteData]


type _UserCall = _OrderCall | _PositionCall | _TradeCall | _AccountCall

_user_calls = msgspec.json.Decoder(_UserCall, float_hook=Decimal)
_quote_calls = msgspec.json.Decoder(_QuoteCall, float_hook=Decimal)


class _UnusualError(Exception):
    """The record is none of those that come all day."""


def user_fact(raw: bytes, at: datetime) -> UserFact | None:
    """Return what a record of the user hub states; None = read it with care."""
    try:
        _refuse_other_than_utf8(raw)
        call = _user_calls.decode(raw)
        return _fact_of(call, at)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, _UnusualError):
        return None


def quote_delta(raw: bytes) -> QuoteDelta | None:
    """Return what a record of the market hub changes; None = read it with care."""
    try:
        _refuse_other_than_utf8(raw)
        contract, data = _quote_calls.decode(raw).arguments
        return QuoteDelta(
            contract=contract,
            last=_price(data.last_price),
            bid=_price(data.best_bid),
            ask=_price(data.best_ask),
        )
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, _UnusualError):
        return None


def _refuse_other_than_utf8(raw: bytes) -> None:
    """Look at what is not read too: a record that is corrupt anywhere is set aside as a whole."""
    if not raw.isascii():
        raw.decode()


def _fact_of(call: _UserCall, at: datetime) -> UserFact:
    match call:
        case _OrderCall(arguments=(envelope,)):
            order = _order_of(envelope.data)
            cause = f"order/{order.order_id}"
            return OrderChanged(account=envelope.data.account_id, at=at, cause=cause, order=order)
        case _AccountCall(arguments=(envelope,)):
            told = envelope.data
            return AccountChanged(
                account=told.id,
                at=at,
                cause=f"account/{told.id}",
                can_trade=told.can_trade,
                balance_usd=_number_or_none(told.balance),
            )
        case _PositionCall(arguments=(envelope,)):
            account = envelope.data.account_id
            position = _position_of(envelope.data, deleted=envelope.action == _DELETED)
            cause = f"position/{position.contract}"
            return PositionChanged(account=account, at=at, cause=cause, position=position)
        case _TradeCall(arguments=(envelope,)):
            fill = _fill_of(envelope.data)
            cause = f"trade/{fill.trade_id}"
            return TradeExecuted(account=envelope.data.account_id, at=at, cause=cause, fill=fill)


def _order_of(data: _OrderData) -> Order:
    filled = data.fill_volume or 0
    if filled > data.size:
        raise _UnusualError
    return Order(
        order_id=data.id,
        contract=data.contract_id,
        side=data.side,
        type=data.type,
        size=data.size,
        filled=filled,
        status=data.status,
        limit_price=_number_or_none(data.limit_price),
        stop_price=_number_or_none(data.stop_price),
        tag=data.custom_tag or None,
    )


def _position_of(data: _PositionData, *, deleted: bool) -> Position:
    if deleted or data.size == 0:
        return Position(contract=data.contract_id, size=0, average_price=Decimal(0))
    size = data.size if data.type == 1 else -data.size
    price = _number(data.average_price)
    return Position(contract=data.contract_id, size=size, average_price=price)


def _fill_of(data: _TradeData) -> Fill:
    executed_at = instant_of(data.creation_timestamp)
    if executed_at is None:
        raise _UnusualError
    return Fill(
        trade_id=data.id,
        order_id=data.order_id,
        contract=data.contract_id,
        side=data.side,
        size=data.size,
        price=_number(data.price),
        profit_and_loss_usd=_number_or_none(data.profit_and_loss),
        fees_usd=Decimal(0) if data.fees is None else _number(data.fees),
        commissions_usd=Decimal(0) if data.commissions is None else _number(data.commissions),
        voided=data.voided or False,
        executed_at=executed_at,
    )


def _number(value: object) -> Decimal:
    number = number_of(value)
    if number is None:
        raise _UnusualError
    return number


def _number_or_none(value: object) -> Decimal | None:
    return None if value is None else _number(value)


def _price(value: object) -> Decimal | None:
    price = _number_or_none(value)
    if price is not None and not price:  # 0 is no price
        raise _UnusualError
    return price
