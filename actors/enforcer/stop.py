"""One protective stop: what was wanted of it, what is under way, and when it may be moved again.

Pure bookkeeping; `stops.py` does the talking. A wish is good for a moment only, for the rule repeats it
with every quote; nothing ever loosens the last move that took effect.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import assert_never

from messages.values import (
    CapAccount,
    CapContract,
    CapProduct,
    FlatAccount,
    FlatContract,
    FlatProduct,
    NoOpeningOrders,
    StopMove,
    Target,
    product_of,
)

_EVERY_S = 1.0
"""An order is modified at most once in so many seconds: the login's budget is for closes first."""
_FRESH_S = 2.0
"""A wish that was not repeated for so long is no longer one: the market may be elsewhere."""
_REMEMBERED_S = 60.0
"""So long a move is held against looser wishes; by then the rule knows of it, or of what came later."""
_LAST_PAUSE_S = 30.0


def concerns(target: Target, contract: str) -> bool:
    """Say whether reaching a target may close or reduce a contract."""
    match target:
        case FlatAccount() | CapAccount():
            return True
        case FlatProduct(product=product) | CapProduct(product=product):
            return product_of(contract) == product
        case FlatContract() | CapContract():
            return contract == target.contract
        case NoOpeningOrders():
            return False
        case _:
            assert_never(target)


def pause_s(failures: int) -> float:
    """Return how long to wait after so many failures in a row: 1, 2, 4 … at most 30 seconds."""
    return min(float(2 ** (failures - 1)), _LAST_PAUSE_S)


class Fate(Enum):
    """What is known of the modification of an order."""

    READY = auto()
    """None is under way."""
    SENT = auto()
    """It is not answered yet."""
    UNSURE = auto()
    """It may or may not take effect; read in a moment."""
    READING = auto()
    """The order is being read."""
    PAUSING = auto()
    """It is over; the next may be sent in a while."""


@dataclass(slots=True)
class Stop:
    """What is known of one stop order."""

    wish: StopMove | None = None
    wished_at: datetime | None = None
    """When it was last wanted, UTC."""
    fate: Fate = Fate.READY
    sent: StopMove | None = None
    """The last modification."""
    command_id: str = ""
    """Its command."""
    request_id: str = ""
    """The read that tells its fate."""
    wakes: int = 0
    """Number of the wake that is awaited; an earlier one is out of date."""
    done: StopMove | None = None
    """The last one that took effect."""
    failures: int = 0
    """In a row; a move that is wanted again although it was accepted is one, too."""
    alarmed: bool = False
    """Since the last move that succeeded."""
    shadow: bool = False
    """The last one was kept back: it counts as if it had taken effect, and is told once."""

    def wants(self, move: StopMove, now: datetime) -> None:
        """Take a wish, if it adds to the last move, of which the rule may not know yet."""
        if self._adds(move) and not self._looser_of_one_picture(move):
            self.wish, self.wished_at = move, now
        elif self.shadow:
            self.wished_at = now  # so that it is not forgotten, and told again

    def _looser_of_one_picture(self, move: StopMove) -> bool:
        """Say whether a tighter move is wanted by the same picture: the rule may stand twice."""
        wish = self.wish
        return wish is not None and wish.judged_at == move.judged_at and not tighter(move, wish)

    def _adds(self, move: StopMove) -> bool:
        if self.done is None or tighter(move, self.done):
            return True
        same = move.stop_price == self.done.stop_price
        return same and self.fate is Fate.READY and not self.shadow

    def take(self, now: datetime) -> StopMove | None:
        """Return what is to be sent now, if anything is still wanted and nothing is under way."""
        if self.fate is not Fate.READY or self.wish is None or self.wished_at is None:
            return None
        wish, self.wish = self.wish, None
        if now - self.wished_at > timedelta(seconds=_FRESH_S):
            return None
        self.fate, self.sent = Fate.SENT, wish
        return wish

    def moved(self, move: StopMove) -> float:
        """Note that a move took effect; return for how many seconds nothing is sent."""
        again = self.done is not None and self.done.stop_price == move.stop_price
        self.done = move
        if self.wish and not tighter(self.wish, move):
            self.wish = None
        if again:  # not taken in truth, or taken back by the trader: more and more slowly
            return self.failed()
        self.failures, self.alarmed, self.fate = 0, False, Fate.PAUSING
        return _EVERY_S

    def pretended(self, move: StopMove) -> float:
        """Note that a move was kept back; return for how many seconds nothing is sent."""
        self.done, self.shadow, self.fate = move, True, Fate.PAUSING
        return _EVERY_S

    def failed(self) -> float:
        """Count a failure; return for how many seconds nothing is sent."""
        self.failures += 1
        self.fate = Fate.PAUSING
        return pause_s(self.failures)

    def forgotten(self, now: datetime) -> bool:
        """Say whether nothing new was wanted of it for long."""
        long_ago = now - timedelta(seconds=_REMEMBERED_S)
        return self.fate is Fate.READY and (self.wished_at is None or self.wished_at < long_ago)


def direction(move: StopMove) -> int:
    """Return +1 for a stop that is tightened upwards (it protects a long), else -1."""
    return 1 if move.stop_price > move.from_price else -1


def tighter(move: StopMove, than: StopMove) -> bool:
    """Say whether a move puts the stop of an order closer than another one did."""
    return (move.stop_price - than.stop_price) * direction(than) > 0
