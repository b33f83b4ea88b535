"""RULE-011 through the whole system: S-56 to S-58, and what its lock does."""

from datetime import timedelta
from decimal import Decimal

import pytest

from messages.commands import BrokerCommand, CancelOrder, CloseContract
from messages.events import AccountLocked, ExposureUnderLock, LockoutReleased, RuleBreached
from messages.values import Duty, OrderType, Phase, ReleaseOn
from tests.rig import NOON, A, B, config_of, contract

BLOCKED = config_of(symbol_blocks={"patterns": ["rty", "MNQ*"]})


def scopes(run, account=A):
    return sorted(each.scope for each in run.status(account).lockouts)


@pytest.mark.parametrize("size", [1, -1])
def test_a_blocked_product_is_closed_and_locked_by_itself(rig, size):
    """S-56, S-57: RTY and MNQ go; NQ trades on; the account is not locked."""
    run = rig(BLOCKED)
    run.order(A, "NQ", size)
    run.order(A, "RTY", size)
    run.order(A, "MNQ", size)
    run.order(A, "NQ", size)

    assert run.held() == {contract("NQ"): 2 * size}
    assert scopes(run) == ["product:MNQ", "product:RTY"]
    assert run.status().phase is Phase.OPEN
    (lock, _) = run.events(AccountLocked)
    assert lock.lockout.duty is Duty.FLAT
    assert lock.lockout.until is None
    assert lock.lockout.release_on is ReleaseOn.CONFIG
    assert lock.lockout.reason == "Symbol blocked: RTY (patterns: rty, MNQ*)"


def test_every_further_attempt_is_closed_and_the_lock_is_recorded_once(rig):
    """S-57: the product's lock stands guard; attempts are counted."""
    run = rig(BLOCKED)
    run.order(A, "RTY", 1)
    for size in (1, -2, 3):
        run.order(A, "RTY", size)
        assert run.held() == {}

    assert len(run.events(AccountLocked)) == 1
    assert len(run.events(RuleBreached)) == 1
    assert run.events(ExposureUnderLock)[-1].attempt >= 3
    assert run.status().phase is Phase.OPEN


def test_a_working_order_is_cancelled_before_it_fills(rig):
    """S-58: no position ever; other orders of the account stay."""
    run = rig(BLOCKED)
    run.price("RTY", "2200")
    kept = run.order(A, "NQ", 1, OrderType.LIMIT, limit=Decimal(20000))

    order = run.order(A, "RTY", 1, OrderType.LIMIT, limit=Decimal(2190))
    run.price("RTY", "2180")

    assert [each.order_id for each in run.commands(CancelOrder)] == [order]
    assert run.commands(CloseContract) == []
    assert run.held() == {}
    assert run.broker.exchange.accounts[A].orders[kept].working
    assert scopes(run) == ["product:RTY"]


def test_an_order_under_the_lock_is_cancelled_before_it_fills(rig):
    """The second attempt as the first, by the lock instead of the rule."""
    run = rig(BLOCKED)
    run.price("RTY", "2200")
    run.order(A, "RTY", 1)

    run.order(A, "RTY", -1, OrderType.LIMIT, limit=Decimal(2210))
    run.price("RTY", "2220")

    assert run.held() == {}
    assert run.working() == 0
    assert len(run.events(AccountLocked)) == 1


def test_a_product_that_joins_later_is_locked_beside_the_first(rig):
    """While the broker hangs, both go in one enforcement, each locked once."""
    run = rig(BLOCKED)
    run.broker.hanging[A] = True
    run.order(A, "RTY", 1)
    run.order(A, "MNQ", 1)
    run.broker.hanging.clear()
    run.advance(20)

    assert run.held() == {}
    assert sorted(each.lockout.scope for each in run.events(AccountLocked)) == [
        "product:MNQ",
        "product:RTY",
    ]


def test_all_expiries_of_a_product_are_blocked(rig):
    """The product goes, not one contract."""
    run = rig(BLOCKED)
    run.order(A, "MNQ", 1)
    run.order(A, "MNQ", 1, expiry="H26")

    assert run.held() == {}
    assert scopes(run) == ["product:MNQ"]


def test_the_lock_of_a_product_survives_the_reset_and_a_restart(rig):
    """S-69: neither ends it, and after both it still closes what appears."""
    run = rig(BLOCKED)
    run.order(A, "RTY", 1)
    run.at(NOON + timedelta(hours=6))
    assert scopes(run) == ["product:RTY"]
    assert run.events(LockoutReleased) == []
    run.stop()

    again = rig(BLOCKED, broker=run.broker)
    again.order(A, "RTY", 1)

    assert again.held() == {}
    assert scopes(again) == ["product:RTY"]
    assert again.events(AccountLocked) == []


def test_the_other_account_is_blocked_for_itself(rig):
    """A's lock is not B's; B is closed and locked when B tries."""
    run = rig(BLOCKED)
    run.order(A, "RTY", 1)
    assert run.commands(BrokerCommand, B) == []
    assert scopes(run, B) == []

    run.order(B, "RTY", 1)

    assert run.held(B) == {}
    assert scopes(run, B) == ["product:RTY"]
