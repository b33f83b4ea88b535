"""How ProjectX writes things: JSON rows of accounts, orders, positions and trades, and SignalR records.

The only place where numbers become JSON. Rows are dicts of Decimals and instants; `encode` writes whole
prices as integers and instants with seven digits of fractional seconds, as seen on the live service.
Streams leave nulls out, REST replies keep them: `Push` and `row` differ in nothing else.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from actors.simulator.contracts import ContractSpec
from actors.simulator.ledger import Account, Order, Position, Trade
from messages.values import OrderType

RECORD_SEPARATOR = "\x1e"
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_DECODER = msgspec.json.Decoder(float_hook=Decimal)

type Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Push:
    """One event for the user hub: who it concerns and what it says."""

    target: str
    account: int
    data: Row
    action: int = 1


def encode(value: Any) -> bytes:
    """Write a value as JSON: Decimals as numbers, instants with seven fractional digits."""
    return _ENCODER.encode(_plain(value))


def decode(body: bytes | str) -> Any:
    """Read JSON with Decimals for fractions.

    Raises:
        msgspec.DecodeError: not JSON.
    """
    return _DECODER.decode(body)


def record(message: Row) -> str:
    """Write one SignalR message."""
    return encode(message).decode() + RECORD_SEPARATOR


def timestamp(at: datetime) -> str:
    """Write an instant like the gateway: `2026-05-06T13:36:03.4962790+00:00`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0+00:00")


def without_nulls(row: Row) -> Row:
    """Leave out the fields that have no value, as streams do."""
    return {key: value for key, value in row.items() if value is not None}


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case Decimal():
            return int(value) if value == value.to_integral_value() else value.normalize()
        case datetime():
            return timestamp(value)
        case _:
            return value


def account_row(account: Account) -> Row:
    """Describe an account as Account/search and GatewayUserAccount do."""
    return {
        "id": account.id,
        "name": account.name,
        "balance": account.balance,
        "canTrade": account.can_trade,
        "isVisible": account.is_visible,
        "simulated": account.simulated,
    }


def contract_row(spec: ContractSpec) -> Row:
    """Describe a contract as Contract/search does."""
    return {
        "id": spec.id,
        "name": spec.name,
        "description": f"{spec.product.description}: {spec.name}",
        "tickSize": spec.product.tick_size,
        "tickValue": spec.product.tick_value,
        "activeContract": spec.active,
        "symbolId": spec.symbol_id,
    }


def order_row(order: Order) -> Row:
    """Describe an order as Order/search and GatewayUserOrder do."""
    trailing = order.type is OrderType.TRAILING_STOP
    return {
        "id": order.id,
        "accountId": order.account,
        "contractId": order.spec.id,
        "symbolId": order.spec.symbol_id,
        "creationTimestamp": order.created,
        "updateTimestamp": order.updated,
        "status": int(order.status),
        "type": int(order.type),
        "side": int(order.side),
        "size": order.size,
        "limitPrice": order.limit_price,
        "stopPrice": order.stop_price,
        "trailPrice": order.trail_distance if trailing else None,
        "fillVolume": order.filled,
        "filledPrice": order.filled_price,
        "customTag": order.tag,
        **_family(order),
    }


def _family(order: Order) -> Row:
    """Name the relatives of a bracket's child: undocumented fields, and only take-profits are linked."""
    if order.parent_id is None:
        return {}
    linked = {"linkedOrderId": order.linked_id} if order.type is OrderType.LIMIT else {}
    return {"parentOrderId": order.parent_id, **linked}


def position_row(position: Position) -> Row:
    """Describe a position: direction in `type`, size never negative, 0 when it is closed."""
    return {
        "id": position.id,
        "accountId": position.account,
        "contractId": position.spec.id,
        "contractDisplayName": position.spec.name,
        "creationTimestamp": position.created,
        "type": 2 if position.short else 1,
        "size": abs(position.size),
        "averagePrice": position.average_price,
    }


def trade_row(trade: Trade) -> Row:
    """Describe a half-turn trade; `profitAndLoss` is null when it opened."""
    return {
        "id": trade.id,
        "accountId": trade.account,
        "contractId": trade.contract,
        "creationTimestamp": trade.created,
        "price": trade.price,
        "profitAndLoss": trade.profit_and_loss,
        "fees": trade.fees,
        "commissions": trade.commissions,
        "side": int(trade.side),
        "size": trade.size,
        "voided": trade.voided,
        "orderId": trade.order_id,
    }
