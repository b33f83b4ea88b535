"""The QuoteActor of a login: the latest quote of each contract to those who must judge it.

Pooled, one per login, at `quotes/<login>`. In: `HoldQuotes` and `WatchBands` from accounts,
`QuoteChanged` from the gateway. Out: `WatchQuotes` to the gateway whenever the union of held contracts
changes, and per turn at most one `QuoteChanged` per contract to each holder whose band it leaves
(`fanout.py`): the latest. Intermediate quotes may be left out; the latest never is. It keeps no quote of
a contract nobody holds, for it would be old when it is held again. A successor knows who holds what and
nothing of bands: it tells everybody the next quote, and with that is told the bands again.
"""

from collections.abc import Iterable
from typing import Any

from actors.gateway.fanout import Fanout, Known, Told
from actors.runtime.actor import PooledActor
from actors.runtime.clock import Clock
from actors.runtime.directory import Directory
from actors.runtime.dispatcher import Dispatcher
from messages.base import Message
from messages.commands import HoldQuotes, WatchBands, WatchQuotes
from messages.facts import QuoteChanged
from messages.queries import Ping


class AnnounceHeld(Message, frozen=True):
    """Say again which contracts are watched: the gateway that is told is a new one."""


class QuoteActor(PooledActor):
    """Fans quotes out to the accounts that hold the contract."""

    def __init__(
        self,
        *,
        login: str,
        clock: Clock,
        directory: Directory,
        dispatcher: Dispatcher,
        known: Known | None = None,
    ) -> None:
        super().__init__(dispatcher=dispatcher)
        self._login = login
        self._clock = clock
        self._directory = directory
        self._fanout = Fanout(Known() if known is None else known)

    def on_receive(self, message: Any) -> object:
        """Handle one message; on a pool thread."""
        match message:
            case QuoteChanged():
                self._fanout.note(message)
            case WatchBands():
                self._tell(self._fanout.watch(message.account, message.bands))
            case HoldQuotes():
                self._hold(message.account, frozenset(message.contracts))
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

    def _hold(self, account: int, contracts: frozenset[str]) -> None:
        before = self._fanout.contracts
        self._tell(self._fanout.hold(account, contracts))
        if self._fanout.contracts != before:
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
