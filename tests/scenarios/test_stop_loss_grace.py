"""RULE-008 through the whole system: scenarios S-38 to S-45."""

from decimal import Decimal

import pytest

from actors.simulator.ledger import Ticket
from actors.simulator.matching import order_push
from messages.commands import CancelOrder, CloseContract
from messages.events import AlarmRaised, RuleBreached
from messages.values import AlarmCode, OrderStatus, OrderType, Phase, Side
from tests.rig import NOON, A, B, config_of, contract

GRACE = config_of(no_stop_loss_grace={})
PRICE = "26200"


@pytest.fixture
def run(rig):
    """Start with a market at 26200 for MNQ and 6800 for ES."""
    return quoted(rig(GRACE))


def quoted(run):
    run.price("MNQ", PRICE)
    run.price("ES", "6800")
    return run


def stop(run, size, price, *, product="MNQ", account=A):
    return run.order(account, product, size, OrderType.STOP, stop=Decimal(price))


def closed(run, account=A):
    return [each.contract for each in run.commands(CloseContract, account)]


def test_a_position_without_a_stop_is_closed_when_the_grace_is_over(run):
    """S-38: MNQ goes at t=10; ES with its stop stays with it, another account too, nothing locks."""
    run.order(B, "MNQ", 1)
    stop(run, -1, "26100", account=B)
    run.order(A, "MNQ", 2)
    run.order(A, "ES", 1)
    stop(run, -1, "6790", product="ES")

    run.advance(9.99)
    assert run.held() == {contract("MNQ"): 2, contract("ES"): 1}
    run.advance(0.02)

    assert run.held() == {contract("ES"): 1}
    assert run.working() == 1
    assert run.commands(CancelOrder) == []
    assert closed(run) == [contract("MNQ")]
    (breach,) = run.events(RuleBreached)
    assert breach.breach.reason == (
        f"No stop loss for the whole size of {contract('MNQ')} +2 (grace: 10 s)"
    )
    assert run.status().lockouts == ()
    assert run.status().phase is Phase.OPEN
    assert run.held(B) == {contract("MNQ"): 1}


def test_its_own_orders_go_with_it(run):
    """A take-profit is no stop; it is cancelled with the position, another contract's is not."""
    run.order(A, "MNQ", 1)
    run.order(A, "MNQ", -1, OrderType.LIMIT, limit=Decimal(26250))
    elsewhere = run.order(A, "ES", 1, OrderType.LIMIT, limit=Decimal(6700))

    run.advance(10.01)

    assert run.held() == {}
    assert run.working() == 1
    assert elsewhere not in [each.order_id for each in run.commands(CancelOrder)]


@pytest.mark.parametrize(
    "order",
    [
        (OrderType.STOP, {"stop": Decimal(26175)}),
        (OrderType.STOP_LIMIT, {"stop": Decimal(26175), "limit": Decimal(26170)}),
        (OrderType.TRAILING_STOP, {"trail": Decimal(26175)}),
    ],
    ids=["stop", "stop limit", "trailing stop"],
)
def test_a_stop_just_before_the_end_of_the_grace_is_enough(run, order):
    """S-39: at t=9.9; there is no close ever."""
    run.order(A, "MNQ", 1)
    run.advance(9.9)
    kind, prices = order
    run.order(A, "MNQ", -1, kind, **prices)

    for _ in range(20):
        run.advance(3)

    assert run.held() == {contract("MNQ"): 1}
    assert run.commands(CloseContract) == []


def take_profit(run):
    run.order(A, "MNQ", -3, OrderType.LIMIT, limit=Decimal(26250))


def stop_elsewhere(run):
    run.order(A, "ES", 3)
    stop(run, -3, "6790", product="ES")
    run.order(A, "MNQ", -3, OrderType.STOP, stop=Decimal(26100), expiry="H26")


def stop_that_would_buy(run):
    stop(run, 3, "26250")


def stop_for_a_part(run):
    stop(run, -1, "26175")


@pytest.mark.parametrize(
    "place", [take_profit, stop_elsewhere, stop_that_would_buy, stop_for_a_part]
)
def test_what_does_not_protect_the_whole_position_does_not_count(run, place):
    """S-40: the wrong type, the wrong contract, the wrong side, too small: closed at t=10."""
    run.order(A, "MNQ", 3)
    place(run)

    run.advance(9.99)
    assert run.held()[contract("MNQ")] == 3
    run.advance(0.02)

    assert contract("MNQ") not in run.held()
    assert closed(run) == [contract("MNQ")]


