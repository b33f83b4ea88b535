"""The pure matching engine: what fills, what it realises, and what is said about it in which order."""

from decimal import Decimal

import pytest

from actors.simulator.ledger import Bracket, Execution, Ticket
from actors.simulator.refusals import Refusal, RefusedError
from messages.values import OrderStatus, OrderType, Side
from tests.simulator.support import AT, ES, MNQ, A, exchange_with, move, place, said

MARKET, LIMIT, STOP = OrderType.MARKET, OrderType.LIMIT, OrderType.STOP
BUY, SELL = Side.BUY, Side.SELL
FILL = [("Order", 6), ("Trade", None), ("Order", 2), ("Position", 2)]
ACCOUNTS = [("Account", None)] * 2


@pytest.fixture
def exchange():
    """Quote MNQ at 21000 and ES at 6000."""
    exchange = exchange_with()
    move(exchange, MNQ, 21000)
    move(exchange, ES, 6000)
    return exchange


def sizes(exchange):
    return {
        contract: position.size for contract, position in exchange.accounts[A].positions.items()
    }


def refusal(call, *arguments):
    with pytest.raises(RefusedError) as refused:
        call(*arguments)
    return refused.value.refusal


@pytest.mark.parametrize(
    ("contract", "deal", "entry", "exit_", "expected"),
    [
        ("MNQ", (SELL, 1), "21000", "20990", "20"),
        ("EP", (SELL, 2), "6000", "6001.25", "-125"),
        ("EP", (BUY, 1), "6000", "6010", "500"),
        ("ENQ", (BUY, 1), "21000", "21000.25", "5"),
        ("MES", (BUY, 1), "6000", "5999.75", "-1.25"),
        ("YM", (BUY, 1), "44000", "44001", "5"),
        ("MYM", (SELL, 3), "44000", "44001", "-1.50"),
        ("RTY", (BUY, 1), "2200", "2200.1", "5"),
        ("M2K", (BUY, 1), "2200", "2200.1", "0.50"),
        ("CLE", (BUY, 1), "70", "70.01", "10"),
        ("MCLE", (BUY, 1), "70", "70.01", "1"),
        ("GCE", (BUY, 1), "3300", "3300.1", "10"),
        ("MGC", (BUY, 1), "3300", "3300.1", "1"),
    ],
)
def test_a_round_trip_realises_the_points_times_the_true_value(
    contract, deal, entry, exit_, expected
):
    """Every product is worth what the exchange says per tick (S-101, S-105)."""
    exchange = exchange_with()
    cid = f"CON.F.US.{contract}.Z25"
    move(exchange, cid, entry)
    place(exchange, cid, MARKET, *deal)
    move(exchange, cid, exit_)
    exchange.close(A, cid, AT)

    opened, closed = exchange.accounts[A].trades.values()
    assert opened.profit_and_loss is None
    assert closed.profit_and_loss == Decimal(expected)
    assert exchange.accounts[A].balance == 50_000 + Decimal(expected)
    assert sizes(exchange) == {}


def test_a_market_order_says_pending_trade_filled_position_account(exchange):
    """The order of pushes is the live one."""
    _, pushes = place(exchange, MNQ, MARKET, BUY, 2)

    assert said(pushes) == FILL + ACCOUNTS
    assert "profitAndLoss" not in pushes[1].data, "streams leave nulls out"
    assert pushes[3].data["type"] == 1


def test_closing_a_short_pushes_size_zero(exchange):
    """A closed position goes out once more, as delete, with size 0."""
    place(exchange, MNQ, MARKET, SELL, 2)
    pushes = exchange.close(A, MNQ, AT)

    closed = pushes[3]
    assert (closed.data["size"], closed.data["type"], closed.action) == (0, 2, 2)
    assert pushes[1].data["side"] == BUY


def test_adding_averages_and_a_partial_exit_realises_against_the_average(exchange):
    """P&L is the broker's: by average price, the average unchanged by exits."""
    place(exchange, MNQ, MARKET, BUY, 1)
    move(exchange, MNQ, 21010)
    place(exchange, MNQ, MARKET, BUY, 3)
    assert exchange.accounts[A].positions[MNQ].average_price == Decimal("21007.5")

    exchange.partial_close(A, MNQ, 1, AT)

    assert list(exchange.accounts[A].trades.values())[-1].profit_and_loss == Decimal(5)
    assert exchange.accounts[A].positions[MNQ].average_price == Decimal("21007.5")
    assert sizes(exchange) == {MNQ: 3}


