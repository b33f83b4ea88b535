"""What is held when fills and positions are told one after the other: the position, and what it lacks.

Pure. As a rule a fill is told before the position that shows it; until that comes the fill is *unplaced*,
and what is held is the last position told plus the unplaced fills. So a fill of the very instant of an
intent counts. Should the position overtake its fill, the change is *unfilled* until the fill comes, which
then adds nothing; both come within some 25 ms.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from messages.values import Fill, Position, Side, SizeChange

_KEPT = 16
# Changes remembered per contract: many fills without a position mean a broker that tells none.
_TOGETHER = timedelta(seconds=2)
# A fill told later than so long after a position is not the one that had changed it.

type _Changes = dict[str, tuple[SizeChange, ...]]


@dataclass(slots=True)
class Unplaced:
    """Signed changes by contract, in order, that only a fill or only a position has told."""

    _fills: _Changes = field(default_factory=dict)
    _moves: _Changes = field(default_factory=dict)

    @classmethod
    def restored(cls, fills: Iterable[SizeChange], moves: Iterable[SizeChange]) -> "Unplaced":
        """Return what the journal held."""
        unplaced = cls()
        for fill in fills:
            _add(unplaced._fills, fill)
        for move in moves:
            _add(unplaced._moves, move)
        return unplaced

    @property
    def fills(self) -> tuple[SizeChange, ...]:
        """Return the fills that no position told so far includes."""
        return _all(self._fills)

    @property
    def moves(self) -> tuple[SizeChange, ...]:
        """Return the changes of positions whose fill has not been told."""
        return _all(self._moves)

    def __contains__(self, contract: str) -> bool:
        return contract in self._fills

    def __bool__(self) -> bool:
        return bool(self._fills)

    def filled(self, fill: Fill, at: datetime) -> None:
        """Note a fill, told at an instant, unless a position has shown it already."""
        signed = _signed(fill)
        if not self._shown(fill.contract, signed, at):
            _add(self._fills, SizeChange(contract=fill.contract, size=signed, at=at))

    def learned(self, fill: Fill, at: datetime) -> bool:
        """Note a fill that only a complete read has told; return whether a position had shown it."""
        return self._shown(fill.contract, _signed(fill), at)

    def voided(self, fill: Fill) -> None:
        """Take out a fill that the broker took back before any position showed it."""
        left = list(self._fills.get(fill.contract, ()))
        sizes = [each.size for each in left]
        if _signed(fill) in sizes:
            del left[sizes.index(_signed(fill))]
            _keep(self._fills, fill.contract, tuple(left))

    def placed(self, contract: str, before: int, now: int, at: datetime) -> None:
        """Take out the fills that a new position includes.

        Each fill is told before its position, so it includes the first at least. A position that no run
        of the first fills leads to knows better than they (a read was faster), and includes all; what it
        shows beyond them is unfilled.
        """
        fills, reached = self._fills.get(contract, ()), before
        for count, fill in enumerate(fills, start=1):
            reached += fill.size
            if reached == now:
                _keep(self._fills, contract, fills[count:])
                return
        self._fills.pop(contract, None)
        rest, move = now - reached, now - before
        if rest * move > 0 and abs(rest) <= abs(move):
            _add(self._moves, SizeChange(contract=contract, size=rest, at=at))

    def read(self, since: datetime) -> None:
        """Take out the fills told before a complete read was requested: it includes them."""
        for contract, fills in tuple(self._fills.items()):
            _keep(self._fills, contract, tuple(each for each in fills if each.at >= since))

    def size(self, contract: str) -> int:
        """Return what the unplaced fills of a contract will add to its position."""
        return sum(fill.size for fill in self._fills.get(contract, ()))

    def added_to(self, positions: Mapping[str, Position]) -> dict[str, int]:
        """Return what is held by contract, unplaced fills included; nothing flat."""
        names = positions.keys() | self._fills.keys()
        held = {
            name: (positions[name].size if name in positions else 0) + self.size(name)
            for name in names
        }
        return {name: size for name, size in held.items() if size}

    def _shown(self, contract: str, signed: int, at: datetime) -> bool:
        """Take a fill out of the changes that positions have shown; say whether it was there."""
        recent = [each for each in self._moves.get(contract, ()) if at - each.at <= _TOGETHER]
        for index, move in enumerate(recent):
            rest = move.size - signed
            if move.size * signed > 0 and rest * move.size >= 0:
                left = SizeChange(contract=contract, size=rest, at=move.at)
                recent[index : index + 1] = [left] if rest else []
                _keep(self._moves, contract, tuple(recent))
                return True
        _keep(self._moves, contract, tuple(recent))
        return False


def _signed(fill: Fill) -> int:
    return fill.size if fill.side is Side.BUY else -fill.size


def _add(changes: _Changes, change: SizeChange) -> None:
    changes[change.contract] = (*changes.get(change.contract, ()), change)[-_KEPT:]


def _keep(changes: _Changes, contract: str, left: tuple[SizeChange, ...]) -> None:
    if left:
        changes[contract] = left
    else:
        changes.pop(contract, None)


def _all(changes: _Changes) -> tuple[SizeChange, ...]:
    return tuple(change for each in changes.values() for change in each)
