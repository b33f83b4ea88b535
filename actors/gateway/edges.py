"""The bands of one contract, ordered by their edges: which of them does a quote leave?

Pure. A quote costs a look at the nearest edge of each side, whatever the number of accounts, and O(log n)
for each band it leaves. A band that is left is forgotten: until the account sets it anew it is not known
what it need not hear of. Edges of bands that are no longer in force stay in the heaps until they come up,
or until they are the greater part.
"""

import heapq
from dataclasses import dataclass, field
from decimal import Decimal

from messages.values import Band, PriceKind, Quote

type Entry = tuple[Decimal, int, int]
"""The edge (lower ones negated, for a heap gives the least first), the band's number, the account."""

_FEW = 64
"""So many edges out of force are never worth clearing away."""


@dataclass(slots=True)
class _Kind:
    """The bands that are about one price of the quote."""

    accounts: set[int] = field(default_factory=set)
    lows: list[Entry] = field(default_factory=list)
    highs: list[Entry] = field(default_factory=list)


@dataclass(slots=True)
class Edges:
    """The bands of one contract's holders."""

    _bands: dict[int, tuple[int, Band]] = field(default_factory=dict)
    """By account, with the number that tells its edges from those of its earlier bands."""
    _kinds: dict[PriceKind, _Kind] = field(default_factory=dict)
    _count: int = 0

    def band(self, account: int) -> Band | None:
        """Return an account's band; None = it hears every quote."""
        numbered = self._bands.get(account)
        return numbered[1] if numbered else None

    def put(self, account: int, band: Band) -> None:
        """Set an account's band in place of an earlier one."""
        self.drop(account)
        self._count += 1
        self._bands[account] = (self._count, band)
        kind = self._kinds.setdefault(band.price, _Kind())
        kind.accounts.add(account)
        if band.low is not None:
            heapq.heappush(kind.lows, (band.low.copy_negate(), self._count, account))
        if band.high is not None:
            heapq.heappush(kind.highs, (band.high, self._count, account))
        self._clear(kind)

    def drop(self, account: int) -> None:
        """Forget an account's band, if it has one."""
        if numbered := self._bands.pop(account, None):
            kind = self._kinds[numbered[1].price]
            kind.accounts.discard(account)
            self._clear(kind)

    def left_by(self, quote: Quote) -> list[int]:
        """Return the accounts whose band a quote leaves, and forget these bands."""
        left: list[int] = []
        for name, kind in self._kinds.items():
            price = quote.price(name)
            if price is None:  # it values nothing that is valued by this price
                left += [*kind.accounts]
                for account in [*kind.accounts]:
                    self.drop(account)
            else:
                left += self._beyond(kind.lows, price.copy_negate())
                left += self._beyond(kind.highs, price)
        return left

    def _beyond(self, heap: list[Entry], price: Decimal) -> list[int]:
        """Take the edges off a heap that a price has reached, and forget their bands; return whose."""
        found: list[int] = []
        while heap and heap[0][0] <= price:
            _, number, account = heapq.heappop(heap)
            if self._in_force(number, account):
                self.drop(account)
                found.append(account)
        return found

    def _in_force(self, number: int, account: int) -> bool:
        numbered = self._bands.get(account)
        return numbered is not None and numbered[0] == number

    def _clear(self, kind: _Kind) -> None:
        for heap in (kind.lows, kind.highs):
            if len(heap) > 2 * len(kind.accounts) + _FEW:
                heap[:] = [each for each in heap if self._in_force(each[1], each[2])]
                heapq.heapify(heap)