def test_a_reversing_fill_realises_the_closed_part_and_opens_at_its_price(exchange):
    """Selling 5 against long 2 leaves short 3 at the fill price."""
    place(exchange, MNQ, MARKET, BUY, 2)
    move(exchange, MNQ, 21001)
    place(exchange, MNQ, MARKET, SELL, 5)

    position = exchange.accounts[A].positions[MNQ]
    assert list(exchange.accounts[A].trades.values())[-1].profit_and_loss == Decimal(4)
    assert (position.size, position.average_price, position.short) == (-3, Decimal(21001), True)


def test_fees_and_commissions_are_charged_per_contract_and_side(exchange):
    """The most particular setting wins, and the balance carries both costs."""
    exchange.matcher.costs.set(Decimal("0.30"), Decimal("0.20"), MNQ)
    exchange.matcher.costs.set(Decimal(1), Decimal(0), MNQ, SELL)
    place(exchange, MNQ, MARKET, BUY, 2)
    exchange.close(A, MNQ, AT)

    bought, sold = exchange.accounts[A].trades.values()
    assert (bought.fees, bought.commissions) == (Decimal("0.60"), Decimal("0.40"))
    assert (sold.fees, sold.commissions) == (Decimal(2), Decimal(0))
    assert exchange.accounts[A].balance == Decimal(49_997)


@pytest.mark.parametrize(
    ("type_", "side", "prices", "levels"),
    [
        (LIMIT, BUY, {"limit_price": 20990}, (20990.25, 20990)),
        (LIMIT, SELL, {"limit_price": 21010}, (21009.75, 21010)),
        (STOP, BUY, {"stop_price": 21010}, (21009.75, 21010)),
        (STOP, SELL, {"stop_price": 20990}, (20990.25, 20990)),
        (OrderType.STOP_LIMIT, BUY, {"stop_price": 21010, "limit_price": 21011}, (21009.75, 21010)),
        (OrderType.JOIN_BID, BUY, {}, (None, 21000)),
        (OrderType.JOIN_ASK, SELL, {}, (None, 21000)),
    ],
)
def test_a_resting_order_fills_exactly_at_its_price(exchange, type_, side, prices, levels):
    """One tick before it waits, at the price it fills."""
    waits_at, fills_at = levels
    order, pushes = place(exchange, MNQ, type_, side, 1, **prices)
    if waits_at is not None:
        assert said(pushes) == [("Order", 6), ("Order", 1)]
        assert move(exchange, MNQ, waits_at) == []
        assert order.status is OrderStatus.OPEN

        pushes = move(exchange, MNQ, fills_at)
        assert said(pushes)[:2] == [("Trade", None), ("Order", 2)]

    assert order.status is OrderStatus.FILLED
    assert order.filled_price == Decimal(str(fills_at))


def test_a_stop_limit_beyond_its_limit_waits_for_the_price_to_return(exchange):
    """Once triggered it is a limit order."""
    order, _ = place(
        exchange, MNQ, OrderType.STOP_LIMIT, BUY, 1, stop_price=21010, limit_price=21011
    )
    assert move(exchange, MNQ, 21020) == []
    move(exchange, MNQ, 21005)
    assert order.status is OrderStatus.FILLED


def test_a_trailing_stop_follows_one_way_and_fires_at_its_distance(exchange):
    """The distance is measured at placing; every step is pushed."""
    place(exchange, MNQ, MARKET, BUY, 1)
    order, pushes = place(exchange, MNQ, OrderType.TRAILING_STOP, SELL, 1, trail_price=20995)
    assert pushes[-1].data["trailPrice"] == Decimal(5)

    (step,) = move(exchange, MNQ, 21010)
    assert step.data["stopPrice"] == Decimal(21005)
    assert move(exchange, MNQ, 21006) == []
    move(exchange, MNQ, 21005)
    assert order.status is OrderStatus.FILLED
    assert sizes(exchange) == {}


def bracketed(exchange, side=BUY, tag="t1"):
    legs = {"stop_loss": Bracket(10, STOP), "take_profit": Bracket(20, LIMIT)}
    return place(exchange, MNQ, MARKET, side, 2, tag=tag, **legs)


def test_a_bracketed_entry_allocates_three_ids_and_activates_its_children_after_the_fill(exchange):
    """Pending, two suspended children, the fill, then the children open with absolute prices."""
    entry, pushes = bracketed(exchange)

    orders = [push.data for push in pushes if push.target == "GatewayUserOrder"]
    assert [order["status"] for order in orders] == [6, 8, 8, 2, 1, 1]
    assert [order["id"] for order in orders[:3]] == [entry.id, entry.id + 1, entry.id + 2]
    assert [order.get("customTag") for order in orders[:3]] == ["t1", "t1-SL", "t1-TP"]
    assert not {"stopPrice", "limitPrice"} & (orders[1].keys() | orders[2].keys())
    assert orders[4]["stopPrice"] == Decimal("20997.5")
    assert orders[5]["limitPrice"] == Decimal(21005)
    assert {order["parentOrderId"] for order in orders[4:]} == {entry.id}
    assert (orders[5]["linkedOrderId"], "linkedOrderId" in orders[4]) == (entry.id + 1, False)


