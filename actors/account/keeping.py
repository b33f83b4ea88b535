"""Keeping the lockouts and the trading day: when a lockout ends, when a day does.

Pure. A lockout ends by what it was set to end on and by nothing else (I9): calendar ends when the wall
clock is there, durations by elapsed real time. The daily reset happens once, however many were missed,
closes the old day in the journal and carries over what stays.
"""

from actors.account.lockouts import ended, ends_by_calendar
from actors.account.settings import RuleSetting
from actors.account.state import AccountState
from actors.account.turn import Turn
from messages.events import DayReset, EnforcementStarted, LockoutReleased
from messages.values import Lockout, ReleaseOn


def arm(turn: Turn, lockout: Lockout) -> None:
    """Be woken at the end of a lockout."""
    if lockout.until is None:
        return
    key = f"lockout {lockout.rule} {lockout.breach_id} {lockout.scope}"
    if ends_by_calendar(lockout):
        turn.wake_at(key, lockout.until)
    else:
        turn.wake_after(key, max(0.0, (lockout.until - turn.now).total_seconds()))


def end(turn: Turn, rule: str, scope: str, breach_id: str) -> bool:
    """Release a lockout whose end was signalled; return whether it was released.

    The signal is for the lockout of one breach: a longer one that has taken its place stays.
    A calendar end that the wall clock has not reached (it was set back) is waited for again.
    """
    lockout = turn.state.lockouts.get((rule, scope))
    if lockout is None or lockout.breach_id != breach_id:
        return False
    if ends_by_calendar(lockout) and not ended(lockout, turn.now):
        arm(turn, lockout)
        return False
    _release(turn, lockout)
    return True


def _release(turn: Turn, lockout: Lockout) -> None:
    turn.record(
        LockoutReleased(
            **turn.head(lockout.breach_id),
            rule=lockout.rule,
            scope=lockout.scope,
            released_by=lockout.release_on,
        )
    )


def release_unlocked(turn: Turn, rules: tuple[RuleSetting, ...]) -> None:
    """Release the lockouts that end by the configuration and that these rules no longer ask for."""
    for lockout in tuple(turn.state.lockouts.values()):
        if lockout.release_on is ReleaseOn.CONFIG and not _still_locked(lockout, rules):
            _release(turn, lockout)


def _still_locked(lockout: Lockout, rules: tuple[RuleSetting, ...]) -> bool:
    return any(
        each.rule.still_locks is None or each.rule.still_locks(each.parameters, lockout.scope)
        for each in rules
        if each.rule.id == lockout.rule
    )


def reset_if_due(turn: Turn) -> bool:
    """Close the trading day and begin the new one if it is time; return whether it was."""
    state = turn.state
    label = state.day.label(turn.now)
    if state.trading_date is not None and label <= state.trading_date:
        return False
    for lockout in tuple(state.lockouts.values()):
        if lockout.release_on is ReleaseOn.RESET and ended(lockout, turn.now):
            _release(turn, lockout)
    turn.record(
        DayReset(
            **turn.head("reset"),
            closed_date=state.trading_date.isoformat() if state.trading_date else None,
            realised_usd=state.ledger.realised_usd,
            closed_trades=state.ledger.closed_trades,
            trading_date=label.isoformat(),
            lockouts=tuple(state.lockouts.values()),
            enforcement=_open_intent(turn, state),
            breach_count=state.breach_count,
            enforcement_count=state.enforcement_count,
            connected=state.connected,
        )
    )
    turn.wake_at("reset", state.day.next_reset(turn.now))
    return True


def _open_intent(turn: Turn, state: AccountState) -> EnforcementStarted | None:
    under_way = state.enforcement
    if under_way is None:
        return None
    return EnforcementStarted(
        account=state.account,
        at=under_way.since,
        cause=turn.cause,
        enforcement_id=under_way.id,
        breaches=under_way.breaches,
        targets=under_way.targets,
        lockouts=under_way.pending,
        deadline_at=under_way.deadline_at,
    )
