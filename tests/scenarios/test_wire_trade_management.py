"""RULE-012 through the real SDK: the stop at the broker follows, and a refused move is tried again."""

from contextlib import suppress
from decimal import Decimal
from itertools import cycle, pairwise

import pytest

from messages.events import AlarmRaised, BrokerCommandAnswered, StopMoved, StopNotMoved
from messages.facts import ContractDescribed, OrderChanged
from messages.values import AlarmCode, OrderStatus, OrderType, Rejected, Uncertain
from tests.rig import A, contract
from tests.wire_rig import wire_config

MODIFY = "/Order/modify"
TRAIL = wire_config(trade_management={"trailing": {"activate_ticks": 20, "trail_ticks": 10}})


def enter(run, size=1, stop="16450", limit=None):
    """Hold MNQ @16500 with a stop that the account knows of; return the stop's id."""
    run.price("MNQ", "16500")
    run.buy(A, "MNQ", size)
    how = {"type": OrderType.STOP, "stop_price": Decimal(stop)}
    if limit:
        how |= {"type": OrderType.STOP_LIMIT, "limit_price": Decimal(limit)}
    order = run.buy(A, "MNQ", -size, **how)
    run.wait(ContractDescribed)
    run.wait(
        OrderChanged,
        lambda each: each.order.order_id == order and each.order.status == OrderStatus.OPEN,
    )
    return order


def at_broker(run, order):
    (row,) = [each for each in run.trader.working_orders(A) if each["id"] == order]
    return row["stopPrice"]


def bodies(run):
    return [
        {name: each.body[name] for name in each.body if name != "accountId"}
        for each in run.requests(MODIFY)
    ]


@pytest.mark.parametrize(
    ("size", "stop", "price", "moved"),
    [(1, "16450", "16505", 16502.5), (-1, "16550", "16495", 16497.5)],
    ids=["long", "short"],
)
def test_the_stop_follows_by_one_modification(wire, size, stop, price, moved):
    """S-60: nothing a tick before; only the stop's price is sent, and the broker has it."""
    run = wire(TRAIL)
    order = enter(run, size, stop)
    run.price("MNQ", "16504.75" if size > 0 else "16495.25")
    run.mark()
    assert run.requests(MODIFY) == ()

    run.price("MNQ", price)
    event = run.wait(StopMoved)
    run.price("MNQ", "16503" if size > 0 else "16497")
    run.mark()

    assert bodies(run) == [{"orderId": order, "stopPrice": moved}]
    assert at_broker(run, order) == Decimal(str(moved))
    assert (event.from_price, event.stop_price) == (Decimal(stop), Decimal(str(moved)))
    assert run.alarms() == []


def test_a_stop_limit_is_moved_with_its_limit(wire):
    """Both prices in one request."""
    run = wire(TRAIL)
    order = enter(run, limit="16449")

    run.price("MNQ", "16505")
    run.wait(StopMoved)

    assert bodies(run) == [{"orderId": order, "stopPrice": 16502.5, "limitPrice": 16501.5}]


def test_a_rejected_modification_keeps_the_old_stop_and_is_tried_again(wire):
    """Refused twice: the old stop works on, one alarm, then it is moved after all."""
    run = wire(TRAIL)
    order = enter(run)
    run.trader.fault("reject", MODIFY, refusal="Rejected", text="Order is locked.", times=2)

    for price in cycle(["16505", "16505.25"]):
        run.price("MNQ", price)
        if not run.events(StopNotMoved):
            run.wait(StopNotMoved)
            assert at_broker(run, order) == Decimal(16450)
        with suppress(TimeoutError):
            run.wait(StopMoved, timeout=0.25)
            break

    failed = run.events(StopNotMoved)
    assert [each.again_in_s for each in failed] == [1, 2]
    assert {each.from_price for each in failed} == {Decimal(16450)}
    assert [type(each.outcome) for each in run.events(BrokerCommandAnswered)][:2] == [Rejected] * 2
    assert run.alarms() == [AlarmCode.STOP_NOT_MOVED]
    assert at_broker(run, order) >= Decimal("16502.50")
    gaps = [(b.at - a.at).total_seconds() for a, b in pairwise(run.requests(MODIFY))]
    assert gaps[0] >= 1
    assert gaps[1] >= 2


def test_a_modification_whose_answer_is_lost_is_read_and_not_sent_twice(wire):
    """Carried out, and the connection cut: the read shows it, one request in all."""
    run = wire(TRAIL)
    order = enter(run)
    run.trader.fault("cut_after", MODIFY, times=1)

    run.price("MNQ", "16505")
    event = run.wait(StopMoved)

    assert event.stop_price == Decimal("16502.5")
    assert isinstance(run.wait(BrokerCommandAnswered).outcome, Uncertain)
    assert run.wait(AlarmRaised).code is AlarmCode.STOP_NOT_MOVED
    assert len(run.requests(MODIFY)) == 1
    assert at_broker(run, order) == Decimal("16502.5")
    assert run.held(A) == {contract("MNQ"): 1}
