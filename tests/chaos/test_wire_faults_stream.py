"""Rows 3 to 9: what the hubs can do to the picture, over the wire; the rest is in `scenarios`."""

import pytest

from actors.gateway.lulls import FIRST_S
from actors.simulator.record import Pushed
from messages.events import (
    AlarmRaised,
    EnforcementFinished,
    HealthChanged,
    RuleBreached,
)
from messages.facts import (
    ContractDescribed,
    OrderChanged,
    PayloadQuarantined,
    StreamConnected,
)
from messages.values import AlarmCode, Health, Phase
from tests.rig import A, B, contract
from tests.wire_rig import CANCEL, CLOSE, POSITIONS, wire_config

LOSS_500 = wire_config(daily_realized_loss={"max_loss_usd": 500, "include_open_loss": False})
MNQ = contract("MNQ")
FLAPS = 12


def test_a_hub_that_flaps_is_met_with_growing_pauses_and_a_true_picture(wire):
    """Row 4: dropped as soon as it is up, again and again, with fills in between: nothing is lost."""
    run = wire(LOSS_500)
    for flap in range(FLAPS):
        run.trader.drop_connections()
        run.fill(A, "-30")
        if flap < 3:
            run.wait(StreamConnected, count=flap + 2)
    run.fill(A, "-140")
    run.wait(EnforcementFinished, account=A)
    run.wait(HealthChanged, lambda each: each.health is Health.LIVE, count=2)

    reads = len(run.requests(POSITIONS))
    assert run.wait(RuleBreached).breach.value == -500
    assert run.status().realised_usd == -500
    assert run.status().phase is Phase.LOCKED
    assert run.status(B).phase is Phase.OPEN
    # no more than one snapshot per connection and the four reads of two proofs
    assert reads <= len(run.events(StreamConnected)) + 6


def test_a_market_hub_that_is_dead_leaves_the_realised_loss_guarded(wire):
    """Row 3: no quote comes any more, the account is STALE and loud; fills are judged as ever."""
    run = wire(
        wire_config(
            daily_realized_loss={"max_loss_usd": 500, "include_open_loss": False},
            daily_unrealized_loss={"max_loss_usd": 200},
        )
        + "\n[money]\nquote_max_age_s = 0.3\n\n[quotes]\nconfirm_within_s = 0.1\n"
    )
    run.price("MNQ", "21000")
    run.buy(A, "MNQ", 1)
    run.wait(ContractDescribed)
    run.wait(AlarmRaised, lambda each: each.code == AlarmCode.QUOTE_STALE)

    run.fill(A, "-500", late=True)
    run.wait(EnforcementFinished)

    assert run.held(A) == {}
    assert run.status().phase is Phase.LOCKED


def test_a_subscription_the_broker_forgot_is_renewed_by_what_a_read_shows(wire):
    """Row 5: hub up, account silent: the next comparison caps the position and subscribes anew."""
    run = wire(
        wire_config(
            reconcile_every_s=0.2,
            max_contracts={"limit": 2},
            daily_realized_loss={"max_loss_usd": 500, "include_open_loss": False},
        )
    )
    run.trader.forget_subscriptions(A)
    run.buy(A, "MNQ", 5)
    run.wait(EnforcementFinished)
    run.wait(StreamConnected, count=2)
    run.fill(A, "-500", late=True)
    run.wait(EnforcementFinished, count=2)

    pushed = [
        each
        for each in run.sim.record().entries()
        if isinstance(each, Pushed) and each.target == "GatewayUserTrade" and each.account == A
    ]
    assert pushed[0].receivers == 0
    assert pushed[-1].receivers == 1
    assert AlarmCode.SNAPSHOT_DIFFERED in run.alarms()
    assert run.held(A) == {}
    assert run.status().phase is Phase.LOCKED
    assert len(run.events(StreamConnected, B)) == 1


def test_quotes_the_broker_forgot_to_send_are_subscribed_anew(wire):
    """Rows 2 and 5: the market hub is up, the contract silent; the loss that came meanwhile is seen."""
    limits = wire_config(daily_unrealized_loss={"max_loss_usd": 200})
    run = wire(limits + "\n[money]\nquote_max_age_s = 2\n\n[quotes]\nconfirm_within_s = 0.1\n")
    run.price("MNQ", "21000")
    run.buy(A, "MNQ", 2)
    run.wait(ContractDescribed)
    run.trader.forget_quotes(MNQ)
    run.price("MNQ", "20900")
    run.wait(AlarmRaised, lambda each: each.code == AlarmCode.QUOTE_STALE)

    run.clock.skip(FIRST_S)

    assert run.wait(RuleBreached).breach.value == -400
    run.wait(EnforcementFinished)
    assert run.held(A) == {}


@pytest.mark.parametrize("target", ["GatewayUserTrade", "GatewayUserPosition", "GatewayUserOrder"])
def test_what_is_said_of_a_foreign_account_touches_nobody(wire, target):
    """Row 8: down A's own stream; set aside, alarmed, and neither A nor B is judged by it."""
    run = wire(LOSS_500)
    foreign = {
        "id": 999_001,
        "accountId": 4711,
        "orderId": 999_002,
        "contractId": MNQ,
        "creationTimestamp": "2025-10-29T17:00:01+00:00",
        "price": 21000.0,
        "averagePrice": 21000.0,
        "profitAndLoss": -5000.0,
        "fees": 0.0,
        "side": 1,
        "type": 2 if target != "GatewayUserPosition" else 1,
        "size": 5,
        "status": 1,
        "voided": False,
    }
    run.trader.push_raw(target, {"action": 1, "data": foreign}, A)
    run.wait(PayloadQuarantined, account=None)
    run.wait(AlarmRaised, lambda each: each.code == AlarmCode.UNKNOWN_ACCOUNT, account=4711)
    run.mark(A)
    run.mark(B)

    for account in (A, B):
        assert run.status(account).realised_usd == 0
        assert run.status(account).positions == ()
        assert run.status(account).phase is Phase.OPEN
    assert run.requests(CLOSE, 4711) == ()


@pytest.mark.parametrize("changes", [{"status": 99}, {"type": 42}, {"status": 8, "type": 42}])
def test_an_order_of_a_kind_nobody_knows_counts_as_working(wire, changes):
    """Row 9: an unknown status or type is no reason to leave an order alone: cancelled in the lock."""
    run = wire(LOSS_500)
    run.price("MNQ", "21000")
    order = run.limit(A, "MNQ", 1, "20000")
    run.wait(OrderChanged)
    strange = {
        "id": order,
        "accountId": A,
        "contractId": MNQ,
        "creationTimestamp": "2025-10-29T17:00:01+00:00",
        "status": 1,
        "type": 1,
        "side": 0,
        "size": 1,
        "limitPrice": 20000.0,
        "fillVolume": 0,
    } | changes
    run.trader.push_raw("GatewayUserOrder", {"action": 1, "data": strange}, A)
    run.fill(A, "-500")
    run.wait(EnforcementFinished)

    assert [each.body["orderId"] for each in run.requests(CANCEL)] == [order]
    assert run.trader.working_orders(A) == []
    if "status" in changes and changes["status"] == 99:
        assert AlarmCode.UNKNOWN_ORDER_STATUS in run.alarms()
    assert run.given_up == []