@pytest.mark.parametrize(
    ("kind", "price", "left"),
    [
        (OrderType.STOP, {"stop": Decimal(26194)}, -1),
        (OrderType.LIMIT, {"limit": Decimal(26149)}, 0),
    ],
    ids=["buy stop", "limit"],
)
def test_a_short_is_protected_by_a_stop_that_buys(run, kind, price, left):
    """S-40: short @26178: a buy stop at 26194 protects, a limit at 26149 does not."""
    run.price("MNQ", "26178")
    run.order(A, "MNQ", -1)
    run.order(A, "MNQ", 1, kind, **price)

    run.advance(10.01)

    assert run.held().get(contract("MNQ"), 0) == left


def test_two_stops_add_up(run):
    """1 and 2 protect 3."""
    run.order(A, "MNQ", 3)
    stop(run, -1, "26175")
    stop(run, -2, "26150")

    run.advance(60)

    assert run.held() == {contract("MNQ"): 3}


def test_a_scale_in_needs_more_stop_and_has_a_grace_of_its_own(run):
    """Protected at first; the third contract at t=30 has none until t=40."""
    run.order(A, "MNQ", 2)
    stop(run, -2, "26175")
    run.advance(30)

    run.order(A, "MNQ", 1)
    run.advance(9.99)
    assert run.held() == {contract("MNQ"): 3}
    run.advance(0.02)

    assert run.held() == {}
    assert run.working() == 0


def test_scaling_in_without_a_stop_does_not_buy_time(run):
    """More of the same at t=5 is closed at t=10 with the rest."""
    run.order(A, "MNQ", 1)
    run.advance(5)
    run.order(A, "MNQ", 1)

    run.advance(5.01)

    assert run.held() == {}


def test_a_position_that_flips_is_a_new_one(run):
    """Long from t=0, short from t=5: closed at t=15."""
    run.order(A, "MNQ", 1)
    run.advance(5)
    run.order(A, "MNQ", -2)

    run.advance(9.99)
    assert run.held() == {contract("MNQ"): -1}
    run.advance(0.02)

    assert run.held() == {}


def becomes(status):
    """Return a broker that changes an order's status."""

    def end(run, order_id):
        order = run.broker.exchange.accounts[A].orders[order_id]

        def change(_exchange, _now):
            order.status = status
            return [order_push(order)]

        run.do(lambda gateway: gateway.trade(change))

    return end


def is_cancelled(run, order_id):
    run.cancel(A, order_id)


def fills_in_part(run, order_id):
    """One of the two contracts is stopped out, and the rest of the stop is cancelled."""
    listing = run.broker.exchange.market.listing(contract("MNQ"))
    listing.liquidity = 1
    run.price("MNQ", "26175")
    assert run.held() == {contract("MNQ"): 1}
    run.cancel(A, order_id)
    listing.liquidity = None


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(is_cancelled, id="cancelled"),
        pytest.param(becomes(OrderStatus.REJECTED), id="rejected"),
        pytest.param(becomes(OrderStatus.EXPIRED), id="expired"),
        pytest.param(becomes(OrderStatus.PENDING_CANCELLATION), id="being cancelled"),
        pytest.param(becomes(OrderStatus.SUSPENDED), id="suspended"),
        pytest.param(becomes(42), id="unknown status"),
        pytest.param(fills_in_part, id="filled in part"),
    ],
)
def test_a_stop_that_goes_begins_a_new_grace(run, end):
    """S-42: gone at t=20 with the position open: closed at t=30."""
    run.order(A, "MNQ", 2)
    order = stop(run, -2, "26175")
    run.advance(20)

    end(run, order)
    run.advance(9.99)
    assert run.held()
    run.advance(0.02)

    assert run.held() == {}


def test_the_rest_of_a_stop_protects_the_rest_of_a_position(run):
    """Half stopped out, half still covered: there is nothing to close."""
    run.order(A, "MNQ", 2)
    stop(run, -2, "26175")
    run.broker.exchange.market.listing(contract("MNQ")).liquidity = 1
    run.price("MNQ", "26175")

    run.advance(30)

    assert run.held() == {contract("MNQ"): 1}
    assert run.commands(CloseContract) == []


