"""The wire rig: the whole system through the real SDK, over HTTP and WebSocket, against the simulator.

Everything is the product's own, as in the demo; both sides share one clock that runs at real speed from a
chosen instant. Tests act as trader, venue or misfortune, then wait for what must happen; none sleeps.
The gateway is the real one; it only notes what was on disk when a command reached it.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from actors.gateway import GatewayActor
from actors.journal import Store
from actors.ops.witness import Testimony
from actors.runtime import OffsetClock
from actors.runtime.trust import Reading
from actors.simulator import SimAccount, Simulator, SimUser
from actors.simulator.record import Request
from actors.system import System
from config.loader import load
from messages.base import Message
from messages.commands import BrokerCommand
from messages.events import AccountOpened, AlarmRaised
from messages.facts import TradeExecuted
from messages.queries import AccountStatus
from messages.values import OrderType, Side
from tests.rig import NOON, TOKENS, A, B, config_of, contract

PATIENCE_S = 100.0
CLOSE, PARTIAL = "/Position/closeContract", "/Position/partialCloseContract"
CANCEL = "/Order/cancel"
POSITIONS, ORDERS = "/Position/searchOpen", "/Order/v2/query"


def wire_config(
    *,
    deadline_s: float = 5.0,
    reconcile_every_s: float = 3600.0,
    late_after_s: float = 60.0,
    **rules: Any,
) -> str:
    """Return a configuration for the simulator's addresses.

    By default slow reconciling is off, and a busy machine is not late.
    """
    return (
        config_of(**rules)
        + f"""
[enforcement]
deadline_s = {deadline_s}
[health]
late_after_s = {late_after_s}
[broker]
api_url = "${{SIMULATOR}}/api"
user_hub_url = "${{SIMULATOR}}/hubs/user"
market_hub_url = "${{SIMULATOR}}/hubs/market"
reconcile_every_s = {reconcile_every_s}
"""
    )


SECOND_LOGIN = """
[[logins]]
name = "other"
username_env = "OTHER_USERNAME"
api_key_env = "OTHER_API_KEY"
"""
FIRST_USER, SECOND_USER = TOKENS["PROJECT_X_USERNAME"], "friend"
TOKENS_OF_BOTH = TOKENS | {
    "OTHER_USERNAME": SECOND_USER,
    "OTHER_API_KEY": TOKENS["PROJECT_X_API_KEY"],
}


def new_simulator(
    clock: OffsetClock,
    accounts: tuple[int, ...] = (A, B),
    others: tuple[int, ...] = (),
    **how: Any,
) -> Simulator:
    """Return a simulated broker that is not started yet; `others` are the second login's accounts."""
    users = tuple(
        SimUser(
            name,
            TOKENS["PROJECT_X_API_KEY"],
            tuple(SimAccount(each, f"50K-{each}") for each in numbers),
        )
        for name, numbers in ((FIRST_USER, accounts), (SECOND_USER, others))
        if numbers
    )
    return Simulator(clock=clock, users=users, ping_every_s=0.2, **how)


class SteppedClock(OffsetClock):
    """A clock at real speed that a test may let hours pass on."""

    _skipped_s = 0.0

    def skip(self, seconds: float) -> None:
        """Let so many seconds pass at once."""
        self._skipped_s += seconds

    def now(self) -> datetime:
        return self.read().wall

    def monotonic(self) -> float:
        return self.read().elapsed_s

    def read(self) -> Reading:
        wall, elapsed_s = super().read()
        return Reading(wall + timedelta(seconds=self._skipped_s), elapsed_s + self._skipped_s)


class WatchedGateway(GatewayActor):
    """The real gateway; notes which events were on disk when each command reached it."""

    def __init__(self, *, journal: Path, on_disk: dict[str, list[str]], **how: Any) -> None:
        super().__init__(**how)
        self._journal = journal
        self._on_disk = on_disk

    def on_receive(self, message: Any) -> object:
        if isinstance(message, BrokerCommand):
            self._on_disk[message.command_id] = [
                type(each).__name__ for each in stored(self._journal, message.account)
            ]
        return super().on_receive(message)


def stored(journal: Path, account: int) -> list[Message]:
    """Return what a journal holds of an account, read beside its writer."""
    store = Store.open_read_only(journal)
    try:
        events = [each.event for each in store.records()]
    finally:
        store.close()
    return [each for each in events if getattr(each, "account", None) == account]


