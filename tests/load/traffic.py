"""What will be pushed and when, worked out beforehand: so that pushing costs as little as it can.

The trading is done at the simulator's exchange ahead of time, in the order in which it will be told, and
what each step changed is kept beside its encoded pushes; then the accounts are put back to where they
were. When a step's moment comes its texts go out, and the broker's books take on what they say: whoever
reads them meanwhile reads the truth. Runs in the broker's process, before and while Lockstep runs.
"""

from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from itertools import cycle, islice

from actors.simulator.exchange import Exchange
from actors.simulator.ledger import Account, Order, Position, Ticket, Trade
from actors.simulator.wire import Push, record, timestamp
from messages.values import OrderType, Side
from tests.load.report import CONTRACT, NOON

_AT_A_TIME = 24
_STAMP = timestamp(NOON)
"""Stands in every text for the time at which it will be sent."""


@dataclass(slots=True)
class Text:
    """One record of a hub, encoded."""

    target: str
    text: str
    trade_id: int | None = None

    def at(self, stamp: str) -> str:
        """Return it as it is sent at this time."""
        return self.text.replace(_STAMP, stamp)


@dataclass(slots=True)
class Step:
    """One thing a trader did: what is pushed of it, and how the account stood afterwards."""

    account: int
    texts: list[Text]
    positions: dict[str, Position]
    orders: dict[int, Order]
    trades: dict[int, Trade]
    balance: Decimal

    def enter(self, account: Account, now: datetime) -> None:
        """Let the broker's books say it."""
        account.positions = self.positions
        account.balance = self.balance
        account.orders |= {
            key: replace(each, created=now, updated=now) for key, each in self.orders.items()
        }
        account.trades |= {key: replace(each, created=now) for key, each in self.trades.items()}


@dataclass(slots=True)
class Quoted:
    """One quote of a contract."""

    contract: str
    price: Decimal
    text: Text


def text_of(push: Push) -> Text:
    """Encode a push as the user hub sends it."""
    arguments = [{"action": push.action, "data": push.data}]
    text = record({"type": 1, "target": push.target, "arguments": arguments})
    trade = push.data["id"] if push.target == "GatewayUserTrade" else None
    return Text(push.target, text, trade)


class Rehearsal:
    """Trades at the exchange ahead of time, and puts everything back at the end."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._before: dict[int, Account] = {}

    def steps(self, accounts: list[int], count: int) -> list[Step]:
        """Return so many steps: some accounts trade at a time, each its cycle, and then the next."""
        for each in accounts:
            self._before[each] = _copied(self._exchange.accounts[each])
        after = cycle(accounts)
        desks = [self._desk(after, short=n % 2 == 1) for n in range(min(_AT_A_TIME, len(accounts)))]
        made = [next(desks[n % len(desks)]) for n in range(count)]
        self._exchange.accounts |= self._before
        return made

    def _desk(self, after: Iterator[int], *, short: bool) -> Iterator[Step]:
        """Yield the cycles of one account after the other; half of the desks begin with half a cycle."""
        if short:
            yield from islice(self._cycle(next(after)), 2)
        while True:
            yield from self._cycle(next(after))

    def _cycle(self, number: int) -> Iterator[Step]:
        exchange = self._exchange
        low = exchange.market.listing(CONTRACT).last - 1000
        resting = Ticket(CONTRACT, OrderType.LIMIT, Side.BUY, 1, limit_price=low)
        buy, sell = (Ticket(CONTRACT, OrderType.MARKET, side, 1) for side in (Side.BUY, Side.SELL))
        order, pushes = exchange.place(number, resting, NOON)
        yield self._step(number, pushes)
        yield self._step(number, exchange.cancel(number, order.id, NOON))
        yield self._step(number, exchange.place(number, buy, NOON)[1])
        yield self._step(number, exchange.place(number, sell, NOON)[1])

    def _step(self, number: int, pushes: list[Push]) -> Step:
        account = self._exchange.accounts[number]
        of = _ids(pushes)
        return Step(
            account=number,
            texts=[text_of(each) for each in pushes],
            positions={key: copy(each) for key, each in account.positions.items()},
            orders={key: copy(account.orders[key]) for key in of("GatewayUserOrder")},
            trades={key: account.trades[key] for key in of("GatewayUserTrade")},
            balance=account.balance,
        )


def _ids(pushes: list[Push]) -> Callable[[str], set[int]]:
    return lambda target: {each.data["id"] for each in pushes if each.target == target}


def _copied(account: Account) -> Account:
    return replace(
        account,
        positions={key: copy(each) for key, each in account.positions.items()},
        orders=dict(account.orders),
        trades=dict(account.trades),
    )


def quotes(exchange: Exchange, contracts: list[str], count: int) -> Iterator[Quoted]:
    """Yield quotes, the contracts taking turns, each a tick up or down of where it was."""
    for number in range(count):
        name = contracts[number % len(contracts)]
        listing = exchange.market.listing(name)
        tick = listing.spec.product.tick_size
        step = tick if number // len(contracts) % 2 else -tick
        price = listing.last + step
        sides = {"lastPrice": price, "bestBid": price - tick, "bestAsk": price}
        quote = exchange.market.quote(name, sides, NOON)
        text = record({"type": 1, "target": "GatewayQuote", "arguments": [name, quote]})
        yield Quoted(name, price, Text("GatewayQuote", text))
