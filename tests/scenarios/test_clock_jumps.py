"""Clocks that are set, jump or sleep, in a run and across a restart: S-86, S-88b, S-89, I9."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from messages.commands import ReconcileAccount
from messages.events import AlarmRaised, DayReset, LockoutReleased
from messages.facts import TradeExecuted
from messages.values import AlarmCode, Phase
from tests.rig import NOON, A, B, config_of, contract

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LOSS = config_of(daily_realized_loss={"max_loss_usd": 500})
COOLDOWN = config_of(cooldown_after_loss={})
RESET = datetime(2025, 10, 29, 22, 0, tzinfo=UTC)
"""17:00 in Chicago on the rig's Wednesday."""


def alarms(run):
    return [each.code for each in run.events(AlarmRaised, None)]


def answer(run):
    """Let the broker be asked something, as it is every few seconds."""
    ask = ReconcileAccount(account=B, at=run.clock.now(), cause="test")
    run.system.directory.tell(f"account/{B}", ask)
    run.settle()


@pytest.mark.parametrize("by", [2 * HOUR, -HOUR, 180 * DAY])
def test_a_clock_that_is_set_neither_shortens_nor_prolongs_a_cooldown(rig, by):
    """S-88b: 300 s are 300 s of real time."""
    run = rig(COOLDOWN)
    run.fill(A, "-150")

    run.clock.set_wall(NOON + by)
    run.advance(299.9)
    assert run.status().phase is Phase.LOCKED
    run.advance(0.1)

    assert run.status().phase is Phase.OPEN
    assert len(run.events(DayReset)) == 1


@pytest.mark.parametrize("start", ["2025-11-02T06:58:00Z", "2026-03-08T07:58:00Z"])
def test_a_change_to_or_from_summer_time_is_nothing_to_a_cooldown(rig, start):
    """S-88b: two minutes before Chicago's clocks change, 300 s of cooldown."""
    run = rig(COOLDOWN, start=datetime.fromisoformat(start))
    run.fill(A, "-150")

    run.advance(299.9)
    assert run.status().phase is Phase.LOCKED
    run.advance(0.1)

    assert run.status().phase is Phase.OPEN


@pytest.mark.parametrize(
    ("start", "reset"),
    [
        ("2025-11-01T23:00:00Z", "2025-11-02T23:00:00Z"),
        ("2026-03-07T23:30:00Z", "2026-03-08T22:00:00Z"),
    ],
    ids=["a day of 25 hours", "a day of 23 hours"],
)
def test_the_reset_follows_the_zones_wall_time(rig, start, reset):
    """S-88b: locked on the day the clocks change, free at 17:00 as Chicago then counts it."""
    run = rig(LOSS, start=datetime.fromisoformat(start))
    run.fill(A, "-500")

    run.at(datetime.fromisoformat(reset) - timedelta(seconds=1))
    assert run.status().phase is Phase.LOCKED
    run.advance(1)

    assert run.status().phase is Phase.OPEN
    assert len(run.events(DayReset)) == 2


@pytest.mark.parametrize(
    "rules",
    [
        {"daily_realized_loss": {"max_loss_usd": 500}},
        {"session_block_outside": {"start": "17:00", "end": "16:00", "days": ["mon", "wed"]}},
    ],
    ids=["reset", "session"],
)
def test_a_clock_set_forward_ends_no_lockout_of_the_calendar(rig, rules):
    """I9: it is said at once, with both times; the end comes when it comes."""
    run = rig(config_of(**rules))
    run.fill(A, "-500")
    assert run.status().phase is Phase.LOCKED

    run.clock.set_wall(NOON + 6 * HOUR)
    answer(run)

    assert run.status().phase is Phase.LOCKED
    assert run.status().realised_usd == Decimal(-500)
    assert run.events(LockoutReleased) == []
    assert len(run.events(DayReset)) == 1
    (alarm,) = run.events(AlarmRaised, None)
    assert alarm.code is AlarmCode.CLOCK_JUMPED
    assert str(NOON) in alarm.text
    assert str(NOON + 6 * HOUR) in alarm.text
    run.order(A, "MNQ", 1)
    assert run.held() == {}
    run.at(run.clock.now() + 5 * HOUR)
    assert run.status().phase is Phase.OPEN


def test_a_clock_set_back_over_a_reset_repeats_and_reopens_nothing(rig):
    """The new day goes on: its loss counts, and locks until its own end."""
    run = rig(LOSS)
    run.fill(A, "-400")
    run.at(RESET + timedelta(minutes=5))
    run.clock.set_wall(RESET - HOUR)
    answer(run)

    run.fill(A, "-500")

    assert [each.trading_date for each in run.events(DayReset)] == ["2025-10-29", "2025-10-30"]
    assert run.status().trading_date == "2025-10-30"
    assert run.status().realised_usd == Decimal(-500)
    assert [lock.until for lock in run.status().lockouts] == [RESET + DAY]
    run.advance(6 * 3600)
    assert run.status().phase is Phase.LOCKED
    assert len(run.events(DayReset)) == 2


