"""Targets and plans by example: what mutants had got away with beside the properties."""

from decimal import Decimal

import pytest

from actors.enforcer.targets import covers, joined, plan
from messages.values import (
    CapAccount,
    CapProduct,
    FlatAccount,
    FlatContract,
    FlatProduct,
    Order,
    OrderStatus,
    OrderType,
    Position,
    Side,
)

MNQ, ES = "CON.F.US.MNQ.Z25", "CON.F.US.EP.Z25"


def positions_of(held):
    return [
        Position(contract=name, size=size, average_price=Decimal(1)) for name, size in held.items()
    ]


def coming(contract, signed):
    """Return a market order on its way."""
    return Order(
        order_id=7,
        contract=contract,
        side=Side.BUY if signed > 0 else Side.SELL,
        type=OrderType.MARKET,
        size=abs(signed),
        filled=0,
        status=OrderStatus.PENDING,
    )


@pytest.mark.parametrize(
    ("wider", "narrower", "covered"),
    [
        (FlatAccount(), CapAccount(limit=0, count="gross"), True),
        (FlatProduct(product="MNQ"), FlatContract(contract=MNQ), True),
        (FlatProduct(product="MNQ"), FlatContract(contract=ES), False),
        (FlatProduct(product="MNQ"), CapProduct(product="MNQ", limit=2), True),
        (FlatProduct(product="MNQ"), CapProduct(product="ES", limit=2), False),
        (CapProduct(product="MNQ", limit=2), CapProduct(product="MNQ", limit=3), True),
        (CapProduct(product="MNQ", limit=2), CapProduct(product="MNQ", limit=1), False),
        (CapProduct(product="MNQ", limit=2), CapProduct(product="ES", limit=3), False),
        (CapAccount(limit=2, count="net"), CapAccount(limit=3, count="net"), True),
        (CapAccount(limit=2, count="net"), CapAccount(limit=1, count="net"), False),
        (CapAccount(limit=2, count="net"), CapAccount(limit=3, count="gross"), False),
        (FlatContract(contract=MNQ), FlatContract(contract=MNQ), True),
        (FlatContract(contract=MNQ), FlatContract(contract=ES), False),
    ],
)
def test_what_covers_what(wider, narrower, covered):
    """A wider target makes the narrower one superfluous, and only then."""
    assert covers(wider, narrower) is covered
    if wider != narrower:
        assert (narrower in joined([wider, narrower])) is not covered


@pytest.mark.parametrize(
    ("held", "limit", "count", "close", "reduce"),
    [
        ({MNQ: 3}, 2, "gross", (), ((MNQ, 1),)),
        ({MNQ: -3}, 2, "net", (), ((MNQ, 1),)),
        ({MNQ: 1}, 0, "net", (MNQ,), ()),
        ({MNQ: -1}, 0, "net", (MNQ,), ()),
        ({MNQ: 4, ES: -3}, 0, "net", (), ((MNQ, 1),)),
        ({MNQ: 3, ES: 2}, 5, "net", (), ()),
        ({MNQ: 1, ES: 1}, 0, "gross", (ES, MNQ), ()),
        ({MNQ: -1, ES: -1}, 0, "gross", (ES, MNQ), ()),
    ],
)
def test_a_cap_takes_the_smallest_step_to_its_limit(held, limit, count, close, reduce):
    """One contract over is one contract closed; the last one goes as a whole."""
    todo = plan([CapAccount(limit=limit, count=count)], positions_of(held), [])

    assert (todo.close, todo.reduce) == (close, reduce)
    assert todo.satisfied is (not close and not reduce)


def test_a_short_that_is_being_bought_back_stays_short_in_the_sum():
    """-5 with one coming is -4, beside +3 that is one short net: nothing to do but wait."""
    held = {MNQ: -5, ES: 3}

    todo = plan([CapAccount(limit=1, count="net")], positions_of(held), [coming(MNQ, 1)])

    assert (todo.close, todo.reduce, todo.cancel) == ((), (), ())
    assert not todo.satisfied
