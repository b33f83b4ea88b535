"""What an open position is worth: (mark - average price) x signed size x value per point.

Pure. What cannot be valued is None, never zero: no contract record, no quote, or only the wrong side
of one.
"""

from decimal import Decimal

from messages.values import Contract, Position, Quote


def mark_price(quote: Quote, size: int, *, conservative: bool) -> Decimal | None:
    """Return the price a position is valued at: the last trade, or the side it would close on."""
    if not conservative:
        return quote.last
    return quote.bid if size > 0 else quote.ask


def open_pnl_usd(position: Position, contract: Contract, mark: Decimal) -> Decimal:
    """Return the open P&L in dollars; shorts gain when the mark falls."""
    points = mark - position.average_price
    return points * position.size * contract.value_per_point_usd
