"""The QuoteActor of a login: the latest quote of each contract to those who must judge it.

Pooled, one per login, at `quotes/<login>`. In: `HoldQuotes` and `WatchBands` from accounts,
`QuoteChanged` from the gateway. Out: `WatchQuotes` to the gateway whenever the union of held contracts
changes, and per turn at most one `QuoteChanged` per contract to each holder whose band it leaves
(`fanout.py`): the latest. Intermediate quotes may be left out; the latest never is, but what is
implausible waits for a second quote or a short bound (`plausible.py`). It keeps no quote of a contract
nobody holds, for it would be old when it is held again. A successor knows who holds what, what was quoted
and what is held back, and nothing of bands: it tells everybody the latest quotes, and with that is told
the bands again.
"""

from collections.abc import Iterable
from operator import attrgetter
from types import MappingProxyType
from typing import Any

from actors.gateway.fanout import Fanout, Known, Told
from actors.gateway.outbox import Outbox
from actors.gateway.plausible import Credence, QuoteCheck
from actors.runtime.actor import PooledActor
from actors.runtime.clock import Clock
from actors.runtime.directory import Directory
from actors.runtime.dispatcher import Dispatcher
from messages.base import Message
from messages.commands import HoldQuotes, WakeAfter, WatchBands, WatchQuotes, Woken
from messages.facts import QuoteChanged
from messages.queries import Ping
from messages.values import AlarmCode, Quote

_ALARM_EVERY_S = 60.0
"""A contract whose quotes are wild is alarmed no more often."""


class AnnounceHeld(Message, frozen=True):
    """Say again which contracts are watched: the gateway that is told is a new one."""


class QuoteActor(PooledActor):
    """Fans quotes out to the accounts that hold the contract."""

    conflates = MappingProxyType({QuoteChanged: QuoteChanged.contract_of, Woken: attrgetter("key")})
    """The end of a doubt waits with the quotes, or it would overtake one that has ended it in time."""

    def __init__(
        self,
        *,
        login: str,
        check: QuoteCheck,
        clock: Clock,
        directory: Directory,
        dispatcher: Dispatcher,
        known: Known | None = None,
    ) -> None:
        super().__init__(dispatcher=dispatcher)
        self._login = login
        self._clock = clock
        self._directory = directory
        known = known or Known()
        self._fanout = Fanout(known)
        self._check = check
        self._outbox = Outbox(login=login, clock=clock, directory=directory)
        self._credence = known.credence
        self._alarmed: dict[str, float] = {}

    def on_start(self) -> None:
        """Go on with what a predecessor had taken: it may have failed at that; on a pool thread."""
        self._tell(self._fanout.leaving())
        for contract, credence in self._credence.items():
            if (doubt := credence.pending) is not None:
                self._wake(f"{contract}#{doubt}")

    def on_receive(self, message: Any) -> object:
        """Handle one message; on a pool thread."""
        match message:
            case QuoteChanged():
                self._note(message)
            case WatchBands():
                self._tell(self._fanout.watch(message.account, message.bands))
            case HoldQuotes():
                self._hold(message.account, frozenset(message.contracts))
            case Woken():
                self._settle(message.key)
            case AnnounceHeld():
                if self._fanout.contracts:
                    self._watch()
            case Ping():
                return f"quotes/{self._login}"
            case _:
                raise TypeError(f"a QuoteActor cannot handle {type(message).__name__}")
        return None

    def on_turn_end(self) -> None:
        """Tell the latest of what has changed to those whose band it leaves; on a pool thread."""
        self._tell(self._fanout.leaving())

    def _tell(self, told: Iterable[Told]) -> None:
        for account, changed in told:
            self._directory.tell(f"account/{account}", changed)

    def _note(self, changed: QuoteChanged) -> None:
        contract = changed.quote.contract
        if not self._fanout.is_held(contract):
            return
        credence = self._credence.setdefault(contract, Credence(self._check))
        heard = credence.hear(changed.quote)
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

    def _wake(self, key: str) -> None:
        wake = WakeAfter(
            at=self._clock.now(),
            cause=f"quotes/{self._login}",
            to=f"quotes/{self._login}",
            key=key,
            after_s=self._check.confirm_within_s,
        )
        self._directory.tell("clock", wake)

    def _alarm(self, quote: Quote, outcome: str) -> None:
        contract, now = quote.contract, self._clock.monotonic()
        if now - self._alarmed.get(contract, -_ALARM_EVERY_S) < _ALARM_EVERY_S:
            return
        self._alarmed[contract] = now
        self._outbox.alarm(
            AlarmCode.QUOTE_DOUBTED,
            f"{self._login}: {contract} at {quote.last}, bid {quote.bid}, ask {quote.ask} is off the "
            f"quotes before it: {outcome}",
        )

    def _hold(self, account: int, contracts: frozenset[str]) -> None:
        before = self._fanout.contracts
        self._tell(self._fanout.hold(account, contracts))
        if self._fanout.contracts != before:
            for contract in before - self._fanout.contracts:
                self._credence.pop(contract, None)
            self._watch()

    def _watch(self) -> None:
        self._directory.tell(
            f"gateway/{self._login}",
            WatchQuotes(
                at=self._clock.now(),
                cause=f"quotes/{self._login}",
                contracts=tuple(sorted(self._fanout.contracts)),
            ),
        )
