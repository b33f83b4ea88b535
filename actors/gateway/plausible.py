"""Which quotes are believed at once, and which must be confirmed first: one bad print closes nothing.

Pure; used by the QuoteActor, once per contract for all its holders. A quote is doubted that jumps further
than the band from what was believed before, whose bid is suddenly above its ask, or whose first last
trade is off its own bid and ask. What comes next ends the doubt: a quote back within the band drops the
doubted one; one that is off the same way, and says more than the doubted one, confirms it. If neither
comes before the bound, everything doubted counts, in the order it came: unknown is never safe.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from msgspec.structs import replace

from messages.values import Quote

_CROSSED = 0


class QuoteCheck(NamedTuple):
    """How far a quote may jump, and how long one that jumps further may be held back."""

    max_jump_percent: Decimal
    """A side that moves further than this from what was believed is doubted."""
    confirm_within_s: float
    """Seconds until what is doubted counts all the same; 0 = nothing is ever doubted."""


class Heard(NamedTuple):
    """What becomes of a quote."""

    believed: Quote | None
    """What the holders are to be told now, if anything."""
    doubt: int | None = None
    """Number of the doubt that begins with this quote: its bound begins to run."""
    dropped: tuple[Quote, ...] = ()
    """What was doubted and turns out to be nothing."""


@dataclass(slots=True)
class Credence:
    """What is believed and what is doubted of one contract."""

    check: QuoteCheck
    _believed: dict[str, Decimal] = field(default_factory=dict)
    """The latest believed price by side."""
    _bands: dict[str, tuple[Decimal, Decimal]] = field(default_factory=dict)
    """Between what each side is plausible."""
    _crossed: bool = False
    """The believed bid is above the believed ask."""
    _doubted: dict[int, Quote] = field(default_factory=dict)
    """The latest doubted quote by direction: up, down, crossed."""
    _off_market: Decimal | None = None
    """A last trade the bid and ask did not follow; the stream repeats it until the next trade."""
    _doubts: int = 0
    _share: Decimal = field(init=False)
    """How far a side may jump, as a share of its price."""

    def __post_init__(self) -> None:
        self._share = self.check.max_jump_percent / 100

    @property
    def pending(self) -> int | None:
        """Return the number of the doubt whose bound is running; None = nothing is doubted."""
        return self._doubts if self._doubted else None

    def hear(self, quote: Quote) -> Heard:
        """Judge the next quote."""
        if not self.check.confirm_within_s:
            return Heard(quote)
        if self._off_market is not None:
            quote = self._without_off_market(quote)
        directions = self._directions(quote)
        if quote.last is quote.bid is quote.ask is None:
            # As the first one after a loss may be: it bears nothing out, and ends no doubt.
            return Heard(quote)
        if not directions:
            return self._believe(quote, dropped=tuple(self._doubted.values()))
        if any(self._confirms(quote, each, sides) for each, sides in directions.items()):
            return self._believe(quote)
        if self._is_repeated_off_market(quote):
            self._off_market = quote.last
            quote = self._without_off_market(quote)
            return self._believe(quote, dropped=tuple(self._doubted.values()))
        return self._doubt(quote, directions)

    def overdue(self, doubt: int) -> tuple[Quote, ...]:
        """Return what counts unconfirmed, the latest last, now that the bound of this doubt is over."""
        if doubt != self._doubts:
            return ()
        doubted = sorted(
            {id(each): each for each in self._doubted.values()}.values(), key=lambda each: each.at
        )
        for each in doubted:
            self._believe(each)
        return tuple(doubted)

    def _believe(self, quote: Quote, dropped: tuple[Quote, ...] = ()) -> Heard:
        for side, price in (("last", quote.last), ("bid", quote.bid), ("ask", quote.ask)):
            if price is not None and price != self._believed.get(side):
                width = abs(price) * self._share
                self._believed[side] = price
                self._bands[side] = price - width, price + width
        self._crossed = _is_crossed(self._believed.get("bid"), self._believed.get("ask"))
        self._doubted = {}
        return Heard(quote, dropped=dropped)

    def _doubt(self, quote: Quote, directions: dict[int, tuple[str, ...]]) -> Heard:
        begins = not self._doubted
        for direction in directions:
            self._doubted.pop(direction, None)
            self._doubted[direction] = quote
        self._doubts += begins
        return Heard(None, doubt=self._doubts if begins else None)

    def _confirms(self, quote: Quote, direction: int, sides: tuple[str, ...]) -> bool:
        """Say whether a quote that is off this way says more than one that was before it.

        A price that is merely the same may have been carried on by the stream, which tells only what
        changes.
        """
        before = self._doubted.get(direction)
        return before is not None and any(
            getattr(quote, side) != getattr(before, side) for side in sides
        )

    def _directions(self, quote: Quote) -> dict[int, tuple[str, ...]]:
        """Return in which directions a quote is implausible, and by which sides."""
        found: dict[int, tuple[str, ...]] = {}
        for side, price in (("last", quote.last), ("bid", quote.bid), ("ask", quote.ask)):
            band = self._bands.get(side)
            if band is None and side == "last":
                band = self._book(quote)  # a first trade is measured by its own bid and ask
            if band is None or price is None or band[0] <= price <= band[1]:
                continue
            direction = 1 if price > band[1] else -1
            found[direction] = (*found.get(direction, ()), side)
        if not self._crossed and _is_crossed(quote.bid, quote.ask):
            found[_CROSSED] = ("bid", "ask")
        return found

    def _book(self, quote: Quote) -> tuple[Decimal, Decimal] | None:
        """Return between what a last trade agrees with a bid and ask, where both are known."""
        if quote.bid is None or quote.ask is None:
            return None
        low, high = min(quote.bid, quote.ask), max(quote.bid, quote.ask)
        return low - abs(low) * self._share, high + abs(high) * self._share

    def _is_repeated_off_market(self, quote: Quote) -> bool:
        """Say whether a book that moved, and stays where it was, gives the lie to a last trade."""
        repeated = any(
            each.last == quote.last and (each.bid, each.ask) != (quote.bid, quote.ask)
            for each in self._doubted.values()
        )
        return repeated and self._follows_the_book(quote)

    def _without_off_market(self, quote: Quote) -> Quote:
        """Put the last trade believed in the place of one off the market, while the book agrees."""
        if quote.last == self._off_market and self._follows_the_book(quote):
            return replace(quote, last=self._believed["last"])
        self._off_market = None
        return quote

    def _follows_the_book(self, quote: Quote) -> bool:
        """Say whether bid and ask, both known and plausible, are around the last trade believed."""
        last, book = self._believed.get("last"), self._book(quote)
        if last is None or book is None or self._directions(replace(quote, last=last)):
            return False
        return book[0] <= last <= book[1]


def _is_crossed(bid: Decimal | None, ask: Decimal | None) -> bool:
    return bid is not None and ask is not None and bid > ask
