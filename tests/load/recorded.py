"""The same facts for everybody: hub records as they come from the wire, recorded at the exchange.

One account's cycle (two resting orders placed and withdrawn, a position opened and closed) is traded once
at the simulated exchange, in the order and with the echoes ProjectX sends; for every other account the
record says another account id. A cycle leaves the account flat, so cycle follows on cycle.
"""

import random
from collections.abc import Iterator
from decimal import Decimal

from actors.simulator.contracts import catalogue
from actors.simulator.exchange import Exchange
from actors.simulator.ledger import Account, Ticket
from actors.simulator.wire import Push, encode
from messages.values import OrderType, Side
from tests.load.report import CONTRACT, NOON

MODEL = 9_999_999_999
"""The account whose cycle is recorded; no other number in a record is like it."""
PRICE = Decimal(26100)
_MODEL = str(MODEL).encode()


def invocation(target: str, *arguments: object) -> bytes:
    """Return a hub's call as it is framed, without the end of the record."""
    return encode({"type": 1, "target": target, "arguments": list(arguments)})


def pushed(push: Push) -> bytes:
    """Return a user hub's record."""
    return invocation(push.target, {"action": push.action, "data": push.data})


class Recording:
    """Cycles of trading for many accounts."""

    def __init__(self, accounts: range) -> None:
        self._accounts = list(accounts)
        self._random = random.Random(6)  # noqa: S311 - the same for everybody
        self._exchange = Exchange(catalogue(NOON.date()))
        self._exchange.accounts[MODEL] = Account(MODEL, "model", "load", Decimal(50_000))
        self._exchange.move(CONTRACT, (PRICE, PRICE, PRICE), NOON)

    def cycle(self) -> list[bytes]:
        """Return the next cycle of every account: each step of all, in a new order, then the next."""
        records = []
        for raw in self._model_cycle():
            before, *rest = raw.split(_MODEL)
            self._random.shuffle(self._accounts)
            for account in self._accounts:
                number = str(account).encode()
                records.append(number.join([before, *rest]))
        return records

    def _model_cycle(self) -> Iterator[bytes]:
        exchange = self._exchange
        for limit in (PRICE - 100, PRICE - 200):
            ticket = Ticket(CONTRACT, OrderType.LIMIT, Side.BUY, 1, limit_price=limit)
            order, pushes = exchange.place(MODEL, ticket, NOON)
            pushes += exchange.cancel(MODEL, order.id, NOON)
            yield from map(pushed, pushes)
        yield from map(pushed, self._trade(Side.BUY))
        yield from map(pushed, self._trade(Side.SELL))

    def _trade(self, side: Side) -> list[Push]:
        ticket = Ticket(CONTRACT, OrderType.MARKET, side, 1)
        return self._exchange.place(MODEL, ticket, NOON)[1]


def quotes(count: int) -> list[bytes]:
    """Return so many quotes around the price, as the market hub sends them."""
    tick = Decimal("0.25")
    records = []
    for number in range(count):
        last = PRICE + tick * (number % 40)
        quote = {"lastPrice": last, "bestBid": last - tick, "bestAsk": last, "lastUpdated": NOON}
        records.append(invocation("GatewayQuote", CONTRACT, quote))
    return records
