"""The standing duty by itself: what lockouts forbid of a contract, and what is done about it."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from actors.account.lockouts import key_of
from actors.account.standing import demand, forbids, is_beyond, is_exposed, known, may_stay
from actors.account.state import AccountState
from messages.values import (
    ACCOUNT_SCOPE,
    CapContract,
    CapProduct,
    Duty,
    Fill,
    FlatAccount,
    FlatContract,
    FlatProduct,
    Lockout,
    NoOpeningOrders,
    Order,
    OrderStatus,
    OrderType,
    Position,
    ReleaseOn,
    Side,
)
from tests.account.world import DAY

NOW = datetime(2025, 10, 29, 17, tzinfo=UTC)
MNQ, MNQ_NEXT, ES = "CON.F.US.MNQ.Z25", "CON.F.US.MNQ.H26", "CON.F.US.EP.Z25"


def lock(duty=Duty.FLAT, scope=ACCOUNT_SCOPE, rule="RULE-003"):
    return Lockout(
        rule=rule,
        scope=scope,
        duty=duty,
        until=None,
        release_on=ReleaseOn.CONFIG,
        reason="test",
        breach_id="b1",
        locked_at=NOW,
    )


FLAT = lock()
ONLY_MNQ = lock(scope="product:MNQ", rule="RULE-011")
NO_MORE = lock(Duty.NO_NEW_EXPOSURE, rule="RULE-006")


def order(size, contract=MNQ, number=1, kind=OrderType.LIMIT, status=OrderStatus.OPEN):
    return Order(
        order_id=number,
        contract=contract,
        side=Side.BUY if size > 0 else Side.SELL,
        type=kind,
        size=abs(size),
        filled=0,
        status=status,
    )


def account(*lockouts, held=None, orders=(), allowed=None, unplaced=0):
    """Return a state; `unplaced` contracts of MNQ were filled and their position is not told yet."""
    state = AccountState.new(1, DAY, gross=False)
    state.lockouts = {key_of(each): each for each in lockouts}
    state.positions = {
        name: Position(contract=name, size=size, average_price=Decimal(1))
        for name, size in (held or {}).items()
    }
    state.orders = {each.order_id: each for each in orders}
    state.allowances = allowed
    if unplaced:
        fill = Fill(
            trade_id=1,
            order_id=1,
            contract=MNQ,
            side=Side.BUY if unplaced > 0 else Side.SELL,
            size=abs(unplaced),
            price=Decimal(1),
            profit_and_loss_usd=None,
            fees_usd=Decimal(0),
            commissions_usd=Decimal(0),
            voided=False,
            executed_at=NOW,
        )
        state.unplaced.filled(fill, NOW)
    return state


# --- what is demanded ---


@pytest.mark.parametrize(
    ("lockout", "targets", "skips"),
    [
        (FLAT, (FlatAccount(),), True),
        (ONLY_MNQ, (FlatProduct(product="MNQ"),), False),
        (NO_MORE, (NoOpeningOrders(), CapContract(contract=MNQ, size=0)), False),
    ],
    ids=["flat", "product", "no_new_exposure"],
)
@pytest.mark.parametrize("there", [{"held": {MNQ: 1}}, {"orders": [order(1)]}], ids=str)
def test_what_is_forbidden_is_to_go_by_the_lockout_that_forbids_it(lockout, targets, skips, there):
    """All of the account, the product, or the contract; rules are skipped only under the first."""
    found = demand(account(lockout, **there), MNQ)

    assert (found.lockout, found.targets, found.skips_rules) == (lockout, targets, skips)


@pytest.mark.parametrize(
    "state",
    [
        account(held={MNQ: 1}, orders=[order(1)]),
        account(FLAT),
        account(FLAT, held={ES: 1}, orders=[order(1, ES)]),
        account(NO_MORE),
        account(ONLY_MNQ, held={ES: 1}),
        account(NO_MORE, held={MNQ: 2}, allowed={MNQ: 2}),
        account(NO_MORE, held={MNQ: 2}, allowed={MNQ: 3}, orders=[order(-2)]),
        account(NO_MORE, held={MNQ: -2}, allowed={MNQ: -2}, orders=[order(1)]),
    ],
    ids=[
        "no lockout",
        "nothing there",
        "another contract",
        "nothing there under the milder",
        "another product",
        "as much as is allowed",
        "less, and an order that closes",
        "a short, and an order that closes",
    ],
)
def test_where_nothing_forbidden_is_there_nothing_is_demanded(state):
    """Of MNQ."""
    assert demand(state, MNQ) is None


@pytest.mark.parametrize(
    ("held", "allowed", "orders", "cap"),
    [
        (3, 2, [], 2),
        (-3, -2, [], -2),
        (1, -1, [], -1),
        (2, 2, [order(1)], 2),
        (2, 2, [order(-3)], 2),
        (-2, -2, [order(-1)], -2),
        (-2, -2, [order(3)], -2),
        (3, 1, [order(-2)], 1),
    ],
)
def test_beyond_the_allowance_the_contract_is_capped_at_it(held, allowed, orders, cap):
    """Increased, turned round, or an order that would: it and the orders in one demand."""
    found = demand(account(NO_MORE, held={MNQ: held}, allowed={MNQ: allowed}, orders=orders), MNQ)

    assert found.targets == (NoOpeningOrders(), CapContract(contract=MNQ, size=cap))


def test_a_flat_duty_goes_before_the_milder_one():
    """Both bind; nothing may stay."""
    found = demand(account(NO_MORE, FLAT, held={MNQ: 1}, allowed={MNQ: 1}), MNQ)

    assert found.lockout == FLAT
    assert found.skips_rules


# --- orders ---


CLOSE = order(-1, kind=OrderType.MARKET, status=OrderStatus.PENDING)


@pytest.mark.parametrize(
    ("lockouts", "tried", "held", "allowed", "forbidden"),
    [
        ((), order(1), {}, None, False),
        ((FLAT,), order(1), {}, None, True),
        ((FLAT,), order(-1), {MNQ: 1}, None, True),
        ((FLAT,), CLOSE, {MNQ: 1}, None, False),
        ((FLAT,), CLOSE, {}, None, True),
        ((ONLY_MNQ,), order(1), {}, None, True),
        ((ONLY_MNQ,), order(1, ES), {}, None, False),
        ((NO_MORE,), order(1), {}, {}, True),
        ((NO_MORE,), order(-1), {MNQ: 1}, {MNQ: 1}, False),
        ((NO_MORE,), order(-2), {MNQ: 1}, {MNQ: 1}, True),
        ((NO_MORE,), order(-2), {MNQ: 3}, {MNQ: 1}, True),
        ((NO_MORE,), order(-1), {MNQ: 3}, {MNQ: 1}, False),
    ],
)
def test_which_orders_a_lockout_forbids(lockouts, tried, held, allowed, forbidden):
    """Flat: all but a close on its way. Otherwise what could add to what may stay."""
    state = account(*lockouts, held=held, orders=[tried], allowed=allowed)

    assert forbids(state, tried) is forbidden


# --- what is there ---


@pytest.mark.parametrize(
    ("held", "allowed", "beyond"),
    [
        (0, 0, False),
        (1, 1, False),
        (1, 2, False),
        (2, 1, True),
        (1, 0, True),
        (1, -1, True),
        (-2, -1, True),
        (-1, -2, False),
    ],
)
def test_a_position_is_beyond_when_it_holds_more_than_its_allowance(held, allowed, beyond):
    """Or anything on the other side of it."""
    state = account(NO_MORE, held={MNQ: held} if held else {}, allowed={MNQ: allowed})

    assert is_beyond(state, MNQ) is beyond


def test_without_any_allowance_every_position_is_beyond():
    """What was not held at the intent may not be."""
    assert is_beyond(account(NO_MORE, held={MNQ: 1}), MNQ)


@pytest.mark.parametrize(
    ("state", "exposed"),
    [
        (account(held={MNQ: 1}, orders=[order(1)]), False),
        (account(FLAT), False),
        (account(FLAT, held={MNQ: 1}), True),
        (account(FLAT, held={MNQ: -1}), True),
        (account(FLAT, unplaced=1), True),
        (account(FLAT, held={MNQ: 1}, unplaced=-1), False),
        (account(FLAT, orders=[order(1)]), True),
        (account(FLAT, held={ES: 1}, orders=[order(1, ES)]), False),
        (account(ONLY_MNQ, held={MNQ: 1}), True),
        (account(NO_MORE, held={MNQ: 1}, allowed={MNQ: 1}), False),
        (account(NO_MORE, held={MNQ: 1}, allowed={MNQ: 1}, unplaced=1), True),
        (account(NO_MORE, held={MNQ: 2}, allowed={MNQ: 1}, unplaced=-1), False),
        (account(NO_MORE, held={MNQ: 1}, allowed={MNQ: 1}, orders=[order(1)]), True),
        (account(NO_MORE, held={MNQ: 1}, allowed={MNQ: 1}, orders=[order(-1)]), False),
        (account(NO_MORE, unplaced=1), True),
    ],
)
def test_fills_whose_position_is_still_to_come_count_as_there(state, exposed):
    """Of MNQ: a position, an order that is forbidden, or a fill."""
    assert is_exposed(state, MNQ) is exposed


def test_what_may_stay_is_clipped_only_while_exposure_may_not_grow():
    """Unplaced fills included."""
    free = account(held={MNQ: 2, ES: -1}, unplaced=1, allowed={MNQ: 1})
    bound = account(NO_MORE, held={MNQ: 2, ES: -1}, unplaced=1, allowed={MNQ: 1, ES: -3})

    assert may_stay(free) == {MNQ: 3, ES: -1}
    assert may_stay(bound) == {MNQ: 1, ES: -1}


@pytest.mark.parametrize(
    ("targets", "contracts", "orders"),
    [
        ((FlatAccount(),), (ES, MNQ_NEXT, MNQ), (1, 2, 3)),
        ((FlatProduct(product="MNQ"),), (MNQ_NEXT, MNQ), (1, 3)),
        ((FlatContract(contract=ES),), (ES,), (2,)),
        ((CapContract(contract=MNQ, size=0),), (MNQ,), ()),
        ((CapContract(contract=MNQ, size=1),), (), ()),
        ((CapProduct(product="MNQ", limit=1),), (), ()),
        ((NoOpeningOrders(),), (), (2,)),
        ((FlatContract(contract=ES), NoOpeningOrders()), (ES,), (2,)),
        ((), (), ()),
    ],
)
def test_what_must_go_as_far_as_is_known(targets, contracts, orders):
    """Whole positions and orders by name; what is only capped needs a read."""
    state = account(
        held={MNQ: 2, MNQ_NEXT: 1, ES: 1},
        orders=[order(-2, MNQ, 1), order(1, ES, 2), order(-1, MNQ_NEXT, 3)],
    )

    assert known(state, targets) == (tuple(sorted(contracts)), orders)


@pytest.mark.parametrize("size", [-3, -9])
def test_a_market_order_that_closes_more_than_is_held_is_cancelled_and_nothing_closed_beside_it(
    size,
):
    """Both filled would hold the other way; the position is closed once a read shows the order gone."""
    selling = order(size, MNQ, 1, OrderType.MARKET)
    state = account(held={MNQ: 2, ES: 1}, orders=[selling])

    assert known(state, (FlatAccount(),)) == ((ES,), (1,))


def test_a_market_order_on_its_way_to_close_is_left_alone():
    """Neither closed beside, nor cancelled: it may be the enforcer's own."""
    state = account(held={MNQ: 2}, orders=[order(-2, MNQ, 1, OrderType.MARKET)])

    assert known(state, (FlatAccount(),)) == ((), ())
