"""Which login's quotes count: one login's, and another's as soon as that one is lost or silent."""

from datetime import timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from actors.gateway.feeds import BUSY, SILENT, WITHIN, Feeds
from messages.facts import QuoteHeard
from messages.values import Quote
from tests.gateway.support import AT, MES, MNQ

ONE, TWO = "one", "two"
BOTH = (ONE, TWO)
LONG = Decimal(21_000)


class Desk:
    """Two logins and what they say."""

    def __init__(self, logins=BOTH, held=(MNQ,)):
        self.feeds = Feeds(logins, held)
        self.now = AT
        self.numbers = dict.fromkeys(logins, 0)

    def says(self, login, contract=MNQ, *, after_s=0.0, sides=3, number=None):
        """Say whether a quote that comes now counts."""
        self.now += timedelta(seconds=after_s)
        self.numbers[login] = self.numbers[login] + 1 if number is None else number
        last, bid, ask = (LONG if sides > known else None for known in range(3))
        quote = Quote(contract=contract, last=last, bid=bid, ask=ask, at=self.now)
        heard = QuoteHeard(
            at=self.now, cause="test", login=login, quote=quote, number=self.numbers[login]
        )
        return self.feeds.hears(heard)

    def narrow(self, login=ONE):
        """Let a login quote so often that it is heard alone."""
        for _ in range(BUSY + 1):
            assert self.says(login, after_s=0.01)
        assert self.feeds.narrows(MNQ)

    def heard_by(self):
        return tuple(self.feeds.heard_by(each) for each in self.feeds.logins)


def test_of_two_that_say_the_same_one_counts():
    """The first that speaks; or each price would be told twice, and an old one after a new one."""
    desk = Desk()

    assert [desk.says(each) for each in (TWO, ONE, TWO, ONE)] == [True, False, True, False]
    assert desk.feeds.of(MNQ) == TWO
    assert desk.heard_by() == ((MNQ,), (MNQ,))


def test_what_is_quoted_often_is_heard_of_one_login_alone():
    """The others are let go, of this contract only; that is new once."""
    desk = Desk(held=(MNQ, MES))

    desk.narrow(TWO)

    assert desk.heard_by() == ((MES,), (MES, MNQ))
    assert desk.feeds.are_alone
    assert not desk.feeds.narrows(MNQ)


