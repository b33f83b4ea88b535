"""A QuoteActor with two logins: what is busy is heard of one, and of the other once that is lost."""

import pytest

from actors.gateway.feeds import BUSY
from actors.gateway.quotes import AnnounceHeld
from messages.commands import HoldQuotes, Woken
from messages.facts import QuotesLost
from tests.gateway.quoting import Desk
from tests.gateway.support import MNQ, A

ONE, TWO = "one", "two"
NONE = {ONE: [], TWO: []}


@pytest.fixture
def desk():
    """Open a desk of two logins, both of which were told to hear MNQ."""
    desk = Desk(logins=(ONE, TWO))
    assert desk.watched() == {ONE: [(MNQ,)], TWO: [(MNQ,)]}
    return desk


def narrow(desk, login=ONE):
    """Let one login quote MNQ so often that the other is let go."""
    other = TWO if login == ONE else ONE
    desk.tell(desk.quote(10_000, login, number=1))
    desk.tell(desk.quote(10_001, login, number=BUSY + 1))
    assert desk.watched() == {login: [], other: [()]}
    assert desk.told() == [10_001]


def test_what_both_say_is_told_once(desk):
    """The later one does not take the place of the first while both wait."""
    desk.tell(desk.quote(10_000, TWO), desk.quote(10_001, ONE))

    assert desk.told() == [10_000]


def test_a_busy_contract_is_heard_of_one_login_until_that_is_silent(desk):
    """It is looked for every second, as long as it is heard alone."""
    narrow(desk)
    desk.clock.advance(0.9)
    desk.tell(desk.quote(10_002, ONE, number=BUSY + 2))
    desk.clock.advance(0.1)
    desk.tell(desk.bound())
    assert desk.watched() == NONE
    assert desk.wakes == 2

    desk.clock.advance(0.9)
    desk.tell(desk.bound())

    assert desk.watched() == {ONE: [], TWO: [(MNQ,)]}
    assert desk.wakes == 2
    desk.tell(desk.quote(10_003, TWO))
    assert desk.told() == [10_002, 10_003]


def test_a_busy_contract_is_heard_of_the_other_login_once_its_own_is_lost(desk):
    """At once, and what that one says counts."""
    narrow(desk)

    desk.tell(QuotesLost(**desk.head(), login=ONE))
    desk.tell(desk.quote(9_999, TWO))

    assert desk.watched() == {ONE: [], TWO: [(MNQ,)]}
    assert desk.told() == [9_999]


def test_what_a_lost_login_said_before_does_not_make_it_the_feed_again(desk):
    """It waits where quotes wait; the loss must not overtake it."""
    narrow(desk)

    desk.tell(
        desk.quote(10_002, ONE, number=BUSY + 2),
        QuotesLost(**desk.head(), login=ONE),
        desk.quote(9_999, TWO),
    )

    assert desk.told() == [9_999]


def test_a_new_gateway_is_told_what_its_login_is_to_hear_now(desk):
    """Nobody else would tell it; the other is told nothing."""
    narrow(desk)

    desk.tell(AnnounceHeld(**desk.head(), login=ONE))
    desk.tell(AnnounceHeld(**desk.head(), login=TWO))

    assert desk.watched() == {ONE: [(MNQ,)], TWO: []}


def test_a_successor_lets_all_hear_everything(desk):
    """It does not know whom its predecessor had let go."""
    narrow(desk)
    desk.tell(Woken(**desk.head(), key=f"{MNQ}#nonsense"))
    desk.begin()
    desk.tell()

    assert desk.watched() == {ONE: [(MNQ,)], TWO: [(MNQ,)]}


def test_what_nobody_holds_any_more_nobody_is_to_hear(desk):
    """Neither its feed nor the other, and what comes on its way is nothing."""
    narrow(desk)

    desk.tell(HoldQuotes(**desk.head(account=A), contracts=()))
    desk.tell(desk.quote(9_000))

    assert desk.watched() == {ONE: [()], TWO: []}
    assert desk.told() == []
