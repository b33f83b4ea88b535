"""Whether the balance moves as the fills say: deposits, payouts, a firm's reset, costs nobody told of.

Pure. Compared are two complete reads in which nothing is held, for it is not known when a broker charges
the costs of what is still open; a difference counts when the next read shows the same, for balance and
fills are read one after the other. It is never P&L and changes no limit: a person is told. A restart
begins with a new first read.
"""

from dataclasses import dataclass, field
from decimal import Decimal

from messages.facts import SnapshotTaken
from messages.values import Fill

_TOLERANCE_USD = Decimal(1)
"""Rounding of costs adds up to less; no deposit and no payout is so small."""


@dataclass(slots=True)
class Cash:
    """The balance and the fills of the last read in which they agreed."""

    _balance_usd: Decimal | None = None
    _fills: dict[int, Decimal] = field(default_factory=dict)
    _suspected_usd: Decimal | None = None

    def unexplained_usd(self, snapshot: SnapshotTaken) -> Decimal | None:
        """Return what the balance has moved beyond its fills, once; None = nothing to say."""
        if snapshot.balance_usd is None or snapshot.fills is None or snapshot.positions:
            return None
        fills = {each.trade_id: _net_usd(each) for each in snapshot.fills}
        moved_usd = self._moved_usd(snapshot.balance_usd, fills)
        if moved_usd != self._suspected_usd and abs(moved_usd) > _TOLERANCE_USD:
            self._suspected_usd = moved_usd
            return None
        self._balance_usd, self._fills, self._suspected_usd = snapshot.balance_usd, fills, None
        return moved_usd if abs(moved_usd) > _TOLERANCE_USD else None

    def _moved_usd(self, balance_usd: Decimal, fills: dict[int, Decimal]) -> Decimal:
        if self._balance_usd is None:
            return Decimal(0)
        booked = (net_usd - self._fills.get(key, Decimal(0)) for key, net_usd in fills.items())
        return balance_usd - self._balance_usd - sum(booked, Decimal(0))


def _net_usd(fill: Fill) -> Decimal:
    if fill.voided:
        return Decimal(0)
    return (fill.profit_and_loss_usd or Decimal(0)) - fill.costs_usd


def complaint(moved_usd: Decimal) -> str:
    """Return the text of the alarm."""
    return (
        f"the balance has moved by {moved_usd:+.2f} USD more than its fills say: a deposit, a payout, "
        "a reset by the firm, or costs the broker does not tell; it does not count as P&L"
    )
