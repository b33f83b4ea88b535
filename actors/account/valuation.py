"""What an open position is worth: (mark - average price) x signed size x value per point.

Pure. What cannot be valued is None, never zero: no contract record, no quote, or only the wrong side
of one.
"""

from decimal import Decimal

from messages.values import Contract, Position, PriceKind, Quote


def mark_price(quote: Quote, size: int, *, conservative: bool) -> Decimal | None:
    """Return the price a position is valued at: the last trade, or the side it would close on."""
    return quote.price(mark_kind(size, conservative=conservative))


def mark_kind(size: int, *, conservative: bool) -> PriceKind:
    """Return which price of a quote values a position of that size."""
    if not conservative:
        return PriceKind.LAST
    return PriceKind.BID if size > 0 else PriceKind.ASK


def open_pnl_usd(position: Position, contract: Contract, mark: Decimal) -> Decimal:
    """Return the open P&L in dollars; shorts gain when the mark falls."""
    points = mark - position.average_price
    return points * position.size * contract.value_per_point_usd
