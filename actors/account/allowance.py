"""What an account may hold under `no_new_exposure`: what it held at the intent, and never more again.

Pure. An allowance is a signed size per contract: it shrinks with every reduction, is gone once the
position is closed or turned round, and is nothing for a contract that was not held. A fill is told
before the position that shows it; until that comes the fill is *unplaced*, and what is held is the last
position told plus the unplaced fills. So a fill of the very instant of the intent stays.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from messages.values import Allowance, Fill, Position, Side

type Allowances = dict[str, int]

_KEPT = 16
# Unplaced fills remembered per contract: many without a position mean a broker that tells none.


def clipped(allowed: int, size: int) -> int:
    """Return how much of a size is allowed: never more than either, nothing on the other side."""
    if allowed * size <= 0:
        return 0
    return min(allowed, size) if allowed > 0 else max(allowed, size)


def ratcheted(allowances: Mapping[str, int], contract: str, size: int) -> Allowances:
    """Return the allowances after a contract is known to be held at a size."""
    left = clipped(allowances.get(contract, 0), size)
    others = {name: allowed for name, allowed in allowances.items() if name != contract}
    return others | ({contract: left} if left else {})


def journaled(allowances: Mapping[str, int]) -> tuple[Allowance, ...]:
    """Return the allowances as the journal holds them."""
    return tuple(Allowance(contract=name, size=size) for name, size in sorted(allowances.items()))


def restored(allowances: Iterable[Allowance]) -> Allowances:
    """Return the allowances the journal held."""
    return {each.contract: each.size for each in allowances}


@dataclass(slots=True)
class Unplaced:
    """Signed fills by contract, in order, that no position told so far includes."""

    _fills: dict[str, tuple[tuple[datetime, int], ...]] = field(default_factory=dict)

    def __contains__(self, contract: str) -> bool:
        return contract in self._fills

    def __bool__(self) -> bool:
        return bool(self._fills)

    def filled(self, fill: Fill, at: datetime) -> None:
        """Note a fill, told at an instant, whose position is still to come."""
        signed = fill.size if fill.side is Side.BUY else -fill.size
        self._fills[fill.contract] = (*self._fills.get(fill.contract, ()), (at, signed))[-_KEPT:]

    def placed(self, contract: str, before: int, now: int) -> None:
        """Take out the fills that a new position includes.

        Each fill is told before its position, so it includes the first at least. A position that no run
        of the first fills leads to knows better than they (a read was faster), and includes all.
        """
        fills, reached = self._fills.get(contract, ()), before
        for count, (_, signed) in enumerate(fills, start=1):
            reached += signed
            if reached == now:
                self._keep(contract, fills[count:])
                return
        self._fills.pop(contract, None)

    def read(self, since: datetime) -> None:
        """Take out the fills told before a complete read was requested: it includes them."""
        for contract, fills in tuple(self._fills.items()):
            self._keep(contract, tuple(each for each in fills if each[0] >= since))

    def size(self, contract: str) -> int:
        """Return what the unplaced fills of a contract will add to its position."""
        return sum(signed for _, signed in self._fills.get(contract, ()))

    def added_to(self, positions: Mapping[str, Position]) -> Allowances:
        """Return what is held by contract, unplaced fills included; nothing flat."""
        names = positions.keys() | self._fills.keys()
        held = {
            name: (positions[name].size if name in positions else 0) + self.size(name)
            for name in names
        }
        return {name: size for name, size in held.items() if size}

    def _keep(self, contract: str, fills: tuple[tuple[datetime, int], ...]) -> None:
        if fills:
            self._fills[contract] = fills
        else:
            self._fills.pop(contract, None)
