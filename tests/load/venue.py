"""The broker in a process of its own: the simulator at wire level, its traders, and the load it sends.

It shares no interpreter lock with Lockstep, and the machine's monotonic clock. `prepare` before Lockstep
starts, `play` once it guards, `seen` at the end; `VenueProcess` is the parent's side of the pipe.
"""

import asyncio
import gc
import multiprocessing
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import partial
from heapq import merge
from multiprocessing.connection import Connection
from typing import Any, NamedTuple, Self

from actors.runtime import OffsetClock, SystemClock
from actors.simulator import SimAccount, Simulator, SimUser
from actors.simulator.broker import Limits
from actors.simulator.faults import FaultKind
from actors.simulator.record import Entry, Pushed, Request
from messages.values import Side
from tests.load.cast import Cast, login_of
from tests.load.profiles import FREE, Profile
from tests.load.report import CONTRACT, NOON, cpu_s
from tests.load.sender import Due, Sender
from tests.load.traffic import Rehearsal, quotes

LOSS_USD = 500
PRICE = Decimal(26100)
FALL_STEPS = 200
CLOSE = "/Position/closeContract"
_LEAD_S = 0.2
_CLOCK = SystemClock()


class Breach(NamedTuple):
    """One account that broke a rule."""

    account: int
    login: int
    size: int
    """Contracts it held."""
    intended_s: float
    """When the push that breaks the rule was meant to go out."""


class Called(NamedTuple):
    """One request of Lockstep's."""

    monotonic_s: float
    login: str | None
    endpoint: str
    account: int | None
    status: int | None
    error_code: int | None


@dataclass(slots=True)
class Seen:
    """What the broker saw of one run; times are monotonic seconds."""

    begin: float
    wall_s: float
    cpu_s: float
    user_lag_s: "array[float]"
    market_lag_s: "array[float]"
    trades: dict[int, float]
    traders: dict[int, int]
    """The account of each of these trades."""
    probes: list[Breach] = field(default_factory=list)
    crashed: list[Breach] = field(default_factory=list)
    reentered: list[Breach] = field(default_factory=list)
    calls: list[Called] = field(default_factory=list)
    flat_s: dict[int, float] = field(default_factory=dict)
    """When the last position of an account was closed."""
    exposed: list[int] = field(default_factory=list)
    """Accounts that broke a rule and hold or work something now."""
    touched: list[int] = field(default_factory=list)
    """Accounts that broke none and were sent a command."""
    written_s: dict[int, float] = field(default_factory=dict)
    """When the trade of each probe was written to its socket."""


