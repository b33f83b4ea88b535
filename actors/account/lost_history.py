"""What an account owes to a journal that was accepted without its anchor's word.

Pure. Nobody knows what was locked in the part that is missing, and no command may end a lockout: until
the reset after the acceptance every account is to be flat and locked. It becomes an intent in the
journal before the account starts, which the account then takes up like any other that was interrupted.
"""

from datetime import datetime, timedelta

from actors.account.lockouts import joined, key_of
from actors.account.state import AccountState
from actors.enforcer import targets as algebra
from messages.events import AnchorAccepted, EnforcementJoined, EnforcementStarted
from messages.values import ACCOUNT_SCOPE, Duty, FlatAccount, Lockout, ReleaseOn

LOST_HISTORY = "JOURNAL"
"""Stands where a lockout names its rule."""

_REASON = "the journal was accepted without its anchor: what was locked before is unknown"


def intent(
    state: AccountState, accepted: AnchorAccepted | None, now: datetime, deadline_s: float
) -> EnforcementStarted | EnforcementJoined | None:
    """Return what must be in the journal before this account starts; None when nothing is owed."""
    if accepted is None:
        return None
    lockout = _lockout(state, accepted)
    owes = lockout.until is not None and now < lockout.until
    if not owes or key_of(lockout) in {key_of(each) for each in state.duties}:
        return None
    under_way = state.enforcement
    deadline_at = now + timedelta(seconds=deadline_s)
    # What is only pretended ends at the next start in truth: what joined it would end with it.
    if under_way is None or under_way.shadow:
        return EnforcementStarted(
            account=state.account,
            at=now,
            cause=lockout.breach_id,
            enforcement_id=f"{state.account}/e{state.enforcement_count + 1}",
            breaches=(),
            targets=(FlatAccount(),),
            lockouts=(lockout,),
            deadline_at=deadline_at,
        )
    return EnforcementJoined(
        account=state.account,
        at=now,
        cause=lockout.breach_id,
        enforcement_id=under_way.id,
        breaches=(),
        targets=algebra.joined((*under_way.targets, FlatAccount())),
        lockouts=tuple(
            joined({key_of(each): each for each in under_way.pending}, (lockout,)).values()
        ),
        deadline_at=under_way.deadline_at if under_way.pending else deadline_at,
    )


def _lockout(state: AccountState, accepted: AnchorAccepted) -> Lockout:
    return Lockout(
        rule=LOST_HISTORY,
        scope=ACCOUNT_SCOPE,
        duty=Duty.FLAT,
        until=state.day.next_reset(accepted.at),
        release_on=ReleaseOn.RESET,
        reason=_REASON,
        breach_id=f"accepted/{accepted.at:%Y%m%dT%H%M%SZ}",
        locked_at=accepted.at,
    )
