"""When a lockout ends and when a day does, asked of the functions themselves."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from actors.account import keeping
from actors.account.state import AccountState
from actors.account.trading_day import TradingDay
from actors.account.turn import Turn
from messages.commands import WakeAt
from messages.events import AccountLocked, DayReset
from messages.facts import AccountChanged, PositionChanged
from messages.values import ACCOUNT_SCOPE, Duty, Lockout, Position, ReleaseOn
from tests.account.world import ACCOUNT, DAY, SETTINGS, START

RESET = datetime(2025, 10, 29, 22, tzinfo=UTC)
MNQ = "CON.F.US.MNQ.Z25"
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


def lock(rule, release_on, until=None):
    return Lockout(
        rule=rule,
        scope=ACCOUNT_SCOPE,
        duty=Duty.FLAT,
        until=until,
        release_on=release_on,
        reason="test",
        breach_id=f"b{rule}",
        locked_at=START,
    )


def a_turn(*lockouts, at=START, can_trade=None):
    """Return a turn of an account that these lockouts hold and that the firm has said this of."""
    state = AccountState.new(ACCOUNT, DAY, gross=False)
    turn = Turn(state=state, now=at, cause="test", token="t")
    head = {"account": ACCOUNT, "at": START, "cause": "test"}
    for each in lockouts:
        state.evolve(AccountLocked(**head, enforcement_id="e1", lockout=each, flat_confirmed=True))
    state.evolve(AccountChanged(**head, can_trade=can_trade, balance_usd=None))
    return turn


def left(turn):
    return {rule for rule, _ in turn.state.lockouts}


# --- the end of a lockout ---


def test_the_firm_s_word_ends_the_lock_that_waits_for_it_and_no_other():
    """RULE-010 is released by the broker alone, and the broker releases nothing else."""
    turn = a_turn(
        lock("RULE-010", ReleaseOn.CAN_TRADE), lock("RULE-003", ReleaseOn.RESET), can_trade=True
    )

    assert keeping.let_trade(turn)
    assert left(turn) == {"RULE-003"}


@pytest.mark.parametrize("can_trade", [False, None])
def test_without_the_firm_s_word_its_lock_stays(can_trade):
    """Neither a no nor silence ends it."""
    turn = a_turn(lock("RULE-010", ReleaseOn.CAN_TRADE), can_trade=can_trade)

    assert not keeping.let_trade(turn)
    assert left(turn) == {"RULE-010"}


def test_the_firm_s_word_releases_nothing_where_nothing_waits_for_it():
    """Every account hears at its start that it may trade."""
    turn = a_turn(lock("RULE-003", ReleaseOn.RESET), can_trade=True)

    assert not keeping.let_trade(turn)
    assert turn.sends() == []


def test_the_signal_of_a_lock_s_end_ends_it():
    """A duration is over when its wake comes: by elapsed time, whatever the wall clock reads."""
    turn = a_turn(lock("RULE-006", ReleaseOn.TIME, START + HOUR))

    assert keeping.end(turn, "RULE-006", ACCOUNT_SCOPE, "bRULE-006")
    assert left(turn) == set()


@pytest.mark.parametrize(("rule", "breach"), [("RULE-006", "b0"), ("RULE-007", "bRULE-006")])
def test_the_signal_of_another_lock_s_end_ends_nothing(rule, breach):
    """A longer one of the same rule has taken its place, or it has been released already."""
    turn = a_turn(lock("RULE-006", ReleaseOn.TIME, START + HOUR))

    assert not keeping.end(turn, rule, ACCOUNT_SCOPE, breach)
    assert left(turn) == {"RULE-006"}
    assert turn.sends() == []


def test_a_calendar_end_that_has_not_come_is_waited_for_again():
    """The wall clock was set back: the signal is early."""
    turn = a_turn(lock("RULE-009", ReleaseOn.SESSION_START, START + HOUR))

    assert not keeping.end(turn, "RULE-009", ACCOUNT_SCOPE, "bRULE-009")
    assert left(turn) == {"RULE-009"}
    assert [each.message.due for each in turn.sends()] == [START + HOUR]


# --- the end of a day ---


def reset_in(turn):
    (append, *_) = turn.sends()
    (reset,) = (each for each in append.message.events if isinstance(each, DayReset))
    return reset


def test_a_day_that_began_by_another_table_ends_by_it_and_the_next_one_begins_there():
    """The reset moved from 17:00 to 20:00: the new day lasts 27 hours, none is skipped or repeated."""
    turn = a_turn()
    assert keeping.reset_if_due(turn, SETTINGS)
    later = Turn(state=turn.state, now=RESET, cause="test", token="u")
    evening = TradingDay(reset=time(20), zone=DAY.zone)

    assert keeping.reset_if_due(later, replace(SETTINGS, day=evening))

    reset = reset_in(later)
    assert (reset.closed_date, reset.trading_date) == ("2025-10-29", "2025-10-30")
    assert (reset.terms.first, reset.terms.since) == ("2025-10-30", RESET)
    assert [each.message.due for each in later.sends() if isinstance(each.message, WakeAt)] == [
        RESET + 27 * HOUR
    ]


def test_a_day_is_begun_once():
    """At the reset, and not again at the next message."""
    turn = a_turn(at=RESET)
    assert keeping.reset_if_due(turn, SETTINGS)

    again = Turn(state=turn.state, now=RESET + SECOND, cause="test", token="u")

    assert not keeping.reset_if_due(again, SETTINGS)
    assert again.sends() == []
    assert turn.state.trading_date == date(2025, 10, 30)


@pytest.mark.parametrize(("seconds", "remembered"), [(59, True), (60, False), (61, False)])
def test_what_is_gone_is_remembered_over_the_reset_as_long_as_a_read_may_show_it(
    seconds, remembered
):
    """A position closed a moment before: a read on its way must not bring it back."""
    turn = a_turn(at=RESET)
    for size in (1, 0):
        position = Position(contract=MNQ, size=size, average_price=None)
        at = RESET - seconds * SECOND
        turn.state.evolve(PositionChanged(account=ACCOUNT, at=at, cause="test", position=position))

    keeping.reset_if_due(turn, SETTINGS)

    assert [each.key for each in reset_in(turn).told] == [MNQ] * remembered
