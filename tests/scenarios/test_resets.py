"""The daily reset as a transaction: nothing of yesterday in today, nothing twice: S-88, S-97, S-99."""

import sqlite3
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from messages.events import (
    AccountLocked,
    AlarmRaised,
    DayReset,
    EnforcementFinished,
    EnforcementStarted,
    LockoutReleased,
    RuleBreached,
)
from messages.facts import TradeExecuted
from messages.values import AlarmCode, Phase
from tests.rig import NOON, A, config_of, contract

LOSS = config_of(daily_realized_loss={"max_loss_usd": 500})
RESET = datetime(2025, 10, 29, 22, 0, tzinfo=UTC)
"""17:00 in Chicago on the rig's Wednesday."""
MOMENT = timedelta(seconds=1)


def days(run):
    return [(each.closed_date, each.trading_date) for each in run.events(DayReset)]


def stored(run, kind):
    return [each.event for each in run.stored() if isinstance(each.event, kind)]


def test_the_old_day_is_closed_with_its_result_as_the_new_one_begins(rig):
    """S-97: 16:59:58 to 17:00:08: the lock ends, the day is closed and the next begun, once."""
    run = rig(LOSS, start=RESET - 2 * MOMENT)
    run.fill(A, "-300")
    run.fill(A, "-200")

    run.advance(10)

    (_, reset) = run.events(DayReset)
    assert (reset.closed_date, reset.trading_date) == ("2025-10-29", "2025-10-30")
    assert (reset.realised_usd, reset.closed_trades) == (Decimal(-500), 2)
    assert reset.lockouts == ()
    assert run.status().realised_usd == 0
    assert run.status().phase is Phase.OPEN
    assert [each.released_by for each in run.events(LockoutReleased)] == ["reset"]


def test_a_second_start_after_the_reset_repeats_nothing(rig):
    """S-97 and S-99: down at 17:00, up at 17:05 and again at 17:06; each event counts once."""
    first = rig(LOSS)
    first.fill(A, "-300")
    first.stop()
    first.clock.advance((RESET - NOON).total_seconds() + 300)

    second = rig(LOSS, broker=first.broker)
    second.fill(A, "-200")
    second.stop()
    second.clock.advance(60)
    third = rig(LOSS, broker=first.broker)

    assert days(second) == [("2025-10-29", "2025-10-30")]
    assert days(third) == []
    assert third.status().realised_usd == Decimal(-200)
    assert third.status().phase is Phase.OPEN
    assert len(stored(third, TradeExecuted)) == 2


def test_resets_that_were_missed_are_caught_up_by_one(rig):
    """Down from Wednesday to Saturday, with a lock of Wednesday: one reset, free."""
    first = rig(LOSS)
    first.fill(A, "-500")
    first.stop()
    first.clock.advance(3 * 86_400)

    run = rig(LOSS, broker=first.broker)

    assert days(run) == [("2025-10-29", "2025-11-01")]
    assert len(run.events(LockoutReleased)) == 1
    assert run.status().phase is Phase.OPEN


@pytest.mark.parametrize("lost", ["nothing", "the reset"])
def test_a_crash_at_the_reset_leaves_all_of_it_or_nothing(rig, monkeypatch, lost):
    """Released and begun together, and never twice; what a restart would find locked does not open."""
    first = rig(LOSS, start=RESET - 2 * MOMENT)
    first.fill(A, "-500")
    with monkeypatch.context() as disk:
        if lost == "the reset":
            disk.setattr(type(first.system._store), "append_rows", _refuse)
        first.advance(10)
        assert first.status().phase is (Phase.LOCKED if lost == "the reset" else Phase.OPEN)
        first.stop()
    assert len(stored(first, DayReset)) == (1 if lost == "the reset" else 2)
    assert len(stored(first, LockoutReleased)) == (0 if lost == "the reset" else 1)

    run = rig(LOSS, broker=first.broker)

    assert [each.trading_date for each in stored(run, DayReset)] == ["2025-10-29", "2025-10-30"]
    assert len(stored(run, LockoutReleased)) == 1
    assert run.status().phase is Phase.OPEN
    assert run.status().realised_usd == 0


def _refuse(_store, _rows):
    raise sqlite3.OperationalError("database or disk is full")


@pytest.mark.parametrize("by", ["the stream", "a snapshot"])
def test_a_fill_of_yesterday_that_arrives_after_the_reset_locks_nothing(rig, by):
    """A loss of 16:59:59 that is heard of at 17:00:05 belongs to a day that is closed."""
    run = rig(LOSS, start=RESET - 2 * MOMENT)
    run.fill(A, "-499")
    run.advance(7)
    if by == "a snapshot":
        run.broker.muted.add(A)

    run.fill(A, "-600", at=RESET - MOMENT)
    run.broker.muted.clear()
    run.do(lambda gateway: gateway.reconnect())

    assert run.events(RuleBreached) == []
    assert run.status().phase is Phase.OPEN
    assert run.status().realised_usd == 0


def test_an_enforcement_under_way_goes_on_over_the_reset_and_locks_nothing(rig):
    """Breached at 16:59:58 with a hanging broker: what was held is closed, the new day is free."""
    run = rig(LOSS, start=RESET - 2 * MOMENT)
    run.order(A, "MNQ", 2)
    run.broker.hanging[A] = False
    run.fill(A, "-500")

    run.advance(3)
    assert run.status().phase is Phase.ENFORCING
    (_, reset) = run.events(DayReset)
    assert reset.enforcement
    assert reset.enforcement.lockouts == ()
    run.broker.hanging.clear()
    for _ in range(6):
        run.advance(3)

    assert run.held() == {}
    assert len(run.events(EnforcementFinished)) == 1
    assert len(run.events(EnforcementStarted)) == 1
    assert run.events(AccountLocked) == []
    assert [each.released_by for each in run.events(LockoutReleased)] == ["reset"]
    assert run.status().phase is Phase.OPEN
    run.order(A, "MNQ", 1)
    assert run.held() == {contract("MNQ"): 1}


def test_an_enforcement_that_hangs_over_reset_and_restart_is_finished(rig):
    """I5 over a reset: stopped before, started after; flat, and the new day is free."""
    first = rig(LOSS, start=RESET - 60 * MOMENT)
    first.order(A, "MNQ", 2)
    first.broker.hanging[A] = False
    first.fill(A, "-500")
    first.stop()
    first.broker.hanging.clear()
    first.clock.advance(120)

    run = rig(LOSS, broker=first.broker)
    run.advance(10)

    assert run.held() == {}
    assert run.events(AccountLocked) == []
    assert len(run.events(EnforcementFinished)) == 1
    assert run.status().phase is Phase.OPEN


def test_a_cooldown_outlasts_the_reset_to_its_own_end(rig):
    """S-69 in small: only what ends at the reset does."""
    both = config_of(daily_realized_loss={"max_loss_usd": 500}, cooldown_after_loss={})
    run = rig(both, start=RESET - 60 * MOMENT)
    run.fill(A, "-500")

    run.advance(60)
    assert [lock.rule for lock in run.status().lockouts] == ["RULE-007"]
    run.advance(1739.9)
    assert run.status().phase is Phase.LOCKED
    run.advance(0.1)

    assert run.status().phase is Phase.OPEN


def test_nothing_is_alarmed_by_an_ordinary_day(rig):
    """A reset with a right clock is no news to anybody."""
    run = rig(LOSS)

    run.advance(86_400)

    codes = {each.code for each in run.testimony.events() if isinstance(each, AlarmRaised)}
    assert codes <= {AlarmCode.QUOTE_STALE}
    assert len(run.events(DayReset)) == 2
