"""The lockout a trader asks for: flat, then locked until an instant, by the same path as after a breach.

Pure. It is keyed like a rule's, so a later end replaces an earlier one and an earlier one changes
nothing; the clock alone ends it, no reset does.
"""

from datetime import datetime

from messages.commands import LockAccount
from messages.values import ACCOUNT_SCOPE, Duty, Lockout, ReleaseOn

SELF = "SELF"
"""Stands where a lockout names its rule."""


def lockout_of(asked: LockAccount, now: datetime, *, shadow: bool) -> Lockout:
    """Return the lockout that is asked for, decided now; its end names it, for no two have the same."""
    return Lockout(
        rule=SELF,
        scope=ACCOUNT_SCOPE,
        duty=Duty.FLAT,
        until=asked.until,
        release_on=ReleaseOn.TIME,
        reason=asked.reason,
        breach_id=f"self/{asked.until:%Y%m%dT%H%M%S.%fZ}",
        locked_at=now,
        shadow=shadow,
    )
