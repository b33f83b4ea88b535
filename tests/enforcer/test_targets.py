"""The algebra of targets and plans: never over-close, never flip, joined is what each asks (I7)."""

from decimal import Decimal

import hypothesis.strategies as st
import pytest
from hypothesis import assume, given

from actors.enforcer.targets import covers, is_closing, joined, plan
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
    product_of,
)

CONTRACTS = ["CON.F.US.MNQ.Z25", "CON.F.US.MNQ.H26", "CON.F.US.EP.Z25", "CON.F.US.RTY.Z25", "odd"]
MNQ = CONTRACTS[0]
contracts = st.sampled_from(CONTRACTS)
products = contracts.map(product_of)
targets = st.one_of(
    st.just(FlatAccount()),
    st.builds(FlatProduct, product=products),
    st.builds(FlatContract, contract=contracts),
    st.builds(CapAccount, limit=st.integers(0, 9), count=st.sampled_from(["net", "gross"])),
    st.builds(CapProduct, product=products, limit=st.integers(0, 9)),
    st.builds(CapContract, contract=contracts, size=st.integers(-9, 9)),
    st.just(NoOpeningOrders()),
)
holdings = st.dictionaries(contracts, st.integers(-9, 9), max_size=5)
orders = st.lists(
    st.builds(
        Order,
        order_id=st.integers(1, 99),
        contract=contracts,
        side=st.sampled_from(Side),
        type=st.sampled_from(OrderType),
        size=st.integers(1, 9),
        filled=st.just(0),
        status=st.sampled_from([*OrderStatus, 99]),
    ),
    max_size=5,
    unique_by=lambda order: order.order_id,
)


def positions_of(held):
    return [
        Position(contract=name, size=size, average_price=Decimal(1))
        for name, size in held.items()
        if size
    ]


def carried_out(held, todo):
    """Return what is left once a plan is carried out completely."""
    left = {name: size for name, size in held.items() if name not in todo.close}
    for name, size in todo.reduce:
        left[name] -= size if left[name] > 0 else -size
    return {name: size for name, size in left.items() if size}


def holds(target, held):  # noqa: PLR0911 - a table
    """Say whether a target is reached, from its definition."""
    match target:
        case FlatAccount():
            return not any(held.values())
        case FlatProduct():
            return not any(
                size for name, size in held.items() if product_of(name) == target.product
            )
        case FlatContract():
            return not held.get(target.contract)
        case CapProduct():
            own = [abs(size) for name, size in held.items() if product_of(name) == target.product]
            return sum(own) <= target.limit
        case CapContract(size=cap):
            size = held.get(target.contract, 0)
            return size == 0 or (size * cap > 0 and abs(size) <= abs(cap))
        case NoOpeningOrders():
            return True
        case CapAccount(count="gross"):
            return sum(map(abs, held.values())) <= target.limit
        case CapAccount():
            return abs(sum(held.values())) <= target.limit


@given(st.lists(targets, min_size=1, max_size=4), holdings, orders)
def test_a_plan_never_closes_more_than_is_held_nor_flips(wanted, held, working):
    """Partial closes are positive and smaller than the position; closes name what is held."""
    todo = plan(wanted, positions_of(held), working)

    assert all(held[name] for name in todo.close)
    assert all(0 < size < abs(held[name]) for name, size in todo.reduce)
    assert not set(todo.close) & {name for name, _ in todo.reduce}


@given(targets, holdings, orders)
def test_one_target_is_reached_by_its_plan(target, held, working):
    """Carried out completely, the plan leaves exactly what the target allows."""
    assume(not any(is_closing(each, held) for each in working))  # those are waited for first
    todo = plan([target], positions_of(held), working)

    assert holds(target, carried_out(held, todo))
    if not isinstance(target, CapAccount) or target.count == "gross":
        assert holds(target, held) == (not todo.close and not todo.reduce)


@given(
    st.lists(
        targets.filter(lambda each: not isinstance(each, CapAccount) or each.count == "gross"),
        max_size=4,
    ),
    holdings,
)
def test_joined_targets_are_all_reached(wanted, held):
    """Every target of a join holds afterwards (net caps aside: they may pull against each other)."""
    left = carried_out(held, plan(joined(wanted), positions_of(held), []))

    assert all(holds(target, left) for target in wanted)


