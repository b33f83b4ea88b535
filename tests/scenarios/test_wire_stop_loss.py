"""RULE-008 through the real SDK: S-38 and S-45 on the broker's record."""

from decimal import Decimal

from messages.events import EnforcementFinished, RuleBreached
from messages.facts import OrderChanged, PositionChanged, SnapshotTaken
from messages.values import OrderType, Phase
from tests.rig import A, contract
from tests.wire_rig import CANCEL, CLOSE, ORDERS, wire_config

GRACE = wire_config(no_stop_loss_grace={"grace_s": 1})


def protect(run, product, size, stop):
    return run.buy(A, product, size, type=OrderType.STOP, stop_price=Decimal(stop))


def test_a_position_without_a_stop_is_closed_after_the_broker_was_asked(wire):
    """S-38: only after the grace, only after a read of the orders, only that contract, no lock."""
    run = wire(GRACE)
    run.price("ES", "6800")
    run.buy(A, "ES", 1)
    protect(run, "ES", -1, "6790")
    run.wait(OrderChanged, lambda each: each.order.type == OrderType.STOP)
    run.buy(A, "MNQ", 2)
    opened = run.wait(PositionChanged, lambda each: each.position.contract == contract("MNQ"))

    run.wait(EnforcementFinished)

    (close,) = run.requests(CLOSE)
    read = [each for each in run.requests(ORDERS) if each.seq < close.seq][-1]
    assert close.body["contractId"] == contract("MNQ")
    assert (read.at - opened.at).total_seconds() >= 1
    assert run.held() == {contract("ES"): 1}
    assert len(run.trader.working_orders(A)) == 1
    assert run.requests(CANCEL) == ()
    assert run.status().phase is Phase.OPEN


def test_a_stop_set_where_no_event_is_sent_is_found_by_asking(wire):
    """S-45: the broker's own platform set it and the stream is silent about it: nothing is closed."""
    run = wire(GRACE)
    run.price("MNQ", "26200")
    run.trader.fault("drop", "GatewayUserOrder", account=A)
    run.buy(A, "MNQ", 1)
    run.wait(PositionChanged)
    protect(run, "MNQ", -1, "26175")

    run.wait(SnapshotTaken, lambda each: len(each.orders) == 1)
    run.mark(A)

    assert run.status().working_orders == 1
    assert run.events(RuleBreached) == []
    assert run.requests(CLOSE) == ()
    assert run.held() == {contract("MNQ"): 1}
