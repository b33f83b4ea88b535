"""The QuoteActor of a login: who holds what, and the latest quote of each contract to its holders.

Pooled, one per login, at `quotes/<login>`. In: `HoldQuotes` from accounts, `QuoteChanged` from the
gateway. Out: `WatchQuotes` to the gateway whenever the union of held contracts changes, and per turn at
most one `QuoteChanged` per contract to each holder: the latest. Intermediate quotes may be left out; the
latest never is, but what is implausible waits for a second quote or a short bound (`plausible.py`). It
keeps no quote of a contract nobody holds, for it would be old when it is held again.
A successor knows who holds what, and tells the next quote.
"""

from collections import defaultdict
from types import MappingProxyType
from typing import Any

from actors.gateway.outbox import Outbox
from actors.gateway.plausible import Credence, QuoteCheck
from actors.runtime.actor import PooledActor
from actors.runtime.clock import Clock
from actors.runtime.directory import Directory
from actors.runtime.dispatcher import Dispatcher
from messages.base import Message
from messages.commands import HoldQuotes, WakeAfter, WatchQuotes, Woken
from messages.facts import QuoteChanged
from messages.queries import Ping
from messages.values import AlarmCode, Quote

_ALARM_EVERY_S = 60.0
"""A contract whose quotes are wild is alarmed no more often."""


class Holders(defaultdict[str, set[int]]):
    """Which accounts hold a contract; a factory hands every successor the same."""


class AnnounceHeld(Message, frozen=True):
    """Say again which contracts are watched: the gateway that is told is a new one."""


class QuoteActor(PooledActor):
    """Fans quotes out to the accounts that hold the contract."""

    conflates = MappingProxyType({QuoteChanged: QuoteChanged.contract_of})

    def __init__(
        self,
        *,
        login: str,
        check: QuoteCheck,
        clock: Clock,
        directory: Directory,
        dispatcher: Dispatcher,
        holders: Holders | None = None,
    ) -> None:
        super().__init__(dispatcher=dispatcher)
        self._login = login
        self._clock = clock
        self._directory = directory
        self._holders = Holders(set) if holders is None else holders
        self._check = check
        self._outbox = Outbox(login=login, clock=clock, directory=directory)
        self._credence: dict[str, Credence] = {}
        self._alarmed: dict[str, float] = {}
        self._latest: dict[str, QuoteChanged] = {}
        self._changed: set[str] = set()

    def on_receive(self, message: Any) -> object:
        """Handle one message; on a pool thread."""
        match message:
            case QuoteChanged():
                self._note(message)
            case HoldQuotes():
                self._hold(message.account, frozenset(message.contracts))
            case Woken():
                self._settle(message.key)
            case AnnounceHeld():
                if self._holders:
                    self._watch()
            case Ping():
                return f"quotes/{self._login}"
            case _:
                raise TypeError(f"a QuoteActor cannot handle {type(message).__name__}")
        return None

    def on_turn_end(self) -> None:
        """Tell holders the latest of what has changed; on a pool thread."""
        for contract in self._changed:
            self._fan_out(contract)
        self._changed.clear()

    def _fan_out(self, contract: str) -> None:
        for account in self._holders.get(contract, ()):
            self._directory.tell(f"account/{account}", self._latest[contract])

    def _note(self, changed: QuoteChanged) -> None:
        contract = changed.quote.contract
        if contract not in self._holders:
            return
        credence = self._credence.setdefault(contract, Credence(self._check))
        heard = credence.hear(changed.quote)
        if heard.believed:
            self._take_up(heard.believed)
        if heard.doubt is not None:
            self._wake(f"{contract}#{heard.doubt}")
        if heard.dropped:
            self._alarm(heard.dropped[-1], "the quotes after it do not bear it out: not counted")

    def _take_up(self, quote: Quote) -> None:
        changed = QuoteChanged(at=quote.at, cause=f"quote/{quote.contract}", quote=quote)
        self._latest[quote.contract] = changed
        self._changed.add(quote.contract)

    def _settle(self, key: str) -> None:
        """Let what nothing has confirmed or dropped count; its worst side must reach every holder."""
        contract, _, doubt = key.rpartition("#")
        credence = self._credence.get(contract)
        for quote in credence.overdue(int(doubt)) if credence else ():
            self._take_up(quote)
            self._fan_out(contract)
            self._changed.discard(contract)
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
        before = frozenset(self._holders)
        for contract in before - contracts:
            self._drop(account, contract)
        for contract in contracts:
            self._take(account, contract)
        if frozenset(self._holders) != before:
            self._watch()

    def _take(self, account: int, contract: str) -> None:
        self._holders[contract].add(account)
        if contract in self._latest:
            self._directory.tell(f"account/{account}", self._latest[contract])

    def _drop(self, account: int, contract: str) -> None:
        self._holders[contract].discard(account)
        if not self._holders[contract]:
            del self._holders[contract]
            self._latest.pop(contract, None)
            self._credence.pop(contract, None)
            self._changed.discard(contract)

    def _watch(self) -> None:
        self._directory.tell(
            f"gateway/{self._login}",
            WatchQuotes(
                at=self._clock.now(),
                cause=f"quotes/{self._login}",
                contracts=tuple(sorted(self._holders)),
            ),
        )
