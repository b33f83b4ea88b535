"""How far the quotes of a contract went since a moment: kept once, for all accounts that trail in it.

Written by the QuoteActor alone, read by any thread without a lock: what is published is a chain that
never changes, each quote in front of the earlier ones that went further. A quote drops those it has
reached, so a chain holds no price twice, and a look back costs as many steps as there are such quotes.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from messages.values import PriceKind, Quote

_SIDES = (
    (PriceKind.LAST, True),
    (PriceKind.LAST, False),
    (PriceKind.BID, True),
    (PriceKind.ASK, False),
)
"""A long is valued by the last price or the bid, and its best is the highest; a short's is the lowest."""

type _Key = tuple[str, PriceKind, bool]


class _Peak(NamedTuple):
    """A quote that no later one has reached."""

    number: int
    """Which quote it was, counted over all contracts."""
    price: Decimal
    """Its price."""
    earlier: "_Peak | None"
    """The next one before it that went further."""


@dataclass(slots=True)
class Peaks:
    """Those of every contract that is held."""

    count: int = 0
    """How many quotes were noted so far, of all contracts; never begins anew."""
    _heads: dict[_Key, _Peak] = field(default_factory=dict)
    _noted: dict[str, Quote] = field(default_factory=dict)
    """The last one of each contract: a QuoteActor tells those of its predecessor again."""

    def note(self, quote: Quote) -> None:
        """Take a quote as it is told; the same one again is none of now."""
        if self._noted.get(quote.contract) is quote:
            return
        self._noted[quote.contract] = quote
        number = self.count + 1
        for kind, highest in _SIDES:
            price = quote.price(kind)
            if price is not None:
                key = (quote.contract, kind, highest)
                before = self._heads.get(key)
                while before is not None and not _further(before.price, price, highest=highest):
                    before = before.earlier
                self._heads[key] = _Peak(number, price, before)
        self.count = number  # last: who has read it finds everything up to it

    def forget(self, contract: str) -> None:
        """Let go of a contract nobody holds any more."""
        self._noted.pop(contract, None)
        for kind, highest in _SIDES:
            self._heads.pop((contract, kind, highest), None)

    def best(self, contract: str, kind: PriceKind, *, highest: bool, since: int) -> Decimal | None:
        """Return the furthest price after so many quotes had been noted; None where there is none."""
        found: Decimal | None = None
        peak = self._heads.get((contract, kind, highest))
        while peak is not None and peak.number > since:
            found, peak = peak.price, peak.earlier
        return found


def _further(one: Decimal, other: Decimal, *, highest: bool) -> bool:
    return one > other if highest else one < other
