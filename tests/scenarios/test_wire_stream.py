"""What the stream does to the picture, through the real SDK: gaps, copies, disorder, nonsense."""

from decimal import Decimal

import pytest

from messages.events import (
    AccountLocked,
    EnforcementFinished,
    HealthChanged,
    RuleBreached,
)
from messages.facts import (
    ContractUnknown,
    PayloadQuarantined,
    SnapshotTaken,
    StreamConnected,
    StreamLost,
    TradeExecuted,
)
from messages.values import Health, Phase
from tests.rig import A, B, contract
from tests.wire_rig import CLOSE, PARTIAL, wire_config

LOSS_500 = wire_config(daily_realized_loss={"max_loss_usd": 500, "include_open_loss": False})


def lose_stream(run, while_down):
    """Lose the stream, let things happen, and wait until both accounts are resynchronised."""
    pushes = run.trader.fault("drop", "GatewayUser*")
    run.trader.drop_connections()
    run.wait(StreamLost)
    while_down()
    run.trader.clear_faults(pushes)
    run.wait(StreamConnected, count=2)
    run.wait(HealthChanged, lambda each: each.health == Health.LIVE, count=2)


def test_a_breach_inside_a_gap_is_found_in_the_snapshot(wire):
    """Fills and a position nobody pushed: STALE, resynchronised, judged, flat, locked."""
    run = wire(LOSS_500)
    run.fill(A, "-200")

    def meanwhile():
        run.fill(A, "-300")
        run.buy(A, "MNQ", 2)

    lose_stream(run, meanwhile)
    run.wait(EnforcementFinished)

    health = [each.health for each in run.events(HealthChanged)]
    assert health[:3] == [Health.LIVE, Health.STALE, Health.LIVE]
    assert run.wait(RuleBreached).breach.value == Decimal(-500)
    assert run.held(A) == {}
    assert run.status().phase is Phase.LOCKED
    assert run.status(B).phase is Phase.OPEN


def test_fills_inside_a_gap_are_booked_once_and_quietly(wire):
    """The sum is that of the broker's fills, wherever they were seen; nothing is enforced."""
    run = wire(LOSS_500)
    run.fill(A, "-20")
    run.wait(TradeExecuted)

    lose_stream(run, lambda: run.fill(A, "-30"))
    run.fill(A, "-40")
    run.mark(A)

    assert run.status().realised_usd == Decimal(-90)
    assert run.status().phase is Phase.OPEN
    assert "STREAM_LOST" in run.alarms()


def test_copies_of_every_push_change_nothing(wire):
    """I7, S-93: three of each; every fill is booked once, nothing is enforced twice."""
    run = wire(LOSS_500)
    run.trader.fault("duplicate", "GatewayUser*", copies=3)

    run.buy(A, "MNQ", 2)
    run.fill(A, "-20")
    run.fill(A, "-20")
    run.mark(A)

    assert run.status().realised_usd == Decimal(-40)
    assert [held.size for held in run.status().positions] == [2]
    assert len({each.fill.trade_id for each in run.events(TradeExecuted)}) == len(
        run.events(TradeExecuted)
    )

    run.fill(A, "-460")
    run.wait(EnforcementFinished)
    assert run.held(A) == {}
    assert len(run.events(AccountLocked)) == 1
    assert run.applied(CLOSE) == 1


def test_reordered_pushes_end_in_the_same_picture(wire):
    """I7: shuffled within a window, the sum is right and the close neither missed nor doubled."""
    run = wire(LOSS_500)
    run.trader.fault("reorder", "GatewayUser*", seconds=0.2)

    run.buy(A, "MNQ", 2)
    for _ in range(5):
        run.fill(A, "-100")
    run.wait(EnforcementFinished)

    assert run.held(A) == {}
    assert run.status().realised_usd == Decimal(-500)
    assert len(run.events(AccountLocked)) == 1
    assert run.status().phase is Phase.LOCKED


@pytest.mark.parametrize(
    ("target", "payload"),
    [
        ("GatewayUserTrade", {"action": 1, "data": {"id": "no number", "accountId": A}}),
        ("GatewayUserPosition", {"action": 1, "data": {"accountId": A, "size": "NaN"}}),
        ("GatewayUserOrder", "not even an object"),
        ("GatewayUserTrade", None),
    ],
    ids=["trade", "position", "text", "null"],
)
def test_a_malformed_push_is_set_aside_and_the_guard_goes_on(wire, target, payload):
    """Quarantined whole and alarmed; the next loss is still found."""
    run = wire(LOSS_500)

    run.trader.push_raw(target, payload, A)
    kept = run.wait(PayloadQuarantined, account=None)
    run.fill(A, "-500")
    run.wait(AccountLocked)

    assert target in kept.raw
    assert "PAYLOAD_QUARANTINED" in run.alarms(None)
    assert run.given_up == []


def test_an_unknown_contract_alarms_and_is_never_valued_as_something_else(wire):
    """S-105: a position the broker has no record of counts, is not valued, and is still flattened."""
    run = wire(wire_config(daily_realized_loss={"max_loss_usd": 500}))
    strange = {
        "id": 77,
        "accountId": A,
        "contractId": "CON.F.US.XXX.Z25",
        "creationTimestamp": "2025-10-29T17:00:01+00:00",
        "type": 1,
        "size": 1,
        "averagePrice": 100.0,
    }

    run.trader.push_raw("GatewayUserPosition", {"action": 1, "data": strange}, A)
    unknown = run.wait(ContractUnknown)

    assert unknown.contract == "CON.F.US.XXX.Z25"
    assert run.status().open_usd is None
    assert "UNKNOWN_CONTRACT" in run.alarms()
    run.fill(A, "-500")
    run.wait(EnforcementFinished)
    assert run.requests(CLOSE)[0].body["contractId"] == "CON.F.US.XXX.Z25"
    assert run.status().phase is Phase.LOCKED


def test_a_lost_push_is_found_by_the_slow_reconcile(wire):
    """What the stream swallowed without a gap is found by comparing, capped, and said aloud."""
    run = wire(wire_config(max_contracts={"limit": 2}, reconcile_every_s=0.2))
    run.trader.fault("drop", "GatewayUser*", account=A)

    run.buy(A, "MNQ", 5)
    run.wait(EnforcementFinished)

    assert run.held(A) == {contract("MNQ"): 2}
    assert run.applied(PARTIAL) == 1
    assert "SNAPSHOT_DIFFERED" in run.alarms()


def test_a_snapshot_that_fails_is_unknown_until_one_succeeds(wire):
    """I8: neither flat nor open is concluded from a read that failed."""
    run = wire(LOSS_500)
    run.trader.fault("http", "/Position/searchOpen", account=A, status=500, times=1)

    run.trader.drop_connections()
    run.wait(HealthChanged, lambda each: each.health == Health.UNKNOWN)
    run.wait(SnapshotTaken, count=2)
    run.wait(HealthChanged, lambda each: each.health == Health.LIVE, count=2)

    assert "SNAPSHOT_FAILED" in run.alarms()
    assert run.status().phase is Phase.OPEN
