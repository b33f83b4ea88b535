"""How a rule says within what prices may move without its finding anything new.

Pure. A rule that listens to quotes gives these terms for the present picture (`Rule.quiet`); a rule that
cannot say it sees every quote. All of its terms hold together. `actors/account/bands.py` makes a band of
prices per contract of the terms of all rules of an account.
"""

from decimal import Decimal
from typing import NamedTuple


class Loss(NamedTuple):
    """Nothing new while some contracts together lose less than an amount, from their marks now."""

    contracts: tuple[str, ...]
    """Contract ids; what others gain or lose does not count."""
    usd: Decimal
    """Dollars; nothing is left of it at 0 or less."""


class Gain(NamedTuple):
    """Nothing new while one contract gains less than an amount, from its mark now."""

    contract: str
    """Contract id."""
    usd: Decimal
    """Dollars; nothing is left of it at 0 or less."""


class Within(NamedTuple):
    """Nothing new while the mark of one contract lies between two prices, both left out."""

    contract: str
    """Contract id."""
    low: Decimal | None
    """None = however low."""
    high: Decimal | None
    """None = however high."""


type Term = Loss | Gain | Within
type Quiet = tuple[Term, ...]
