"""Keeping the lockouts and the trading day: when a lockout ends, when a day does.

Pure. A lockout ends by what it was set to end on and by nothing else (I9): calendar ends when the wall
clock is there, durations by elapsed real time. The daily reset happens once, however many were missed,
closes the old day in the journal and carries over what stays. It is one transaction: all of it is
recorded in one turn, which the journal stores as a whole or not at all.
"""

from datetime import date, timedelta

from actors.account.allowance import journaled
from actors.account.lockouts import ended, ends_by_calendar
from actors.account.narrowing import narrow
from actors.account.settings import AccountSettings, RuleSetting
from actors.account.state import AccountState
from actors.account.terms import terms_of
from actors.account.turn import Turn
from messages.events import (
    DayReset,
    EnforcementFinished,
    EnforcementStarted,
    LockoutReleased,
)
from messages.values import AlarmCode, LastTold, Lockout, ReleaseOn, Unprotected

ARMED = "armed"
"""Says that a lockout which was only pretended ended, for its account is guarded in truth."""
_ONE_DAY = timedelta(days=1)
_IN_FLIGHT = timedelta(minutes=1)
"""Far longer than a read takes: one on its way over the reset may still show what has gone since."""


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


def let_trade(turn: Turn) -> bool:
    """Release what waits for the firm's flag if it is true; return whether something was released.

    The state believes only the newest word of the broker, so a true that is older than the false which
    set the lockout never gets here.
    """
    waiting = [
        each for each in turn.state.lockouts.values() if each.release_on is ReleaseOn.CAN_TRADE
    ]
    if turn.state.can_trade is not True:
        return False
    for lockout in waiting:
        _release(turn, lockout)
    return bool(waiting)


def end_shadow(turn: Turn) -> None:
    """End what an earlier run in shadow only pretended: from now on the account is guarded in truth."""
    under_way = turn.state.enforcement
    if under_way is not None and under_way.shadow:
        turn.record(EnforcementFinished(**turn.head(under_way.id), enforcement_id=under_way.id))
    for lockout in tuple(turn.state.lockouts.values()):
        if lockout.shadow:
            _release(turn, lockout, by=ARMED)


def _release(turn: Turn, lockout: Lockout, *, by: str | None = None) -> None:
    turn.record(
        LockoutReleased(
            **turn.head(lockout.breach_id),
            rule=lockout.rule,
            scope=lockout.scope,
            released_by=by or lockout.release_on,
        )
    )


def release_unlocked(turn: Turn, rules: tuple[RuleSetting, ...]) -> None:
    """Release the lockouts that end by the configuration and that these rules no longer ask for.

    One that was to follow the enforcement under way ends before it began: applied today it would stay
    until the next reset.
    """
    ended_now = tuple(
        lockout
        for lockout in turn.state.duties
        if lockout.release_on is ReleaseOn.CONFIG and not _still_locked(lockout, rules)
    )
    for lockout in ended_now:
        _release(turn, lockout)
    narrow(turn, without=ended_now)


def _still_locked(lockout: Lockout, rules: tuple[RuleSetting, ...]) -> bool:
    return any(
        each.rule.still_locks is None or each.rule.still_locks(each.parameters, lockout.scope)
        for each in rules
        if each.rule.id == lockout.rule
    )


def reset_if_due(turn: Turn, settings: AccountSettings) -> bool:
    """Close the trading day and begin the new one, as the settings count it, if it is time.

    Returns whether it was.
    """
    state = turn.state
    today = state.today
    if today is not None and today.holds(turn.now):
        return False
    label = state.day.label(turn.now)
    if not _is_due(state.trading_date, label):
        return False
    if state.trading_date is not None and label < state.trading_date:
        turn.alarm(
            AlarmCode.CLOCK_WRONG,
            f"the journal's trading day {state.trading_date} lies in the future: it was begun by a "
            f"wrong clock, and the account is judged by {label} again; its lockouts stay",
        )
    for lockout in state.duties:
        if _ends_at_reset(turn, lockout):
            _release(turn, lockout)
    day = settings.day
    if state.trading_date is not None:
        day = state.day.follows_with(day, state.trading_date)
    turn.record(
        DayReset(
            **turn.head("reset"),
            closed_date=state.trading_date.isoformat() if state.trading_date else None,
            realised_usd=state.ledger.realised_usd,
            closed_trades=state.ledger.closed_trades,
            trading_date=day.label(turn.now).isoformat(),
            lockouts=tuple(state.lockouts.values()),
            enforcement=_open_intent(turn, state),
            breach_count=state.breach_count,
            enforcement_count=state.enforcement_count,
            connected=state.connected,
            positions=tuple(state.positions.values()),
            orders=tuple(state.orders.values()),
            unprotected=tuple(
                Unprotected(contract=name, since=since)
                for name, since in state.unprotected_since.items()
            ),
            can_trade=state.can_trade,
            can_trade_at=state.can_trade_at,
            attempts=state.attempts,
            allowances=None if state.allowances is None else journaled(state.allowances),
            recent_trades=state.trades.recent(turn.now),
            terms=terms_of(settings, day),
            fills=state.ledger.since(label),
            unplaced=state.unplaced.fills,
            unfilled=state.unplaced.moves,
            unsettled=tuple(sorted(state.unsettled)),
            contracts=tuple(state.contracts.values()),
            told=tuple(
                LastTold(key=key, at=at)
                for key, at in state.seen_at.items()
                if key in state.positions or key in state.orders or turn.now - at < _IN_FLIGHT
            ),
            balance_usd=state.balance_usd,
            shadow=settings.shadow,
        )
    )
    turn.wake_at("reset", state.day.next_reset(turn.now))
    return True


def _is_due(begun: date | None, label: date) -> bool:
    """Say whether a day other than the one that was begun is to be begun.

    A clock that was set back over a reset repeats no reset; but a day that no clock a little wrong can
    have begun would hide every fill until it comes.
    """
    return begun is None or label > begun or begun - label > _ONE_DAY


def _ends_at_reset(turn: Turn, lockout: Lockout) -> bool:
    return lockout.release_on is ReleaseOn.RESET and ended(lockout, turn.now)


def _open_intent(turn: Turn, state: AccountState) -> EnforcementStarted | None:
    """Return the enforcement under way, without the lockouts that would have ended by now.

    Its targets are still to be reached, but nothing of the old day is locked in the new one.
    """
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
        lockouts=tuple(each for each in under_way.pending if not _ends_at_reset(turn, each)),
        deadline_at=under_way.deadline_at,
        shadow=under_way.shadow,
        closing=under_way.closing,
    )
