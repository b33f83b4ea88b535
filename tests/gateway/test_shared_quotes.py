"""A QuoteActor with two logins: a contract is heard of one, and of the other once that is lost."""

import pytest

from actors.gateway.quotes import AnnounceHeld
from messages.commands import HoldQuotes, NoteLateness, WatchBands
from messages.facts import QuotesFound, QuotesLost
from tests.gateway.quoting import Desk
from tests.gateway.support import MES, MNQ, A

ONE, TWO = "one", "two"


@pytest.fixture
def desk():
    """Open a desk of two logins: one was told to hear MNQ, and one to stand by."""
    desk = Desk(logins=(ONE, TWO))
    assert desk.watched() == {ONE: [(MNQ,)], TWO: [()]}
    return desk


def test_what_another_login_says_of_it_is_not_told(desk):
    """What is on its way when it is let go: it would be told twice, and an old price after a new one."""
    desk.tell(desk.quote(10_000, TWO), desk.quote(10_001, ONE), desk.quote(9_000, TWO))

    assert desk.told() == [10_001]


def test_a_second_contract_is_heard_of_the_same_login(desk):
    """The other one is told nothing."""
    desk.tell(HoldQuotes(**desk.head(account=A), contracts=(MES, MNQ)))

    assert desk.watched() == {ONE: [(MES, MNQ)], TWO: []}


@pytest.mark.parametrize("how", [{}, {"contract": MNQ}, {"late_s": 2.0}])
def test_a_lost_login_is_replaced_at_once(desk, how):
    """By one that is told to hear it, and what that one says counts."""
    desk.tell(desk.quote(10_000, ONE))

    desk.tell(QuotesLost(**desk.head(), login=ONE, **how))
    desk.tell(desk.quote(9_999, TWO))

    assert desk.watched() == {ONE: [()], TWO: [(MNQ,)]}
    assert desk.told()[-1] == 9_999


def test_a_login_that_is_silent_in_a_contract_leaves_it_to_the_other(desk):
    """Which may hear more; nobody is called late for it."""
    desk.tell(QuotesLost(**desk.head(), login=ONE, contract=MNQ, silent=True))
    assert desk.watched() == {ONE: [()], TWO: [(MNQ,)]}
    desk.tell(QuotesLost(**desk.head(), login=TWO, contract=MNQ, silent=True))

    assert desk.watched() == {ONE: [(MNQ,)], TWO: [()]}
    assert desk.told() == []


def test_what_a_lost_login_said_before_counts(desk):
    """It waits where quotes wait; the loss must not overtake it."""
    desk.tell(desk.quote(9_990, ONE), QuotesLost(**desk.head(), login=ONE))

    assert desk.told() == [9_990]


def test_a_loss_does_not_take_the_place_of_lateness(desk):
    """Who was judged late must know it, whatever becomes of the login then."""
    desk.tell(
        QuotesLost(**desk.head(), login=ONE, late_s=2.0), QuotesLost(**desk.head(), login=ONE)
    )

    desk.listening.stop()
    (note,) = [each for each in desk.account.heard if isinstance(each, NoteLateness)]
    assert (note.account, note.late_s) == (A, 2.0)


def test_as_long_as_a_login_is_late_who_is_judged_by_it_is_told(desk):
    """Also where there is no other one that was not."""
    desk.tell(QuotesLost(**desk.head(), login=TWO))
    for _ in range(3):
        desk.clock.advance(1)
        desk.tell(QuotesLost(**desk.head(), login=ONE, late_s=2.0))

    desk.listening.stop()
    assert sum(isinstance(each, NoteLateness) for each in desk.account.heard) == 3
    assert desk.watched() == {ONE: [], TWO: []}


def test_who_is_not_judged_by_a_late_login_is_told_nothing(desk):
    """Its own login is the system's to tell of."""
    desk.tell(QuotesLost(**desk.head(), login=TWO, late_s=2.0))

    desk.listening.stop()
    assert desk.account.heard == []


def test_a_new_gateway_is_told_what_its_login_is_to_hear(desk):
    """Nobody else would tell it, and the other is told nothing; one that hears nothing is to stand by."""
    desk.tell(AnnounceHeld(**desk.head(), login=ONE))
    assert desk.watched() == {ONE: [(MNQ,)], TWO: []}

    desk.tell(AnnounceHeld(**desk.head(), login=TWO))

    assert desk.watched() == {ONE: [], TWO: [()]}


@pytest.mark.parametrize("waiting", [0, 63, 64, 130])
def test_a_new_gateway_whose_hub_is_up_stands_whatever_it_waited_behind(desk, waiting):
    """A turn that is full takes quotes, losses and returns before what else waits."""
    desk.tell(QuotesLost(**desk.head(), login=ONE))
    desk.watched()
    bands = WatchBands(**desk.head(account=A), bands=())
    lost, found = (kind(**desk.head(), login=ONE) for kind in (QuotesLost, QuotesFound))

    desk.tell(*[bands] * waiting, AnnounceHeld(**desk.head(), login=ONE), lost, found)
    desk.tell(QuotesLost(**desk.head(), login=TWO))

    assert desk.watched()[ONE][-1] == (MNQ,)


def test_who_is_back_hears_what_nobody_hears(desk):
    """And the one that is lost stands by."""
    desk.tell(QuotesLost(**desk.head(), login=TWO))
    desk.tell(QuotesLost(**desk.head(), login=ONE))
    desk.watched()

    desk.tell(QuotesFound(**desk.head(), login=TWO))

    assert desk.watched() == {ONE: [()], TWO: [(MNQ,)]}


def test_of_a_loss_and_a_return_in_one_turn_the_later_counts(desk):
    """They wait as one message."""
    lost, found = (kind(**desk.head(), login=ONE) for kind in (QuotesLost, QuotesFound))

    desk.tell(lost, found)
    assert desk.watched() == {ONE: [], TWO: []}
    desk.tell(found, lost)

    assert desk.watched() == {ONE: [()], TWO: [(MNQ,)]}


def test_one_that_stands_by_and_is_lost_does_not_take_over():
    """It would be waited for while a third is there."""
    desk = Desk(logins=(ONE, TWO, "three"))
    desk.watched()

    desk.tell(QuotesLost(**desk.head(), login=TWO))
    desk.tell(QuotesLost(**desk.head(), login=ONE))

    assert desk.watched() == {ONE: [()], TWO: [], "three": [(MNQ,)]}


def test_while_nothing_is_held_nobody_is_to_connect():
    """There is nothing to hear, and a session more for the broker."""
    desk = Desk(logins=(ONE, TWO))
    desk.tell(HoldQuotes(**desk.head(account=A), contracts=()))
    desk.watched()

    desk.tell(AnnounceHeld(**desk.head(), login=TWO), QuotesLost(**desk.head(), login=ONE))

    assert desk.watched() == {ONE: [], TWO: []}


def test_a_successor_tells_all_logins_what_they_are_to_hear(desk):
    """It does not know what its predecessor had told them, but who is lost."""
    desk.tell(QuotesLost(**desk.head(), login=ONE))
    desk.watched()

    desk.begin()
    desk.tell()

    assert desk.watched() == {ONE: [()], TWO: [(MNQ,)]}


def test_what_nobody_holds_any_more_nobody_is_to_hear(desk):
    """And what comes on its way is nothing."""
    desk.tell(HoldQuotes(**desk.head(account=A), contracts=()))
    desk.tell(desk.quote(9_000, ONE))

    assert desk.watched() == {ONE: [()], TWO: []}
    assert desk.told() == []
