"""A trader, a broker and one Lockstep after the other on one journal: what a random schedule plays in.

Everything is the rig's (real loader, actors, SQLite, the simulator's exchange) but that the actors run
on a `Turnstile`, that the gateway's answers and pushes may come late, and that a life may end at any
point. Whoever is dead is replaced by `restart` on the same file, the same broker and the same clock.
"""

from collections import defaultdict, deque
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from actors.runtime import InFlight, VirtualClock
from actors.simulator.exchange import Exchange
from actors.simulator.ledger import Execution, Ticket
from actors.simulator.refusals import RefusedError
from actors.simulator.wire import Push
from messages.base import Message
from messages.commands import BrokerCommand, OpenSession, TakeSnapshot
from messages.events import BrokerCommandAnswered
from messages.values import OrderType, Side
from tests.chaos.checker import check
from tests.chaos.evidence import BrokerWatch, Evidence, Judged, read_journal
from tests.chaos.life import Life, mortal
from tests.chaos.turnstile import Turnstile
from tests.chaos.walk import Violation
from tests.rig import NOON, FakeBroker, FakeGateway, Rig, contract

_PERIOD_S = 10.0
"""In which the supervisor counts failures: the second one would wait for the virtual clock."""
_HEALING_S = (0.2, 0.5, 1, 2, 3, 5, 10, 20, 20)


class MortalBroker(FakeBroker):
    """The rig's broker, which also knows whose life its gateway serves and which pushes are late."""

    life: Life
    late: set[int]
    """Accounts whose pushes wait until `flush`."""
    waiting: dict[int, deque[Push]]

    def __post_init__(self) -> None:
        super().__post_init__()
        self.life, self.late, self.waiting = Life(), set(), defaultdict(deque)


class MortalGateway(FakeGateway):
    """The rig's gateway; dies with its life, before a command arrives or before its answer is seen."""

    _broker: MortalBroker

    def on_start(self) -> None:
        self._life = self._broker.life
        super().on_start()

    def on_receive(self, message: Any) -> Any:
        if self._life.dead:
            if isinstance(message, OpenSession):
                raise ConnectionError("killed")
            return None
        if isinstance(message, BrokerCommand):
            kind = str(message.__struct_config__.tag)
            if not self._life.reach(f"before {kind} is sent"):
                return None
        if isinstance(message, TakeSnapshot) and not self._life.reach("before a read is sent"):
            return None
        return super().on_receive(message)

    def _obey(self, command: BrokerCommand) -> None:
        self._broker.received.append(command)
        outcome = self._outcome(command)
        kind = str(command.__struct_config__.tag)
        if not self._life.reach(f"{kind} applied, answer unseen") or outcome is None:
            return
        answer = BrokerCommandAnswered(
            **self._head("answer"),
            account=command.account,
            command_id=command.command_id,
            outcome=outcome,
        )
        self._directory.tell(f"enforcer/{command.account}", answer)

    def _snapshot(self, command: TakeSnapshot) -> Message:
        answer = super()._snapshot(command)
        self._life.reach("read, answer unseen")
        return answer

    def _publish(self, pushes: list[Push]) -> None:
        if self._life.dead:
            return
        for push in pushes:
            if push.account in self._broker.late:
                self._broker.waiting[push.account].append(push)
            else:
                super()._publish([push])

    def flush(self, account: int) -> None:
        """Send what was late."""
        self._broker.late.discard(account)
        pushes, self._broker.waiting[account] = self._broker.waiting[account], deque()
        super()._publish(list(pushes))

    def _connect(self) -> None:
        for account in self._guarded:  # what an old connection has not sent is never sent
            self._broker.waiting[account].clear()
        super()._connect()

    reconnect = _connect