@given(targets, holdings)
def test_a_cap_closes_no_more_than_it_must(target, held):
    """A cap ends exactly at its limit, not below."""
    if not isinstance(target, CapProduct | CapAccount | CapContract) or holds(target, held):
        return
    left = carried_out(held, plan([target], positions_of(held), []))

    if isinstance(target, CapContract):
        same_side = target.size * held[target.contract] > 0
        assert left.get(target.contract, 0) == (target.size if same_side else 0)
    elif isinstance(target, CapProduct):
        assert (
            sum(abs(s) for n, s in left.items() if product_of(n) == target.product) == target.limit
        )
    elif target.count == "gross":
        assert sum(map(abs, left.values())) == target.limit
    else:
        assert abs(sum(left.values())) == target.limit


@given(targets, targets, holdings)
def test_covering_means_reaching_one_reaches_the_other(wider, narrower, held):
    """`covers` is sound."""
    if covers(wider, narrower) and holds(wider, held):
        assert holds(narrower, held)


@given(holdings, orders)
def test_flat_cancels_everything_that_works_but_its_own_kind_of_close(held, working):
    """Flat is satisfied only with nothing held and nothing working; unknown statuses work."""
    todo = plan([FlatAccount()], positions_of(held), working)
    alive = {order.order_id for order in working if order.working}

    assert set(todo.cancel) <= alive
    assert todo.satisfied == (not any(held.values()) and not alive)
    for order in working:
        if order.working and order.order_id not in todo.cancel:
            assert order.type == OrderType.MARKET
            assert order.status in {OrderStatus.PENDING, OrderStatus.OPEN}
            assert held[order.contract] * order.signed_remaining < 0
            assert abs(order.signed_remaining) <= abs(held[order.contract])


@given(holdings, orders)
def test_only_orders_that_could_add_are_cancelled(held, working):
    """What stays works on the closing side and is a stop or no larger than the position."""
    todo = plan([NoOpeningOrders()], positions_of(held), working)

    assert (todo.close, todo.reduce) == ((), ())
    assert todo.satisfied == (not todo.cancel)
    for order in (each for each in working if each.working):
        size, coming = held.get(order.contract, 0), order.signed_remaining
        reduces = size * coming < 0 and (
            abs(coming) <= abs(size) or order.type in {OrderType.STOP, 3, OrderType.TRAILING_STOP}
        )
        assert (order.order_id in todo.cancel) is not reduces


@pytest.mark.parametrize(
    ("held", "cap", "close", "reduce"),
    [
        (3, 2, (), ((MNQ, 1),)),
        (2, 2, (), ()),
        (1, 2, (), ()),
        (-1, 2, (MNQ,), ()),
        (-5, -2, (), ((MNQ, 3),)),
        (4, 0, (MNQ,), ()),
    ],
)
def test_a_contract_is_capped_on_its_side(held, cap, close, reduce):
    """Long at most 2 and never short; nothing at all for 0; never flipped."""
    todo = plan([CapContract(contract=MNQ, size=cap)], positions_of({MNQ: held}), [])

    assert (todo.close, todo.reduce, todo.satisfied) == (close, reduce, not (close or reduce))


def test_an_order_is_judged_by_what_a_cap_leaves():
    """Long 5, capped at 2: a limit order to sell 3 would end short once the cap holds."""
    targets = [NoOpeningOrders(), CapContract(contract=MNQ, size=2)]
    sells = [limit(1, Side.SELL, 3), limit(2, Side.SELL, 2), limit(3, Side.BUY, 1)]

    todo = plan(targets, positions_of({MNQ: 5}), sells)

    assert (todo.reduce, todo.cancel) == (((MNQ, 3),), (1, 3))


def limit(order_id, side, size):
    return Order(
        order_id=order_id,
        contract=MNQ,
        side=side,
        type=OrderType.LIMIT,
        size=size,
        filled=0,
        status=OrderStatus.OPEN,
    )
