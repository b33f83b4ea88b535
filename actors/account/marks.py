"""Quotes of what an account holds, and how old they may be.

Pure. A missing or old quote never counts as zero: the position is not valued, and after the limit the
contract is named as stale until a fresh quote comes.
"""

from collections.abc import Container
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from actors.account.valuation import mark_price, open_pnl_usd
from messages.values import Contract, Position, Quote


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

    def stale(self, now: datetime, records: Container[str]) -> tuple[str, ...]:
        """Return the held contracts that could not be valued for longer than the limit.

        Args:
            now: The present.
            records: Contracts whose record is known; without it a quote values nothing.
        """
        limit = timedelta(seconds=self.max_age_s)
        return tuple(
            sorted(
                name
                for name, since in self._since.items()
                if now - (self._quoted_at(name, since) if name in records else since) > limit
            )
        )

    def _quoted_at(self, name: str, since: datetime) -> datetime:
        quote = self._quotes.get(name)
        return since if quote is None else max(since, quote.at)

    def pnl_usd(
        self, position: Position, contract: Contract | None, now: datetime
    ) -> Decimal | None:
        """Return a position's open P&L in dollars, or None where it cannot be valued."""
        quote = self._quotes.get(position.contract)
        if contract is None or quote is None:
            return None
        if now - quote.at > timedelta(seconds=self.max_age_s):
            return None
        mark = mark_price(quote, position.size, conservative=self.conservative)
        return None if mark is None else open_pnl_usd(position, contract, mark)