def test_a_jump_that_the_broker_confirms_counts_at_once(rig):
    """The machine was paused for eight hours and noticed nothing; then its clock was corrected."""
    run = rig(LOSS)
    run.fill(A, "-500")
    run.broker.begun += 8 * HOUR
    answer(run)
    assert run.status().phase is Phase.LOCKED

    run.clock.set_wall(NOON + 8 * HOUR)
    answer(run)

    assert run.status().phase is Phase.OPEN
    assert run.status().trading_date == "2025-10-30"
    assert len(run.events(DayReset)) == 2
    assert alarms(run) == [AlarmCode.CLOCK_WRONG, AlarmCode.CLOCK_JUMPED, AlarmCode.CLOCK_WRONG]


def test_after_a_sleep_everything_due_is_done_at_once_and_once(rig):
    """Asleep from Wednesday noon to Friday 10:00: one reset, then the session's start, in that order."""
    hours = {"start": "09:00", "end": "11:00"}
    run = rig(config_of(session_block_outside=hours, daily_realized_loss={"max_loss_usd": 500}))
    run.fill(B, "-500")
    assert run.status(A).phase is Phase.LOCKED

    run.clock.advance((46 * HOUR).total_seconds())
    run.settle()

    assert {run.status(each).phase for each in (A, B)} == {Phase.OPEN}
    for account in (A, B):
        (_, reset) = run.events(DayReset, account)
        assert (reset.closed_date, reset.trading_date) == ("2025-10-29", "2025-10-31")
        kinds = [type(each.event) for each in run.stored(account)]
        assert kinds.count(LockoutReleased) == 1
        assert kinds.index(LockoutReleased) > len(kinds) - 1 - kinds[::-1].index(DayReset)
    run.order(A, "MNQ", 1)
    assert run.held() == {contract("MNQ"): 1}


def down(run, seconds, *, wrong_by=timedelta(0)):
    """Stop, let time pass, and let the system clock be wrong from then on."""
    run.stop()
    run.clock.advance(seconds)
    run.clock.set_wall(run.broker.now() + wrong_by)


@pytest.mark.parametrize("wrong_by", [6 * HOUR, -3 * HOUR, 180 * DAY])
def test_a_clock_that_was_set_while_down_is_caught_by_the_broker(rig, wrong_by):
    """S-88 with a wrong clock: an hour later the lock holds, and ends at its own time."""
    first = rig(LOSS)
    first.fill(A, "-500")
    down(first, 3600, wrong_by=wrong_by)

    run = rig(LOSS, broker=first.broker)

    assert AlarmCode.CLOCK_WRONG in alarms(run)
    assert run.status().phase is Phase.LOCKED
    assert run.status().realised_usd == Decimal(-500)
    assert run.events(DayReset) == []
    run.advance(4 * 3600 - 1)
    assert run.status().phase is Phase.LOCKED
    run.advance(2)
    assert run.status().phase is Phase.OPEN


@pytest.mark.parametrize("wrong_by", [timedelta(0), HOUR, -HOUR])
def test_what_is_left_of_a_cooldown_is_left_after_a_restart(rig, wrong_by):
    """S-86: 300 s, down from 100 to 150, up on any clock: 150 s are left (a `Date` has whole seconds)."""
    first = rig(COOLDOWN)
    first.fill(A, "-150")
    first.advance(100)
    down(first, 50, wrong_by=wrong_by)

    run = rig(COOLDOWN, broker=first.broker)

    run.advance(149)
    assert run.status().phase is Phase.LOCKED
    run.advance(2)
    assert run.status().phase is Phase.OPEN


def test_the_longer_of_two_lockouts_outlasts_a_restart(rig):
    """S-89: to the reset and 1800 s: locked until the reset."""
    both = config_of(daily_realized_loss={"max_loss_usd": 500}, cooldown_after_loss={})
    first = rig(both)
    first.fill(A, "-500")
    down(first, 60)

    run = rig(both, broker=first.broker)

    assert [lock.rule for lock in run.status().lockouts] == ["RULE-003", "RULE-007"]
    run.at(RESET - timedelta(seconds=1))
    assert [lock.rule for lock in run.status().lockouts] == ["RULE-003"]
    run.advance(1)
    assert run.status().phase is Phase.OPEN


def test_without_the_brokers_time_the_journal_bounds_the_clock(rig):
    """Set back an hour while down: a cooldown of 300 s has not become one of an hour."""
    first = rig(COOLDOWN)
    first.fill(A, "-150")
    first.advance(100)
    first.broker.ahead = None
    down(first, 50, wrong_by=-HOUR)

    run = rig(COOLDOWN, broker=first.broker)

    assert alarms(run) == [AlarmCode.CLOCK_WRONG, AlarmCode.CLOCK_UNCONFIRMED]
    run.advance(199.9)
    assert run.status().phase is Phase.LOCKED
    run.advance(0.2)
    assert run.status().phase is Phase.OPEN


def test_a_day_that_a_wrong_clock_began_does_not_hide_todays_fills(rig):
    """A first start three days ahead, with a broker that told no time; then all is right again."""
    first = rig(LOSS)
    first.stop()
    first.broker.ahead = None
    first.clock.set_wall(NOON + 3 * DAY)
    ahead = rig(LOSS, broker=first.broker)
    assert ahead.status().trading_date == "2025-11-01"
    ahead.stop()
    first.broker.ahead = timedelta(0)
    first.clock.set_wall(NOON)

    run = rig(LOSS, broker=first.broker)
    run.fill(A, "-500")

    assert run.status().trading_date == "2025-10-29"
    assert len(run.events(TradeExecuted)) == 1
    assert run.status().phase is Phase.LOCKED
    assert run.status().lockouts[0].until == RESET
