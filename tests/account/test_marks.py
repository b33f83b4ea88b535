"""Prices as an account holds them: which side counts, how old is too old, when to look again."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from actors.account.marks import Marks
from actors.account.valuation import mark_price, open_pnl_usd
from messages.values import Contract, Position, Quote

NOW = datetime(2025, 10, 29, 17, tzinfo=UTC)
MNQ, ES = "CON.F.US.MNQ.Z25", "CON.F.US.EP.Z25"
TWO_SIDED = {"last": Decimal(101), "bid": Decimal(100), "ask": Decimal(102)}
RECORD = Contract(
    contract=MNQ, name="MNQ", tick_size=Decimal("0.25"), tick_value_usd=Decimal("0.50")
)


def after(seconds):
    return NOW + timedelta(seconds=seconds)


def quote(at=NOW, contract=MNQ, **sides):
    return Quote(contract=contract, at=at, **(TWO_SIDED | sides))


def held(size=1, contract=MNQ):
    return Position(contract=contract, size=size, average_price=Decimal(100))


def marks(*contracts, conservative=False, since=NOW):
    made = Marks(max_age_s=5.0, conservative=conservative)
    made.hold(frozenset(contracts or (MNQ,)), since)
    return made


@pytest.mark.parametrize(
    ("size", "conservative", "price"),
    [(1, False, 101), (-1, False, 101), (1, True, 100), (2, True, 100), (-1, True, 102)],
)
def test_a_conservative_mark_is_the_side_a_position_would_close_on(size, conservative, price):
    """A long sells at the bid, a short buys at the ask; else the last trade counts for both."""
    assert mark_price(quote(), size, conservative=conservative) == price


def test_a_quote_without_the_side_that_is_needed_is_no_price():
    """Unknown is not zero."""
    assert mark_price(quote(bid=None), 1, conservative=True) is None
    assert mark_price(quote(last=None), 1, conservative=False) is None


@pytest.mark.parametrize(("size", "usd"), [(1, 2), (3, 6), (-1, -2), (-2, -4)])
def test_open_profit_is_points_times_signed_size_times_value_per_point(size, usd):
    """From 100 to 101, 2 dollars a point."""
    assert open_pnl_usd(held(size), RECORD, Decimal(101)) == usd


@pytest.mark.parametrize(("age_s", "mark"), [(0, 101), (5, 101), (5.001, None)])
def test_a_quote_values_a_position_up_to_its_greatest_age(age_s, mark):
    """Exactly that old still does."""
    prices = marks()
    prices.note(quote())

    assert prices.mark(held(), after(age_s)) == mark
    assert prices.pnl_usd(held(), RECORD, after(age_s)) == (2 if mark else None)
    assert prices.pnl_usd(held(), None, after(age_s)) is None


@pytest.mark.parametrize(
    ("age_s", "stale", "look_in_s"),
    [(0, (), 5.05), (4, (), 1.05), (5, (), 5.0), (5.001, (MNQ,), 5.0)],
)
def test_a_position_is_stale_once_it_was_not_valued_for_longer_than_the_limit(
    age_s, stale, look_in_s
):
    """And the next look is a little after the moment at which it may be."""
    prices = marks()
    prices.note(quote())

    assert prices.stale(after(age_s), {MNQ}, {MNQ: held()}) == stale
    assert prices.look_in_s(after(age_s), {MNQ}, {MNQ: held()}) == pytest.approx(look_in_s)


def test_before_its_first_quote_a_position_is_as_old_as_it_is_held():
    """A quote older than that makes it no older, and a newer one younger."""
    prices = marks(since=NOW)
    assert prices.stale(after(5), {MNQ}, {MNQ: held()}) == ()
    assert prices.stale(after(6), {MNQ}, {MNQ: held()}) == (MNQ,)

    prices.note(quote(at=after(-60)))
    assert prices.stale(after(5), {MNQ}, {MNQ: held()}) == ()

    prices.note(quote(at=after(6)))
    assert prices.stale(after(11), {MNQ}, {MNQ: held()}) == ()


def test_a_quote_without_the_contract_s_record_or_the_right_side_values_nothing():
    """It is stale as if none had come."""
    prices = marks(conservative=True)
    prices.note(quote(at=after(9), bid=None))
    assert prices.stale(after(10), {MNQ}, {MNQ: held()}) == (MNQ,)

    prices.note(quote(at=after(9)))
    assert prices.stale(after(10), {MNQ}, {MNQ: held()}) == ()
    assert prices.stale(after(10), set(), {MNQ: held()}) == (MNQ,)


def test_the_oldest_of_several_decides_when_to_look():
    """And all that are stale are named, in order."""
    prices = marks(MNQ, ES)
    both = {MNQ: held(), ES: held(contract=ES)}
    prices.note(quote(at=after(3)))

    assert prices.look_in_s(after(4), both.keys(), both) == pytest.approx(1.05)
    assert prices.stale(after(7), both.keys(), both) == (ES,)
    assert prices.stale(after(9), both.keys(), both) == (ES, MNQ)
    assert prices.look_in_s(after(9), both.keys(), {}) == pytest.approx(5.05)


def test_what_is_held_no_more_is_forgotten_and_begins_anew():
    """No quote of an earlier position values a later one; what stays held keeps its age."""
    prices = marks(MNQ, ES)
    prices.note(quote())
    assert not prices.hold(frozenset({MNQ, ES}), after(1))

    assert prices.hold(frozenset({ES}), after(2))
    prices.note(quote(at=after(3)))
    assert prices.hold(frozenset({MNQ, ES}), after(4))

    assert prices.mark(held(), after(4)) is None
    both = {MNQ: held(), ES: held(contract=ES)}
    assert prices.stale(after(6), both.keys(), both) == (ES,)


def test_what_stays_held_keeps_its_quote_when_something_else_goes():
    """Closing ES does not make MNQ unvalued."""
    prices = marks(MNQ, ES)
    prices.note(quote())
    prices.note(quote(contract=ES))

    prices.hold(frozenset({MNQ}), after(1))

    assert prices.mark(held(), after(1)) == 101
    assert prices.mark(held(contract=ES), after(1)) is None