def restarted(rig, first):
    """Start again on the same journal and the same broker."""
    return rig(GRACE, broker=first.broker)


@pytest.mark.parametrize(
    "start", [NOON, NOON.replace(hour=21, minute=59, second=58)], ids=["same day", "over the reset"]
)
def test_a_restart_does_not_renew_the_grace(rig, start):
    """S-44: open at t=0, down from 3.5 to 4: closed at t=10, not at t=14."""
    first = quoted(rig(GRACE, start=start))
    first.order(A, "MNQ", 1)
    first.advance(3.5)
    first.stop()
    first.clock.advance(0.5)

    run = restarted(rig, first)
    run.advance(5.99)
    assert run.held() == {contract("MNQ"): 1}
    run.advance(0.02)

    assert run.held() == {}


def test_after_a_long_absence_the_broker_is_asked_and_then_it_closes_at_once(rig):
    """S-44: down until t=60: what got its stop meanwhile stays, what did not goes."""
    first = quoted(rig(GRACE))
    first.order(A, "MNQ", 1)
    first.order(A, "ES", 1)
    first.stop()
    protect = Ticket(contract("ES"), OrderType.STOP, Side.SELL, 1, stop_price=Decimal(6790))
    first.broker.exchange.place(A, protect, first.clock.now())
    first.clock.advance(60)

    run = restarted(rig, first)

    assert run.held() == {contract("ES"): 1}
    assert closed(run) == [contract("MNQ")]


def test_a_stop_nobody_told_of_is_found_at_the_end_of_the_grace(run):
    """S-45: set in the broker's own platform, no event: the query finds it, nothing is closed."""
    run.order(A, "MNQ", 1)
    run.broker.muted.add(A)
    stop(run, -1, "26175")
    before = run.status().working_orders

    run.advance(10.01)

    assert before == 0
    assert run.status().working_orders == 1
    run.advance(60)
    assert run.held() == {contract("MNQ"): 1}
    assert run.events(RuleBreached) == []


def test_a_stop_that_went_unheard_is_missed_at_the_next_comparison(run):
    """Cancelled without an event: the next read begins the grace, and its end closes."""
    run.order(A, "MNQ", 1)
    order = stop(run, -1, "26175")
    run.broker.muted.add(A)
    run.cancel(A, order)
    run.do(lambda gateway: gateway.reconnect())

    run.advance(10.01)

    assert run.held() == {}


def test_a_broker_that_cannot_be_read_is_no_proof_of_a_stop(run):
    """Unknown is not safe: five seconds after the grace it is closed, and the reason says why."""
    run.order(A, "MNQ", 1)
    run.broker.blind.add(A)

    run.advance(10.01)
    run.advance(4.9)
    assert run.held() == {contract("MNQ"): 1}
    run.advance(0.2)

    assert run.held() == {}
    (breach,) = run.events(RuleBreached)
    assert "could not be read" in breach.breach.reason
    assert AlarmCode.SNAPSHOT_FAILED in [each.code for each in run.events(AlarmRaised)]


def test_a_broker_that_can_be_read_again_in_time_is_believed(run):
    """The read succeeds three seconds late and shows the stop: nothing is closed."""
    run.order(A, "MNQ", 1)
    run.broker.muted.add(A)
    stop(run, -1, "26175")
    run.broker.blind.add(A)
    run.advance(10.01)
    run.broker.blind.clear()

    for _ in range(10):
        run.advance(1)

    assert run.held() == {contract("MNQ"): 1}


def test_without_the_stream_the_grace_ends_all_the_same(run):
    """The hub is down from t=5; the end of the grace reads the broker and closes."""
    run.order(A, "MNQ", 1)
    run.advance(5)
    run.do(lambda gateway: gateway.lose())

    run.advance(5.01)

    assert run.held() == {}


def test_nothing_is_checked_while_everything_is_protected(run):
    """The clock is asked for the end of a grace only while one runs."""
    run.order(A, "MNQ", 1)
    stop(run, -1, "26175")
    reads = run.broker.reads

    run.advance(60)

    assert run.broker.reads == reads
