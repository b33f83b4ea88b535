"""The most favourable mark of each position since it was opened or scaled in, for trailing stops.

Pure. A position that grew, turned around or was opened anew (its average price tells, even if the stream
did not) starts anew from the present; a reduction keeps what it had. This is of the moment and not in the
journal: after a restart it starts anew as well. Nothing is lost by that, for a stop at the broker stays
where it is and is never loosened; it only trails again from the present on.

While a rule that trails is in force every new best mark is told (see `bands.py`); without one an account
hears of few, so a reload that turns trailing on trails from what was heard, as after a restart.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from messages.values import Position


@dataclass(slots=True)
class Extremes:
    """Best marks by contract."""

    _held: dict[str, Position] = field(default_factory=dict)
    _best: dict[str, Decimal] = field(default_factory=dict)

    def hold(self, positions: Mapping[str, Position]) -> None:
        """Note what is held now, and forget the best marks of what is not the same position."""
        for contract, before in self._held.items():
            after = positions.get(contract)
            if after is None or not _goes_on(before, after):
                self._best.pop(contract, None)
        self._held = dict(positions)

    def mark(self, position: Position, mark: Decimal) -> None:
        """Take a fresh mark of a position that is held."""
        best = self._best.get(position.contract, mark)
        better = max if position.size > 0 else min
        self._best[position.contract] = better(best, mark)

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
