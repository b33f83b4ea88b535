"""Rows 12, 13, 19, 20, 24 to 28 and 34: what can happen to a flatten, over the wire.

Whatever it is, the account ends flat, locked once, and no close ever opens a position.
"""

import pytest

from messages.events import (
    AccountLocked,
    EnforcementFinished,
    ExposureUnderLock,
)
from messages.facts import OrderChanged, PositionChanged, TradeExecuted
from messages.values import OrderType, Phase
from tests.rig import A, B, contract
from tests.wire_rig import CANCEL, CLOSE, ORDERS, PARTIAL, PATIENCE_S, POSITIONS, wire_config

LOSS_5 = wire_config(daily_realized_loss={"max_loss_usd": 5, "include_open_loss": False})
MNQ = contract("MNQ")


def is_flat(run, account=A):
    return run.held(account) == {} and run.trader.working_orders(account) == []


def ends_flat_and_locked(run, account=A):
    """Wait until the account is at rest, and say whether it is as it should be."""
    run.wait(EnforcementFinished, account=account)
    run.sim.record().wait_until(lambda: is_flat(run, account), PATIENCE_S)
    return len(run.events(AccountLocked, account)) == 1


def sizes_held(run, account=A):
    """Return the signed size after each fill that moved the position, booked ones left out."""
    pushed = run.events(PositionChanged, account)
    return [each.position.size for each in pushed]


# --- 401 and 403 at each step -------------------------------------------------------------------


@pytest.mark.parametrize("where", [CLOSE, CANCEL, POSITIONS, ORDERS])
@pytest.mark.parametrize(("status", "times"), [(401, 1), (401, 3), (403, 2)])
def test_a_token_refused_at_any_step_of_a_flatten_does_not_stop_it(wire, where, status, times):
    """Rows 13 and 15: a 401 is sent again after a login; what is refused for longer is tried on."""
    run = wire(LOSS_5)
    run.buy(A, "MNQ", 2)
    run.limit(A, "MNQ", 1, "20000")
    run.mark(A)
    run.trader.fault("http", where, account=A, status=status, times=times)

    run.fill(A, "-35.50", late=True)

    assert ends_flat_and_locked(run)
    assert run.applied(CLOSE) == 1
    assert run.applied(CANCEL) == 1


def test_a_token_that_dies_at_every_answer_does_not_stop_a_flatten(wire):
    """Row 13: revoked before the close, before the cancel and before the proof."""
    run = wire(LOSS_5)
    run.buy(A, "MNQ", 2)
    run.limit(A, "MNQ", 1, "20000")
    run.mark(A)
    run.trader.revoke_tokens()

    run.fill(A, "-35.50", late=True)
    run.wait_request(CLOSE)
    run.trader.revoke_tokens()
    run.wait_request(POSITIONS)
    run.trader.revoke_tokens()

    assert ends_flat_and_locked(run)
    assert run.applied(CLOSE) == 1


# --- orders that fill or trigger meanwhile ------------------------------------------------------


def test_an_entry_that_fills_while_it_is_being_cancelled_is_closed(wire):
    """Rows 19 and 27: the cancel comes too late; the read shows the position, and it goes."""
    run = wire(LOSS_5)
    run.price("MNQ", "21000")
    run.limit(A, "MNQ", 3, "20990")
    run.wait(OrderChanged)
    cancels = run.trader.fault("hang_before", CANCEL, account=A)

    run.fill(A, "-35.50")
    run.wait_request(CANCEL)
    run.price("MNQ", "20980")
    run.trader.clear_faults(cancels)

    assert ends_flat_and_locked(run)
    assert run.applied(CLOSE) == 1
    assert run.held(A) == {}


def test_an_entry_that_fills_after_the_proof_is_closed_again(wire):
    """Row 19: an order nobody could see (lost push, hidden from the reads) becomes a position."""
    run = wire(LOSS_5)
    run.price("MNQ", "21000")
    run.fill(A, "-35.50")
    run.wait(EnforcementFinished)
    hidden = run.trader.fault("drop", "GatewayUserOrder", account=A)
    run.limit(A, "MNQ", 3, "20990")
    run.price("MNQ", "20980")
    run.trader.end_fault(hidden)

    run.wait(ExposureUnderLock)
    run.wait(EnforcementFinished, count=2)

    assert run.held(A) == {}
    assert len(run.events(AccountLocked)) == 1


def test_a_stop_that_opens_a_reverse_position_after_the_close_is_closed_too(wire):
    """Row 20: flat, and the bracket's stop fills before its cancel has come through."""
    run = wire(LOSS_5)
    run.price("MNQ", "21000")
    run.buy(A, "MNQ", 2)
    run.buy(A, "MNQ", -2, type=OrderType.STOP, stop_price=20990)
    run.mark(A)
    cancels = run.trader.fault("hang_before", CANCEL, account=A)

    run.fill(A, "-35.50", late=True)
    run.wait_request(CANCEL)
    run.sim.record().wait_until(lambda: run.applied(CLOSE) == 1, PATIENCE_S)
    run.price("MNQ", "20980")
    run.trader.clear_faults(cancels)

    assert ends_flat_and_locked(run)
    assert run.applied(CLOSE) == 2
    assert -2 in sizes_held(run)


