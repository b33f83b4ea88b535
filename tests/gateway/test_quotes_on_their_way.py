"""What a QuoteActor tells while quotes, deadlines and other messages wait, turn by turn."""

from decimal import Decimal

import pytest

from messages.commands import WatchBands, Woken
from messages.values import Band, PriceKind
from tests.gateway.quoting import Desk
from tests.gateway.support import MNQ, A

BASE, UP, DOWN = 10_000, 10_100, 9_900


@pytest.fixture
def desk():
    """Open a desk that has heard of one calm quote."""
    desk = Desk()
    desk.tell(desk.quote(BASE))
    assert desk.told() == [BASE]
    return desk


def test_of_what_nothing_has_confirmed_both_sides_reach_an_account_that_is_behind(desk):
    """The later one must not take the place of the worse one while both wait."""
    for last in (DOWN, UP):
        desk.tell(desk.quote(last))
    assert desk.told() == []
    desk.tell(desk.bound())

    assert desk.told() == [DOWN, UP]


def test_what_comes_after_it_takes_no_place_of_what_nothing_has_confirmed(desk):
    """Nor does the account end with an older quote than the latest."""
    desk.tell(desk.quote(DOWN))
    desk.tell(desk.bound())
    desk.tell(desk.quote(DOWN + 1))
    desk.tell(desk.quote(DOWN + 2))

    assert desk.told() == [DOWN, DOWN + 2]


def test_a_quote_that_came_before_the_bound_ends_the_doubt_although_it_waits_behind_it(desk):
    """A late turn makes no bad print count."""
    desk.tell(desk.quote(DOWN))
    desk.tell(desk.quote(BASE + 1), desk.bound())

    assert desk.told() == [BASE + 1]


def test_a_quote_that_comes_after_the_bound_ends_no_doubt(desk):
    """What was doubted counts by then."""
    desk.tell(desk.quote(DOWN))
    desk.tell(desk.bound(), desk.quote(BASE + 1))

    assert desk.told()[0] == DOWN


def test_a_successor_tells_at_once_what_its_predecessor_had_taken_and_not_told(desk):
    """No quote may follow it for a while, and it may break a rule."""
    band = Band(contract=MNQ, price=PriceKind.LAST, low=Decimal(9_990), high=None)
    desk.tell(WatchBands(**desk.head(account=A), bands=(band,)))
    desk.tell(desk.quote(9_989), Woken(**desk.head(), key=f"{MNQ}#nonsense"))
    assert desk.told() == []
    desk.begin()
    desk.tell()

    assert desk.told() == [9_989]


def test_a_successor_goes_on_with_a_doubt(desk):
    """What was held back counts at its bound, and is still measured by what was believed before."""
    desk.tell(desk.quote(DOWN), Woken(**desk.head(), key=f"{MNQ}#nonsense"))
    desk.begin()
    desk.tell()
    assert desk.told() == [BASE]
    assert desk.wakes == 2  # the first may be the very word on which its predecessor failed
    desk.tell(desk.bound())

    assert desk.told() == [DOWN]
