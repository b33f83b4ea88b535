"""The best mark of a position: since when it counts, and on which side."""

from decimal import Decimal

import pytest

from actors.account.extremes import Extremes
from actors.gateway.peaks import Peaks
from messages.values import Position, PriceKind, Quote
from tests.rules.pictures import NOW

MNQ = "CON.F.US.MNQ.Z25"


def position(size, average="16500", contract=MNQ):
    return Position(contract=contract, size=size, average_price=Decimal(average))


def followed(before, marks, *changes):
    """Return the best mark after these marks and then these changes of the position."""
    extremes = Extremes()
    extremes.hold({before.contract: before}, None)
    for mark in marks:
        extremes.mark(before, Decimal(mark))
    for after in changes:
        extremes.hold({after.contract: after} if after.size else {}, None)
    return extremes.best(MNQ)


@pytest.mark.parametrize(("size", "best"), [(1, 16510), (2, 16510), (-1, 16490), (-2, 16490)])
def test_the_best_mark_is_the_highest_of_a_long_and_the_lowest_of_a_short(size, best):
    """And it stays when the market turns."""
    assert followed(position(size), ["16500", "16510", "16490", "16501"]) == best


def test_before_the_first_mark_there_is_none():
    """Unknown, not the entry."""
    assert followed(position(2), []) is None


def test_a_reduction_keeps_it():
    """What is left is the same position."""
    assert followed(position(3), ["16510"], position(2), position(1)) == 16510
    assert followed(position(-3), ["16490"], position(-2), position(-1)) == 16490


@pytest.mark.parametrize(
    "changes",
    [
        [position(3, "16502")],
        [position(-2)],
        [position(0), position(2)],
        [position(2, "16508")],
        [position(1), position(2)],
    ],
    ids=["scaled in", "flipped", "closed and reopened", "reopened unseen", "reduced, scaled in"],
)
def test_a_position_that_is_not_the_same_starts_anew(changes):
    """The old extreme was never that of what is held now."""
    assert followed(position(2), ["16510"], *changes) is None


def test_other_contracts_are_kept_apart():
    """A change of one leaves the other's extreme alone."""
    extremes, other = Extremes(), position(1, contract="CON.F.US.MES.Z25")
    extremes.hold({MNQ: position(1), other.contract: other}, None)
    extremes.mark(position(1), Decimal(16510))
    extremes.mark(other, Decimal(6010))

    extremes.hold({other.contract: other}, None)

    assert extremes.best(MNQ) is None
    assert extremes.best(other.contract) == 6010


def test_what_was_held_before_any_quote_was_shown_starts_at_the_first_look():
    """A start knows its positions from the journal; how far prices went before it is not theirs."""
    extremes, peaks, held = Extremes(), Peaks(), position(1)
    peaks.note(quote("16510"))
    extremes.hold({MNQ: held}, None)

    assert not extremes.look(held, PriceKind.LAST, peaks)
    peaks.note(quote("16505"))
    assert extremes.look(held, PriceKind.LAST, peaks)

    assert extremes.best(MNQ) == 16505


def quote(last):
    return Quote(contract=MNQ, last=Decimal(last), bid=None, ask=None, at=NOW)
