"""A QuoteActor with two logins: what is busy one alone hears, and all again once that one is lost."""

import pytest

from actors.gateway.feeds import BUSY
from actors.gateway.quotes import AnnounceHeld
from messages.commands import HoldQuotes, NoteLateness, Woken
from messages.events import AlarmRaised
from messages.facts import QuotesLost
from messages.journal import Append
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


def full(desk, last, login=ONE, number=1):
    return desk.quote(last, login, number, bid=last - 1, ask=last + 1)


def narrow(desk):
    """Let ONE quote MNQ so often that TWO is let go."""
    desk.tell(full(desk, 10_000, number=1))
    desk.tell(full(desk, 10_001, number=BUSY + 1))
    assert desk.watched() == {ONE: [], TWO: [()]}
    assert desk.told() == [10_001]


def alarms(desk):
    desk.listening.stop()
    return [
        event.text
        for each in desk.others.heard
        if isinstance(each, Append)
        for event in each.events
        if isinstance(event, AlarmRaised)
    ]


def test_whatever_either_says_is_told(desk):
    """The latest of both, although the other one's waits as well."""
    desk.tell(full(desk, 10_000, TWO), full(desk, 10_001, ONE))
    assert desk.told() == [10_001]

    desk.tell(full(desk, 9_990, TWO))

    assert desk.told() == [9_990]


def test_a_busy_contract_is_heard_of_one_login_until_that_is_silent(desk):
    """It is looked for every second, as long as it is heard alone."""
    narrow(desk)
    desk.clock.advance(0.9)
    desk.tell(full(desk, 10_002, number=BUSY + 2))
    desk.clock.advance(0.1)
    desk.tell(desk.bound())
    assert desk.watched() == NONE
    assert desk.wakes == 2

    desk.clock.advance(0.9)
    desk.tell(desk.bound())

    assert desk.watched() == {ONE: [], TWO: [(MNQ,)]}
    assert desk.wakes == 2
    desk.tell(full(desk, 10_003, TWO))
    assert desk.told() == [10_002, 10_003]


def test_a_busy_contract_is_heard_of_the_other_login_once_its_own_is_lost(desk):
    """At once, and what that one says counts."""
    narrow(desk)

    desk.tell(QuotesLost(**desk.head(), login=ONE))
    desk.tell(full(desk, 9_999, TWO))

    assert desk.watched() == {ONE: [], TWO: [(MNQ,)]}
    assert desk.told() == [9_999]


def test_a_second_loss_that_takes_the_place_of_the_first_keeps_nothing_back(desk):
    """Nor does what was said between the two."""
    narrow(desk)

    desk.tell(
        QuotesLost(**desk.head(), login=ONE),
        full(desk, 10_001, number=1),
        QuotesLost(**desk.head(), login=ONE),
    )
    for price in (9_990, 9_980):
        desk.clock.advance(0.1)
        desk.tell(desk.quote(price, TWO))
        assert desk.told()[-1] == price
        assert desk.known.latest[MNQ].quote.bid is None


def test_who_is_judged_by_a_late_login_is_told_that_it_is_late(desk):
    """Whatever login the account is of; and from then on the other one is heard."""
    narrow(desk)

    desk.tell(QuotesLost(**desk.head(), login=ONE, late_s=2.0))

    desk.listening.stop()
    (note,) = [each for each in desk.account.heard if isinstance(each, NoteLateness)]
    assert (note.account, note.late_s) == (A, 2.0)
    assert desk.watched() == {ONE: [], TWO: [(MNQ,)]}


def test_nobody_is_told_of_a_late_login_while_another_one_is_heard(desk):
    """What the late one says gives way."""
    desk.tell(full(desk, 10_000, ONE))
    desk.told()

    desk.tell(QuotesLost(**desk.head(), login=ONE, late_s=2.0))
    desk.tell(full(desk, 9_990, TWO))
    desk.tell(full(desk, 10_000, ONE, number=2 * BUSY))

    assert desk.told() == [9_990]


def test_a_print_that_two_hubs_bring_does_not_bear_itself_out(desk):
    """Each is judged by what its own hub says next."""
    desk.tell(full(desk, 10_000, ONE), full(desk, 10_000, TWO))
    desk.told()

    desk.tell(full(desk, 9_000, ONE), full(desk, 9_000, TWO))
    assert desk.told() == []
    desk.tell(full(desk, 10_000, ONE), full(desk, 10_000, TWO))

    assert set(desk.told()) == {10_000}
    assert [text.split(":")[0] for text in alarms(desk)] == [ONE]  # TWO's within the same minute


def test_a_print_that_another_hub_does_not_bear_out_never_counts(desk):
    """Its own hub says nothing more; the other one goes on as before."""
    desk.tell(full(desk, 10_000, ONE), full(desk, 10_000, TWO))
    desk.told()
    desk.tell(full(desk, 9_000, ONE))
    bound = desk.bound()
    desk.clock.advance(0.1)
    desk.tell(full(desk, 10_001, TWO))

    desk.tell(bound)

    assert desk.told() == [10_001]
    assert "another login was quoted otherwise" in alarms(desk)[-1]


def test_a_new_gateway_is_told_what_its_login_is_to_hear_now(desk):
    """Nobody else would tell it; the other is told nothing."""
    narrow(desk)

    desk.tell(AnnounceHeld(**desk.head(), login=ONE))
    desk.tell(AnnounceHeld(**desk.head(), login=TWO))

    assert desk.watched() == {ONE: [(MNQ,)], TWO: []}


def test_a_successor_lets_all_hear_everything(desk):
    """It does not know whom its predecessor had let go."""
    narrow(desk)
    desk.tell(Woken(**desk.head(), key=f"{ONE}/{MNQ}#nonsense"))
    desk.begin()
    desk.tell()

    assert desk.watched() == {ONE: [(MNQ,)], TWO: [(MNQ,)]}


def test_what_nobody_holds_any_more_nobody_is_to_hear(desk):
    """Neither of the two, and what comes on its way is nothing."""
    narrow(desk)

    desk.tell(HoldQuotes(**desk.head(account=A), contracts=()))
    desk.tell(full(desk, 9_000))

    assert desk.watched() == {ONE: [()], TWO: []}
    assert desk.told() == []
