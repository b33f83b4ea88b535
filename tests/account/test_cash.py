"""Rows 35 and 76: the balance against the fills, as a pure property and case by case."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.account.cash import Cash
from messages.facts import SnapshotTaken
from messages.values import Fill, Position, Side
from tests.rig import NOON

MNQ = "CON.F.US.MNQ.Z25"
HELD = Position(contract=MNQ, size=1, average_price=Decimal(21000))
cents = st.decimals(-5_000, 5_000, places=2)
costs = st.decimals(0, 20, places=2)


def fill(trade_id, pnl, fees="0", commissions="0", *, voided=False):
    return Fill(
        trade_id=trade_id,
        order_id=trade_id,
        contract=MNQ,
        side=Side.SELL,
        size=1,
        price=Decimal(21000),
        profit_and_loss_usd=None if pnl is None else Decimal(pnl),
        fees_usd=Decimal(fees),
        commissions_usd=Decimal(commissions),
        voided=voided,
        executed_at=NOON,
    )


def read(balance, *fills, held=()):
    return SnapshotTaken(
        account=1,
        at=NOON,
        cause="test",
        request_id="r",
        generation=1,
        requested_at=NOON,
        positions=held,
        orders=(),
        fills=fills,
        can_trade=True,
        balance_usd=None if balance is None else Decimal(balance),
    )


def told(*reads):
    """Return what each read led to."""
    cash = Cash()
    return [cash.unexplained_usd(each) for each in reads]


@pytest.mark.parametrize(
    ("moved", "amount"),
    [("1.00", None), ("-1.00", None), ("1.01", "1.01"), ("-1.01", "-1.01"), ("2500", "2500")],
)
def test_more_than_a_dollar_beyond_the_fills_is_told_once_two_reads_agree(moved, amount):
    """One dollar is rounding; a cent more, twice, is news; the third read says nothing anew."""
    after = read(Decimal(50_000) + Decimal(moved))
    expected = None if amount is None else Decimal(amount)
    assert told(read(50_000), after, after, after) == [None, None, expected, None]


def test_a_fill_between_balance_and_fills_of_one_read_is_no_news():
    """The next read has both."""
    reads = read(50_000), read(49_900), read(49_900, fill(7, "-100"))
    assert told(*reads, reads[-1]) == [None] * 4


def test_while_something_is_held_nothing_is_compared():
    """When a broker charges the costs of an open position is not known."""
    held = read(50_900, held=(HELD,))
    assert told(read(50_000), held, held, read(50_000), read(50_000)) == [None] * 5


def test_a_fill_taken_back_explains_its_way_back():
    """Voided later: its profit leaves the balance, and the sum of the fills."""
    before, after = read(50_300, fill(7, "300")), read(50_000, fill(7, "300", voided=True))
    assert told(before, after, after) == [None] * 3


def test_a_record_without_a_balance_says_nothing():
    """Unknown is not zero."""
    assert told(read(50_000), read(None), read(None), read(50_000)) == [None] * 4


@given(st.lists(st.tuples(st.none() | cents, costs, costs), max_size=8), st.integers(0, 8))
def test_any_fills_with_any_costs_explain_their_own_balance(rows, seen):
    """P: random P&L, fees and commissions, seen in two portions: never an alarm."""
    fills = [fill(key, *row) for key, row in enumerate(rows)]

    def balance(booked):
        pnl = sum((each.profit_and_loss_usd or 0) - each.costs_usd for each in booked)
        return Decimal(50_000) + pnl

    reads = [read(balance(part), *part) for part in (fills[:0], fills[:seen], fills, fills)]
    assert told(*reads) == [None] * 4
