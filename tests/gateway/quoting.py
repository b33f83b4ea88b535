"""A QuoteActor whose turns a test takes by hand, between gateways, one account and the clock."""

from dataclasses import dataclass, field
from decimal import Decimal

from actors.account.actor import AccountActor
from actors.gateway import QuoteActor
from actors.gateway.fanout import Known
from actors.gateway.feeds import Feeds
from actors.gateway.plausible import QuoteCheck
from actors.runtime import Directory, PooledActor, VirtualClock
from messages.commands import HoldQuotes, WakeAfter, WatchQuotes, Woken
from messages.facts import QuoteChanged, QuoteHeard
from messages.values import Quote
from tests.gateway.support import AT, MNQ, A
from tests.runtime.nursery import ByHand

CHECK = QuoteCheck(Decimal("0.2"), 0.5)


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

    logins: tuple[str, ...] = ("desk",)
    holds: tuple[str, ...] = (MNQ,)
    clock: VirtualClock = field(default_factory=lambda: VirtualClock(AT))
    directory: Directory = field(default_factory=Directory)
    quoting: ByHand = field(default_factory=ByHand)
    listening: ByHand = field(default_factory=ByHand)

    def __post_init__(self):
        self.known = Known(Feeds(self.logins))
        self.account = Listener(self.listening, AccountActor.conflates)
        self.others = Listener(self.listening)
        self.gateways = {each: Listener(self.listening) for each in self.logins}
        for address, actor in (
            (f"account/{A}", self.account),
            ("clock", self.others),
            *((f"gateway/{login}", each) for login, each in self.gateways.items()),
            ("journal", self.others),
        ):
            self.directory.register(address, actor.actor_ref)
        for actor in (self.account, self.others, *self.gateways.values()):
            actor._start_actor_loop()
        self.begin()
        self.tell(HoldQuotes(**self.head(account=A), contracts=self.holds))

    def begin(self):
        """Start a QuoteActor, the first one or a successor."""
        actor = QuoteActor(
            known=self.known,
            check=CHECK,
            clock=self.clock,
            directory=self.directory,
            dispatcher=self.quoting,
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

    def quote(self, last, login=""):
        quote = Quote(contract=MNQ, last=Decimal(last), bid=None, ask=None, at=self.clock.now())
        return QuoteHeard(**self.head(), login=login or self.logins[0], quote=quote)

    def bound(self):
        """Return the word of the clock it was asked for last: that a doubt has lasted long enough."""
        self.listening.stop()
        wake = [each for each in self.others.heard if isinstance(each, WakeAfter)][-1]
        return Woken(**self.head(), key=wake.key)

    def watched(self):
        """Return what each login was told to hear since this was asked, message by message."""
        self.listening.stop()
        found = {}
        for login, gateway in self.gateways.items():
            heard, gateway.heard = gateway.heard, []
            found[login] = [each.contracts for each in heard if isinstance(each, WatchQuotes)]
        return found

    @property
    def wakes(self):
        """Return how often the clock was asked to say that a doubt has lasted long enough."""
        return sum(isinstance(each, WakeAfter) for each in self.others.heard)

    def told(self):
        """Let the account work off what waits, and return the prices it has heard of."""
        self.listening.stop()
        heard, self.account.heard = self.account.heard, []
        return [int(each.quote.last) for each in heard if isinstance(each, QuoteChanged)]
