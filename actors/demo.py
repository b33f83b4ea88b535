"""The demo: the case Lockstep grew from, played through the real SDK against the embedded simulator.

Account 13298777 has a daily loss limit of $5.00 and realises -35.50 at the seed's own clock time. Then it
was flattened but never locked. Here it is flattened, verified and locked, and a position opened under the
lock is closed at once, while another account trades on. Started by `main.py demo`; ends by itself.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from actors.journal import verify
from actors.ops.narrator import narrate
from actors.ops.witness import Testimony
from actors.runtime import OffsetClock
from actors.simulator import SimAccount, Simulator, SimUser
from actors.system import System
from config.loader import load
from messages.base import AccountMessage, Message
from messages.events import (
    AccountLocked,
    AccountOpened,
    BrokerCommandSent,
    EnforcementFinished,
    ExposureUnderLock,
    FlatConfirmed,
    RuleBreached,
)
from messages.facts import PositionChanged, TradeExecuted
from messages.values import OrderType, Phase, Side

SEED_CLOCK = datetime(2025, 10, 31, 16, 42, 58, tzinfo=UTC)
"""Three seconds before the seed's breach: 11:43:01 in Chicago on 2025-10-31."""
SEED, OTHER, THIRD = 13298777, 13298778, 13298779
MNQ, MES = "CON.F.US.MNQ.Z25", "CON.F.US.MES.Z25"
_CHICAGO = ZoneInfo("America/Chicago")
_PATIENCE_S = 20.0
_CONFIG = Path(__file__).parent.parent / "config" / "demo.toml"


