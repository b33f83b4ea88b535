"""An intent: what is to be reached, and which lockouts follow once it is.

Pure. It is journaled before the first broker command and stays until it is discharged.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime

from actors.account.lockouts import joined, key_of
from messages.events import BrokerCommandAnswered, BrokerCommandSent, EnforcementStarted
from messages.values import (
    Breach,
    BreachCode,
    Closing,
    Lockout,
    NotSent,
    Rejected,
    Target,
    Withheld,
)

UNJUDGED = "UNJUDGED"
"""Stands where a lockout names its rule, where that could not judge the account for too long.

Under the rule's own name a late verdict of it would take its place, to end on something else.
"""


@dataclass(frozen=True, slots=True)
class Enforcement:
    """An intent that is not discharged yet."""

    id: str
    """E.g. `13298777/e4`."""
    since: datetime
    """When it was decided, UTC."""
    breaches: tuple[str, ...]
    """Breach ids it answers; empty for the standing duty of a lockout."""
    targets: tuple[Target, ...]
    """States to reach."""
    pending: tuple[Lockout, ...]
    """Lockouts that are a duty already and are said once the targets are reached."""
    deadline_at: datetime
    """When they are said all the same, UTC."""
    shadow: bool = False
    """Only pretended."""
    closing: tuple[Closing, ...] = ()
    """Its closes that may still take effect.

    A successor that cannot read the broker repeats none of them: beside one that hangs it would flip.
    """


def begun(event: EnforcementStarted) -> Enforcement:
    """Return the intent that an event began."""
    return Enforcement(
        id=event.enforcement_id,
        since=event.at,
        breaches=event.breaches,
        targets=event.targets,
        pending=event.lockouts,
        deadline_at=event.deadline_at,
        shadow=event.shadow,
        closing=event.closing,
    )


def commanded(
    under_way: Enforcement, event: BrokerCommandSent | BrokerCommandAnswered
) -> Enforcement:
    """Return the intent after a command was sent or answered."""
    match event:
        case BrokerCommandSent(contract=str(contract)) if event.enforcement_id == under_way.id:
            # only sent anew when the one before was read to be over, or had no effect
            before = _closing(under_way, lambda each: each.contract != contract)
            new = Closing(command_id=event.command_id, contract=contract)
            return replace(under_way, closing=(*before.closing, new))
        case BrokerCommandAnswered(outcome=NotSent() | Rejected() | Withheld()):
            return _closing(under_way, lambda each: each.command_id != event.command_id)
        case _:
            return under_way


def still_held(under_way: Enforcement, held: Collection[str]) -> Enforcement:
    """Return the intent without the closes that have done their work."""
    return _closing(under_way, lambda each: each.contract in held)


def _closing(under_way: Enforcement, keeps: Callable[[Closing], bool]) -> Enforcement:
    left = tuple(filter(keeps, under_way.closing))
    return under_way if left == under_way.closing else replace(under_way, closing=left)


def all_pending(under_way: Enforcement, more: tuple[Lockout, ...]) -> tuple[Lockout, ...]:
    """Return the lockouts that follow once more of them have joined."""
    return tuple(joined({key_of(each): each for each in under_way.pending}, more).values())


def lockouts_of(
    breach: Breach, breach_id: str, now: datetime, *, shadow: bool
) -> tuple[Lockout, ...]:
    """Return the lockouts a breach asks for, decided now."""
    unjudged = breach.code is BreachCode.RULE_UNJUDGED
    return tuple(
        Lockout(
            rule=UNJUDGED if unjudged else breach.rule,
            scope=terms.scope,
            duty=terms.duty,
            until=terms.until,
            release_on=terms.release_on,
            reason=breach.reason,
            breach_id=breach_id,
            locked_at=now,
            shadow=shadow,
        )
        for terms in breach.lockouts
    )
