"""Several logins, one contract: whatever any of them says counts, and what is busy one alone hears."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.gateway.feeds import BUSY, PROBATION, SILENT, WITHIN, Feeds
from messages.facts import QuoteHeard
from messages.values import Quote
from tests.gateway.support import AT, MES, MNQ

ONE, TWO = "one", "two"
BOTH = (ONE, TWO)
SIDES = {"last": 10_000, "bid": 9_999, "ask": 10_001}


class Desk:
    """Two logins and what they say."""

    def __init__(self, logins=BOTH, held=(MNQ,)):
        self.feeds = Feeds(logins, held)
        self.now = AT
        self.numbers = dict.fromkeys(logins, 0)

    def says(self, login, *, after_s=0.0, at=None, count=1, **sides):
        """Let a login say something now; return what is known then, None where it does not count."""
        self.now += timedelta(seconds=after_s)
        self.numbers[login] += count
        known = dict.fromkeys(SIDES) | {
            side: Decimal(price) for side, price in (sides or SIDES).items()
        }
        quote = Quote(contract=MNQ, at=at or self.now, **known)
        heard = QuoteHeard(
            at=quote.at, cause="test", login=login, quote=quote, number=self.numbers[login]
        )
        self.news = self.feeds.narrows(heard)
        return self.feeds.takes(login, quote)

    def last(self, login, price, **how):
        """Let a login say a last price; return the one that is known then."""
        known = self.says(login, last=price, **how)
        return known and int(known.last)

    def narrow(self, login=ONE):
        """Let a login quote so often that it is heard alone."""
        self.says(login)
        self.says(login, after_s=0.1, count=BUSY)
        assert self.news

    def heard_by(self):
        return tuple(self.feeds.heard_by(each) for each in self.feeds.logins)

    def lose(self, login, **how):
        self.feeds.lose(login, self.now, **how)


def test_whatever_either_says_counts():
    """However soon after the other: nothing is kept back for one that may be dead."""
    desk = Desk()

    assert desk.last(ONE, 10_000) == 10_000
    assert desk.last(TWO, 9_990, after_s=0.001) == 9_990
    assert desk.last(ONE, 9_980, after_s=0.001) == 9_980
    assert desk.heard_by() == ((MNQ,), (MNQ,))


def test_what_is_older_than_what_was_taken_does_not_count():
    """It waited behind it."""
    desk = Desk()
    desk.last(ONE, 9_990, after_s=1)

    assert desk.last(TWO, 10_000, at=desk.now - timedelta(milliseconds=1)) is None


def test_a_clock_that_is_set_back_keeps_nothing_back():
    """What was said before it is older, whatever its time; nobody is late for an hour by it."""
    desk = Desk()
    desk.last(TWO, 10_000)
    desk.lose(ONE, late=True)
    desk.last(TWO, 10_001, after_s=0.1)
    desk.now -= timedelta(hours=1)

    assert desk.last(ONE, 9_990) == 9_990
    assert desk.last(TWO, 9_980, after_s=0.1) == 9_980
    assert desk.last(ONE, 9_970, after_s=0.1) == 9_970


def test_one_that_fell_silent_before_the_clock_was_set_back_is_found_silent():
    """Its last word lies in what is the future now."""
    desk = Desk()
    desk.narrow()

    desk.feeds.look(desk.now - timedelta(hours=1))

    assert desk.heard_by() == ((MNQ,), (MNQ,))


def test_what_is_quoted_often_is_heard_of_one_login_alone():
    """The others are let go, of this contract only; that is new once."""
    desk = Desk(held=(MNQ, MES))

    desk.narrow(TWO)

    assert desk.heard_by() == ((MES,), (MES, MNQ))
    assert desk.feeds.are_alone
    assert desk.feeds.alone(TWO) == (MNQ,)
    desk.says(TWO)
    assert not desk.news


def test_what_is_on_its_way_from_one_that_was_let_go_counts():
    """And changes nothing in who is to hear."""
    desk = Desk()
    desk.narrow()

    assert desk.last(TWO, 9_990, count=2 * BUSY) == 9_990
    assert desk.heard_by() == ((MNQ,), ())


def test_what_is_quoted_seldom_is_heard_of_all():
    """However long it goes on: a burst of half as many, and a pause, again and again."""
    desk = Desk()

    for _ in range(20):
        desk.says(ONE, count=BUSY // 2)
        assert not desk.news
        desk.says(ONE, after_s=WITHIN.total_seconds() + 0.1)
        assert not desk.news


def test_a_login_that_is_the_only_one_is_always_heard():
    """There is nobody to let go, and nothing to look for."""
    desk = Desk(logins=(ONE,))
    for price in range(BUSY * 3):
        assert desk.last(ONE, price, after_s=0.01) == price
        assert not desk.news

    assert desk.heard_by() == ((MNQ,),)
    assert not desk.feeds.are_alone


@pytest.mark.parametrize("missing", SIDES)
def test_who_does_not_know_all_is_not_heard_alone(missing):
    """What others know would be let go with them."""
    desk = Desk()
    sides = {side: price for side, price in SIDES.items() if side != missing}
    desk.says(ONE, **sides)
    desk.says(ONE, after_s=0.1, count=BUSY, **sides)

    assert not desk.news


def test_all_hear_again_what_one_alone_has_been_silent_of():
    """After a second, not before; and the burst before does not count once more."""
    desk = Desk()
    desk.narrow()

    desk.feeds.look(desk.now + SILENT - timedelta(milliseconds=1))
    assert desk.heard_by() == ((MNQ,), ())
    desk.feeds.look(desk.now + SILENT)
    assert desk.heard_by() == ((MNQ,), (MNQ,))
    desk.says(ONE, after_s=SILENT.total_seconds() + 0.1)
    assert not desk.news


def test_all_hear_again_what_one_alone_has_lost():
    """At once; of another contract, or by another login, nothing changes."""
    desk = Desk(held=(MNQ, MES))
    desk.narrow()

    desk.lose(TWO)
    desk.lose(ONE, contract=MES)
    assert desk.heard_by() == ((MES, MNQ), (MES,))
    desk.lose(ONE, contract=MNQ)
    assert desk.heard_by() == ((MES, MNQ), (MES, MNQ))


def test_who_was_lost_is_not_heard_alone_for_a_while():
    """Or a hub that comes and goes would take the others with it each time."""
    desk = Desk()
    desk.narrow()
    desk.lose(ONE)
    desk.says(ONE, after_s=PROBATION.total_seconds() - 1)
    desk.says(ONE, after_s=0.1, count=BUSY)
    assert not desk.news

    desk.says(ONE, after_s=WITHIN.total_seconds())
    desk.says(ONE, after_s=0.1, count=BUSY)

    assert desk.news


def test_where_all_were_lost_one_is_heard_alone_all_the_same():
    """Or a load that makes all of them late would go on because all of them hear everything."""
    desk = Desk()
    for each in BOTH:
        desk.lose(each, late=True)

    desk.narrow()

    assert desk.heard_by() == ((MNQ,), ())


@pytest.mark.parametrize("said", [("last",), ("bid", "ask"), ("last", "bid")])
def test_a_dead_hub_that_knew_more_keeps_nothing_back(said):
    """What the other says is known, and nothing else: what the dead one knew is not of now."""
    desk = Desk()
    desk.says(ONE)

    known = desk.says(TWO, after_s=1.0, **dict.fromkeys(said, 5000))

    assert {side for side in SIDES if getattr(known, side) is not None} == set(said)


def test_what_one_does_not_know_another_has_just_said():
    """A hub that has just come back knows one side: nothing that is known becomes unknown by it."""
    desk = Desk()
    desk.says(ONE)

    known = desk.says(TWO, after_s=0.9, last=9_990)

    assert (known.last, known.bid, known.ask) == (9_990, 9_999, 10_001)


def test_what_was_said_before_a_loss_fills_no_gap():
    """Neither at once nor when it is handled late."""
    desk = Desk()
    desk.says(ONE)
    before = desk.now
    desk.now += timedelta(milliseconds=5)
    desk.lose(ONE)

    assert desk.says(TWO, last=9_990).bid is None
    desk.says(ONE, at=before)
    assert desk.says(TWO, after_s=0.001, last=9_990).bid is None


def test_who_is_late_gives_way_to_who_is_not():
    """As long as that one speaks, and for a while: what he says now he heard before."""
    desk = Desk()
    desk.lose(ONE, late=True)
    assert desk.last(ONE, 10_000) == 10_000
    assert desk.last(TWO, 9_990, after_s=0.1) == 9_990

    assert desk.last(ONE, 10_000, after_s=0.9) is None
    assert desk.last(ONE, 10_000, after_s=0.1) == 10_000
    desk.says(TWO, after_s=PROBATION.total_seconds() - 2)
    assert desk.last(ONE, 9_980, after_s=0.5) is None
    assert desk.last(ONE, 9_980, after_s=0.5) == 9_980
    desk.says(TWO, after_s=1)
    assert desk.last(ONE, 9_970, after_s=0.1) == 9_970


def test_where_all_are_late_all_count():
    """It is all there is."""
    desk = Desk()
    for each in BOTH:
        desk.lose(each, late=True)

    assert desk.last(TWO, 9_990, after_s=0.1) == 9_990
    assert desk.last(ONE, 10_000, after_s=0.1) == 10_000


def test_what_is_held_no_more_is_forgotten():
    """Held again, it begins anew."""
    desk = Desk()
    desk.narrow()

    desk.feeds.hold([MES])
    assert desk.heard_by() == ((MES,), (MES,))
    desk.feeds.hold([MES, MNQ])

    assert desk.heard_by() == ((MES, MNQ), (MES, MNQ))
    assert desk.says(TWO, last=9_990).bid is None


steps = st.one_of(
    st.tuples(st.sampled_from(BOTH), st.integers(1, 2 * BUSY), st.floats(0, 1.5)),
    st.tuples(st.just("lose"), st.sampled_from(BOTH), st.none()),
    st.tuples(st.just("look"), st.none(), st.none()),
)


@given(st.lists(steps, max_size=60))
def test_somebody_is_always_to_hear_and_what_comes_in_its_order_always_counts(played):
    """Whoever says it, whoever is to hear, whoever was lost before."""
    desk = Desk()
    for price, step in enumerate(played):
        match step:
            case "lose", login, _:
                desk.lose(login)
            case "look", _, _:
                desk.feeds.look(desk.now)
            case login, count, after_s:
                assert desk.last(login, price, count=count, after_s=after_s) == price
        assert any(desk.heard_by())
