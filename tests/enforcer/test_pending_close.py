"""A close whose market order has not filled yet is waited for: a second one would flip (I7)."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from msgspec import structs

from actors.enforcer.core import EnforcerCore
from actors.enforcer.targets import plan
from messages.commands import (
    CancelOrder,
    CloseContract,
    Enforce,
    PartialCloseContract,
    TakeSnapshot,
    WakeAfter,
    Woken,
)
from messages.events import BrokerCommandAnswered
from messages.facts import SnapshotFailed, SnapshotTaken
from messages.values import (
    CapProduct,
    Done,
    FlatAccount,
    Order,
    OrderStatus,
    OrderType,
    Position,
    Rejected,
    Side,
)

MNQ = "CON.F.US.MNQ.Z25"
NOON = datetime(2025, 10, 29, 17, tzinfo=UTC)
HEAD = {"account": 1, "cause": "test"}


def held(size):
    return Position(contract=MNQ, size=size, average_price=Decimal(1))


def market(side, size):
    return Order(
        order_id=1,
        contract=MNQ,
        side=side,
        type=OrderType.MARKET,
        size=size,
        filled=0,
        status=OrderStatus.PENDING,
    )


@pytest.mark.parametrize("status", [OrderStatus.PENDING, OrderStatus.OPEN])
@pytest.mark.parametrize("target", [FlatAccount(), CapProduct(product="MNQ", limit=0)])
@pytest.mark.parametrize(("patient", "cancel"), [(True, ()), (False, (1,))])
def test_a_close_on_its_way_is_waited_for_until_it_counts_as_stuck(target, status, patient, cancel):
    """Patient: nothing to send; impatient: cancelled, and closed only once it is seen to be gone."""
    order = structs.replace(market(Side.SELL, 2), status=status)
    todo = plan([target], [held(2)], [order], patient=patient)

    assert (todo.close, todo.reduce, todo.cancel, todo.satisfied) == ((), (), cancel, False)
    assert plan([target], [held(2)], [], patient=patient).close == (MNQ,)


def test_a_reduction_that_stays_open_in_an_illiquid_market_is_not_repeated():
    """Long 5, limit 3, two being sold that nobody buys: two more would go below the limit later."""
    order = structs.replace(market(Side.SELL, 2), status=OrderStatus.OPEN)
    cap = CapProduct(product="MNQ", limit=3)

    assert plan([cap], [held(5)], [order]).reduce == ()
    todo = plan([cap], [held(5)], [order], patient=False)
    assert (todo.reduce, todo.cancel) == ((), (1,))


@pytest.mark.parametrize("target", [FlatAccount(), CapProduct(product="MNQ", limit=1)])
@pytest.mark.parametrize(("size", "side"), [(2, Side.SELL), (-2, Side.BUY)])
def test_nothing_is_closed_beside_a_market_order_that_closes_more_than_is_held(target, size, side):
    """It will turn the position, or has filled in part while it was read: it is cancelled first."""
    todo = plan([target], [held(size)], [market(side, 3)])

    assert (todo.close, todo.reduce, todo.cancel, todo.satisfied) == ((), (), (1,), False)


def test_a_cap_counts_what_is_on_its_way():
    """Long 5, limit 2, two being sold: one more is to be sold, not three."""
    todo = plan([CapProduct(product="MNQ", limit=2)], [held(5)], [market(Side.SELL, 2)])

    assert (todo.reduce, todo.close, todo.satisfied) == (((MNQ, 1),), (), False)


@pytest.mark.parametrize("fills_after_s", [0.0, 0.05, 0.3, 2.0])
def test_a_close_that_fills_late_is_sent_once(fills_after_s):
    """The broker says done at once and fills a pending order later: one close, no flip."""
    now, size, pending, closes = NOON, 2, [], 0
    core = EnforcerCore(account=1, login="desk", epoch="1")
    inbox = [
        Enforce(
            **HEAD,
            at=now,
            enforcement_id="e1",
            targets=(FlatAccount(),),
            deadline_at=now + timedelta(seconds=5),
            known_positions=(MNQ,),
            known_orders=(),
        )
    ]
    wakes, sizes = {}, [size]
    for _ in range(300):
        if not inbox:
            now += timedelta(milliseconds=50)
            filled = [order for order, due in pending if due <= now]
            size += sum(order.signed_remaining for order in filled)
            pending = [(order, due) for order, due in pending if due > now]
            sizes.append(size)
            inbox += [
                Woken(at=now, cause="test", key=key) for key, due in wakes.items() if due <= now
            ]
            wakes = {key: due for key, due in wakes.items() if due > now}
            continue
        for _to, message in core.handle(inbox.pop(0), now):
            match message:
                case CloseContract():
                    closes += 1
                    pending.append((market(Side.SELL, 2), now + timedelta(seconds=fills_after_s)))
                    done = BrokerCommandAnswered(
                        **HEAD, at=now, command_id=message.command_id, outcome=Done()
                    )
                    inbox.append(done)
                case TakeSnapshot():
                    inbox.append(
                        SnapshotTaken(
                            **HEAD,
                            at=now,
                            request_id=message.request_id,
                            generation=1,
                            requested_at=now,
                            positions=(held(size),) if size else (),
                            orders=tuple(order for order, _ in pending),
                            fills=None,
                            can_trade=None,
                            balance_usd=None,
                        )
                    )
                case WakeAfter():
                    wakes[message.key] = now + timedelta(seconds=message.after_s)
                case CancelOrder():
                    raise AssertionError("the close itself must not be cancelled")

    assert (closes, size, min(sizes)) == (1, 0, 0)


def test_a_stuck_close_that_fills_as_it_is_cancelled_is_not_repeated_from_a_torn_read():
    """Positions were read before it filled, orders after: two more sold would go below the limit."""
    core = EnforcerCore(account=1, login="desk", epoch="1")
    stuck = market(Side.SELL, 2)
    sent = told(core, capped())
    while CancelOrder not in sent:
        sent = read(core, sent[TakeSnapshot], stuck) if TakeSnapshot in sent else paused(core)
    asked = answered(core, sent[CancelOrder], Rejected(code=5, text="it is filled"))

    assert PartialCloseContract not in read(core, asked)
    # had it not filled, the next read would show all five again
    assert PartialCloseContract in read(core, paused(core)[TakeSnapshot])


def capped(target=CapProduct(product="MNQ", limit=3)):  # noqa: B008 - it is frozen
    """Ask for three of MNQ at the most, or for another target."""
    return Enforce(
        **HEAD,
        at=NOON,
        enforcement_id="e1",
        targets=(target,),
        deadline_at=NOON + timedelta(seconds=5),
        known_positions=(),
        known_orders=(),
    )


def told(core, message):
    """Tell the core a message and return what it sends, the last of each kind."""
    return {type(sent): sent for _, sent in core.handle(message, NOON)}


def answered(core, command, outcome):
    """Answer a command; return the read that follows."""
    head = {**HEAD, "at": NOON, "command_id": command.command_id}
    return told(core, BrokerCommandAnswered(**head, outcome=outcome))[TakeSnapshot]


def paused(core):
    return told(core, Woken(at=NOON, cause="test", key=core._timers.key("pause")))


def read(core, asked, *orders, size=5):
    """Answer a read: what is held, and these orders."""
    taken = SnapshotTaken(
        **HEAD,
        at=NOON,
        request_id=asked.request_id,
        generation=1,
        requested_at=NOON,
        positions=(held(size),),
        orders=orders,
        fills=None,
        can_trade=None,
        balance_usd=None,
    )
    return told(core, taken)


@pytest.mark.parametrize("filled", [1, 2])
def test_a_close_that_fills_between_the_two_answers_of_a_read_is_not_repeated(filled):
    """Two are being sold slowly; the read's positions are of before a fill, its orders of after."""
    core = EnforcerCore(account=1, login="desk", epoch="1")
    sent = read(core, told(core, capped())[TakeSnapshot])
    selling = structs.replace(market(Side.SELL, 2), status=OrderStatus.OPEN)
    read(core, answered(core, sent[PartialCloseContract], Done()), selling)

    left = (structs.replace(selling, filled=1),) if filled == 1 else ()

    torn = read(core, paused(core)[TakeSnapshot], *left)

    assert PartialCloseContract not in torn
    assert PartialCloseContract in read(core, paused(core)[TakeSnapshot], *left)


@pytest.mark.parametrize(
    ("size", "orders"),
    [
        pytest.param(5, (), id="positions of before the fill, orders of after"),
        pytest.param(
            3, (market(Side.SELL, 4),), id="orders of before the fill, positions of after"
        ),
    ],
)
def test_the_first_read_that_succeeds_after_a_command_is_never_acted_on_alone(size, orders):
    """The read before it has failed: no earlier one shows that an order has filled in its midst."""
    core = EnforcerCore(account=1, login="desk", epoch="1")
    target = FlatAccount() if orders else CapProduct(product="MNQ", limit=3)
    sent = read(core, told(core, capped(target))[TakeSnapshot])
    asked = answered(core, sent.get(CloseContract) or sent[PartialCloseContract], Done())
    told(core, SnapshotFailed(**HEAD, at=NOON, request_id=asked.request_id, reason="HTTP 500"))

    torn = read(core, paused(core)[TakeSnapshot], *orders, size=size)

    assert not {CloseContract, PartialCloseContract, CancelOrder} & torn.keys()
    assert torn[WakeAfter].after_s == 0.1
