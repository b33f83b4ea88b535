"""The algebra of targets at its edges: caps of one contract, and what goes without a read."""

from decimal import Decimal

import pytest

from actors.enforcer.targets import (
    covers,
    in_scope,
    is_closing,
    is_leaving,
    is_opening,
    needs_no_read,
    plan,
)
from messages.values import (
    CapAccount,
    CapContract,
    CapProduct,
    FlatAccount,
    FlatContract,
    FlatProduct,
    NoOpeningOrders,
    Order,
    OrderStatus,
    OrderType,
    Position,
    Side,
)

MNQ, MES = "CON.F.US.MNQ.Z25", "CON.F.US.MES.Z25"


def cap(size, contract=MNQ):
    return CapContract(contract=contract, size=size)


def order(size, side=Side.SELL, contract=MNQ, kind=OrderType.MARKET):
    return Order(
        order_id=1,
        contract=contract,
        side=side,
        type=kind,
        size=size,
        filled=0,
        status=OrderStatus.PENDING,
    )


def position(size, contract=MNQ):
    return Position(contract=contract, size=size, average_price=Decimal(21000))


@pytest.mark.parametrize(
    ("wider", "target", "covered"),
    [
        (FlatContract(contract=MNQ), cap(2), True),
        (FlatContract(contract=MES), cap(2), False),
        (cap(2), cap(2), True),
        (cap(1), cap(2), True),
        (cap(3), cap(2), False),
        (cap(-2), cap(-2), True),
        (cap(-1), cap(-2), True),
        (cap(-3), cap(-2), False),
        (cap(0), cap(2), True),
        (cap(0), cap(0), True),
        (cap(1), cap(0), False),
        (cap(1), cap(-2), False),
        (cap(-1), cap(2), False),
        (cap(2, MES), cap(2), False),
        (cap(9, MES), cap(2), False),
    ],
)
def test_a_cap_covers_another_of_its_contract_on_its_side_that_allows_as_much(
    wider, target, covered
):
    """What is covered is not asked for any more: too wide a yes would leave a position standing."""
    assert covers(wider, target) is covered


@pytest.mark.parametrize(
    ("target", "none_needed"),
    [
        (cap(0), True),
        (cap(1), False),
        (cap(-1), False),
        (FlatAccount(), True),
        (FlatProduct(product="MNQ"), True),
        (FlatContract(contract=MNQ), True),
        (NoOpeningOrders(), True),
        (CapAccount(limit=0, count="net"), False),
        (CapProduct(product="MNQ", limit=0), False),
    ],
)
def test_only_what_must_go_whole_goes_without_a_read(target, none_needed):
    """A reduction is sized by what is held, and that only a read knows."""
    assert needs_no_read(target) is none_needed


@pytest.mark.parametrize(
    "target", [cap(0), CapAccount(limit=0, count="net"), NoOpeningOrders()], ids=repr
)
def test_a_cap_puts_no_contract_in_the_scope_of_flat(target):
    """Its orders are not all cancelled for it."""
    assert in_scope(target, MNQ) is False


@pytest.mark.parametrize(
    ("held", "target", "close", "reduce"),
    [
        (1, cap(0), (MNQ,), ()),
        (1, cap(1), (), ()),
        (2, cap(1), (), ((MNQ, 1),)),
        (-1, cap(0), (MNQ,), ()),
        (-1, cap(-1), (), ()),
        (-2, cap(-1), (), ((MNQ, 1),)),
        (1, cap(-1), (MNQ,), ()),
        (-1, cap(1), (MNQ,), ()),
    ],
)
def test_a_cap_leaves_a_position_on_its_side_and_no_larger(held, target, close, reduce):
    """What was turned goes whole, for the cap allows nothing on that side."""
    todo = plan([target], [position(held)], [])

    assert (todo.close, todo.reduce) == (close, reduce)
    assert todo.satisfied is not bool(close or reduce)


@pytest.mark.parametrize(
    ("size", "side", "held", "leaving", "closing", "opening"),
    [
        (1, Side.SELL, 1, True, True, False),
        (2, Side.SELL, 1, True, False, True),
        (1, Side.BUY, -1, True, True, False),
        (1, Side.BUY, 1, False, False, True),
        (1, Side.SELL, 0, False, False, True),
        (0, Side.SELL, 1, False, False, False),
    ],
)
def test_an_order_closes_opens_or_does_both(size, side, held, leaving, closing, opening):
    """One that has nothing left to trade does neither."""
    positions = {MNQ: held} if held else {}
    made = order(size, side)

    assert is_leaving(made, positions) is leaving
    assert is_closing(made, positions) is closing
    assert is_opening(made, positions) is opening


@pytest.mark.parametrize(("held", "left"), [(3, 1), (-3, 1)])
def test_a_market_order_on_its_way_counts_against_what_a_cap_asks_for(held, left):
    """Three held, a cap of one, one already leaving: one more goes."""
    side = Side.SELL if held > 0 else Side.BUY
    todo = plan([cap(1 if held > 0 else -1)], [position(held)], [order(1, side)])

    assert todo.reduce == ((MNQ, left),)
    assert todo.coming == {MNQ: 1}
    assert not todo.satisfied


def test_a_net_cap_takes_from_the_side_that_is_too_heavy():
    """Four long of one and one short of another, net cap of one: two of the four go."""
    todo = plan([CapAccount(limit=1, count="net")], [position(4), position(-1, MES)], [])

    assert (todo.close, todo.reduce) == ((), ((MNQ, 2),))
