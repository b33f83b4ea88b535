"""What a QuoteActor tells while quotes, deadlines and other messages wait, turn by turn."""

from dataclasses import dataclass, field
from decimal import Decimal

import pytest

from actors.account.actor import AccountActor
from actors.gateway import QuoteActor
from actors.gateway.fanout import Known
from actors.gateway.plausible import QuoteCheck
from actors.runtime import Directory, PooledActor, VirtualClock
from messages.commands import HoldQuotes, WakeAfter, WatchBands, Woken
from messages.facts import QuoteHeard
from messages.values import Band, PriceKind, Quote
from tests.gateway.support import AT, MNQ, A
from tests.runtime.nursery import ByHand

CHECK = QuoteCheck(Decimal("0.2"), 0.5)
BASE, UP, DOWN = 10_000, 10_100, 9_900


class Listener(PooledActor):
    """Stands where an account stands, with its inbox, or where any other actor does."""

    def __init__(self, dispatcher, conflates=PooledActor.conflates):
        self.conflates = conflates
        super().__init__(dispatcher=dispatcher)
        self.heard = []

    def on_receive(self, message):
        self.heard.append(message)


@dataclass
class Desk:
    """A QuoteActor, the one account that holds MNQ, and the clock, each moved by hand."""

    clock: VirtualClock = field(default_factory=lambda: VirtualClock(AT))
    known: Known = field(default_factory=Known)
    directory: Directory = field(default_factory=Directory)
    quoting: ByHand = field(default_factory=ByHand)
    listening: ByHand = field(default_factory=ByHand)

    def __post_init__(self):
        self.account = Listener(self.listening, AccountActor.conflates)
        self.others = Listener(self.listening)
        for address, actor in (
            (f"account/{A}", self.account),
            ("clock", self.others),
            ("gateway/desk", self.others),
            ("journal", self.others),
        ):
            self.directory.register(address, actor.actor_ref)
        for actor in (self.account, self.others):
            actor._start_actor_loop()
        self.begin()
        self.tell(HoldQuotes(**self.head(account=A), contracts=(MNQ,)))

    def begin(self):
        """Start a QuoteActor, the first one or a successor."""
        actor = QuoteActor(
            logins=["desk"],
            check=CHECK,
            clock=self.clock,
            directory=self.directory,
            dispatcher=self.quoting,
            known=self.known,
        )
        self.quotes = actor.actor_ref
        actor._start_actor_loop()

    def head(self, **fields):
        return {"at": self.clock.now(), "cause": "test"} | fields

    def tell(self, *messages):
        """Tell the QuoteActor so much in one turn."""
        for each in messages:
            self.quotes.tell(each)
        self.quoting.stop()

    def quote(self, last):
        quote = Quote(contract=MNQ, last=Decimal(last), bid=None, ask=None, at=self.clock.now())
        return QuoteHeard(**self.head(), login="desk", quote=quote, number=1)

    def bound(self):
        """Return the word of the clock that the latest doubt has lasted long enough."""
        self.listening.stop()
        wake = [each for each in self.others.heard if isinstance(each, WakeAfter)][-1]
        return Woken(**self.head(), key=wake.key)

    @property
    def wakes(self):
        """Return how often the clock was asked to say that a doubt has lasted long enough."""
        return sum(isinstance(each, WakeAfter) for each in self.others.heard)

    def told(self):
        """Let the account work off what waits, and return the prices it has heard of."""
        self.listening.stop()
        heard, self.account.heard = self.account.heard, []
        return [int(each.quote.last) for each in heard]


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
