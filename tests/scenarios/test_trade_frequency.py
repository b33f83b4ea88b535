"""RULE-006 through the whole system: scenarios S-27, S-29 to S-32, and what prolongs a lock."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from actors.simulator.ledger import Execution, Ticket
from messages.events import AccountLocked, DayReset, LockoutReleased, RuleBreached
from messages.values import Duty, OrderType, Phase, Side
from tests.rig import NOON, A, B, config_of, contract

MINUTE = config_of(trade_frequency_limit={"per_minute": 3})
HOUR = config_of(trade_frequency_limit={"per_hour": 10})
SESSION = config_of(trade_frequency_limit={"per_session": 50})
BOTH = config_of(trade_frequency_limit={"per_minute": 3, "per_hour": 10})
RESET = datetime(2025, 10, 29, 22, tzinfo=UTC)


def after(seconds, start=NOON):
    return start + timedelta(seconds=seconds)


def trade_at(run, *seconds, start=NOON, account=A):
    """Let an order be filled at each of these times."""
    for each in seconds:
        run.at(after(each, start))
        run.fill(account, None)


def ends(run):
    return [lock.until for lock in run.status().lockouts]


def test_the_fourth_trade_in_a_minute_ends_new_exposure_for_a_minute(rig):
    """S-27: t=0, 10, 20 are fine; t=30 locks until t=90; open at t=90 and not before."""
    run = rig(MINUTE)
    trade_at(run, 0, 10, 20)
    assert run.status().phase is Phase.OPEN

    trade_at(run, 30)

    (lock,) = run.status().lockouts
    assert (lock.duty, lock.until) == (Duty.NO_NEW_EXPOSURE, after(90))
    assert run.status().phase is Phase.LOCKED
    run.at(after(89.999))
    assert run.status().phase is Phase.LOCKED
    run.at(after(90))
    assert run.status().phase is Phase.OPEN
    assert [each.released_by for each in run.events(LockoutReleased)] == ["time"]


@pytest.mark.parametrize(("fourth", "locked"), [(59.999, True), (60, False), (60.001, False)])
def test_a_trade_exactly_a_minute_old_is_outside(rig, fourth, locked):
    """The first of four leaves the window at 60 s."""
    run = rig(MINUTE)

    trade_at(run, 0, 10, 20, fourth)

    assert (run.status().phase is Phase.LOCKED) is locked


def test_the_eleventh_trade_in_an_hour_ends_it_for_half_an_hour(rig):
    """S-29: eleven trades five minutes apart: 1800 s from the last."""
    run = rig(HOUR)
    trade_at(run, *(300 * n for n in range(10)))
    assert run.status().phase is Phase.OPEN

    trade_at(run, 3000)

    assert ends(run) == [after(3000 + 1800)]


def test_the_fifty_first_trade_of_a_session_ends_it_for_an_hour(rig):
    """S-29: fifty one trades 6.1 minutes apart, all in one trading day."""
    start = RESET - timedelta(hours=22)
    run = rig(SESSION, start=start)
    trade_at(run, *(366 * n for n in range(50)), start=start)
    assert run.status().phase is Phase.OPEN

    trade_at(run, 366 * 50, start=start)

    assert ends(run) == [after(366 * 50 + 3600, start)]


def test_of_two_limits_broken_at_once_the_longer_cooldown_counts(rig):
    """S-30: one order is the fourth in a minute and the eleventh in an hour: one lock of 1800 s."""
    run = rig(BOTH)
    trade_at(run, *(300 * n for n in range(7)), 2000, 2010, 2020)
    assert run.status().phase is Phase.OPEN

    trade_at(run, 2030)

    assert ends(run) == [after(2030 + 1800)]
    assert len(run.events(AccountLocked)) == 1


def test_a_window_survives_a_restart(rig):
    """S-31: three trades, a restart at t=25, one at t=30: locked until t=90."""
    run = rig(MINUTE)
    trade_at(run, 0, 10, 20)
    run.advance(5)
    run.stop()

    again = rig(MINUTE, broker=run.broker)
    assert again.status().phase is Phase.OPEN
    trade_at(again, 30)

    assert ends(again) == [after(90)]


def test_a_lock_survives_a_restart_and_ends_in_time(rig):
    """Stopped and started under the lock: it goes on, and ends when it was to end."""
    run = rig(MINUTE)
    trade_at(run, 0, 10, 20, 30)
    run.stop()

    again = rig(MINUTE, broker=run.broker)
    assert ends(again) == [after(90)]
    again.at(after(90))

    assert again.status().phase is Phase.OPEN


def test_a_session_begins_anew_at_the_reset(rig):
    """S-32: fifty trades, the reset, one more: it is the first of its day."""
    start = RESET - timedelta(hours=6)
    run = rig(SESSION, start=start)
    trade_at(run, *(366 * n for n in range(50)), start=start)
    run.at(RESET)

    run.fill(A, None)

    assert run.status().phase is Phase.OPEN


@pytest.mark.parametrize("restarted", [False, True])
def test_an_hour_crosses_the_reset(rig, restarted):
    """Ten trades before 17:00 and one after it are eleven in an hour; the reset's record carries them."""
    start = RESET - timedelta(minutes=50)
    run = rig(HOUR, start=start)
    trade_at(run, *(240 * n for n in range(10)), start=start)
    run.at(RESET + timedelta(minutes=1))
    assert len(run.events(DayReset)[-1].recent_trades) == 10
    if restarted:
        run.stop()
        run = rig(HOUR, broker=run.broker)
    assert run.status().phase is Phase.OPEN

    run.fill(A, None)

    assert ends(run) == [RESET + timedelta(minutes=31)]


