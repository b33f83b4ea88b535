"""The day's realised P&L from the broker's fills, each booked once by its trade id.

Pure. The broker's `profitAndLoss` is gross; fees and commissions are costs of every fill, opening
ones too. A voided fill is taken out again; one that is told again counts with the worst of each amount
(the broker leaves out what it does not know yet, and may correct the rest). Fills of another trading day
are remembered by id but not counted; those of the coming day (the broker's clock a little ahead of ours)
count after the reset.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import Enum, auto

from msgspec import structs

from messages.values import Fill


class Booking(Enum):
    """What booking a fill changes."""

    BOOKED = auto()
    """It is new and counts today."""
    VOIDED = auto()
    """It was counted, or would have been with the coming day, and is taken out."""
    CORRECTED = auto()
    """It is known, and has lost or cost more than was told before, or closes something after all."""
    AHEAD = auto()
    """It belongs to the coming day and will count then."""
    VOID = auto()
    """It was not known and is void: it counts nothing, nor will its original, told behind it."""
    UNCHANGED = auto()
    """It is known, or of a day that is closed."""


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
    _trade_ids: dict[int, dict[int, None]] = field(default_factory=dict)
    """Those of each order, as they were told."""

    def weigh(self, fill: Fill, label: date) -> Booking:
        """Say what booking a fill that belongs to the trading day `label` would change."""
        known = self._fills.get(fill.trade_id)
        if label < self.day:
            return Booking.UNCHANGED
        if known is None:
            if fill.voided:
                return Booking.VOID
            return Booking.BOOKED if label == self.day else Booking.AHEAD
        if known[1].voided:
            return Booking.UNCHANGED
        if fill.voided:
            return Booking.VOIDED
        return Booking.CORRECTED if _worse(known[1], fill) != known[1] else Booking.UNCHANGED

    def book(self, fill: Fill, label: date) -> None:
        """Book a fill, or void or correct one that is known."""
        booking = self.weigh(fill, label)
        if booking is Booking.UNCHANGED:
            return
        known = self._fills.get(fill.trade_id)
        if known is not None:
            label = known[0]
            fill = _worse(known[1], fill) if booking is Booking.CORRECTED else fill
        self._count(known, -1)
        self._fills[fill.trade_id] = entry = (label, fill)
        self._trade_ids.setdefault(fill.order_id, {})[fill.trade_id] = None
        self._count(entry, 1)

    def contradicted_usd(self, fill: Fill) -> Decimal | None:
        """Return the P&L that counts where a trade is told with another one; None where it is not."""
        known = self._fills.get(fill.trade_id)
        if known is None or known[1].voided or fill.voided or fill.profit_and_loss_usd is None:
            return None
        counted_usd = known[1].profit_and_loss_usd
        return None if counted_usd == fill.profit_and_loss_usd else counted_usd

    def fills_of(self, orders: Collection[int]) -> tuple[Fill, ...]:
        """Return the counted fills of some orders, as they were told."""
        if len(orders) > 1:
            return tuple(fill for fill in self._counted() if fill.order_id in orders)
        # as a rule: not all of a busy day's fills are looked at with each of them
        own = (self._fills[each] for order in orders for each in self._trade_ids.get(order, ()))
        return tuple(entry[1] for entry in own if self._counts(entry))

    @property
    def fills(self) -> tuple[Fill, ...]:
        """Return the counted fills."""
        return tuple(self._counted())

    def since(self, day: date) -> tuple[Fill, ...]:
        """Return the known fills of a trading day and of later ones."""
        return tuple(fill for label, fill in self._fills.values() if label >= day)

    def reset(self, day: date, early: Iterable[tuple[date, Fill]]) -> None:
        """Begin a new trading day with the fills, by trading day, that are known of it already."""
        self.day = day
        self._fills = {fill.trade_id: (label, fill) for label, fill in early}
        self._trade_ids = {}
        for _, fill in self._fills.values():
            self._trade_ids.setdefault(fill.order_id, {})[fill.trade_id] = None
        self.realised_usd, self.closed_trades = Decimal(0), 0
        for entry in self._fills.values():
            self._count(entry, 1)

    def _counted(self) -> Iterator[Fill]:
        return (entry[1] for entry in self._fills.values() if self._counts(entry))

    def _counts(self, entry: tuple[date, Fill]) -> bool:
        label, fill = entry
        return label == self.day and not fill.voided

    def _count(self, entry: tuple[date, Fill] | None, times: int) -> None:
        if entry is None or not self._counts(entry):
            return
        self.realised_usd += times * self._amount_usd(entry[1])
        if entry[1].profit_and_loss_usd is not None:
            self.closed_trades += times

    def _amount_usd(self, fill: Fill) -> Decimal:
        gross = fill.profit_and_loss_usd or Decimal(0)
        return gross if self.gross else gross - fill.costs_usd


def _worse(known: Fill, told: Fill) -> Fill:
    """Return a fill with the worst of its amounts as they were told: so their order does not matter."""
    pnls = (known.profit_and_loss_usd, told.profit_and_loss_usd)
    return structs.replace(
        known,
        profit_and_loss_usd=min((pnl for pnl in pnls if pnl is not None), default=None),
        fees_usd=max(known.fees_usd, told.fees_usd),
        commissions_usd=max(known.commissions_usd, told.commissions_usd),
    )
