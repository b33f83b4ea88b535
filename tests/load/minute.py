"""A news minute, record by record: what one login's two hubs push while everybody holds something.

Twenty contracts quoted 200 times a second each, and 1,000 user records a second beside them: so four
quotes to one record of orders, fills, positions and account echoes. Every account holds one contract:
half of them the same one, the others share the rest. Prices walk freely by a tick. Nobody breaks a rule.
"""

import random
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from typing import NamedTuple

from tests.load.lean_broker import PRICE
from tests.load.recorded import Recording, invocation
from tests.load.report import CONTRACT, NOON

CONTRACTS = (CONTRACT, *(f"CON.F.US.X{number:02}.Z25" for number in range(1, 20)))
TICK = Decimal("0.25")
_FACTS = 5
"""User records to one quote of each contract."""


class Record(NamedTuple):
    """What comes from the wire."""

    quote: bool
    """From the market hub, not from the user hub."""
    raw: bytes


type Beat = list[Record]
"""One quote of each contract, and the user records beside them: 5 ms of the minute."""


class Minute:
    """The same for everybody: seeded, and everything is decided before anything is seen."""

    def __init__(self, accounts: range) -> None:
        half = len(accounts) // 2
        others = CONTRACTS[1:]
        self.holdings = dict.fromkeys(accounts[:half], CONTRACT) | {
            account: others[number % len(others)] for number, account in enumerate(accounts[half:])
        }
        """What each account holds all the time; the second half trades beside it."""
        self._random = random.Random(9)  # noqa: S311 - the same every time
        self._prices = dict.fromkeys(CONTRACTS, PRICE)
        self._facts = self._trading(Recording(accounts[half:]))

    def beats(self, count: int) -> list[Beat]:
        """Return the next so many beats."""
        return [self._beat() for _ in range(count)]

    def _beat(self) -> Beat:
        beat = [Record(quote=True, raw=self._quote(contract)) for contract in CONTRACTS]
        beat += [Record(quote=False, raw=raw) for raw in islice(self._facts, _FACTS)]
        self._random.shuffle(beat)
        return beat

    def _quote(self, contract: str) -> bytes:
        last = self._prices[contract] + TICK * self._random.choice((-1, 0, 0, 1))
        self._prices[contract] = last
        quote = {"lastPrice": last, "bestBid": last - TICK, "bestAsk": last, "lastUpdated": NOON}
        return invocation("GatewayQuote", contract, quote)

    @staticmethod
    def _trading(recording: Recording) -> Iterator[bytes]:
        while True:
            yield from recording.cycle()
