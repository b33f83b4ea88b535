"""RULE-007 and RULE-013 through the whole system: scenarios S-33 to S-37, S-63, S-64, S-78, S-79."""

from datetime import timedelta
from decimal import Decimal

import pytest

from messages.commands import CloseContract
from messages.events import AccountLocked, AccountOpened, EnforcementStarted, LockoutReleased
from messages.values import Phase
from tests.rig import NOON, A, B, config_of

COOLDOWN = config_of(cooldown_after_loss={})
BOTH = config_of(cooldown_after_loss={}, daily_realized_loss={"max_loss_usd": 500})


@pytest.mark.parametrize(
    ("pnl", "seconds"),
    [("-99.99", 0), ("-100", 300), ("-199", 300), ("-200", 900), ("-250", 900), ("-350", 1800)],
)
def test_the_deepest_tier_a_loss_reaches_sets_the_cooldown(rig, pnl, seconds):
    """S-33, with a cent less than a tier, exactly a tier and beyond it."""
    run = rig(COOLDOWN)

    run.fill(A, pnl)

    ends = [(lock.until - NOON) / timedelta(seconds=1) for lock in run.status().lockouts]
    assert ends == ([seconds] if seconds else [])


@pytest.mark.parametrize("pnl", ["0", "200", None])
def test_what_is_no_loss_cools_nothing(rig, pnl):
    """S-34: zero, a profit, and an opening fill."""
    run = rig(COOLDOWN)

    run.fill(A, pnl)

    assert run.status().phase is Phase.OPEN


def test_nothing_extends_a_cooldown_that_is_in_force(rig):
    """S-35: a loss while cooling is booked, and the cooldown ends when it was to end."""
    run = rig(COOLDOWN)
    run.fill(A, "-150")
    run.advance(100)

    run.fill(A, "-350")

    assert run.status().realised_usd == Decimal(-500)
    assert [lock.until - NOON for lock in run.status().lockouts] == [timedelta(seconds=300)]


def test_a_cooldown_ends_exactly_when_it_is_over_and_with_no_traffic(rig):
    """S-36 and S-70: locked at 299.999 s, open at 300 s."""
    run = rig(COOLDOWN)
    run.fill(A, "-150")

    run.advance(299.999)
    assert run.status().phase is Phase.LOCKED
    run.advance(0.001)

    assert run.status().phase is Phase.OPEN
    assert [each.released_by for each in run.events(LockoutReleased)] == ["time"]


def test_one_account_does_not_cool_another(rig):
    """S-37: B's loss leaves A open."""
    run = rig(COOLDOWN)

    run.fill(B, "-300")

    assert run.status(A).phase is Phase.OPEN
    assert run.status(B).phase is Phase.LOCKED


def test_partial_fills_of_one_order_are_one_trade(rig):
    """Two fills of -60 of one closing order are a loss of 120, which is in the first tier."""
    run = rig(COOLDOWN)
    run.price("MNQ", "26000")
    run.order(A, "MNQ", 4)
    run.price("MNQ", "25985")

    run.close_in_parts(A, "MNQ", (2, 2))

    assert [lock.rule for lock in run.status().lockouts] == ["RULE-007"]


def test_a_locked_account_is_judged_before_it_opens(rig):
    """S-18: the flattening of a cooldown realises a day's loss; the account is never OPEN between."""
    run = rig(BOTH)
    run.price("MNQ", "26000")
    run.order(A, "MNQ", 10)
    opened = len(run.events(AccountOpened))
    run.price("MNQ", "25980")
    run.fill(A, "-150")
    assert run.status().realised_usd == Decimal(-550)
    assert [lock.rule for lock in run.status().lockouts] == ["RULE-007"]

    run.advance(300)

    assert [lock.rule for lock in run.status().lockouts] == ["RULE-003"]
    assert len(run.events(AccountOpened)) == opened


def test_one_fact_that_breaks_two_rules_flattens_once_and_locks_twice(rig):
    """S-78 and S-79: one flatten in flight, two lockouts, the strictest first."""
    run = rig(BOTH)
    run.order(A, "MNQ", 1)

    run.fill(A, "-550")

    assert len(run.commands(CloseContract)) == 1
    assert len(run.events(EnforcementStarted)) == 1
    assert [lock.rule for lock in run.status().lockouts] == ["RULE-003", "RULE-007"]
    assert {each.lockout.rule for each in run.events(AccountLocked)} == {"RULE-003", "RULE-007"}


@pytest.mark.parametrize(
    ("trades", "locked"),
    [
        (("300", "400", "-100"), False),
        (("900", "200"), True),
        (("500", "500"), True),
        (("999.99",), False),
    ],
)
def test_the_profit_target_itself_ends_the_day(rig, trades, locked):
    """S-63: 600 is not there yet, 1100 and exactly 1000 are; B is unaffected."""
    run = rig(config_of(daily_realized_profit={"target_usd": 1000}))
    run.fill(B, "700")

    for pnl in trades:
        run.fill(A, pnl)

    assert (run.status(A).phase is Phase.LOCKED) is locked
    assert run.status(B).phase is Phase.OPEN


def test_a_later_loss_does_not_release_the_profit_lock(rig):
    """S-64: the flattened rest closes at -150, total 950: the lock stays."""
    run = rig(config_of(daily_realized_profit={"target_usd": 1000, "message": "Done for today"}))
    run.fill(A, "1100")

    run.fill(A, "-150")

    (lock,) = run.status().lockouts
    assert run.status().realised_usd == Decimal(950)
    assert lock.reason == "Done for today: $1100.00 (target: $1000.00)"
