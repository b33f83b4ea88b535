"""While locked, and the lock algebra: scenarios S-66 to S-77 as far as these six rules go."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from messages.commands import CloseContract
from messages.events import (
    AccountLocked,
    AccountOpened,
    DayReset,
    EnforcementStarted,
    ExposureUnderLock,
    LockoutReleased,
)
from messages.values import OrderType, Phase
from tests.rig import A, B, config_of, contract

LOSS = config_of(daily_realized_loss={"max_loss_usd": 500})
LOSS_AND_COOLDOWN = config_of(
    daily_realized_loss={"max_loss_usd": 500},
    cooldown_after_loss={"tiers": [{"loss_usd": 100, "cooldown_s": 60}]},
)
RESET = datetime(2025, 10, 29, 22, tzinfo=UTC)


def locked(rig, config=LOSS):
    run = rig(config)
    run.fill(A, "-500")
    assert run.status().phase is Phase.LOCKED
    return run


def test_a_position_opened_under_lock_is_closed_at_once(rig):
    """S-73: 50 ES appear and go; the rules are skipped, and the journal counts the attempt."""
    run = locked(rig)

    run.order(A, "ES", 50)

    assert run.held() == {}
    (seen,) = run.events(ExposureUnderLock)
    assert (seen.attempt, seen.rules_skipped) == (1, 1)
    assert run.status().phase is Phase.LOCKED


def test_every_reentry_is_closed_with_one_lock(rig):
    """A trader who keeps re-entering is closed every time; there is one lock, and each try counts."""
    run = locked(rig)

    for _ in range(3):
        run.order(A, "MNQ", -2)
        assert run.held() == {}

    assert [each.attempt for each in run.events(ExposureUnderLock)] == [1, 2, 3]
    assert len(run.events(AccountLocked)) == 1
    assert len(run.commands(CloseContract)) == 3


def test_working_orders_are_cancelled_under_lock(rig):
    """S-74: a limit order that is placed under lock is cancelled; so are bracket legs."""
    run = locked(rig)

    run.order(A, "MNQ", 1, OrderType.LIMIT, limit=Decimal(20000))
    run.order(A, "MNQ", 1, OrderType.STOP, stop=Decimal(30000))

    assert run.working() == 0


def test_a_close_while_locked_is_booked_and_adds_no_lock(rig):
    """S-75: -300 more is counted; no second lock, no second flatten."""
    run = locked(rig)

    run.fill(A, "-300")

    assert run.status().realised_usd == Decimal(-800)
    assert len(run.events(AccountLocked)) == 1
    assert len(run.events(EnforcementStarted)) == 1


def test_another_account_trades_on(rig):
    """S-80b: A is locked, B is not."""
    run = locked(rig)

    run.order(B, "MNQ", 1)

    assert run.held(B) == {contract("MNQ"): 1}
    assert run.status(B).phase is Phase.OPEN


def test_a_start_under_lock_closes_what_the_broker_holds_before_anything_else(rig):
    """S-77: stopped while locked, a position appears, started again: closed, still locked."""
    run = locked(rig)
    run.stop()
    run.broker.exchange.accounts[A].positions.clear()
    offline = rig(LOSS.replace("500", "5000"), broker=run.broker)
    offline.stop()

    run.broker.muted.add(A)
    again = rig(LOSS, broker=run.broker)
    again.order(A, "MNQ", 2)
    again.stop()
    run.broker.muted.clear()
    third = rig(LOSS, broker=run.broker)

    assert third.held() == {}
    assert third.status().phase is Phase.LOCKED


def test_the_longest_lock_is_effective_and_each_ends_by_itself(rig):
    """S-66 and S-67: the cooldown ends after 60 s and removes only itself; 003 stays to the reset."""
    run = rig(LOSS_AND_COOLDOWN)
    run.fill(A, "-500")
    assert [lock.rule for lock in run.status().lockouts] == ["RULE-003", "RULE-007"]

    run.advance(61)
    assert [lock.rule for lock in run.status().lockouts] == ["RULE-003"]
    assert run.status().phase is Phase.LOCKED
    run.at(RESET - timedelta(seconds=1))
    assert run.status().phase is Phase.LOCKED
    run.at(RESET)

    assert run.status().phase is Phase.OPEN
    assert [each.rule for each in run.events(LockoutReleased)] == ["RULE-007", "RULE-003"]


def test_the_reset_closes_the_day_once(rig):
    """S-97: the P&L is 0 from 17:00 on, one reset is journaled, a second start repeats nothing."""
    run = locked(rig)
    run.at(RESET - timedelta(seconds=2))

    run.advance(10)

    (_, reset) = run.events(DayReset)
    assert (reset.closed_date, reset.trading_date) == ("2025-10-29", "2025-10-30")
    assert reset.realised_usd == Decimal(-500)
    assert run.status().realised_usd == 0
    run.stop()
    again = rig(LOSS, broker=run.broker)
    again.advance(300)
    assert again.events(DayReset) == []
    assert again.status().phase is Phase.OPEN


def test_yesterdays_loss_locks_nobody_today(rig):
    """Trades of the closed day do not come back with a snapshot of the new one."""
    run = rig(LOSS)
    run.fill(A, "-499")
    run.at(RESET)

    run.do(lambda gateway: gateway.reconnect())
    run.fill(A, "-2")

    assert run.status().realised_usd == Decimal(-2)
    assert run.status().phase is Phase.OPEN


def test_a_fill_stamped_a_moment_after_the_reset_counts_for_the_new_day(rig):
    """The broker's clock may be a little ahead: such a fill waits for its own day."""
    run = rig(LOSS, start=RESET - timedelta(seconds=1))
    ahead = RESET + timedelta(milliseconds=200)

    run.fill(A, "-600", at=ahead)
    assert run.status().phase is Phase.OPEN
    assert run.status().realised_usd == 0
    run.at(RESET)

    assert run.status().realised_usd == Decimal(-600)
    assert run.status().phase is Phase.LOCKED


def test_nothing_ends_a_lock_early(rig):
    """S-71: neither profits, nor a reconnect, nor a higher limit in the file at a restart."""
    run = locked(rig)
    run.fill(A, "5000")
    run.do(lambda gateway: gateway.reconnect())
    assert run.status().phase is Phase.LOCKED
    run.stop()

    again = rig(LOSS.replace("500", "9000"), broker=run.broker)

    assert again.status().phase is Phase.LOCKED
    assert [lock.until for lock in again.status().lockouts] == [RESET]


def test_the_account_is_judged_before_it_opens(rig):
    """A lock ends only into a clean account: AccountOpened comes after the release, once."""
    run = locked(rig)

    run.at(RESET)

    kinds = [type(each.event) for each in run.stored()]
    assert kinds.index(LockoutReleased) < len(kinds) - 1 - kinds[::-1].index(AccountOpened)
