"""Which fill belongs to which position: the odd orders in which the broker may tell them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from actors.account.unplaced import Unplaced
from messages.values import Fill, Side

NOW = datetime(2025, 10, 29, 17, tzinfo=UTC)
MNQ = "CON.F.US.MNQ.Z25"


def fill(size):
    return Fill(
        trade_id=1,
        order_id=1,
        contract=MNQ,
        side=Side.BUY if size > 0 else Side.SELL,
        size=abs(size),
        price=Decimal(1),
        profit_and_loss_usd=None,
        fees_usd=Decimal(0),
        commissions_usd=Decimal(0),
        voided=False,
        executed_at=NOW,
    )


def sizes(changes):
    return [each.size for each in changes]


def test_a_position_told_again_as_it_was_leaves_nothing_to_be_filled():
    """It has not moved."""
    unplaced = Unplaced()

    unplaced.placed(MNQ, 2, 2, NOW)

    assert sizes(unplaced.moves) == []


@pytest.mark.parametrize(
    ("told", "now"),
    [
        (3, 2),  # bought 3, and 1 of them is gone again: that was no purchase still to be told
        (-1, 2),  # sold 1 and yet 2 long: more has happened than the position itself moved
    ],
)
def test_a_position_that_its_fills_do_not_lead_to_leaves_nothing_to_be_filled(told, now):
    """A read was faster: it knows better than the fills, and they say nothing of what is missing."""
    unplaced = Unplaced()
    unplaced.filled(fill(told), NOW)

    unplaced.placed(MNQ, 0, now, NOW)

    assert (sizes(unplaced.fills), sizes(unplaced.moves)) == ([], [])


@pytest.mark.parametrize(("before", "told", "now", "rest"), [(0, 1, 3, 2), (0, -1, -3, -2)])
def test_what_a_position_shows_beyond_its_fills_is_still_to_be_filled(before, told, now, rest):
    """The position overtook the second fill, which then adds nothing."""
    unplaced = Unplaced()
    unplaced.filled(fill(told), NOW)

    unplaced.placed(MNQ, before, now, NOW)
    assert (sizes(unplaced.fills), sizes(unplaced.moves)) == ([], [rest])

    unplaced.filled(fill(rest), NOW)
    assert (sizes(unplaced.fills), sizes(unplaced.moves)) == ([], [])


def test_a_late_fill_takes_one_of_several_positions_that_overtook_theirs():
    """Two positions, then their two fills: the second one is known as well."""
    unplaced = Unplaced()
    unplaced.placed(MNQ, 0, 1, NOW)
    unplaced.placed(MNQ, 1, 3, NOW)

    unplaced.filled(fill(1), NOW)
    assert sizes(unplaced.moves) == [2]

    unplaced.filled(fill(2), NOW)
    assert (sizes(unplaced.fills), sizes(unplaced.moves)) == ([], [])


@pytest.mark.parametrize(("seconds", "counts"), [("1.9", False), ("2.0", False), ("2.1", True)])
def test_a_fill_told_long_after_a_position_is_another_one(seconds, counts):
    """Up to two seconds it is the one that the position has shown; later it adds to what is held."""
    unplaced = Unplaced()
    unplaced.placed(MNQ, 0, 1, NOW)

    unplaced.filled(fill(1), NOW + timedelta(seconds=float(seconds)))

    assert unplaced.size(MNQ) == counts