def test_what_is_quoted_seldom_is_heard_of_all():
    """However long it goes on: a burst of half as many, and a pause, again and again."""
    desk = Desk()

    for _ in range(20):
        for _ in range(BUSY // 2):
            desk.says(ONE)
            assert not desk.feeds.narrows(MNQ)
        desk.says(ONE, after_s=WITHIN.total_seconds() + 0.1)
        assert not desk.feeds.narrows(MNQ)
    assert not desk.feeds.are_alone


def test_quotes_that_were_conflated_on_their_way_count_as_quotes():
    """Under pressure few of them are seen, and just then the others must be let go."""
    desk = Desk()
    desk.says(ONE, number=1)
    desk.says(ONE, after_s=0.1, number=BUSY + 1)

    assert desk.feeds.narrows(MNQ)


def test_a_login_that_is_the_only_one_is_always_heard():
    """There is nobody to let go, and nothing to look for."""
    desk = Desk(logins=(ONE,))
    for _ in range(BUSY * 3):
        assert desk.says(ONE, after_s=0.01)
        assert not desk.feeds.narrows(MNQ)

    assert desk.heard_by() == ((MNQ,),)
    assert not desk.feeds.are_alone


def test_all_hear_again_what_a_feed_has_been_silent_of():
    """After a second, not before."""
    desk = Desk()
    desk.narrow()

    desk.feeds.look(desk.now + SILENT - timedelta(milliseconds=1))
    assert desk.heard_by() == ((MNQ,), ())
    desk.feeds.look(desk.now + SILENT)
    assert desk.heard_by() == ((MNQ,), (MNQ,))
    assert desk.feeds.of(MNQ) == ONE


def test_a_burst_that_is_over_does_not_count_once_more():
    """Or all would be let go again at the first quote, again and again."""
    desk = Desk()
    desk.narrow()
    desk.feeds.look(desk.now + SILENT)

    assert desk.says(ONE, after_s=SILENT.total_seconds() + 0.1)
    assert not desk.feeds.narrows(MNQ)


def test_a_silent_feed_is_taken_over_by_one_that_speaks():
    """After a second, not before; the one before then counts no more."""
    desk = Desk()
    desk.says(ONE)

    assert not desk.says(TWO, after_s=0.999)
    assert desk.says(TWO, after_s=0.001)
    assert not desk.says(ONE)


def test_a_feed_that_is_lost_is_taken_over_at_once():
    """All hear the contract again, and whoever speaks first counts, even one that knows less."""
    desk = Desk()
    desk.narrow()

    desk.feeds.lose(ONE)

    assert desk.heard_by() == ((MNQ,), (MNQ,))
    assert desk.feeds.of(MNQ) == ""
    assert desk.says(TWO, sides=1)


def test_to_lose_who_is_no_feed_changes_nothing():
    """Nor does it for another contract than the one that was refused."""
    desk = Desk(held=(MNQ, MES))
    desk.narrow()

    desk.feeds.lose(TWO)
    desk.feeds.lose(ONE, MES)

    assert desk.feeds.of(MNQ) == ONE
    assert desk.heard_by() == ((MES, MNQ), (MES,))
    desk.feeds.lose(ONE, MNQ)
    assert desk.feeds.of(MNQ) == ""


def test_who_knows_less_never_takes_over():
    """A hub that has just come back knows one side: what is known of all three would be lost."""
    desk = Desk()
    desk.says(ONE)

    assert not desk.says(TWO, after_s=60, sides=2)
    assert desk.says(ONE)
    assert desk.says(TWO, after_s=60)


def test_who_knows_more_takes_over_at_once():
    """An open P&L that was unknown is known."""
    desk = Desk()
    desk.says(ONE, sides=1)

    assert desk.says(TWO, sides=2)
    assert not desk.says(ONE, sides=2)


def test_what_is_held_no_more_is_forgotten():
    """Held again, it begins anew."""
    desk = Desk()
    desk.narrow()

    desk.feeds.hold([MES])
    assert desk.heard_by() == ((MES,), (MES,))
    desk.feeds.hold([MES, MNQ])

    assert desk.feeds.of(MNQ) == ""
    assert desk.heard_by() == ((MES, MNQ), (MES, MNQ))


steps = st.one_of(
    st.tuples(st.sampled_from(BOTH), st.integers(1, 3), st.floats(0, 1.5)),
    st.tuples(st.just("quick"), st.sampled_from(BOTH), st.integers(1, 2 * BUSY)),
    st.tuples(st.just("lose"), st.sampled_from(BOTH), st.none()),
    st.tuples(st.just("look"), st.none(), st.none()),
)


@given(st.lists(steps, max_size=60))
def test_somebody_is_always_heard_and_what_counts_is_never_much_older_than_what_was_heard(played):
    """Of what says as much; and a login that is let go is let go for one that has just spoken."""
    desk, counted_at, newest = Desk(), AT, {1: AT, 2: AT, 3: AT}
    counted_sides = 0
    for step in played:
        match step:
            case "lose", login, _:
                if desk.feeds.of(MNQ) == login:
                    counted_sides = 0
                desk.feeds.lose(login)
            case "look", _, _:
                desk.feeds.look(desk.now)
            case "quick", login, count:
                if MNQ not in desk.feeds.heard_by(login):
                    continue
                for _ in range(count):
                    if desk.says(login, after_s=0.01):
                        counted_at, counted_sides = desk.now, 3
                    if desk.feeds.of(MNQ) == login and desk.feeds.narrows(MNQ):
                        assert desk.now == counted_at
                newest[3] = desk.now
            case login, sides, after_s:
                if MNQ not in desk.feeds.heard_by(login):
                    continue
                if desk.says(login, after_s=after_s, sides=sides):
                    counted_at, counted_sides = desk.now, sides
                newest[sides] = desk.now
        assert any(desk.heard_by())
        behind = [at - counted_at for sides, at in newest.items() if sides >= counted_sides > 0]
        assert max(behind, default=timedelta(0)) < SILENT