@dataclass(slots=True)
class Demo:
    """One performance."""

    console: Console
    clock: OffsetClock = field(default_factory=lambda: OffsetClock(SEED_CLOCK))
    testimony: Testimony = field(init=False)
    simulator: Simulator = field(init=False)

    def __post_init__(self) -> None:
        self.testimony = Testimony(self._tell)
        accounts = tuple(SimAccount(each, f"50KTC-{each}") for each in (SEED, OTHER, THIRD))
        user = SimUser("demo-trader", "demo-api-key", accounts)
        self.simulator = Simulator(clock=self.clock, users=(user,))

    def play(self) -> None:
        """Play it; raises TimeoutError when the system does not do what it must."""
        with tempfile.TemporaryDirectory(prefix="lockstep-demo-") as folder, self.simulator:
            journal = Path(folder) / "lockstep.db"
            system = self._system(journal)
            self._say("The embedded ProjectX gateway runs; Lockstep starts against it.")
            system.start()
            try:
                self._scenes()
                self._summary(system)
            finally:
                system.stop("the demo is over")
            checked = verify(journal)
            self.console.print(
                f"Journal: {checked.events} events, hash chain verified from first to last."
            )

    def _system(self, journal: Path) -> System:
        environment = {
            "LOCKSTEP_DEMO_URL": self.simulator.api_url.removesuffix("/api"),
            "LOCKSTEP_DEMO_USERNAME": "demo-trader",
            "LOCKSTEP_DEMO_API_KEY": "demo-api-key",
        }
        return System(
            config=load(_CONFIG, now=self.clock.now(), environment=environment),
            clock=self.clock,
            environment=environment,
            on_give_up=self._gave_up,
            journal_path=journal,
            testimony=self.testimony,
        )

    # --- scenes ---

    def _scenes(self) -> None:
        for account in (SEED, OTHER, THIRD):
            self._await(AccountOpened, account)
        self._prepare()
        self._breach()
        self._reenter()
        self._trade_on()

    def _prepare(self) -> None:
        trader = self.simulator.control
        trader.set_costs(Decimal("0.37"), Decimal("0.13"))
        trader.set_price(MNQ, Decimal(26100))
        trader.set_price(MES, Decimal(6900))
        self._scene(f"{SEED} goes long 2 MNQ, with a stop and a limit order working")
        trader.place_order(SEED, MNQ, Side.BUY, 2)
        trader.place_order(SEED, MNQ, Side.SELL, 1, OrderType.STOP, stop_price=Decimal(26050))
        trader.place_order(SEED, MNQ, Side.BUY, 1, OrderType.LIMIT, limit_price=Decimal(26000))
        trader.place_order(OTHER, MES, Side.BUY, 1)
        self._await(PositionChanged, SEED)
        self._await(PositionChanged, OTHER)

    def _breach(self) -> None:
        self._scene(f"MNQ falls 17 points; {SEED} sells one: -34.00 and costs of 1.50 = -35.50")
        self.simulator.control.set_price(MNQ, Decimal(26083))
        self.simulator.control.trader_close(SEED, MNQ, 1)
        self._await(AccountLocked, SEED)
        self._await(EnforcementFinished, SEED)

    def _reenter(self) -> None:
        self._scene(f"{SEED} buys again, under lock")
        self.simulator.control.place_order(SEED, MNQ, Side.BUY, 1)
        self._await(ExposureUnderLock, SEED)
        self._await(EnforcementFinished, SEED, count=2)

    def _trade_on(self) -> None:
        self._scene(f"{OTHER} is another account: it takes its profit and stays open")
        self.simulator.control.set_price(MES, Decimal(6904))
        self.simulator.control.trader_close(OTHER, MES)
        self._await(TradeExecuted, OTHER, count=2)
        self._await(PositionChanged, OTHER, count=2)

    def _await(self, kind: type[AccountMessage], account: int, count: int = 1) -> None:
        self.testimony.wait_for(
            kind, lambda event: event.account == account, _PATIENCE_S, count=count
        )

    # --- what is shown ---

    def _scene(self, text: str) -> None:
        self.console.print()
        self._say(text)

    def _say(self, text: str) -> None:
        self.console.print(f"── {text}", highlight=False, soft_wrap=True)

    def _tell(self, event: Message) -> None:
        local = event.at.astimezone(_CHICAGO).strftime("%Y-%m-%d %H:%M:%S")
        for level, text in narrate(event):
            self.console.print(
                f"{local} | {level.upper():8} | {text}",
                style=_STYLES.get(level, ""),
                markup=False,
                highlight=False,
                soft_wrap=True,
            )

    def _gave_up(self, address: str, error: str) -> None:
        self._say(f"{address} could not be kept alive: {error}")

    def _summary(self, system: System) -> None:
        self.console.print()
        self.console.print(self._outcome(system))
        self.console.print(self._times())

    def _outcome(self, system: System) -> Table:
        table = Table(title="What happened", title_justify="left")
        for column in (
            "account",
            "phase",
            "day's P&L",
            "positions",
            "orders",
            "locked by",
            "until",
        ):
            table.add_column(column)
        for each in system.status().accounts:
            lock = each.lockouts[0] if each.lockouts else None
            table.add_row(
                str(each.account),
                each.phase,
                f"${each.realised_usd:.2f}",
                str(len(self.simulator.control.positions(each.account))),
                str(len(self.simulator.control.working_orders(each.account))),
                lock.rule if lock else "-",
                lock.until.isoformat() if lock and lock.until else "-",
                style="bold" if each.phase is Phase.LOCKED else "",
            )
        return table

    def _times(self) -> Table:
        table = Table(title="How fast (from the losing fill's arrival)", title_justify="left")
        table.add_column("step")
        table.add_column("after", justify="right")
        begin = self._at(TradeExecuted, lambda event: event.fill.profit_and_loss_usd is not None)
        for step, kind in (
            ("decision (breach)", RuleBreached),
            ("first broker call", BrokerCommandSent),
            ("flat, verified twice at the broker", FlatConfirmed),
            ("locked", AccountLocked),
        ):
            took = self._at(kind, lambda _event: True) - begin
            table.add_row(step, f"{took / timedelta(milliseconds=1):.1f} ms")
        return table

    def _at[M: AccountMessage](self, kind: type[M], matches: Callable[[M], bool]) -> datetime:
        event = self.testimony.wait_for(
            kind, lambda each: each.account == SEED and matches(each), _PATIENCE_S
        )
        return event.at


_STYLES = {"critical": "bold red", "error": "red", "warning": "yellow"}
