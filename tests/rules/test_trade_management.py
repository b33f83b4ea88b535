"""RULE-012: where a stop is wanted, to the tick, and that it is never loosened."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.account.extremes import Extremes
from actors.rules.trade_management import RULE, Breakeven, TradeManagement, Trailing
from messages.values import Order, OrderStatus, OrderType, Side
from tests.rules.pictures import held, view

EVEN_4_1 = TradeManagement(breakeven=Breakeven(after_ticks=4, offset_ticks=1))
EVEN_10_0 = TradeManagement(breakeven=Breakeven(after_ticks=10))
TRAIL_20_10 = TradeManagement(trailing=Trailing(activate_ticks=20, trail_ticks=10))
TRAIL_8_4 = TradeManagement(trailing=Trailing(activate_ticks=8, trail_ticks=4))
TRAIL_8_8 = TradeManagement(trailing=Trailing(activate_ticks=8, trail_ticks=8))
BOTH = TradeManagement(breakeven=EVEN_4_1.breakeven, trailing=TRAIL_20_10.trailing)


def stop(price, *, side=Side.SELL, root="MNQ", **more):
    known = Order(
        order_id=7,
        contract=f"CON.F.US.{root}.Z25",
        side=side,
        type=OrderType.STOP,
        size=1,
        filled=0,
        status=OrderStatus.OPEN,
        stop_price=None if price is None else Decimal(price),
    )
    return msgspec.structs.replace(known, **more)


def moves(parameters, position, *orders):
    assert RULE.check(parameters) == []
    picture = msgspec.structs.replace(view(), positions=(position,), orders=orders)
    assert RULE.evaluate(picture, parameters) is None
    return RULE.manage(picture, parameters)


def long(mark, *, entry="16500", best=None, root="MNQ", **more):
    return held(root, 1, entry=entry, mark=mark, best=best or mark, **more)


def short(mark, *, entry="16500", best=None, **more):
    return held("MNQ", -1, entry=entry, mark=mark, best=best or mark, **more)


def wanted(parameters, position, order):
    """Return where the stop goes, as text, or None where it stays."""
    found = moves(parameters, position, order)
    return str(found[0].stop_price) if found else None


@pytest.mark.parametrize(
    ("parameters", "position", "goes_to"),
    [
        (EVEN_4_1, long("16500.75"), None),
        (EVEN_4_1, long("16501.00"), "16500.25"),
        (EVEN_4_1, long("16501.25"), "16500.25"),
        (EVEN_10_0, long("16502.25"), None),
        (EVEN_10_0, long("16502.50"), "16500.00"),
        (EVEN_10_0, long("16502.75"), "16500.00"),
        (TRAIL_20_10, long("16504.75"), None),
        (TRAIL_20_10, long("16505.00"), "16502.50"),
        (TRAIL_20_10, long("16505.25"), "16502.75"),
        (TRAIL_20_10, long("16510.00"), "16507.50"),
        (TRAIL_20_10, long("16508.00", best="16510.00"), "16507.50"),
        (TRAIL_8_4, long("16502.00"), "16501.00"),
        (TRAIL_8_8, long("16510"), "16508.00"),
        (BOTH, long("16501.00"), "16500.25"),
        (BOTH, long("16505.00"), "16502.50"),
        (EVEN_4_1, long("16501.00", entry="16500.10"), None),
        (EVEN_4_1, long("16501.25", entry="16500.10"), "16500.50"),
    ],
)
def test_a_long_position_s_stop_goes_up_to_the_tick(parameters, position, goes_to):
    """S-59, S-60: the numbers of the seed; an entry off the grid is rounded so that it protects."""
    assert wanted(parameters, position, stop("16490")) == goes_to


@pytest.mark.parametrize(
    ("parameters", "position", "goes_to"),
    [
        (EVEN_4_1, short("16499.25"), None),
        (EVEN_4_1, short("16499.00"), "16499.75"),
        (EVEN_4_1, short("16498.75"), "16499.75"),
        (TRAIL_20_10, short("16495.25"), None),
        (TRAIL_20_10, short("16495.00"), "16497.50"),
        (TRAIL_8_8, short("16490"), "16492.00"),
        (TRAIL_8_8, short("16491", best="16490"), "16492.00"),
        (EVEN_4_1, short("16498.75", entry="16499.90"), "16499.50"),
        (BOTH, short("16499.00"), "16499.75"),
        (BOTH, short("16495.00"), "16497.50"),
    ],
)
def test_a_short_position_s_stop_goes_down_to_the_tick(parameters, position, goes_to):
    """S-61: mirrored; the low of 16490 puts it at 16492."""
    assert wanted(parameters, position, stop("16510", side=Side.BUY)) == goes_to


def test_the_price_of_the_tick_is_the_contract_s_own():
    """S-61: ten ES ticks below 5500 are 5497.50; ten YM ticks are ten points."""
    es = long("5500", entry="5497.50", best="5500", root="EP")
    ym = held("YM", 1, entry="43980", mark="44000", best="44000", tick="1")
    trail = TradeManagement(trailing=Trailing(activate_ticks=10, trail_ticks=10))

    assert wanted(trail, es, stop("5490", root="EP")) == "5497.50"
    assert wanted(trail, ym, stop("43900", root="YM")) == "43990"


@pytest.mark.parametrize("present", ["16507.50", "16507.75", "16509"])
def test_a_stop_that_is_as_tight_already_is_left_alone(present):
    """Equal or tighter: nothing is sent, above all nothing looser."""
    assert wanted(TRAIL_20_10, long("16510"), stop(present)) is None


def test_a_stop_on_the_wrong_side_of_the_market_is_not_wanted():
    """After a fall the trailed price lies above the mark; breakeven, which is possible, is taken."""
    fallen = long("16502", best="16510")

    assert wanted(TRAIL_20_10, fallen, stop("16490")) is None
    assert wanted(BOTH, fallen, stop("16490")) == "16500.25"
    assert wanted(TRAIL_20_10, long("16507.50", best="16510"), stop("16490")) is None


def test_a_stop_limit_takes_its_limit_along():
    """The distance between stop and limit stays."""
    order = stop("16490", type=OrderType.STOP_LIMIT, limit_price=Decimal("16488.50"))

    (move,) = moves(TRAIL_20_10, long("16510"), order)

    assert (move.from_price, move.stop_price, move.limit_price) == (
        Decimal(16490),
        Decimal("16507.50"),
        Decimal("16506.00"),
    )


def test_every_stop_that_is_looser_is_moved():
    """Two halves of one protection go together; the one that is tighter stays."""
    orders = (stop("16490"), stop("16495", order_id=8), stop("16509", order_id=9))

    assert [each.order_id for each in moves(TRAIL_20_10, long("16510"), *orders)] == [7, 8]


@pytest.mark.parametrize(
    "order",
    [
        stop("16490", type=OrderType.TRAILING_STOP),
        stop(None, type=OrderType.LIMIT, limit_price=Decimal(16490)),
        stop(None, type=OrderType.MARKET),
        stop("16490", side=Side.BUY),
        stop("16490", root="MES"),
        stop("16490", status=OrderStatus.SUSPENDED),
        stop("16490", status=OrderStatus.PENDING),
        stop("16490", status=OrderStatus.PENDING_CANCELLATION),
        stop(None),
    ],
    ids=lambda order: f"{order.type}-{order.side}-{order.status}-{order.contract}",
)
def test_what_is_no_protective_stop_that_can_be_moved_is_left_alone(order):
    """The broker's own trailing stop, targets, entries, other contracts, what does not work yet."""
    assert moves(TRAIL_20_10, long("16510"), order) == ()


