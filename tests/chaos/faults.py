"""What a fault of the campaign is: a card that a round deals to an account, or to the whole login.

A card is played on a thread of its own beside the breach of the account it was dealt to: it makes
something go wrong at the simulated broker, ends it again, and says how often it has struck. The cards
themselves are in `request_faults.py`, `stream_faults.py`, `exchange_faults.py` and `login_faults.py`.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from random import Random
from threading import Event
from typing import Any

from actors.simulator.contracts import ContractSpec
from actors.simulator.control import Control
from actors.simulator.record import Record
from actors.simulator.refusals import RefusedError
from messages.values import OrderType, Side
from tests.wire_rig import CANCEL, ORDERS, POSITIONS

CLOSES = "/Position/*lose*"
"""The whole close and the partial one."""
COMMANDS = (CLOSES, CANCEL)
READS = (POSITIONS, ORDERS)
_SHORTLY_S = 0.01
_LONGEST_S = 8.0


class Breach(StrEnum):
    """How an account breaches."""

    LOSS = "realised loss"
    OPEN_LOSS = "open loss"
    SIZE = "too many contracts"
    SYMBOL = "blocked symbol"


LOCKING = (Breach.LOSS, Breach.OPEN_LOSS)
"""Those that leave the account flat and locked; `SYMBOL` locks a product, `SIZE` only caps."""


@dataclass(kw_only=True)
class Turn:
    """One card being played."""

    control: Control
    record: Record
    random: Random
    seconds: float
    """How long it lasts once the account has breached, or for the login from its beginning."""
    accounts: tuple[int, ...]
    """Every account of the round."""
    users: tuple[str, ...]
    """Every user of the round."""
    account: int
    """The account it was dealt to; for the login any one."""
    spec: ContractSpec
    """The contract that only this account trades."""
    over: Event
    """Set when the round is cut short."""
    breached: Event
    is_locked: Callable[[], bool]
    """Whether the lock of this account has been committed."""
    is_settled: Callable[[], bool]
    """Whether there is nothing left to enforce."""

    @property
    def anybody(self) -> str | None:
        """Draw whom it strikes: one of the users, or (None) all."""
        return self.random.choice((None, *self.users))

    @property
    def contract(self) -> str:
        """Return the id of the account's contract."""
        return self.spec.id

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.over.wait(seconds)

    def last(self, has_struck: Callable[[], bool] = lambda: True) -> None:
        """Go on for as long as the card lasts after the breach, and until it has struck if it can yet."""
        while not self.breached.wait(_SHORTLY_S) and not self.over.is_set():
            pass
        self.wait(self.seconds)
        self.until(lambda: has_struck() or self.is_settled())

    def until(self, condition: Callable[[], bool], longest_s: float = _LONGEST_S) -> None:
        """Wait until a condition holds, but not for ever."""
        end = time.monotonic() + longest_s
        while not condition() and not self.over.is_set() and time.monotonic() < end:
            self.wait(_SHORTLY_S)

    def requested(self, pattern: str) -> bool:
        """Wait until the broker is asked something about the account; False if nothing comes any more."""
        after = self.record.last_seq

        def asked() -> bool:
            return any(
                fnmatchcase(each.endpoint, pattern)
                for each in self.record.requests(account=self.account, after=after)
            )

        self.until(lambda: asked() or (self.breached.is_set() and self.is_settled()))
        return asked()

    def locked(self) -> bool:
        """Wait until the account's lock is on disk; False if that takes too long."""
        self.until(self.is_locked)
        return self.is_locked()

    def order(self, size: int, **how: Any) -> bool:
        """Trade the account's contract as the trader (negative sells); False if it is refused."""
        side = Side.BUY if size > 0 else Side.SELL
        try:
            self.control.place_order(self.account, self.contract, side, abs(size), **how)
        except RefusedError:
            return False
        return True

    def near(self, ticks: int) -> Any:
        """Return a price so many ticks from the product's reference."""
        return self.spec.product.reference + ticks * self.spec.product.tick_size

    def held(self) -> int:
        """Return what the account holds of its contract."""
        return self.control.positions(self.account).get(self.contract, 0)


@dataclass(frozen=True, kw_only=True)
class Card:
    """One kind of fault."""

    name: str
    rows: str
    """Rows of faults.md it plays."""
    play: Callable[[Turn], int]
    """Plays it from beginning to end; returns how often it struck."""
    hides: bool = False
    """While it lasts the breach cannot be seen, or nothing can be done about it."""
    breaches: tuple[Breach, ...] = tuple(Breach)
    """Breaches it can be played beside."""
    equip: Callable[[Turn], None] | None = None
    """Gives the account what the fault needs; without it two long and one order far away."""
    trades: bool = False
    """It trades, so it is no fault for an account that must stay as it is."""


def two_and_an_order(turn: Turn) -> None:
    """Hold two, and one order far away."""
    turn.order(2)
    turn.order(1, type=OrderType.LIMIT, limit_price=turn.near(-2000))
