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

_SIDES = ("last", "bid", "ask")
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
    _doubted: dict[int, Quote] = field(default_factory=dict)
    """The latest doubted quote by direction: up, down, crossed."""
    _off_market: Decimal | None = None
    """A last trade the bid and ask did not follow; the stream repeats it until the next trade."""
    _doubts: int = 0

    def hear(self, quote: Quote) -> Heard:
        """Judge the next quote."""
        if not self.check.confirm_within_s:
            return Heard(quote)
        if self._off_market is not None:
            quote = self._without_off_market(quote)
        directions = self._directions(quote)
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
        self._believed |= _prices(quote)
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
        prices = _prices(quote)
        found: dict[int, tuple[str, ...]] = {}
        for side, price in prices.items():
            if direction := self._beyond(price, *self._around(side, quote)):
                found[direction] = (*found.get(direction, ()), side)
        if _crossed(prices) and not _crossed(self._believed):
            found[_CROSSED] = ("bid", "ask")
        return found

    def _around(self, side: str, quote: Quote) -> tuple[Decimal | None, Decimal | None]:
        """Return between what a side is plausible: what was believed; a first trade, its own book."""
        if side in self._believed:
            return self._believed[side], self._believed[side]
        return (quote.bid, quote.ask) if side == "last" else (None, None)

    def _beyond(self, price: Decimal, low: Decimal | None, high: Decimal | None) -> int:
        """Return -1 or 1 where a price is beyond the band, else 0."""
        share = self.check.max_jump_percent / 100
        if low is not None and low - price > abs(low) * share:
            return -1
        return int(high is not None and price - high > abs(high) * share)

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
        last = self._believed.get("last")
        if last is None or quote.bid is None or quote.ask is None:
            return False
        if self._directions(replace(quote, last=last)):
            return False
        return not self._beyond(last, min(quote.bid, quote.ask), max(quote.bid, quote.ask))


def _prices(quote: Quote) -> dict[str, Decimal]:
    sides = {side: getattr(quote, side) for side in _SIDES}
    return {side: price for side, price in sides.items() if price is not None}


def _crossed(prices: dict[str, Decimal]) -> bool:
    return "bid" in prices and "ask" in prices and prices["bid"] > prices["ask"]
