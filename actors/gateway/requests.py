"""From a BrokerCommand to the one request that carries it out. Pure."""

from decimal import Decimal

from actors.gateway import answers
from actors.gateway.budget import Priority
from messages.commands import (
    BrokerCommand,
    CancelOrder,
    CloseContract,
    ModifyOrder,
    PartialCloseContract,
    PlaceOrder,
)

type Body = dict[str, object]


def request_of(command: BrokerCommand) -> tuple[str, Priority, Body]:
    """Return endpoint, priority and body of a command."""
    body: Body = {"accountId": command.account}
    match command:
        case CloseContract():
            return answers.CLOSE_CONTRACT, Priority.CLOSE, body | {"contractId": command.contract}
        case PartialCloseContract():
            part = {"contractId": command.contract, "size": command.size}
            return answers.PARTIAL_CLOSE, Priority.CLOSE, body | part
        case CancelOrder():
            return answers.CANCEL_ORDER, Priority.CANCEL, body | {"orderId": command.order_id}
        case ModifyOrder():
            change = _given(
                size=command.size,
                limitPrice=_number(command.limit_price),
                stopPrice=_number(command.stop_price),
            )
            body |= {"orderId": command.order_id}
            return answers.MODIFY_ORDER, Priority.MUTATION, body | change
        case PlaceOrder():
            return answers.PLACE_ORDER, Priority.MUTATION, body | _order_of(command)
        case _:
            raise TypeError(f"{type(command).__name__} is no command a broker can carry out")


def _order_of(command: PlaceOrder) -> Body:
    return _given(
        contractId=command.contract,
        type=command.type,
        side=command.side,
        size=command.size,
        limitPrice=_number(command.limit_price),
        stopPrice=_number(command.stop_price),
        customTag=command.tag,
    )


def _given(**fields: object) -> Body:
    return {name: value for name, value in fields.items() if value is not None}


def _number(price: Decimal | None) -> float | None:
    """Return a price as JSON's number; the shortest text of the float is the price again."""
    return None if price is None else float(price)
