"""The simulated broker in a process of its own, so that it shares no interpreter lock with Lockstep.

The child has the simulator and its record; the parent has a pipe on which it asks for the trader's steps,
and at the end for when the broker pushed each losing trade and when each close arrived. Both read the
same monotonic clock of the machine.
"""

import multiprocessing
from decimal import Decimal
from multiprocessing.connection import Connection
from typing import Any, NamedTuple, Self

from actors.runtime import OffsetClock
from actors.simulator import SimAccount, Simulator, SimUser
from actors.simulator.broker import Limits
from actors.simulator.record import Pushed, Request
from messages.values import Side
from tests.load.report import CONTRACT, NOON

HIGH, LOW = Decimal(26100), Decimal(26083)
"""17 points of MNQ are $34 a contract."""
FIRST_ACCOUNT, PER_LOGIN = 1001, 20
"""A trader has some 20 accounts at most; hundreds are several logins."""


class Seen(NamedTuple):
    """What the broker saw of one breach, in monotonic seconds."""

    made: float
    """When the exchange had made the trade, before its record was encoded and queued."""
    pushed: float
    """When the trade's record was written to the socket."""
    closed: float


def group_of(first: int, last: int) -> range:
    """Return the accounts of the login that begins with `first`."""
    return range(first, min(first + PER_LOGIN, last))


class Desk:
    """The child's side: a trader and his broker."""

    def __init__(self, accounts: int) -> None:
        last = FIRST_ACCOUNT + accounts
        users = tuple(
            SimUser(f"user-{first}", "key", tuple(map(SimAccount, group_of(first, last))))
            for first in range(FIRST_ACCOUNT, last, PER_LOGIN)
        )
        self.simulator = Simulator(
            clock=OffsetClock(NOON), users=users, limits=Limits(enabled=False)
        )

    def buy(self, account: int) -> None:
        """Go long two contracts."""
        self.simulator.control.set_price(CONTRACT, HIGH)
        self.simulator.control.place_order(account, CONTRACT, Side.BUY, 2)

    def fall(self) -> None:
        """Let the price fall; nothing is realised yet."""
        self.simulator.control.set_price(CONTRACT, LOW)

    def lose(self, account: int) -> None:
        """Sell one of the two: this push is the fact, the other contract is what must be closed."""
        self.simulator.control.trader_close(account, CONTRACT, 1)

    def seen(self) -> dict[int, Seen]:
        """Return the times of every breach, by account."""
        trades: dict[int, Pushed] = {}
        closed: dict[int, float] = {}
        for entry in self.simulator.record().entries():
            match entry:
                case Pushed(target="GatewayUserTrade", account=int(account)) if (
                    entry.data.get("profitAndLoss") is not None
                ):
                    trades.setdefault(account, entry)
                case Request(endpoint="/Position/closeContract", account=int(account)):
                    closed.setdefault(account, entry.monotonic_s)
        return {each: _seen(trades[each], closed[each]) for each in closed}


def _seen(trade: Pushed, closed_s: float) -> Seen:
    if trade.written_s is None:
        raise LookupError(f"account {trade.account}: its trade was written to no socket")
    return Seen(trade.monotonic_s, trade.written_s, closed_s)


def serve(pipe: Connection, accounts: int) -> None:
    """Run the desk until the pipe is closed."""
    desk = Desk(accounts)
    with desk.simulator:
        pipe.send(desk.simulator.api_url.removesuffix("/api"))
        try:
            while True:
                name, arguments = pipe.recv()
                pipe.send(getattr(desk, name)(*arguments))
        except EOFError:
            return


class BrokerProcess:
    """The parent's side; a context manager."""

    def __init__(self, accounts: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, far = context.Pipe()
        self._process = context.Process(target=serve, args=(far, accounts), name="broker")
        self._process.start()
        far.close()
        self.url: str = self._pipe.recv()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._pipe.close()
        self._process.join()

    def do(self, name: str, *arguments: Any) -> Any:
        """Have the desk do something, and return when it is done."""
        self._pipe.send((name, arguments))
        return self._pipe.recv()