class Venue:
    """The child's side."""

    def __init__(self, accounts: range, logins: int) -> None:
        self._accounts, self._logins = accounts, logins
        groups: dict[int, list[SimAccount]] = {}
        for each in accounts:
            groups.setdefault(login_of(each, logins), []).append(SimAccount(each))
        self._clock = OffsetClock(NOON)
        users = tuple(SimUser(f"user-{n}", "key", tuple(own)) for n, own in groups.items())
        self.simulator = Simulator(clock=self._clock, users=users, limits=Limits(enabled=False))

    def clock(self) -> tuple[datetime, float]:
        """Return the broker's time, and the machine's monotonic one."""
        return self._clock.now(), _CLOCK.monotonic()

    def prepare(self, profile: Profile, seconds: float) -> int:
        """Give every account its part, open positions, rehearse; return how many facts there will be."""
        self._seconds = seconds
        self._profile = profile
        control = self.simulator.control
        self._exchange = control._broker.exchange
        fronts = [each for each in self._exchange.market.contracts if each.endswith("Z25")]
        allowed = [each for each in fronts if "RTY" not in each]
        more = [each for each in self._exchange.market.contracts if each.endswith("H26")]
        contracts = [each for each in allowed + more if "RTY" not in each][: profile.contracts]
        for each in contracts:
            last = self._exchange.market.listing(each).last
            control.set_price(each, last)
        control.set_price(CONTRACT, PRICE)
        self._cast = Cast.of(self._accounts, self._logins, profile, seconds, contracts)
        for account, (contract, size) in self._cast.held.items():
            control.place_order(account, contract, Side.BUY, size)
        self._contracts = contracts
        steps = round(profile.facts_per_s * seconds / 3.75)  # pushes of a step, on average
        self._steps = Rehearsal(self._exchange).steps(self._cast.traders, steps) if steps else []
        return sum(len(each.texts) for each in self._steps)

    def play(self) -> None:
        """Send everything in its time."""
        control, profile = self.simulator.control, self._profile
        if profile.answers_after_s:
            control.fault(FaultKind.DELAY, "/*", seconds=profile.answers_after_s)
        control.limit_requests(enabled=profile.budget != FREE)
        self._sender = Sender(self.simulator)
        self._probes: list[Breach] = []
        self._crashed: list[Breach] = []
        self._reentered: list[Breach] = []
        # Before the beginning is set: a minute of news takes seconds to write down, and to walk.
        due = list(merge(*self._due(), key=lambda each: each.after_s))
        gc.collect()
        gc.freeze()
        self._begin = _CLOCK.monotonic() + _LEAD_S
        cpu = cpu_s()
        asyncio.run_coroutine_threadsafe(
            self._sender.send(due, self._begin), control._loop
        ).result()
        self._wall_s, self._cpu_s = _CLOCK.monotonic() - self._begin, cpu_s() - cpu

    def _due(self) -> Iterator[list[Due]]:
        seconds, profile = self._seconds, self._profile
        steps = self._steps
        yield [Due(n * seconds / len(steps), each) for n, each in enumerate(steps)]
        count = round(profile.contracts * profile.quotes_per_s * seconds)
        quoted = quotes(self._exchange, self._contracts, count)
        yield [Due(n * seconds / count, each) for n, each in enumerate(quoted)]
        probes = self._cast.probes
        # not on the beat of the quotes, and not before everything runs
        yield [
            Due(
                0.51 + n * (seconds - 0.5) / len(probes),
                partial(self._lose, each),
            )
            for n, each in enumerate(probes)
        ]
        if self._cast.crashers:
            yield self._fall()
            yield [
                Due(profile.reenters_after_s + n / 50, partial(self._reenter, each))
                for n, each in enumerate(self._cast.reentering)
            ]

    def _lose(self, account: int, intended: float) -> None:
        self._probes.append(self._breach(account, intended))
        self.simulator.control.book_trade(
            account, CONTRACT, 1, Side.SELL, Decimal(-LOSS_USD - 1), moves_position=True
        )

    def _fall(self) -> list[Due]:
        """Let the price fall within a second to where every crasher has broken its limit."""
        falls, depths = self._profile.falls_after_s, dict[int, Decimal]()
        for account in self._cast.crashers:
            paid = 50_000 - self._exchange.accounts[account].balance
            depths[account] = (LOSS_USD - paid) / (2 * self._cast.held[account][1])
        deepest = max(depths.values()) + 1
        due = []
        waiting = sorted(depths, key=depths.__getitem__, reverse=True)
        for number in range(1, FALL_STEPS + 1):
            depth = round(deepest * number / FALL_STEPS * 4) / Decimal(4)
            broken = []
            while waiting and depths[waiting[-1]] <= depth:
                broken.append(waiting.pop())
            act = partial(self._quote, PRICE - depth, tuple(broken))
            due.append(Due(falls + number / FALL_STEPS, act))
        return due

    def _quote(self, last: Decimal, broken: tuple[int, ...], intended: float) -> None:
        self._crashed += [self._breach(each, intended) for each in broken]
        self.simulator.control.set_price(CONTRACT, last)

    def _reenter(self, account: int, intended: float) -> None:
        self._reentered.append(self._breach(account, intended))
        self.simulator.control.place_order(account, CONTRACT, Side.BUY, 1)

    def _breach(self, account: int, intended: float) -> Breach:
        size = self._cast.held[account][1]
        return Breach(account, login_of(account, self._logins), size, intended)

    def _written(self, entries: Sequence[Entry]) -> dict[int, float]:
        meant = {each.account: each.intended_s for each in self._probes}
        written: dict[int, float] = {}
        for each in entries:
            if isinstance(each, Pushed) and each.target == "GatewayUserTrade" and each.written_s:
                account = each.account or 0
                if each.monotonic_s >= meant.get(account, float("inf")):
                    written.setdefault(account, each.written_s)
        return written

    def seen(self) -> Seen:
        """Return what the broker saw since the run began."""
        entries = self.simulator.record().entries()
        broken = {each.account for each in (*self._probes, *self._crashed)}
        calls = [
            Called(e.monotonic_s, e.user, e.endpoint, e.account, e.status, e.error_code)
            for e in entries
            if isinstance(e, Request) and e.monotonic_s >= self._begin
        ]
        closed = [
            e
            for e in entries
            if getattr(e, "target", "") == "GatewayUserPosition" and not e.data["size"]
        ]
        state = self.simulator.control.state()
        return Seen(
            begin=self._begin,
            wall_s=self._wall_s,
            cpu_s=self._cpu_s,
            user_lag_s=self._sender.user_lag_s,
            market_lag_s=self._sender.market_lag_s,
            trades=self._sender.trades,
            traders=self._sender.traders,
            probes=self._probes,
            crashed=self._crashed,
            reentered=self._reentered,
            calls=calls,
            flat_s={each.account: each.monotonic_s for each in closed},
            written_s=self._written(entries),
            exposed=[
                each
                for each in broken
                if state[str(each)]["positions"] or state[str(each)]["workingOrders"]
            ],
            touched=sorted(
                {
                    each.account
                    for each in calls
                    if each.endpoint in {CLOSE, "/Order/cancel", "/Order/modify"}
                }
                - broken
            ),
        )


def _serve(pipe: Connection, accounts: range, logins: int) -> None:
    venue = Venue(accounts, logins)
    with venue.simulator:
        pipe.send(venue.simulator.api_url.removesuffix("/api"))
        try:
            while True:
                name, arguments = pipe.recv()
                pipe.send(getattr(venue, name)(*arguments))
        except EOFError:
            return


class VenueProcess:
    """The parent's side; a context manager."""

    def __init__(self, accounts: range, logins: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, far = context.Pipe()
        self._process = context.Process(target=_serve, args=(far, accounts, logins), name="broker")
        self._process.start()
        far.close()
        self.url: str = self._pipe.recv()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._pipe.close()
        self._process.join()

    def do(self, name: str, *arguments: Any) -> Any:
        """Have the venue do something, and return when it is done."""
        self._pipe.send((name, arguments))
        return self._pipe.recv()
