"""The trades that windows count: together by order, without voided fills, over the reset."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from actors.account.trades import Trades
from messages.values import Fill, OrderTrade, Side

RESET = datetime(2025, 10, 29, 22, tzinfo=UTC)


def fill(trade, order, seconds, *, pnl=None, voided=False):
    return Fill(
        trade_id=trade,
        order_id=order,
        contract="CON.F.US.MNQ.Z25",
        side=Side.BUY,
        size=1,
        price=Decimal(1),
        profit_and_loss_usd=None if pnl is None else Decimal(pnl),
        fees_usd=Decimal(0),
        commissions_usd=Decimal(0),
        voided=voided,
        executed_at=RESET + timedelta(seconds=seconds),
    )


def booked(*fills, **how):
    trades = Trades()
    for each in fills:
        trades.book(each, under_lock=how.get("under_lock", False))
    return trades


def orders(trades, seconds=10_000):
    return [each.order_id for each in trades.shown(RESET + timedelta(seconds=seconds))]


def test_the_fills_of_an_order_are_one_trade_at_the_first():
    """Whatever order they are told in; it closes if one of them does."""
    trades = booked(fill(1, 7, 30), fill(2, 8, 20), fill(3, 7, 10, pnl="5"))

    assert trades.shown(RESET) == (
        OrderTrade(order_id=7, at=RESET + timedelta(seconds=10), closing=True),
        OrderTrade(order_id=8, at=RESET + timedelta(seconds=20), closing=False),
    )


def test_a_fill_that_is_told_to_close_later_closes():
    """Its result came behind it; when it was traded, and under what, is as it was."""
    trades = booked(fill(1, 7, 10), under_lock=True)

    trades.correct(fill(1, 7, 10))
    assert [each.closing for each in trades.shown(RESET)] == [False]
    trades.correct(fill(1, 7, 10, pnl="-5"))

    at = RESET + timedelta(seconds=10)
    assert trades.shown(RESET) == (OrderTrade(order_id=7, at=at, closing=True, under_lock=True),)


def test_what_is_corrected_and_not_counted_stays_uncounted():
    """One of the coming day waits for it."""
    trades = booked(fill(1, 7, 10))

    trades.correct(fill(2, 8, 10, pnl="-5"))

    assert orders(trades) == [7]


def test_a_voided_fill_is_taken_out():
    """The order stays while another of its fills does, at that one's time."""
    trades = booked(fill(1, 7, 10), fill(2, 7, 30), fill(3, 8, 20))

    trades.void(fill(1, 7, 10, voided=True))
    assert orders(trades) == [8, 7]
    trades.void(fill(2, 7, 30, voided=True))

    assert orders(trades) == [8]


def test_only_the_last_hour_crosses_the_reset_and_ages_out_there():
    """Carried over at 22:00; the one of 21:30 is outside from 22:30 on, exactly."""
    before = booked(fill(1, 1, -3600), fill(2, 2, -3599), fill(3, 3, -1800))
    recent = before.recent(RESET)
    assert [each.order_id for each in recent] == [2, 3]

    after = Trades()
    after.reset(recent)
    after.book(fill(4, 4, 5), under_lock=False)

    assert orders(after, 0) == [2, 3, 4]
    assert orders(after, 1) == [3, 4]
    assert orders(after, 1799.999) == [3, 4]
    assert orders(after, 1800) == [4]
    after.book(fill(5, 5, 1900), under_lock=False)
    assert orders(after, 1900) == [4, 5]


def test_an_order_filled_on_both_sides_of_the_reset_is_one_trade():
    """It keeps the time of its first fill."""
    trades = Trades()
    trades.reset(booked(fill(1, 7, -10)).recent(RESET))

    trades.book(fill(2, 7, 10, pnl="1"), under_lock=True)

    (trade,) = trades.shown(RESET)
    assert (trade.at, trade.closing) == (RESET - timedelta(seconds=10), True)
    assert not trade.under_lock


@pytest.mark.parametrize(("voided", "counted"), [(False, [1, 9]), (True, [9])])
def test_a_fill_of_yesterday_that_is_learned_of_late_counts(voided, counted):
    """Once per order, and not if it was taken back."""
    trades = booked(fill(9, 9, 5))
    for _ in range(2):
        trades.recall(fill(1, 1, -60, voided=voided))

    assert orders(trades, 6) == counted


def test_a_view_costs_nothing_while_nothing_is_booked():
    """The same tuple is shown until a fill is booked."""
    trades = booked(fill(1, 1, 0), under_lock=True)

    assert trades.shown(RESET) is trades.shown(RESET + timedelta(hours=9))
    assert trades.shown(RESET)[0].under_lock


def test_a_view_costs_nothing_until_the_next_trade_drops_out_of_the_hour():
    """Those carried over the reset are looked at when one of them is an hour old, and not before."""
    trades = Trades()
    trades.reset(booked(fill(1, 1, -3599), fill(2, 2, -1800)).recent(RESET))

    def shown(seconds):
        return trades.shown(RESET + timedelta(seconds=seconds))

    assert shown(0) is shown(0.5)
    assert shown(1) is shown(1799)
    assert [each.order_id for each in shown(1)] == [2]
    assert shown(1800) == shown(9000) == ()


@pytest.mark.parametrize(("pnl", "closing"), [(None, False), ("0", True), ("-5", True)])
def test_a_fill_learned_of_late_closes_if_it_has_a_result(pnl, closing):
    """As any other does."""
    trades = Trades()
    trades.recall(fill(1, 1, -60, pnl=pnl))

    (trade,) = trades.shown(RESET)
    assert trade.closing is closing
