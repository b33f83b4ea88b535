"""While hard-locked, through the real SDK: S-73, S-74, S-75, with brackets and held orders."""

from decimal import Decimal

import pytest

from messages.events import (
    AccountLocked,
    BrokerCommandSent,
    EnforcementFinished,
    EnforcementStarted,
    ExposureUnderLock,
)
from messages.facts import TradeExecuted
from messages.values import OrderType, Phase
from tests.rig import A, B, contract
from tests.wire_rig import CANCEL, CLOSE, wire_config

LOSS_5 = wire_config(daily_realized_loss={"max_loss_usd": 5, "include_open_loss": False})


@pytest.fixture
def locked(wire):
    """Run a system whose account A is locked and flat."""
    run = wire(LOSS_5)
    run.fill(A, "-35.50")
    run.wait(EnforcementFinished)
    return run


def test_a_position_opened_under_lock_is_closed_at_once(locked):
    """S-73: 50 ES go as one close; the rules are skipped, and the lock stays the one it was."""
    locked.buy(A, "ES", 50)
    locked.wait(EnforcementFinished, count=2)

    assert locked.held(A) == {}
    assert locked.applied(CLOSE) == 1
    assert locked.wait(ExposureUnderLock).rules_skipped == 1
    assert len(locked.events(AccountLocked)) == 1
    assert locked.status().phase is Phase.LOCKED


@pytest.mark.parametrize("size", [1, -1], ids=["buy", "sell"])
def test_a_working_order_under_lock_is_cancelled(locked, size):
    """S-74: it never becomes a position."""
    locked.limit(A, "MNQ", size, "20000" if size > 0 else "30000")
    locked.wait(EnforcementFinished, count=2)

    assert locked.trader.working_orders(A) == []
    assert locked.applied(CANCEL) == 1
    assert locked.requests(CLOSE) == ()


def test_a_bracket_under_lock_goes_whole(locked):
    """S-74: the entry that works and both children that wait for it."""
    locked.limit(A, "MNQ", 1, "20000")
    locked.trader.place_order(
        A,
        contract("MNQ"),
        0,
        1,
        OrderType.LIMIT,
        limit_price=Decimal(19000),
        stop_loss_ticks=40,
        take_profit_ticks=40,
    )
    locked.wait(EnforcementFinished, count=2)
    locked.sim.record().wait_until(lambda: locked.trader.working_orders(A) == [], 10)

    assert locked.held(A) == {}


def test_a_filled_bracket_under_lock_is_flat_without_orders(locked):
    """S-74: a market entry whose stop and target work at once."""
    locked.buy(A, "MNQ", 2, stop_loss_ticks=40, take_profit_ticks=40)
    locked.wait(EnforcementFinished, count=2)

    assert locked.held(A) == {}
    assert locked.trader.working_orders(A) == []


def test_a_loss_under_lock_is_booked_and_locks_nothing_anew(locked):
    """S-75: the sum moves; there is no second lockout and no second flatten."""
    locked.fill(A, "-300", late=True)
    locked.wait(TradeExecuted, count=2)
    locked.mark(A)

    assert locked.status().realised_usd == Decimal("-335.50")
    assert len(locked.events(AccountLocked)) == 1
    assert len(locked.events(EnforcementStarted)) == 1


def test_the_other_account_keeps_its_position_and_its_orders(locked):
    """S-80b: everything above concerns A alone."""
    locked.buy(B, "MNQ", 1)
    locked.limit(B, "MNQ", 1, "20000")
    locked.buy(A, "MNQ", 1)
    locked.wait(EnforcementFinished, count=2)
    locked.mark(B)

    assert locked.held(B) == {contract("MNQ"): 1}
    assert len(locked.trader.working_orders(B)) == 1
    assert locked.events(BrokerCommandSent, B) == []


def test_a_trader_who_insists_is_closed_every_time(locked):
    """Five entries in a row, each as the last one is being closed: flat in the end, never flipped."""
    for _ in range(5):
        locked.buy(A, "MNQ", 1)
        locked.buy(A, "MNQ", -2)
    locked.mark(A)
    last = locked.events(EnforcementStarted)[-1].enforcement_id
    locked.wait(EnforcementFinished, lambda each: each.enforcement_id == last)

    assert locked.held(A) == {}
    assert locked.status().phase is Phase.LOCKED