class World:
    """One schedule's world; close it in the end."""

    def __init__(self, folder: Path, config: str, accounts: tuple[int, ...]) -> None:
        self.clock = VirtualClock(NOON)
        self.broker = MortalBroker(self.clock, accounts)
        self.accounts = accounts
        self.healthy = set(accounts)
        self.judged: list[Judged] = []
        self.deaths: list[str] = []
        """The edges at which lives have ended."""
        self._failed_at: dict[str, float] = {}
        self._folder = folder
        self._config = config
        self.rig: Rig | None = None
        self.watch = BrokerWatch(self.broker.exchange, lambda: self.broker.life.durable_seq)
        self.turnstile = Turnstile(InFlight())
        self.start()

    @property
    def life(self) -> Life:
        """Return the present life."""
        return self.broker.life

    def start(self, arm: tuple[str | None, int] | None = None) -> None:
        """Begin a life; `arm` = (edge, count) ends it on the way."""
        before = self.broker.life.durable_seq
        self.broker.life = life = Life()
        life.durable_seq = before
        if arm:
            life.arm(*arm)
        in_flight = self.turnstile.in_flight = InFlight()
        with mortal(life, self.turnstile, self.judged):
            rig = _Prepared(self._folder, self._config, self.broker, in_flight)
            try:
                rig.start()
            except Exception:
                if not life.dead:
                    raise
                return  # the system has torn itself down
        self.rig = rig

    def restart(self, arm: tuple[str | None, int] | None = None) -> None:
        """Begin the next life after this one has ended."""
        assert self.life.dead_at is not None
        self.deaths.append(self.life.dead_at)
        self._bury()
        self.start(arm)

    def _bury(self) -> None:
        if self.rig is not None:
            self.rig.settle()
            self.rig.system._tear_down()
            self.rig = None

    def close(self) -> None:
        """End everything."""
        if not self.life.dead:
            self.life.dead_at = "the end"
        self._bury()
        self.turnstile.end()

    # --- what happens ---

    def do(self, act: Callable[[MortalGateway], Any], random: Random) -> None:
        """Do something on the gateway's turn, or, with no Lockstep alive, at the broker alone."""
        if self.rig is None or self.life.dead:
            return
        with self.turnstile.shuffled(random):
            self.rig.do(act)  # type: ignore[arg-type]

    def trade(
        self, changes: list[Callable[[Exchange, datetime], list[Push]]], random: Random
    ) -> None:
        """Let the exchange change, all at once, and push it to whoever is alive."""

        def pushes() -> list[Push]:
            out: list[Push] = []
            for change in changes:
                try:
                    out += change(self.broker.exchange, self.broker.now())
                except RefusedError as error:
                    out += error.events
            return out

        if self.life.dead:
            pushes()
        else:
            self.do(lambda gateway: gateway._publish(pushes()), random)

    def advance(self, seconds: float, random: Random) -> None:
        """Let time pass; the dead are buried first, for their clock would hear of it."""
        if self.life.dead:
            self._bury()
            self.clock.advance(seconds)
            return
        assert self.rig is not None
        with self.turnstile.shuffled(random):
            self.rig.advance(seconds)

    def poison(self, address: str, random: Random) -> None:
        """Have an actor fail and be restarted; again only when that needs no back-off any more."""
        now = self.clock.monotonic()
        if self.rig is None or self.life.dead or now <= self._failed_at.get(address, -1.0):
            return
        self._failed_at[address] = now + _PERIOD_S
        with self.turnstile.shuffled(random):
            self.rig.system.directory.tell(address, "poison")
            self.rig.settle()

    def heal(self, random: Random) -> None:
        """End all misfortune, let the broker finish, and give Lockstep the time it may need."""
        broker = self.broker
        for trouble in (broker.hanging, broker.refusing):
            trouble.clear()
        for silence in (broker.blind, broker.deaf, broker.muted, broker.late):
            silence.clear()
        self.life.disarm()
        while self.life.dead:
            self.restart()
        for listing in self._listings():
            listing.liquidity = None
        for name in ("MNQ", "MES"):
            self.trade([lambda exchange, now, n=name: exchange.rematch(contract(n), now)], random)
        self.do(lambda gateway: gateway.reconnect(), random)
        for seconds in _HEALING_S:
            self.advance(seconds, random)

    def _listings(self) -> list[Any]:
        return [self.broker.exchange.market.listing(contract(name)) for name in ("MNQ", "MES")]

    # --- what is left ---

    def evidence(self) -> Evidence:
        """Return everything the checker judges by."""
        assert self.rig is not None
        statuses = self.rig.system.status().accounts
        day = self.rig.system.config.context.trading_day
        label = lambda at: day.label(at).isoformat()  # noqa: E731
        self.rig.directory_barrier()
        return Evidence(
            journal=read_journal(self._folder / "lockstep.db"),
            closes=tuple(self.watch.closes),
            moves=tuple(self.watch.moves),
            judged=tuple(self.judged),
            statuses=statuses,
            broker={
                each.account: self.watch.end(each.account, label, each.trading_date)
                for each in statuses
            },
            healthy=frozenset(self.healthy),
        )

    def violations(self) -> list[Violation]:
        """Return what the checker finds."""
        assert self.rig is not None
        return check(self.evidence(), self.rig.system.config.context.trading_day)


class _Prepared(Rig):
    """A rig whose start is a step of its own, for it may be killed in it."""

    def __init__(
        self, folder: Path, config: str, broker: MortalBroker, in_flight: InFlight
    ) -> None:
        self._hold = True
        super().__init__(folder, config, broker=broker, gateway=MortalGateway)
        self.in_flight = self.system.in_flight = in_flight
        self._hold = False

    def start(self) -> None:
        """Start, unless it is still being made."""
        if not self._hold:
            super().start()

    def directory_barrier(self) -> None:
        """Return once the journal has stored what was said so far."""
        self.settle()


def order(
    account: int, name: str, size: int, type_: OrderType = OrderType.MARKET, **prices: Decimal
) -> Callable[[Exchange, datetime], list[Push]]:
    """Return a trader's order (negative size sells)."""
    side = Side.BUY if size > 0 else Side.SELL
    ticket = Ticket(
        contract(name),
        type_,
        side,
        abs(size),
        limit_price=prices.get("limit"),
        stop_price=prices.get("stop"),
    )
    return lambda exchange, now: exchange.place(account, ticket, now)[1]


def fill(account: int, usd: int) -> Callable[[Exchange, datetime], list[Push]]:
    """Return a fill with exactly this P&L, beside any position."""

    def book(exchange: Exchange, now: datetime) -> list[Push]:
        ticket = Ticket(contract("MNQ"), OrderType.MARKET, Side.SELL, 1)
        execution = Execution(1, Decimal(26000), Decimal(usd), Decimal(0), Decimal(0))
        _, pushes = exchange.book_trade(
            account, ticket, execution, now, order_id=None, moves_position=False
        )
        return [push for push in pushes if push.target != "GatewayUserOrder"]

    return book
