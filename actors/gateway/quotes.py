"""The QuoteActor: the latest quote of each contract to those who must judge it.

Pooled, one for all logins, at `quotes`. In: `HoldQuotes` and `WatchBands` from accounts, `QuoteHeard`,
`QuotesLost` and `QuotesFound` from the gateways. Out: `WatchQuotes` to each gateway whenever what it is
to hear changes (`feeds.py`), and per turn at most one `QuoteChanged` per contract to each holder whose
band it leaves (`fanout.py`): the latest. Intermediate quotes may be left out; the latest never is, but
what is implausible waits for a second quote or a short bound (`plausible.py`). It keeps no quote of a
contract nobody holds, for it would be old when it is held again. A successor knows who holds what, what
was quoted, of whom, and what is held back, and nothing of bands nor of what the gateways were told: it
tells them again, and everybody the latest quotes, and with that is told the bands again.
"""

from collections.abc import Iterable
from operator import attrgetter
from types import MappingProxyType
from typing import Any

from actors.gateway.fanout import Fanout, Known, Told
from actors.gateway.plausible import Credence, QuoteCheck
from actors.runtime.actor import PooledActor
from actors.runtime.clock import Clock
from actors.runtime.directory import Directory
from actors.runtime.dispatcher import Dispatcher
from messages.base import Message
from messages.commands import (
    HoldQuotes,
    NoteLateness,
    WakeAfter,
    WatchBands,
    WatchQuotes,
    Woken,
)
from messages.events import AlarmRaised
from messages.facts import QuoteChanged, QuoteHeard, QuotesFound, QuotesLost
from messages.journal import Append
from messages.queries import Ping
from messages.values import AlarmCode, Quote

QUOTES = "quotes"
"""The QuoteActor's address."""

_ALARM_EVERY_S = 60.0
"""A contract whose quotes are wild is alarmed no more often."""


class AnnounceHeld(Message, frozen=True, kw_only=True):
    """Say again which contracts a login is to hear: its gateway is a new one."""

    login: str
    """The login's name."""


