"""The day's realised P&L from the broker's fills, each booked once by its trade id.

Pure. The broker's `profitAndLoss` is gross; fees and commissions are costs of every fill, opening
ones too. A voided fill is taken out again. Fills of another trading day are remembered by id but not
counted; those of the coming day (the broker's clock a little ahead of ours) count after the reset.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import Enum, auto

from messages.values import Fill


class Booking(Enum):
    """What booking a fill changes."""

    BOOKED = auto()
    """It is new and counts today."""
    VOIDED = auto()
    """It was counted and is taken out."""
    AHEAD = auto()
    """It belongs to the coming day and will count then."""
    UNCHANGED = auto()
    """It is known, void from the start, or of a day that is closed."""


@dataclass(slots=True)
class Ledger:
    """Fills of the present trading day (and of the next, should they come early)."""

    day: date
    """The trading day that is counted."""
    gross: bool = False
    """Whether costs are left out."""
    realised_usd: Decimal = Decimal(0)
    """The day's realised P&L: net of all costs, or gross if so configured."""
    closed_trades: int = 0
    """How many counted fills closed something (those with a P&L)."""
    _fills: dict[int, tuple[date, Fill]] = field(default_factory=dict)

    def weigh(self, fill: Fill, label: date) -> Booking:
        """Say what booking a fill that belongs to the trading day `label` would change."""
        known = self._fills.get(fill.trade_id)
        if label != self.day:
            return Booking.AHEAD if label > self.day and known is None else Booking.UNCHANGED
        if known is None:
            return Booking.UNCHANGED if fill.voided else Booking.BOOKED
        newly_void = fill.voided and not known[1].voided
        return Booking.VOIDED if newly_void else Booking.UNCHANGED

    def book(self, fill: Fill, label: date) -> None:
        """Book a fill, or void one that is known."""
        match self.weigh(fill, label):
            case Booking.UNCHANGED:
                return
            case Booking.BOOKED:
                self._count(fill, 1)
            case Booking.VOIDED:
                self._count(self._fills[fill.trade_id][1], -1)
        self._fills[fill.trade_id] = (label, fill)

    def fills_of(self, orders: Collection[int]) -> tuple[Fill, ...]:
        """Return the counted fills of some orders."""
        return tuple(fill for fill in self._counted() if fill.order_id in orders)

    @property
    def fills(self) -> tuple[Fill, ...]:
        """Return the counted fills."""
        return tuple(self._counted())

    def reset(self, day: date) -> None:
        """Begin a new trading day; fills that already belong to it stay."""
        self.day = day
        self._fills = {key: entry for key, entry in self._fills.items() if entry[0] >= day}
        self.realised_usd, self.closed_trades = Decimal(0), 0
        for fill in self._counted():
            self._count(fill, 1)

    def _counted(self) -> list[Fill]:
        return [
            fill for label, fill in self._fills.values() if label == self.day and not fill.voided
        ]

    def _count(self, fill: Fill, times: int) -> None:
        self.realised_usd += times * self._amount_usd(fill)
        if fill.profit_and_loss_usd is not None:
            self.closed_trades += times

    def _amount_usd(self, fill: Fill) -> Decimal:
        gross = fill.profit_and_loss_usd or Decimal(0)
        return gross if self.gross else gross - fill.costs_usd