def test_a_bracket_whose_entry_still_works_cannot_reopen_after_the_flatten(wire):
    """Rows 20 and 21: entry and suspended children go; the price runs through all of them."""
    run = wire(LOSS_5)
    run.price("MNQ", "21000")
    run.limit(A, "MNQ", 2, "20990")
    run.buy(A, "MNQ", 1, stop_loss_ticks=40, take_profit_ticks=40)
    run.buy(
        A,
        "MNQ",
        2,
        type=OrderType.LIMIT,
        limit_price=20995,
        stop_loss_ticks=40,
        take_profit_ticks=40,
    )
    run.mark(A)

    run.fill(A, "-35.50", late=True)
    assert ends_flat_and_locked(run)
    for price in ("20900", "21100", "20900"):
        run.price("MNQ", price)
    run.mark(A)

    assert is_flat(run)
    assert run.events(ExposureUnderLock) == []


# --- our close is delayed, lost, cancelled, or not alone ----------------------------------------


def test_a_close_order_the_exchange_cancels_is_sent_again(wire):
    """Row 25: a velocity pause takes our market order away; after it the position goes."""
    run = wire(LOSS_5)
    run.buy(A, "MNQ", 2)
    run.mark(A)
    run.trader.set_liquidity(MNQ, 0)

    run.fill(A, "-35.50", late=True)
    run.sim.record().wait_until(lambda: run.trader.working_orders(A) != [], PATIENCE_S)
    (ours,) = run.trader.working_orders(A)
    run.trader.cancel_order(A, ours["id"])
    run.trader.set_liquidity(MNQ, None)

    assert ends_flat_and_locked(run)
    assert run.held(A) == {}


def test_a_close_that_fills_in_part_is_finished_with_what_is_left(wire):
    """Row 23: one of five fills, then nothing; the rest goes when there is somebody to trade with."""
    run = wire(LOSS_5)
    run.buy(A, "MNQ", 5)
    run.mark(A)
    run.trader.set_liquidity(MNQ, 1)

    run.fill(A, "-35.50", late=True)
    run.sim.record().wait_until(lambda: run.held(A) == {MNQ: 4}, PATIENCE_S)
    run.trader.set_liquidity(MNQ, None)

    assert ends_flat_and_locked(run)
    assert run.held(A) == {}


def test_a_close_whose_fill_is_never_told_is_found_by_reading(wire):
    """Row 26: no push at all about the account; the proof needs none."""
    run = wire(LOSS_5)
    run.buy(A, "MNQ", 2)
    run.mark(A)
    closes = run.trader.fault("hang_before", CLOSE, account=A)

    run.fill(A, "-35.50", late=True)
    run.wait_request(CLOSE)
    run.trader.fault("drop", "GatewayUser*", account=A)
    run.trader.clear_faults(closes)

    assert ends_flat_and_locked(run)
    assert run.applied(CLOSE) == 1
    assert run.status().positions == ()


def test_trader_platform_and_we_close_at_once_and_nothing_turns(wire):
    """Row 28: our close waits at the door while two others close the same position."""
    run = wire(LOSS_5)
    run.buy(A, "MNQ", 5)
    run.buy(A, "ES", 2)
    run.mark(A)
    closes = run.trader.fault("hang_before", CLOSE, account=A)

    run.fill(A, "-35.50", late=True)
    run.wait_request(CLOSE, count=2)
    run.trader.trader_close(A, MNQ, 3)
    run.trader.trader_close(A, contract("ES"))
    run.trader.trader_close(A, MNQ)
    run.trader.clear_faults(closes)

    assert ends_flat_and_locked(run)
    assert run.held(A) == {}
    assert run.applied(CLOSE) == 0
    assert min(sizes_held(run)) >= 0


def test_a_cap_and_a_trader_who_closes_too_never_turn_the_position(wire):
    """Row 28: two of eight are on their way out when the trader sells seven."""
    run = wire(wire_config(max_contracts={"limit": 6}))
    closes = run.trader.fault("hang_before", PARTIAL, account=A)
    run.buy(A, "MNQ", 8)
    run.wait_request(PARTIAL)
    run.trader.trader_close(A, MNQ, 7)
    run.trader.clear_faults(closes)
    run.wait(EnforcementFinished)
    run.mark(A)

    assert run.held(A).get(MNQ, 0) in {0, 1}
    assert min(sizes_held(run)) >= 0


# --- later ---------------------------------------------------------------------------------------


def test_a_loss_that_is_voided_an_hour_later_ends_no_lock(wire):
    """Row 34: the sum follows the broker, the lock stays to its own end."""
    run = wire(LOSS_5)
    run.fill(A, "-500")
    locked = run.wait(EnforcementFinished)
    trade = run.trader.trades(A)[-1]["id"]
    run.trader.void_trade(A, trade)
    run.wait(TradeExecuted, lambda each: each.fill.voided)
    run.mark(A)

    assert locked
    assert run.status().realised_usd == 0
    assert run.status().phase is Phase.LOCKED
    assert run.status(B).phase is Phase.OPEN
