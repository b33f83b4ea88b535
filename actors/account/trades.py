"""The trades that windows count: filled orders of the trading day and of the hour before now.

Pure. The partial fills of an order are one trade, at its first fill's time; voided fills do not count.
The tuple a view shows is made when a fill is booked, not when a view is: views are made with every fact.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from messages.values import Fill, OrderTrade

LONGEST_WINDOW = timedelta(hours=1)
"""How far a window reaches back over the daily reset."""


class _Part(NamedTuple):
    at: datetime
    closing: bool
    under_lock: bool


@dataclass(slots=True)
class Trades:
    """Filled orders, by order."""

    _earlier: dict[int, OrderTrade] = field(default_factory=dict)
    """Those of the day before that the last hour may still hold."""
    _parts: dict[int, dict[int, _Part]] = field(default_factory=dict)
    """Today's fills by order and trade id."""
    _today: dict[int, OrderTrade] = field(default_factory=dict)
    _ordered: tuple[OrderTrade, ...] = ()
    _shown: tuple[OrderTrade, ...] = ()
    _ages_at: datetime | None = None
    """When the first of those shown drops out; None = not before the next reset."""

    def book(self, fill: Fill, *, under_lock: bool) -> None:
        """Count a fill of today."""
        part = _Part(fill.executed_at, fill.profit_and_loss_usd is not None, under_lock)
        self._parts.setdefault(fill.order_id, {})[fill.trade_id] = part
        self._put_together(fill.order_id)

    def void(self, fill: Fill) -> None:
        """Take a fill of today out again."""
        self._parts.get(fill.order_id, {}).pop(fill.trade_id, None)
        self._put_together(fill.order_id)

    def correct(self, fill: Fill) -> None:
        """Note what a fill of today closed, should that be told behind it."""
        parts = self._parts.get(fill.order_id, {})
        part = parts.get(fill.trade_id)
        if part is not None and fill.profit_and_loss_usd is not None and not part.closing:
            parts[fill.trade_id] = part._replace(closing=True)
            self._put_together(fill.order_id)

    def recall(self, fill: Fill) -> None:
        """Count a fill of the day before that was learned of late; an order counts once."""
        if not fill.voided and fill.order_id not in self._earlier:
            closing = fill.profit_and_loss_usd is not None
            trade = OrderTrade(order_id=fill.order_id, at=fill.executed_at, closing=closing)
            self._earlier[fill.order_id] = trade
            self._order()

    def reset(self, recent: Iterable[OrderTrade]) -> None:
        """Begin a new trading day; what is recent is carried over, the rest is forgotten."""
        self._earlier = {each.order_id: each for each in recent}
        self._parts.clear()
        self._today.clear()
        self._order()

    def recent(self, now: datetime) -> tuple[OrderTrade, ...]:
        """Return those of the hour before now."""
        return self._ordered[_first_after(self._ordered, now - LONGEST_WINDOW) :]

    def shown(self, now: datetime) -> tuple[OrderTrade, ...]:
        """Return those of the trading day and of the hour before now, by time."""
        if self._ages_at is not None and now >= self._ages_at:
            self._age(now)
        return self._shown

    def _put_together(self, order_id: int) -> None:
        if parts := self._parts.get(order_id):
            self._today[order_id] = _together(order_id, parts, self._earlier.get(order_id))
        else:
            self._parts.pop(order_id, None)
            self._today.pop(order_id, None)
        self._order()

    def _order(self) -> None:
        together = (self._earlier | self._today).values()
        self._ordered = tuple(sorted(together, key=lambda each: each.at))
        self._shown = self._ordered
        self._ages_at = _first_to_age(self._earlier.values())

    def _age(self, now: datetime) -> None:
        old = {key for key, each in self._earlier.items() if each.at + LONGEST_WINDOW <= now}
        self._shown = tuple(each for each in self._ordered if each.order_id not in old)
        self._ages_at = _first_to_age(each for key, each in self._earlier.items() if key not in old)


def _first_to_age(trades: Iterable[OrderTrade]) -> datetime | None:
    return min((each.at + LONGEST_WINDOW for each in trades), default=None)


def _together(order_id: int, parts: Mapping[int, _Part], before: OrderTrade | None) -> OrderTrade:
    """Return an order's fills as one trade, at the time of the first."""
    first = min(parts.values())
    closing = any(part.closing for part in parts.values())
    if before is not None:
        closing = closing or before.closing
        first = _Part(before.at, closing, before.under_lock)
    return OrderTrade(order_id=order_id, at=first.at, closing=closing, under_lock=first.under_lock)


def _first_after(trades: tuple[OrderTrade, ...], instant: datetime) -> int:
    return bisect_right(trades, instant, key=lambda each: each.at)
