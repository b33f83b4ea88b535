"""The most favourable mark of each position since it was opened or scaled in, for trailing stops.

Pure. A position that grew, turned around or was opened anew (its average price tells, even if the stream
did not) starts anew from the present; a reduction keeps what it had. This is of the moment and not in the
journal: after a restart it starts anew as well. Nothing is lost by that, for a stop at the broker stays
where it is and is never loosened; it only trails again from the present on.

An account is not told every new best mark: what its bands keep from it the QuoteActor has noted
(`Peaks`), and with every message but a quote it is looked up. A quote that is told needs no look: beyond
the bands it is further than all that were not told, and inside them no stop was to be moved by any.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from messages.values import Position, PriceKind


class Peaks(Protocol):
    """How far the quotes went since a moment."""

    @property
    def count(self) -> int:
        """How many quotes have been noted so far: the present moment."""

    def best(self, contract: str, kind: PriceKind, *, highest: bool, since: int) -> Decimal | None:
        """Return the furthest price since a moment; None where there is none."""


@dataclass(slots=True)
class Extremes:
    """Best marks by contract."""

    _held: dict[str, Position] = field(default_factory=dict)
    _best: dict[str, Decimal] = field(default_factory=dict)
    _since: dict[str, int] = field(default_factory=dict)
    """Up to which quote each was looked up."""

    def hold(self, positions: Mapping[str, Position], peaks: Peaks | None) -> None:
        """Note what is held now, and forget the best marks of what is not the same position."""
        for contract, before in self._held.items():
            after = positions.get(contract)
            if after is None or not _goes_on(before, after):
                self._best.pop(contract, None)
                self._since.pop(contract, None)
        if peaks is not None:  # else none was shown yet: from the first look on
            for contract in positions:
                self._since.setdefault(contract, peaks.count)
        self._held = dict(positions)

    def look(self, position: Position, kind: PriceKind, peaks: Peaks) -> bool:
        """Take what was not told since the last look; return whether it is a new best mark."""
        contract, now = position.contract, peaks.count
        since = self._since.setdefault(contract, now)
        if since == now:
            return False
        self._since[contract] = now
        best = peaks.best(contract, kind, highest=position.size > 0, since=since)
        return best is not None and self.mark(position, best)

    def mark(self, position: Position, mark: Decimal) -> bool:
        """Take a fresh mark of a position that is held; return whether it is a new best."""
        best = self._best.get(position.contract)
        if best is not None and (mark <= best if position.size > 0 else mark >= best):
            return False
        self._best[position.contract] = mark
        return True

    def best(self, contract: str) -> Decimal | None:
        """Return the most favourable mark so far; None before the first."""
        return self._best.get(contract)


def _goes_on(before: Position, after: Position) -> bool:
    same_side = before.size * after.size > 0
    return (
        same_side
        and abs(after.size) <= abs(before.size)
        and after.average_price == before.average_price
    )