@pytest.mark.parametrize(
    ("side", "price", "filled"), [(BUY, 20997.5, 1), (BUY, 21005, 2), (SELL, 21002.5, 1)]
)
def test_a_filled_leg_cancels_its_sibling(exchange, side, price, filled):
    """One leg flattens the position, the other is cancelled, nothing can reverse it."""
    entry, _ = bracketed(exchange, side)
    move(exchange, MNQ, price)

    statuses = [exchange.accounts[A].orders[entry.id + leg].status for leg in (1, 2)]
    assert statuses[filled - 1] is OrderStatus.FILLED
    assert statuses[2 - filled] is OrderStatus.CANCELLED
    assert sizes(exchange) == {}


def test_cancelling_an_entry_cancels_its_suspended_children(exchange):
    """A limit entry takes its waiting legs with it."""
    legs = {"stop_loss": Bracket(10, STOP), "take_profit": Bracket(20, LIMIT)}
    entry, _ = place(exchange, MNQ, LIMIT, BUY, 1, limit_price=20000, **legs)
    pushes = exchange.cancel(A, entry.id, AT)

    assert said(pushes) == [("Order", 3)] * 3


def test_a_close_leaves_the_stop_which_then_opens_a_reverse_position(exchange):
    """Flat means close and cancel: a stop that is left alone reverses."""
    place(exchange, MNQ, MARKET, BUY, 2)
    place(exchange, MNQ, STOP, SELL, 2, stop_price=20990)
    exchange.close(A, MNQ, AT)
    assert sizes(exchange) == {}

    move(exchange, MNQ, 20990)
    assert sizes(exchange) == {MNQ: -2}


def test_a_used_tag_is_rejected_for_ever_and_shows_as_status_5(exchange):
    """The reason is in the refusal, the stream only says rejected."""
    place(exchange, MNQ, MARKET, BUY, 1, tag="once")
    with pytest.raises(RefusedError, match="tag") as refused:
        place(exchange, MNQ, MARKET, BUY, 1, tag="once")

    assert refused.value.refusal is Refusal.ORDER_REJECTED
    assert said(refused.value.events) == [("Order", 5)]
    assert sizes(exchange) == {MNQ: 1}


@pytest.mark.parametrize(
    ("type_", "side", "prices", "text"),
    [
        (STOP, SELL, {"stop_price": 20990.1}, "not aligned"),
        (LIMIT, SELL, {"limit_price": 21000.1}, "not aligned"),
        (STOP, SELL, {"stop_price": 21000}, "through the market"),
        (STOP, BUY, {"stop_price": 21000}, "through the market"),
        (LIMIT, BUY, {}, "needs one"),
        (STOP, BUY, {}, "needs one"),
        (OrderType.TRAILING_STOP, BUY, {}, "needs one"),
    ],
)
def test_a_wrong_price_is_rejected_with_its_reason(exchange, type_, side, prices, text):
    """Code 2 carries the text."""
    with pytest.raises(RefusedError, match=text):
        place(exchange, MNQ, type_, side, 1, **prices)


def test_modify_moves_a_stop_and_refuses_what_is_not_working(exchange):
    """A changed price is pushed; a filled order and a wrong price are refused."""
    order, _ = place(exchange, MNQ, STOP, SELL, 1, stop_price=20990)
    (push,) = exchange.modify(A, order.id, AT, stop_price=Decimal(20995))
    assert push.data["stopPrice"] == Decimal(20995)

    with pytest.raises(RefusedError, match="not aligned"):
        exchange.modify(A, order.id, AT, stop_price=Decimal("20995.1"))
    move(exchange, MNQ, 20995)
    with pytest.raises(RefusedError, match="not working"):
        exchange.modify(A, order.id, AT, size=2)
    assert refusal(exchange.modify, A, 1, AT) is Refusal.ORDER_NOT_FOUND


