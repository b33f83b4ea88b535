"""Quotes of what an account holds, and how old they may be.

Pure. A missing or old quote never counts as zero: the position is not valued, and after the limit the
contract is named as stale until a fresh quote comes.
"""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from actors.account.valuation import mark_price, open_pnl_usd
from messages.values import Contract, Position, Quote

_A_LITTLE_S = 0.05
"""A quote of exactly the limit's age still counts: it is looked at when that is over."""


@dataclass(slots=True)
class Marks:
    """Latest quotes by contract, with what is needed to judge their age."""

    max_age_s: float
    conservative: bool
    _quotes: dict[str, Quote] = field(default_factory=dict)
    _since: dict[str, datetime] = field(default_factory=dict)
    """When a contract was first held: until then it cannot be stale."""

    def hold(self, contracts: frozenset[str], now: datetime) -> bool:
        """Note what is held now; return whether that changed."""
        if contracts == self._since.keys():
            return False
        self._since = {name: self._since.get(name, now) for name in contracts}
        self._quotes = {name: quote for name, quote in self._quotes.items() if name in contracts}
        return True

    def note(self, quote: Quote) -> None:
        """Take the latest quote of a contract that is held."""
        if quote.contract in self._since:
            self._quotes[quote.contract] = quote

    def stale(
        self, now: datetime, records: Container[str], held: Mapping[str, Position]
    ) -> tuple[str, ...]:
        """Return the held contracts that could not be valued for longer than the limit.

        Args:
            now: The present.
            records: Contracts whose record is known; without it a quote values nothing.
            held: The positions; a quote without the side that values one is none.
        """
        ages = self._ages(now, records, held)
        return tuple(sorted(name for name, age in ages.items() if age > self.max_age_s))

    def look_in_s(
        self, now: datetime, records: Container[str], held: Mapping[str, Position]
    ) -> float:
        """Return after how many seconds a contract may be stale next, should no quote come."""
        left = self.max_age_s - max(self._ages(now, records, held).values(), default=0.0)
        return left + _A_LITTLE_S if left > 0 else self.max_age_s

    def _ages(
        self, now: datetime, records: Container[str], held: Mapping[str, Position]
    ) -> dict[str, float]:
        """Return since how many seconds each contract was not valued, by contract."""
        return {
            name: (now - self._valued_at(position, now, described=name in records)).total_seconds()
            for name, position in held.items()
        }

    def _valued_at(self, position: Position, now: datetime, *, described: bool) -> datetime:
        since, quote = self._since.get(position.contract, now), self._quotes.get(position.contract)
        if not described or quote is None or self._price(quote, position) is None:
            return since
        return max(since, quote.at)

    def mark(self, position: Position, now: datetime) -> Decimal | None:
        """Return the fresh price a position is valued at, or None where there is none."""
        quote = self._quotes.get(position.contract)
        if quote is None or now - quote.at > timedelta(seconds=self.max_age_s):
            return None
        return self._price(quote, position)

    def last_price(self, contract: str) -> Decimal | None:
        """Return the last trade price seen of a contract, however old: a measure, no valuation."""
        quote = self._quotes.get(contract)
        return quote.last if quote else None

    def _price(self, quote: Quote, position: Position) -> Decimal | None:
        return mark_price(quote, position.size, conservative=self.conservative)

    def pnl_usd(
        self, position: Position, contract: Contract | None, now: datetime
    ) -> Decimal | None:
        """Return a position's open P&L in dollars, or None where it cannot be valued."""
        mark = self.mark(position, now)
        if contract is None or mark is None:
            return None
        return open_pnl_usd(position, contract, mark)
