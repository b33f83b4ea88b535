"""Which stop moves an account passes on: late ones, loosening ones and those of closes are not."""

from datetime import UTC, date, datetime
from decimal import Decimal

import msgspec
import pytest

from actors.account.intent import Enforcement
from actors.account.lockouts import key_of
from actors.account.managing import still_wanted
from actors.account.state import AccountState
from actors.rules.trade_management import Breakeven, TradeManagement
from messages.commands import MoveStops, ReportVerdict
from messages.facts import OrderChanged, StreamLost
from messages.values import (
    CapAccount,
    Duty,
    FlatContract,
    FlatProduct,
    Lockout,
    Order,
    OrderStatus,
    OrderType,
    Position,
    ReleaseOn,
    Side,
    StopMove,
)
from tests.account.world import DAY, World

MNQ, MES = "CON.F.US.MNQ.Z25", "CON.F.US.MES.Z25"
NOW = datetime(2025, 10, 29, 17, tzinfo=UTC)
STOP = Order(
    order_id=7,
    contract=MNQ,
    side=Side.SELL,
    type=OrderType.STOP,
    size=1,
    filled=0,
    status=OrderStatus.OPEN,
    stop_price=Decimal(100),
)


def state(order=STOP, size=1):
    """Return an account that holds MNQ with one stop."""
    known = AccountState.new(1, DAY, gross=False)
    known.trading_date = date(2025, 10, 29)
    if size:
        known.positions[MNQ] = Position(contract=MNQ, size=size, average_price=Decimal(100))
    if order:
        known.orders[order.order_id] = order
    return known


def move(price):
    return StopMove(
        rule="RULE-012",
        order_id=7,
        contract=MNQ,
        from_price=Decimal(99),
        stop_price=Decimal(price),
        limit_price=None,
        reason="test",
        judged_at=NOW,
    )


def passed(known, price=101):
    return bool(still_wanted(known, (move(price),)))


@pytest.mark.parametrize(("price", "tightens"), [(99, False), (100, False), (101, True)])
def test_only_what_tightens_the_present_stop_is_passed_on(price, tightens):
    """The stop may have been moved since the rule looked: a long's goes up, a short's goes down."""
    bought = msgspec.structs.replace(STOP, side=Side.BUY)

    assert passed(state(), price) is tightens
    assert passed(state(bought, size=-1), 200 - price) is tightens


@pytest.mark.parametrize(
    ("order", "size"),
    [(None, 1), (STOP, 0), (STOP, -1), (msgspec.structs.replace(STOP, stop_price=None), 1)],
    ids=["order gone", "position gone", "position turned", "no stop price"],
)
def test_what_is_gone_by_now_is_not_moved(order, size):
    """A verdict may be late."""
    assert not passed(state(order, size))


def test_a_buy_stop_of_a_long_protects_nothing_and_is_not_moved():
    """The short it was for has been turned into one contract long."""
    bought = msgspec.structs.replace(STOP, side=Side.BUY)

    assert passed(state(bought, size=-1), 99)
    assert not passed(state(bought, size=1), 99)


@pytest.mark.parametrize(
    ("target", "wanted"),
    [
        (FlatContract(contract=MNQ), False),
        (FlatContract(contract=MES), True),
        (FlatProduct(product="MNQ"), False),
        (CapAccount(limit=1, count="net"), False),
    ],
)
def test_an_enforcement_that_concerns_the_contract_goes_first(target, wanted):
    """Another contract's enforcement is no obstacle."""
    known = state()
    known.enforcement = Enforcement(
        id="e1", since=NOW, breaches=(), targets=(target,), pending=(), deadline_at=NOW
    )

    assert passed(known) is wanted


@pytest.mark.parametrize(
    ("scope", "duty", "wanted"),
    [
        ("account", Duty.FLAT, False),
        ("product:MNQ", Duty.FLAT, False),
        ("product:MES", Duty.FLAT, True),
        ("account", Duty.NO_NEW_EXPOSURE, True),
    ],
)
def test_under_a_flat_duty_nothing_is_moved(scope, duty, wanted):
    """Under no_new_exposure what is open is still guarded, and its stop still follows."""
    known = state()
    lock = Lockout(
        rule="RULE-009",
        scope=scope,
        duty=duty,
        until=None,
        release_on=ReleaseOn.CONFIG,
        reason="",
        breach_id="b1",
        locked_at=NOW,
    )
    known.lockouts = {key_of(lock): lock}

    assert passed(known) is wanted


@pytest.mark.parametrize("gone", [False, True], ids=["moved", "gone"])
def test_a_stop_found_changed_by_a_read_withdraws_what_was_wanted_of_it(gone):
    """The stream missed it: what waits to be sent may loosen what the trader has set himself."""
    world = World()
    world.drain()
    world._judge = lambda _asked: None  # what the rule wants is not the point
    world.adopt(RULE_012=TradeManagement(breakeven=Breakeven(after_ticks=10)))
    world.set_position(MNQ, 1)
    world.orders[STOP.order_id] = STOP
    world.tell(OrderChanged(**world._head(), order=STOP))
    world.drain()
    if gone:
        del world.orders[STOP.order_id]
    else:
        moved = msgspec.structs.replace(STOP, stop_price=Decimal(101))
        world.orders[STOP.order_id] = moved
    told = []
    world._watch_enforcer = told.append

    world.connect()
    world.drain()
    world.connect()
    world.drain()

    withdrawn = [each.withdrawn for each in told if isinstance(each, MoveStops)]
    assert withdrawn == [(STOP.order_id,)], "and not again by a read that shows nothing new"


def managed():
    """Return a world whose account holds one MNQ with a stop that RULE-012 may move."""
    world = World()
    world.drain()
    world._judge = lambda _asked: None  # what the rule wants is not the point
    world.adopt(RULE_012=TradeManagement(breakeven=Breakeven(after_ticks=10)))
    world.set_position(MNQ, 1)
    world.tell(OrderChanged(**world._head(), order=STOP))
    world.drain()
    return world


def moves_told(world, message):
    sends = world.account.handle(message, world.now)
    return [each.message for each in sends if isinstance(each.message, MoveStops)]


@pytest.mark.parametrize(
    ("change", "withdrawn"),
    [({"stop_price": Decimal(101)}, [(7,)]), ({"order_id": 8, "stop_price": None}, [])],
    ids=["a stop", "a limit order"],
)
def test_a_stop_that_its_trader_moves_withdraws_what_was_wanted_of_it(change, withdrawn):
    """Told by the stream; an order that is no stop has nothing to withdraw."""
    world = managed()
    changed = OrderChanged(**world._head(), order=msgspec.structs.replace(STOP, **change))

    assert [each.withdrawn for each in moves_told(world, changed)] == withdrawn


@pytest.mark.parametrize("lost", [False, True], ids=["in touch", "stream lost"])
def test_no_stop_is_moved_while_the_stream_is_lost(lost):
    """What the account knows of it may be over: the old stop stays until a read has shown it."""
    world = managed()
    if lost:
        world.tell(StreamLost(**world._head(), generation=1, reason="test"))
        world.drain()
    wanted = move(101)
    verdict = ReportVerdict(
        **world._head(),
        rule="RULE-012",
        breach=None,
        moves=(wanted,),
        trading_date="2025-10-29",
        judgement=None,
    )

    assert [each.moves for each in moves_told(world, verdict)] == ([] if lost else [(wanted,)])
