"""From a breach to the lock through the real SDK: S-13, S-78 and the caps, on the broker's record."""

import pytest

from messages.events import (
    AccountLocked,
    BrokerCommandSent,
    EnforcementFinished,
    EnforcementStarted,
    FlatConfirmed,
    RuleBreached,
)
from messages.values import Phase
from tests.rig import A, B, contract
from tests.wire_rig import CANCEL, CLOSE, ORDERS, PARTIAL, POSITIONS, wire_config

LOSS_5 = wire_config(daily_realized_loss={"max_loss_usd": 5, "include_open_loss": False})


def reads_after(run, seq, endpoint):
    return [each for each in run.requests(endpoint) if each.seq > seq]


def test_a_breach_ends_flat_and_locked_at_the_broker(wire):
    """S-13: positions closed, orders cancelled, verified, locked; the other account trades on."""
    run = wire(LOSS_5)
    run.buy(A, "MNQ", 2)
    run.buy(A, "ES", 1)
    run.limit(A, "MNQ", 1, "20000")
    run.buy(B, "MNQ", 1)

    run.fill(A, "-35.50")
    run.wait(EnforcementFinished)

    assert run.held(A) == {}
    assert run.trader.working_orders(A) == []
    assert run.held(B) == {contract("MNQ"): 1}
    assert run.status(A).phase is Phase.LOCKED
    assert run.status(B).phase is Phase.OPEN
    assert {each.body["contractId"] for each in run.requests(CLOSE)} == {
        contract("MNQ"),
        contract("ES"),
    }
    assert run.applied(CANCEL) == 1
    assert run.requests(CLOSE, B) == ()


def test_intent_then_commands_then_proof_then_lock_on_both_records(wire):
    """I1: on disk before the first close leaves; two complete reads before the lock is said."""
    run = wire(LOSS_5)
    run.buy(A, "MNQ", 2)

    run.fill(A, "-35.50")
    run.wait(EnforcementFinished)

    kinds = [type(each).__name__ for each in run.stored()]
    order = ("RuleBreached", "EnforcementStarted", "BrokerCommandSent", "FlatConfirmed")
    places = [kinds.index(kind) for kind in (*order, "AccountLocked")]
    assert places == sorted(places)

    assert run.on_disk
    for on_disk in run.on_disk.values():
        assert "EnforcementStarted" in on_disk
        assert "AccountLocked" not in on_disk

    (close,) = run.requests(CLOSE)
    started, confirmed = run.wait(EnforcementStarted), run.wait(FlatConfirmed)
    locked = run.wait(AccountLocked)
    assert started.at < close.at
    for endpoint in (POSITIONS, ORDERS):
        proof = [each for each in reads_after(run, close.seq, endpoint) if each.at < locked.at]
        assert len(proof) >= 2
        assert proof[-1].at > confirmed.read_at
    assert [each.status for each in reads_after(run, close.seq, POSITIONS)[:2]] == [200, 200]


def test_one_fact_that_breaks_two_rules_flattens_once_and_locks_twice(wire):
    """S-78: one close at the broker, two lockouts in the journal."""
    run = wire(wire_config(daily_realized_loss={"max_loss_usd": 500}, cooldown_after_loss={}))
    run.buy(A, "MNQ", 1)

    run.fill(A, "-550")
    run.wait(AccountLocked, count=2)
    run.wait(EnforcementFinished)

    assert len(run.requests(CLOSE)) == 1
    assert len(run.events(EnforcementStarted)) == 1
    assert [lock.rule for lock in run.status().lockouts] == ["RULE-003", "RULE-007"]


@pytest.mark.parametrize("sign", [1, -1], ids=["long", "short"])
@pytest.mark.parametrize(
    ("rules", "left"),
    [
        ({"max_contracts": {"limit": 2}}, 2),
        ({"max_contracts_per_instrument": {"limits": {"MNQ": 3}, "default_limit": 1}}, 3),
    ],
    ids=["RULE-001", "RULE-002"],
)
def test_a_cap_closes_exactly_the_excess(wire, rules, left, sign):
    """S-03, S-06, S-08: one partial close to the limit, never past it, never a flip, no lock."""
    run = wire(wire_config(**rules))

    run.buy(A, "MNQ", 5 * sign)
    run.wait(EnforcementFinished)

    assert run.held(A) == {contract("MNQ"): left * sign}
    assert [each.body["size"] for each in run.requests(PARTIAL)] == [5 - left]
    assert run.requests(CLOSE) == ()
    assert run.status().phase is Phase.OPEN
    assert run.events(AccountLocked) == []


def test_a_cap_reduces_the_largest_position_and_leaves_the_rest(wire):
    """S-03: of 2 MNQ and 3 ES with limit 3, two ES go."""
    run = wire(wire_config(max_contracts={"limit": 3}))
    run.buy(A, "MNQ", 2)

    run.buy(A, "ES", 3)
    run.wait(EnforcementFinished)

    assert run.held(A) == {contract("MNQ"): 2, contract("ES"): 1}
    assert len(run.events(RuleBreached)) == 1
    assert len(run.events(BrokerCommandSent)) == 1
