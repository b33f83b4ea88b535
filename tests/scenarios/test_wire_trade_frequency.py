"""RULE-006 through the real SDK: S-27 and S-72, with what stays and what goes at the broker."""

from decimal import Decimal

import pytest

from messages.events import (
    AccountLocked,
    BrokerCommandSent,
    EnforcementFinished,
    EnforcementStarted,
    ExposureUnderLock,
    RuleBreached,
)
from messages.values import Duty, OrderType, Phase
from tests.rig import A, B, contract
from tests.wire_rig import CANCEL, CLOSE, PARTIAL, wire_config

CONFIG = wire_config(trade_frequency_limit={"per_minute": 2, "cooldown_s": {"per_minute": 600}})
MNQ, ES = contract("MNQ"), contract("ES")


@pytest.fixture
def locked(wire):
    """Run a system whose account A holds 3 MNQ with a stop, and had an opening order working."""
    run = wire(CONFIG)
    run.price("MNQ", "26000")
    run.buy(A, "MNQ", 1)
    run.buy(A, "MNQ", 1)
    run.stop_order = run.buy(A, "MNQ", -3, type=OrderType.STOP, stop_price=Decimal(25900))
    run.target_order = run.limit(A, "MNQ", -2, "26900")
    run.opening_order = run.limit(A, "MNQ", 1, "20000")
    run.buy(A, "MNQ", 1)
    run.wait(EnforcementFinished)
    return run


def working(run):
    return {order["id"] for order in run.trader.working_orders(A)}


def test_the_trade_too_many_cancels_opening_orders_and_nothing_else(locked):
    """S-27 and S-72: one cancel; the position with its last fill, its stop and its target stay."""
    assert locked.held(A) == {MNQ: 3}
    assert working(locked) == {locked.stop_order, locked.target_order}
    assert (locked.applied(CANCEL), locked.requests(CLOSE), locked.requests(PARTIAL)) == (1, (), ())
    (lock,) = locked.status().lockouts
    assert (lock.rule, lock.duty) == ("RULE-006", Duty.NO_NEW_EXPOSURE)
    assert locked.status().phase is Phase.LOCKED
    assert locked.wait(RuleBreached).breach.value == 3


def test_the_intent_with_what_may_stay_is_on_disk_before_the_first_cancel(locked):
    """I1: what may stay is durable when the broker hears the first command."""
    first = locked.events(BrokerCommandSent)[0]

    assert "EnforcementStarted" in locked.on_disk[first.command_id]
    (intent,) = [each for each in locked.stored() if isinstance(each, EnforcementStarted)]
    assert [(each.contract, each.size) for each in intent.allowances] == [(MNQ, 3)]


def test_an_increase_is_closed_back_and_a_new_contract_closed(locked):
    """S-72: 2 more MNQ go by a partial close of 2, 1 ES whole; 3 MNQ stay, one lock."""
    locked.buy(A, "MNQ", 2)
    locked.wait(EnforcementFinished, count=2)
    locked.buy(A, "ES", -1)
    locked.wait(EnforcementFinished, count=3)

    assert locked.held(A) == {MNQ: 3}
    assert (locked.applied(PARTIAL), locked.applied(CLOSE)) == (1, 1)
    assert working(locked) == {locked.stop_order, locked.target_order}
    assert [each.attempt for each in locked.events(ExposureUnderLock)] == [1, 2]
    assert len(locked.events(AccountLocked)) == 1


def test_an_opening_order_under_the_lock_is_cancelled_and_an_exit_works(locked):
    """S-72: a buy limit goes; a further sell limit of at most the position stays."""
    exit_order = locked.limit(A, "MNQ", -1, "26800")
    locked.limit(A, "MNQ", 1, "20000")
    locked.wait(EnforcementFinished, count=2)

    assert working(locked) == {locked.stop_order, locked.target_order, exit_order}


def test_reducing_is_never_refused_and_the_other_account_trades_on(locked):
    """I6: the trader sells one of three; B opens as before; no command follows from either."""
    sent = len(locked.events(BrokerCommandSent))
    locked.buy(A, "MNQ", -1)
    locked.buy(B, "ES", 1)
    locked.mark(A)
    locked.mark(B)

    assert (locked.held(A), locked.held(B)) == ({MNQ: 2}, {ES: 1})
    assert len(locked.events(BrokerCommandSent)) == sent
    assert working(locked) == {locked.stop_order, locked.target_order}
