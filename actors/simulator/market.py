"""Prices of the simulated exchange: the latest trade, bid and ask of each contract.

Returns what changed as the sparse GatewayQuote delta a client must merge, and keeps per contract whether
it trades and how much one fill may take. Pure: instants are passed in, nothing is pushed from here.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from actors.simulator.contracts import ContractSpec
from messages.values import Side


@dataclass(slots=True)
class Listing:
    """The market in one contract."""

    spec: ContractSpec
    open: bool = True
    liquidity: int | None = None
    """Contracts that may still be filled; None = any number."""
    quoted: bool = False
    volume: int = 0
    sides: dict[str, Decimal] = field(default_factory=dict)
    """`lastPrice`, `bestBid`, `bestAsk`, `open`, `high`, `low`, `change` once quoted."""

    @property
    def last(self) -> Decimal:
        """Return the last trade price, or the product's reference before the first."""
        return self.sides.get("lastPrice", self.spec.product.reference)

    def price(self, side: Side) -> Decimal:
        """Return what a market order of that side is filled at: the ask for a buy, the bid for a sell."""
        return self.sides.get("bestAsk" if side is Side.BUY else "bestBid", self.last)

    def update(self, last: Decimal, bid: Decimal, ask: Decimal) -> dict[str, Any]:
        """Set the three prices and return the fields that changed."""
        first = self.sides.get("open", last)
        new = {
            "lastPrice": last,
            "bestBid": bid,
            "bestAsk": ask,
            "change": last - first,
            "open": first,
            "high": max(last, self.sides.get("high", last)),
            "low": min(last, self.sides.get("low", last)),
        }
        changed = {key: value for key, value in new.items() if self.sides.get(key) != value}
        self.sides = new
        self.quoted = True
        self.volume += 1
        return changed


class Market:
    """All listings, by contract id."""

    def __init__(self, contracts: dict[str, ContractSpec]) -> None:
        self.contracts = contracts
        self._listings: dict[str, Listing] = {}
        self._all_open = True

    def listing(self, contract: str) -> Listing:
        """Return the market in a listed contract.

        Raises:
            KeyError: no such contract.
        """
        listing = self._listings.get(contract)
        if listing is None:
            listing = self._listings[contract] = Listing(self.contracts[contract])
        return listing

    def is_open(self, contract: str) -> bool:
        """Say whether the contract trades now."""
        return self._all_open and self.listing(contract).open

    def set_open(self, contract: str | None, is_open: bool) -> None:
        """Open or halt one contract, or with None the whole exchange (opening all ends single halts)."""
        if contract is not None:
            self.listing(contract).open = is_open
            return
        self._all_open = is_open
        for listing in self._listings.values():
            listing.open |= is_open

    def quote(self, contract: str, changed: dict[str, Any], at: datetime) -> dict[str, Any]:
        """Return a GatewayQuote: the symbol, the given fields, the volume and the time."""
        listing = self.listing(contract)
        stamp = {"volume": listing.volume, "lastUpdated": at, "timestamp": at}
        return {"symbol": listing.spec.symbol_id, **changed, **stamp}
