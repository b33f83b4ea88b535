"""An intent: what is to be reached, and which lockouts follow once it is.

Pure. It is journaled before the first broker command and stays until it is discharged.
"""

from dataclasses import dataclass
from datetime import datetime

from actors.account.lockouts import joined, key_of
from messages.events import EnforcementStarted
from messages.values import Breach, Lockout, Target


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
    )


def all_pending(under_way: Enforcement, more: tuple[Lockout, ...]) -> tuple[Lockout, ...]:
    """Return the lockouts that follow once more of them have joined."""
    return tuple(joined({key_of(each): each for each in under_way.pending}, more).values())


def lockouts_of(
    breach: Breach, breach_id: str, now: datetime, *, shadow: bool
) -> tuple[Lockout, ...]:
    """Return the lockouts a breach asks for, decided now."""
    return tuple(
        Lockout(
            rule=breach.rule,
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