@pytest.mark.parametrize(
    "position",
    [
        held("MNQ", 1, entry="16500"),
        held("MNQ", 1, entry="16500", best="16510"),
        held("MNQ", 1, entry="16500", mark="16510", best="16510", tick=None),
    ],
    ids=["never quoted", "quote too old", "contract unknown"],
)
def test_without_a_fresh_mark_and_a_known_tick_nothing_is_moved(position):
    """Unknown is not a price."""
    assert moves(BOTH, position, stop("16490")) == ()


def test_the_reason_has_the_arithmetic():
    """The journal says why a stop was moved where."""
    (trailed,) = moves(TRAIL_20_10, long("16508", best="16510"), stop("16490"))
    (even,) = moves(EVEN_4_1, long("16501"), stop("16490"))

    assert trailed.reason == (
        "trailing: best mark 16510, 40 ticks of profit (from 20), 10 ticks behind"
    )
    assert even.reason == "breakeven: 4 ticks of profit (after 4), entry 16500 + 1 ticks"


@pytest.mark.parametrize(
    "parameters",
    [
        TradeManagement(),
        TradeManagement(breakeven=Breakeven(after_ticks=0)),
        TradeManagement(breakeven=Breakeven(after_ticks=4, offset_ticks=-1)),
        TradeManagement(breakeven=Breakeven(after_ticks=4, offset_ticks=4)),
        TradeManagement(trailing=Trailing(activate_ticks=0, trail_ticks=4)),
        TradeManagement(trailing=Trailing(activate_ticks=4, trail_ticks=0)),
    ],
)
def test_distances_that_cannot_be_meant_are_refused(parameters):
    """At least one of the two; positive; breakeven on this side of the market."""
    assert RULE.check(parameters)


@pytest.mark.parametrize(
    ("parameters", "line"),
    [
        (EVEN_10_0, "at 10 ticks of profit the stop goes to the entry; never loosened"),
        (
            BOTH,
            (
                "at 4 ticks of profit the stop goes to the entry + 1 ticks; "
                "from 20 ticks on it trails 10 behind the best price; never loosened"
            ),
        ),
    ],
)
def test_it_says_in_one_line_what_it_does(parameters, line):
    """Only what is configured."""
    assert RULE.describe(parameters) == line


PRICES = st.integers(-120, 120).map(lambda ticks: Decimal(16500) + ticks * Decimal("0.25"))


@given(
    marks=st.lists(PRICES, min_size=1, max_size=30),
    size=st.sampled_from([1, -1, 3, -3]),
    entry=st.integers(-16, 16).map(lambda part: Decimal(16500) + part * Decimal("0.0625")),
    grows_at=st.integers(0, 30),
)
def test_no_sequence_of_marks_ever_loosens_a_stop(marks, size, entry, grows_at):
    """Every move tightens, lies on the grid and on the losing side of the mark; also on a scale-in."""
    sign, extremes = (1 if size > 0 else -1), Extremes()
    side = Side.SELL if size > 0 else Side.BUY
    order = stop(Decimal(16500) - sign * 40, side=side)
    position = held("MNQ", size, entry=entry).position
    for step, mark in enumerate(marks):
        if step == grows_at:
            position = msgspec.structs.replace(position, size=2 * size)
        extremes.hold({position.contract: position}, None)
        extremes.mark(position, mark)
        best = extremes.best(position.contract)
        seen = msgspec.structs.replace(held("MNQ", size), position=position, mark=mark, best=best)
        for move in moves(BOTH, seen, order):
            assert (move.stop_price - order.stop_price) * sign > 0
            assert (mark - move.stop_price) * sign > 0
            assert move.stop_price % Decimal("0.25") == 0
            order = stop(move.stop_price, side=side)
