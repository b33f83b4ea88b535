"""Commands of an enforcement: what a plan sends, how it is journaled, what an answer means. Pure."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import TypedDict, assert_never

from actors.enforcer.targets import Plan
from messages import codec
from messages.commands import BrokerCommand, CancelOrder, CloseContract, PartialCloseContract
from messages.events import BrokerCommandSent
from messages.values import AlarmCode, Done, NotSent, Outcome, Rejected, Uncertain, Withheld

_NOT_FOUND = 2
"""errorCode of both close endpoints when there is nothing left to close, and of a cancel of no order."""


class CommandHead(TypedDict):
    """What every command begins with."""

    account: int
    at: datetime
    cause: str
    command_id: str
    deadline_s: float
    exposure_usd: Decimal | None


def commands_for(todo: Plan, head: Callable[[], CommandHead]) -> list[BrokerCommand]:
    """Return the commands that carry out a plan, closes first; each gets a head of its own."""
    closes: list[BrokerCommand] = [
        CloseContract(**head(), contract=contract) for contract in todo.close
    ]
    partials = [
        PartialCloseContract(**head(), contract=contract, size=size)
        for contract, size in todo.reduce
    ]
    cancels = [CancelOrder(**head(), order_id=order) for order in todo.cancel]
    return [*closes, *partials, *cancels]


def sent(command: BrokerCommand, enforcement_id: str, at: datetime) -> BrokerCommandSent:
    """Return the record that a command was handed to the broker's port."""
    return BrokerCommandSent(
        account=command.account,
        at=at,
        cause=enforcement_id,
        enforcement_id=enforcement_id,
        command_id=command.command_id,
        command=codec.kind(command),
        contract=getattr(command, "contract", None),
        size=getattr(command, "size", None),
        order_id=getattr(command, "order_id", None),
        stop_price=getattr(command, "stop_price", None),
        limit_price=getattr(command, "limit_price", None),
    )


def concerned(command: BrokerCommand) -> str | int | None:
    """Return the contract or the order a command is about."""
    match command:
        case CancelOrder():
            return command.order_id
        case CloseContract() | PartialCloseContract():
            return command.contract
        case _:
            return None


def is_of_nothing(outcome: Rejected) -> bool:
    """Say whether the broker refused because there is no such position or order."""
    return outcome.code == _NOT_FOUND


def complaint_about(command: BrokerCommand, outcome: Outcome) -> tuple[AlarmCode, str] | None:
    """Return the alarm an answer asks for, if any."""
    what = f"{codec.kind(command)} {command.command_id}"
    match outcome:
        case Done() | Withheld():
            return None
        case Rejected() if isinstance(command, CancelOrder):
            return None  # filled, or gone with its sibling: the next read shows it
        case Rejected() if is_of_nothing(outcome):
            return None
        case Rejected(code=code, text=text):
            return AlarmCode.BROKER_REJECTED, f"{what} rejected: {code} {text}"
        case NotSent(reason=reason):
            return AlarmCode.BROKER_UNCERTAIN, f"{what} not sent: {reason}"
        case Uncertain(reason=reason):
            return AlarmCode.BROKER_UNCERTAIN, f"{what} of unknown fate: {reason}"
        case _:
            assert_never(outcome)
