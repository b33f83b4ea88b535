"""A seeded random walk of prices: the same seed gives the same market, tick by tick. Pure."""

import random
from collections.abc import Iterator
from decimal import Decimal


def walk(start: Decimal, tick: Decimal, seed: int, max_ticks: int = 4) -> Iterator[Decimal]:
    """Yield prices for ever, each up to `max_ticks` ticks from the last, never below one tick."""
    source = random.Random(seed)  # noqa: S311 - a reproducible market, not a secret
    price = start
    while True:
        price = max(tick, price + source.randint(-max_ticks, max_ticks) * tick)
        yield price