def test_a_halted_contract_refuses_every_mutation_and_fills_nothing(exchange):
    """After hours: place 5, close 4, cancel rejected, and no resting order fills until it reopens."""
    place(exchange, MNQ, MARKET, BUY, 1)
    order, _ = place(exchange, MNQ, STOP, SELL, 1, stop_price=20990)
    exchange.market.set_open(MNQ, is_open=False)

    assert refusal(exchange.close, A, MNQ, AT) is Refusal.CONTRACT_NOT_ACTIVE
    assert refusal(exchange.partial_close, A, MNQ, 1, AT) is Refusal.CONTRACT_NOT_ACTIVE
    assert refusal(exchange.cancel, A, order.id, AT) is Refusal.REJECTED
    with pytest.raises(RefusedError, match="not in an active trading status") as refused:
        place(exchange, MNQ, MARKET, BUY, 1)
    assert refused.value.refusal is Refusal.OUTSIDE_TRADING_HOURS
    assert move(exchange, MNQ, 20990) == []

    exchange.market.set_open(None, is_open=True)
    exchange.rematch(MNQ, AT)
    assert sizes(exchange) == {}


def test_refusals_name_what_is_missing(exchange):
    """Unknown account, contract, position and a wrong close size have their own names."""
    place(exchange, MNQ, MARKET, BUY, 1)
    assert refusal(exchange.close, 1, MNQ, AT) is Refusal.ACCOUNT_NOT_FOUND
    assert refusal(exchange.close, A, "CON.F.US.XYZ.Z25", AT) is Refusal.CONTRACT_NOT_FOUND
    assert refusal(exchange.close, A, ES, AT) is Refusal.POSITION_NOT_FOUND
    assert refusal(exchange.partial_close, A, MNQ, 2, AT) is Refusal.INVALID_CLOSE_SIZE
    assert refusal(exchange.partial_close, A, MNQ, 0, AT) is Refusal.INVALID_CLOSE_SIZE


def test_an_account_that_may_not_trade_can_still_close(exchange):
    """A false canTrade refuses orders, never a reduction."""
    place(exchange, MNQ, MARKET, BUY, 1)
    (push,) = exchange.change_account(A, {"can_trade": False})
    assert push.data["canTrade"] is False
    assert refusal(exchange.place, A, Ticket(MNQ, MARKET, BUY, 1), AT) is Refusal.ACCOUNT_VIOLATION
    exchange.close(A, MNQ, AT)
    assert sizes(exchange) == {}


def test_thin_liquidity_fills_part_and_the_rest_when_it_returns(exchange):
    """A market order may stall half filled: status 1 with a fill volume."""
    exchange.market.listing(MNQ).liquidity = 1
    order, pushes = place(exchange, MNQ, MARKET, BUY, 3)
    assert said(pushes)[:3] == [("Order", 6), ("Trade", None), ("Order", 1)]
    assert (order.filled, sizes(exchange)) == (1, {MNQ: 1})

    exchange.market.listing(MNQ).liquidity = None
    exchange.rematch(MNQ, AT)
    assert sizes(exchange) == {MNQ: 3}


def test_a_booked_trade_has_exactly_the_given_numbers(exchange):
    """Tests that need a P&L get it to the cent, with or without an effect on the position."""
    execution = Execution(1, Decimal(21000), Decimal("-35.50"), Decimal("0.50"), Decimal("0.25"))
    ticket = Ticket(MNQ, MARKET, SELL, 1)
    trade, pushes = exchange.book_trade(
        A, ticket, execution, AT, order_id=None, moves_position=False
    )
    assert said(pushes) == [("Order", 6), ("Trade", Decimal("-35.50")), ("Order", 2), *ACCOUNTS]
    assert exchange.accounts[A].balance == Decimal("49963.75")
    assert sizes(exchange) == {}

    more, _ = exchange.book_trade(
        A, ticket, execution, AT, order_id=trade.order_id, moves_position=True
    )
    assert more.order_id == trade.order_id
    assert sizes(exchange) == {MNQ: -1}


def test_a_voided_trade_leaves_the_balance(exchange):
    """The fill is pushed again, flagged, and its money is gone."""
    execution = Execution(1, Decimal(21000), Decimal(-300), Decimal(0), Decimal(0))
    trade, _ = exchange.book_trade(
        A, Ticket(MNQ, MARKET, SELL, 1), execution, AT, order_id=None, moves_position=False
    )
    voided, account = exchange.void_trade(A, trade.id)

    assert (voided.data["voided"], voided.data["id"], voided.action) == (True, trade.id, 1)
    assert account.data["balance"] == Decimal(50_000)


def test_nothing_rests_against_a_price_nobody_quoted():
    """The reference price fills market orders and triggers nothing."""
    exchange = exchange_with()
    order, _ = place(exchange, MNQ, STOP, SELL, 1, stop_price=26175)
    assert order.status is OrderStatus.OPEN
    place(exchange, MNQ, MARKET, BUY, 1)
    assert sizes(exchange) == {MNQ: 1}
