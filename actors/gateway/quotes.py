"""The QuoteActor of a login: who holds what, and the latest quote of each contract to its holders.

Pooled, one per login, at `quotes/<login>`. In: `HoldQuotes` from accounts, `QuoteChanged` from the
gateway. Out: `WatchQuotes` to the gateway whenever the union of held contracts changes, and per turn at
most one `QuoteChanged` per contract to each holder: the latest. Intermediate quotes may be left out; the
latest never is. It keeps no quote of a contract nobody holds, for it would be old when it is held again.
A successor knows who holds what, and tells the next quote.
"""

from collections import defaultdict
from types import MappingProxyType
from typing import Any

from actors.runtime.actor import PooledActor
from actors.runtime.clock import Clock
from actors.runtime.directory import Directory
from actors.runtime.dispatcher import Dispatcher
from messages.base import Message
from messages.commands import HoldQuotes, WatchQuotes
from messages.facts import QuoteChanged
from messages.queries import Ping


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
        self._latest: dict[str, QuoteChanged] = {}
        self._changed: set[str] = set()

    def on_receive(self, message: Any) -> object:
        """Handle one message; on a pool thread."""
        match message:
            case QuoteChanged():
                self._note(message)
            case HoldQuotes():
                self._hold(message.account, frozenset(message.contracts))
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
            for account in self._holders.get(contract, ()):
                self._directory.tell(f"account/{account}", self._latest[contract])
        self._changed.clear()

    def _note(self, changed: QuoteChanged) -> None:
        contract = changed.quote.contract
        if contract in self._holders:
            self._latest[contract] = changed
            self._changed.add(contract)

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