def test_trades_made_while_it_was_down_before_a_reset_count(rig):
    """Down over the reset with ten trades before it: the hour knows them all the same."""
    start = RESET - timedelta(minutes=6)
    run = rig(HOUR, start=start)
    run.stop()
    for _ in range(10):
        run.clock.advance(20)
        fill_unseen(run)
    run.clock.advance((RESET + timedelta(minutes=5) - run.clock.now()).total_seconds())
    again = rig(HOUR, broker=run.broker)
    assert again.status().phase is Phase.OPEN

    again.fill(A, None)

    assert ends(again) == [RESET + timedelta(minutes=35)]


def fill_unseen(run):
    """Fill an order while nobody listens."""
    run.broker.exchange.book_trade(
        A,
        Ticket(contract("MNQ"), OrderType.MARKET, Side.SELL, 1),
        Execution(1, Decimal(26000), None, Decimal(0), Decimal(0)),
        run.clock.now(),
        order_id=None,
        moves_position=False,
    )


def test_the_partial_fills_of_an_order_are_one_trade(rig):
    """An entry and an exit in three parts are two trades."""
    run = rig(MINUTE)
    run.order(A, "MNQ", 3)

    run.close_in_parts(A, "MNQ", (1, 1, 1))

    assert run.status().phase is Phase.OPEN


def test_a_voided_fill_is_no_trade(rig):
    """Three trades, one of them taken back, and one more: still three."""
    run = rig(MINUTE)
    trade_at(run, 0, 10)
    run.void(A, run.fill(A, None))

    trade_at(run, 20)

    assert run.status().phase is Phase.OPEN


@pytest.mark.parametrize(("count_exits", "locked"), [(True, True), (False, False)])
def test_exits_count_unless_the_config_says_otherwise(rig, count_exits, locked):
    """Two round trips are four trades, or two entries."""
    run = rig(config_of(trade_frequency_limit={"per_minute": 3, "count_exits": count_exits}))

    for size in (1, -1, 1, -1):
        run.order(A, "MNQ", size)

    assert (run.status().phase is Phase.LOCKED) is locked
    assert run.held() == {}


def test_exits_under_the_lock_neither_prolong_it_nor_set_the_next(rig):
    """Closing in five steps under the lock: it ends at t=90, and the account opens."""
    run = rig(MINUTE)
    for second, size in ((0, 1), (10, 1), (20, 1), (30, 3)):
        run.at(after(second))
        run.order(A, "MNQ", size)
    assert run.held() == {contract("MNQ"): 6}

    for second in (50, 60, 65, 70, 75):
        run.at(after(second))
        run.order(A, "MNQ", -1)

    assert ends(run) == [after(90)]
    run.at(after(90))
    assert run.status().phase is Phase.OPEN
    assert len(run.events(RuleBreached)) == 1
    assert run.held() == {contract("MNQ"): 1}


def test_exits_under_the_lock_count_for_the_next_entry(rig):
    """The same exits fill the window: one entry after the lock is too many."""
    run = rig(MINUTE)
    for second, size in ((0, 1), (10, 1), (20, 1), (30, 1), (60, -1), (65, -1), (70, -1)):
        run.at(after(second))
        run.order(A, "MNQ", size)
    run.at(after(91))
    assert run.status().phase is Phase.OPEN

    run.order(A, "MNQ", 1)

    assert ends(run) == [after(151)]


def test_a_reentry_under_the_lock_is_judged_when_it_ends(rig):
    """Entries at t=80 and 85 are closed back, one lock meanwhile; at t=90 the next begins at once."""
    run = rig(MINUTE)
    trade_at(run, 0, 10, 20, 30)

    for second in (80, 85):
        run.at(after(second))
        run.order(A, "MNQ", 1)
        assert run.held() == {}
    assert ends(run) == [after(90)]
    assert len(run.events(AccountLocked)) == 1
    run.at(after(90))

    assert ends(run) == [after(145)]
    assert run.status().phase is Phase.LOCKED


def test_another_account_trades_on(rig):
    """A's trades are A's alone."""
    run = rig(MINUTE)

    trade_at(run, 0, 10, 20, account=B)
    trade_at(run, 30)

    assert run.status(A).phase is Phase.OPEN
    assert run.status(B).phase is Phase.OPEN