class QuoteActor(PooledActor):
    """Fans quotes out to the accounts that hold the contract."""

    conflates = MappingProxyType(
        {
            QuoteHeard: QuoteHeard.key,
            QuotesLost: QuotesLost.key,
            QuotesFound: QuotesFound.key,
            Woken: attrgetter("key"),
        }
    )
    """Losses and the end of a doubt wait with the quotes, or they would overtake those before them."""

    def __init__(
        self,
        *,
        known: Known,
        check: QuoteCheck,
        clock: Clock,
        directory: Directory,
        dispatcher: Dispatcher,
    ) -> None:
        super().__init__(dispatcher=dispatcher)
        self._clock = clock
        self._directory = directory
        self._fanout = Fanout(known)
        self._check = check
        self._feeds = known.feeds
        self._feeds.hold(self._fanout.contracts)
        self._watched: dict[str, tuple[str, ...] | None] = dict.fromkeys(self._feeds.logins)
        """What each login was told to hear; None = nothing yet, or what a predecessor told it."""
        self._credence = known.credence
        self._alarmed: dict[str, float] = {}

    def on_start(self) -> None:
        """Go on with what a predecessor had taken: it may have failed at that; on a pool thread."""
        self._watch()
        self._tell(self._fanout.leaving())
        for contract, credence in self._credence.items():
            if (doubt := credence.pending) is not None:
                self._wake(f"{contract}#{doubt}")

    def on_receive(self, message: Any) -> object:
        """Handle one message; on a pool thread."""
        match message:
            case QuoteHeard():
                self._hear(message)
            case QuotesLost():
                self._lose(message)
            case QuotesFound():
                self._feeds.find(message.login, message.contract)
                self._watch()
            case WatchBands():
                self._tell(self._fanout.watch(message.account, message.bands))
            case HoldQuotes():
                self._hold(message.account, frozenset(message.contracts))
            case Woken():
                self._settle(message.key)
            case AnnounceHeld():
                self._watched[message.login] = None
                self._watch()
            case Ping():
                return QUOTES
            case _:
                raise TypeError(f"a QuoteActor cannot handle {type(message).__name__}")
        return None

    def on_turn_end(self) -> None:
        """Tell the latest of what has changed to those whose band it leaves; on a pool thread."""
        self._tell(self._fanout.leaving())

    def _tell(self, told: Iterable[Told]) -> None:
        for account, changed in told:
            self._directory.tell(f"account/{account}", changed)

    def _hear(self, told: QuoteHeard) -> None:
        contract = told.quote.contract
        if not self._fanout.is_held(contract) or self._feeds.of(contract) != told.login:
            return
        credence = self._credence.setdefault(contract, Credence(self._check))
        heard = credence.hear(told.quote)
        if heard.believed:
            self._take_up(heard.believed, unconfirmed=False)
        if heard.doubt is not None:
            self._wake(f"{contract}#{heard.doubt}")
        if heard.dropped:
            self._alarm(heard.dropped[-1], "the quotes after it do not bear it out: not counted")

    def _take_up(self, quote: Quote, *, unconfirmed: bool) -> None:
        cause = f"quote/{quote.contract}"
        self._fanout.note(
            QuoteChanged(at=quote.at, cause=cause, quote=quote, unconfirmed=unconfirmed)
        )

    def _settle(self, key: str) -> None:
        """Let what nothing has confirmed or dropped count; its worst side must reach every holder."""
        contract, _, doubt = key.rpartition("#")
        credence = self._credence.get(contract)
        for quote in credence.overdue(int(doubt)) if credence else ():
            self._take_up(quote, unconfirmed=True)
            self._tell(self._fanout.leaving())
            within_s = self._check.confirm_within_s
            self._alarm(quote, f"no quote confirmed or dropped it within {within_s:g} s: it counts")

    def _lose(self, lost: QuotesLost) -> None:
        """Hear another login; whoever was judged by one that is late, of any login, must know it."""
        if lost.late_s:
            judged = map(self._fanout.holders, self._feeds.heard_by(lost.login))
            for account in sorted(set().union(*judged)):
                note = NoteLateness(
                    account=account,
                    at=lost.at,
                    cause=QUOTES,
                    late_s=lost.late_s,
                    where=f"quotes of {lost.login}",
                )
                self._directory.tell(f"account/{account}", note)
            self._feeds.leave(lost.login, lost.at)
        elif lost.silent and lost.contract is not None:
            self._feeds.pass_on(lost.login, lost.contract, lost.at)
        else:
            self._feeds.lose(lost.login, lost.at, lost.contract)
        self._watch()

    def _wake(self, key: str) -> None:
        after_s = self._check.confirm_within_s
        wake = WakeAfter(at=self._clock.now(), cause=QUOTES, to=QUOTES, key=key, after_s=after_s)
        self._directory.tell("clock", wake)

    def _alarm(self, quote: Quote, outcome: str) -> None:
        contract, now = quote.contract, self._clock.monotonic()
        if now - self._alarmed.get(contract, -_ALARM_EVERY_S) < _ALARM_EVERY_S:
            return
        self._alarmed[contract] = now
        text = (
            f"{self._feeds.of(contract)}: {contract} at {quote.last}, bid {quote.bid}, ask {quote.ask} "
            f"is off the quotes before it: {outcome}"
        )
        head: dict[str, Any] = {"at": self._clock.now(), "cause": QUOTES}
        alarm = AlarmRaised(**head, account=None, code=AlarmCode.QUOTE_DOUBTED, text=text)
        self._directory.tell("journal", Append(**head, events=(alarm,), asker=None, token=""))

    def _hold(self, account: int, contracts: frozenset[str]) -> None:
        before = self._fanout.contracts
        self._tell(self._fanout.hold(account, contracts))
        if self._fanout.contracts != before:
            for contract in before - self._fanout.contracts:
                self._credence.pop(contract, None)
            self._feeds.hold(self._fanout.contracts)
            self._watch()

    def _watch(self) -> None:
        """Tell every gateway what it is to hear, if that is not what it was told.

        Those that hear nothing too, once anything is held: their hubs connect, and stand by.
        """
        held = self._fanout.contracts
        for login, before in self._watched.items():
            contracts = self._feeds.heard_by(login)
            if contracts != before and (held or before):
                self._watched[login] = contracts
                watch = WatchQuotes(at=self._clock.now(), cause=QUOTES, contracts=contracts)
                self._directory.tell(f"gateway/{login}", watch)