class WireRig:
    """A running system, its simulated broker and the trader."""

    def __init__(
        self,
        folder: Path,
        config: str,
        *,
        simulator: Simulator,
        clock: OffsetClock,
        open_accounts: tuple[int, ...] = (A, B),
        gateway: type[WatchedGateway] = WatchedGateway,
        on_event: Callable[[Message], None] | None = None,
        shadow: bool = False,
        tokens: Mapping[str, str] = TOKENS,
    ) -> None:
        self.sim = simulator
        self.trader = simulator.control
        self.clock = clock
        self.journal = folder / "lockstep.db"
        self.testimony = Testimony(on_event)
        self.given_up: list[str] = []
        self.on_disk: dict[str, list[str]] = {}
        """Command id → kinds of the account's events on disk when the gateway was told."""
        self._stopped = False
        self._gateway_kind = gateway
        environment = {**tokens, "SIMULATOR": simulator.api_url.removesuffix("/api")}
        path = folder / "lockstep.toml"
        path.write_text(config)
        self.system = System(
            config=load(path, now=clock.now(), environment=environment),
            clock=clock,
            environment=environment,
            on_give_up=lambda address, error: self.given_up.append(f"{address}: {error}"),
            journal_path=self.journal,
            testimony=self.testimony,
            gateway=self._gateway,
            shadow=shadow,
        )
        self.system.start()
        for account in open_accounts:
            self.wait(AccountOpened, account=account)

    def _gateway(self, login, system, dispatcher, guarded):
        return self._gateway_kind(
            login=login,
            guarded=guarded,
            poll_s=system.poll_s(login.name),
            fence=system.fence,
            in_shadow=system.in_shadow,
            on_listed=partial(system.note_listed, login.name),
            journal=self.journal,
            on_disk=self.on_disk,
            **system.wiring(dispatcher),
        )

    # --- the trader and the market ---

    def buy(self, account: int, product: str, size: int, **how: Any) -> int:
        """Place an order (market unless told otherwise); negative sizes sell."""
        side = Side.BUY if size > 0 else Side.SELL
        return self.trader.place_order(account, contract(product), side, abs(size), **how)

    def limit(self, account: int, product: str, size: int, price: str) -> int:
        """Place a working limit order."""
        return self.buy(account, product, size, type=OrderType.LIMIT, limit_price=Decimal(price))

    def price(self, product: str, last: str) -> None:
        """Move the market."""
        self.trader.set_price(contract(product), Decimal(last))

    def fill(self, account: int, pnl: str | None, *, late: bool = False) -> int:
        """Book a fill with exactly this P&L beside any position; return its trade id.

        `late`: one more fill of the order that filled last, so that no order appears.
        """
        amount = None if pnl is None else Decimal(pnl)
        order = self.trader.trades(account)[-1]["orderId"] if late else None
        return self.trader.book_trade(
            account, contract("MNQ"), profit_and_loss=amount, order_id=order
        )

    def mark(self, account: int = A) -> None:
        """Send a fill without meaning down the stream and wait for it: all before it is handled."""
        trade = self.fill(account, None, late=bool(self.trader.trades(account)))
        self.wait(TradeExecuted, lambda each: each.fill.trade_id == trade, account=account)

    # --- what can be seen ---

    def wait[M: Message](
        self,
        kind: type[M],
        where: Callable[[M], bool] = lambda _event: True,
        *,
        account: int | None = A,
        count: int = 1,
        timeout: float = PATIENCE_S,
    ) -> M:
        """Return the `count`-th event of a kind about an account, waiting for it if need be."""

        def matches(event: M) -> bool:
            return getattr(event, "account", None) == account and where(event)

        return self.testimony.wait_for(kind, matches, timeout, count=count)

    def wait_request(self, endpoint: str, account: int = A, count: int = 1) -> tuple[Request, ...]:
        """Return the first requests to an endpoint about an account, waiting for them."""

        def matches(entry: object) -> bool:
            return (
                isinstance(entry, Request)
                and entry.endpoint == endpoint
                and entry.account == account
            )

        found = self.sim.record().wait_for(matches, PATIENCE_S, count=count)
        return tuple(each for each in found if isinstance(each, Request))

    def events[M: Message](self, kind: type[M], account: int | None = A) -> list[M]:
        """Return the events of a kind about an account so far."""
        return [
            each
            for each in self.testimony.events()
            if isinstance(each, kind) and getattr(each, "account", None) == account
        ]

    def alarms(self, account: int | None = A) -> list[str]:
        """Return the codes of the alarms so far."""
        return [each.code for each in self.events(AlarmRaised, account)]

    def requests(self, endpoint: str, account: int = A) -> tuple[Request, ...]:
        """Return what the broker was asked."""
        return self.sim.record().requests(endpoint, account)

    def applied(self, endpoint: str, account: int = A) -> int:
        """Return how many requests to an endpoint changed something at the broker."""
        return sum(each.applied for each in self.requests(endpoint, account))

    def held(self, account: int = A) -> dict[str, int]:
        """Return what the broker says is held."""
        return self.trader.positions(account)

    def status(self, account: int = A) -> AccountStatus:
        """Return how an account stands."""
        return next(each for each in self.system.status().accounts if each.account == account)

    def stored(self, account: int = A) -> list[Message]:
        """Return what the journal holds of an account, in order."""
        return stored(self.journal, account)

    def stop(self) -> None:
        """Stop the system in order; the broker runs on."""
        if not self._stopped:
            self._stopped = True
            self.system.stop("test")


class Wire:
    """Starts systems on one simulated broker; what a test is given."""

    def __init__(self, folder: Path, start: datetime = NOON) -> None:
        self._folder = folder
        self._rigs: list[WireRig] = []
        self._clock = SteppedClock(start)
        self.sim = new_simulator(self._clock)
        self.sim.start()
        self.sim.control.set_costs(Decimal(0), Decimal(0))

    def __call__(
        self, config: str, *, at: datetime | None = None, ahead_s: float = 0.0, **how: Any
    ) -> WireRig:
        """Start a system: now or once it is `at`, on a clock that is so far ahead of the broker's."""
        if at is not None:
            self._clock.skip((at - self._clock.now()).total_seconds())
        clock = SteppedClock(self._clock.now() + timedelta(seconds=ahead_s))
        self._rigs.append(WireRig(self._folder, config, simulator=self.sim, clock=clock, **how))
        return self._rigs[-1]

    def skip(self, seconds: float) -> None:
        """Let time pass at the broker."""
        self._clock.skip(seconds)

    def now(self) -> datetime:
        """Return the broker's own time."""
        return self._clock.now()

    def stop(self) -> None:
        """Stop every system, then the broker."""
        for each in self._rigs:
            each.stop()
        self.sim.stop()
