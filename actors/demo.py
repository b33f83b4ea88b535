"""The demo: the case Lockstep grew from, played through the real SDK against the embedded simulator.

Account 13298777 has a daily loss limit of $5.00 and realises -35.50 at the seed's own clock time. Then it
was flattened but never locked. Here it is flattened, verified and locked, and a position opened under the
lock is closed at once, while another account trades on. Started by `main.py demo`; ends by itself. What
it shows comes from the journal and from the broker's own record, never from a script.
"""

import tempfile
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.box import SIMPLE_HEAD
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
    AccountGuarded,
    AccountLocked,
    AccountOpened,
    EnforcementFinished,
    ExposureUnderLock,
    FlatConfirmed,
    RuleBreached,
)
from messages.facts import OrderChanged, PositionChanged, TradeExecuted
from messages.values import OrderType, Phase, Side, product_of

SEED_CLOCK = datetime(2025, 10, 31, 16, 43, tzinfo=UTC)
"""The minute of the seed's breach: 11:43 in Chicago on 2025-10-31."""
SEED, OTHER, THIRD = 13298777, 13298778, 13298779
MNQ, MES = "CON.F.US.MNQ.Z25", "CON.F.US.MES.Z25"
_CHICAGO = ZoneInfo("America/Chicago")
_PATIENCE_S = 20.0
_CONFIG = Path(__file__).parent.parent / "config" / "demo.toml"


@contextmanager
def _place_for(journal: Path | None) -> Iterator[Path]:
    """Yield where the journal goes: a new file that is kept, or a folder that is thrown away."""
    if journal is not None:
        if journal.exists():
            raise FileExistsError(
                f"{journal} exists already; name a new file for the demo's journal"
            )
        yield journal
        return
    with tempfile.TemporaryDirectory(prefix="lockstep-demo-") as folder:
        yield Path(folder) / "lockstep.db"


@dataclass(slots=True)
class Demo:
    """One performance."""

    console: Console
    clock: OffsetClock = field(default_factory=lambda: OffsetClock(SEED_CLOCK))
    testimony: Testimony = field(init=False)
    simulator: Simulator = field(init=False)
    _rules_told: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.testimony = Testimony(self._tell)
        accounts = tuple(SimAccount(each, f"50KTC-{each}") for each in (SEED, OTHER, THIRD))
        user = SimUser("demo-trader", "demo-api-key", accounts)
        self.simulator = Simulator(clock=self.clock, users=(user,))

    def play(self, journal: Path | None = None) -> None:
        """Play it; the journal is kept if it is given a new file.

        Raises:
            TimeoutError: the system does not do what it must.
            FileExistsError: the file is there already.
        """
        with _place_for(journal) as path, self.simulator:
            system = self._system(path)
            self._say(
                "A simulated ProjectX gateway runs on this machine, and Lockstep starts against it.",
                "It is 2025-10-31, 11:43 in Chicago. Three accounts, six rules each; a rule is printed "
                "with the first account that has it.",
            )
            system.start()
            try:
                self._scenes()
                self._summary(system)
            finally:
                system.stop("the demo is over")
            checked = verify(path)
            self._print(
                f"Journal: {checked.events} events, hash chain verified from first to last."
            )
        if journal is not None:
            self._print(f"It is kept: ./run journal export --path {journal}")

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
        self._scene(
            f"1. {SEED} goes long 2 MNQ, with a stop and a limit order working.",
            "Every fill is judged by every rule that listens to it: nothing to object to.",
        )
        trader.place_order(SEED, MNQ, Side.BUY, 2)
        trader.place_order(SEED, MNQ, Side.SELL, 1, OrderType.STOP, stop_price=Decimal(26050))
        trader.place_order(SEED, MNQ, Side.BUY, 1, OrderType.LIMIT, limit_price=Decimal(26000))
        trader.place_order(OTHER, MES, Side.BUY, 1)
        self._await(PositionChanged, SEED)
        self._await(PositionChanged, OTHER)
        self._await(OrderChanged, SEED, count=4)  # market order sent and filled, stop, limit
        for account in (SEED, OTHER):
            self._print(f"   At the broker, {account}: {self._held(account)}")

    def _breach(self) -> None:
        self._scene(
            f"2. MNQ falls 17 points; {SEED} sells one: -34.00 and costs of 1.50 = -35.50.",
            "The account's limit is $5.00. Enforce, then lock: close, cancel, read the broker until it "
            "says flat twice, and only then lock until 17:00 in Chicago.",
        )
        self.simulator.control.set_price(MNQ, Decimal(26083))
        self.simulator.control.trader_close(SEED, MNQ, 1)
        self._await(AccountLocked, SEED)
        self._await(EnforcementFinished, SEED)
        self._print(f"   At the broker, {SEED}: {self._held(SEED)}")

    def _reenter(self) -> None:
        self._scene(
            f"3. {SEED} buys again, under lock.",
            "PRE-CHECK: a locked account is not judged, it is kept flat. All rules are skipped, and "
            "what appeared is closed at once.",
        )
        self.simulator.control.place_order(SEED, MNQ, Side.BUY, 1)
        self._await(ExposureUnderLock, SEED)
        self._await(EnforcementFinished, SEED, count=2)
        self._print(f"   At the broker, {SEED}: {self._held(SEED)}")

    def _trade_on(self) -> None:
        self._scene(
            f"4. {OTHER} takes its profit of $20.00 less costs, and stays open.",
            "Each account is an actor of its own: the lock of one is nothing to another.",
        )
        self.simulator.control.set_price(MES, Decimal(6904))
        self.simulator.control.trader_close(OTHER, MES)
        self._await(TradeExecuted, OTHER, count=2)
        self._await(PositionChanged, OTHER, count=2)

    def _await(self, kind: type[AccountMessage], account: int, count: int = 1) -> None:
        self.testimony.wait_for(
            kind, lambda event: event.account == account, _PATIENCE_S, count=count
        )

    # --- what is shown ---

    def _held(self, account: int) -> str:
        """Say what the broker itself holds for an account."""
        control = self.simulator.control
        held = [f"{size} {product_of(name)}" for name, size in control.positions(account).items()]
        orders = len(control.working_orders(account))
        return f"{', '.join(held) or 'no position'}, {orders or 'no'} working orders"

    def _scene(self, title: str, shows: str) -> None:
        self.console.print()
        self._say(title, shows)

    def _say(self, title: str, shows: str) -> None:
        self._print(f"── {title}", style="bold")
        self._wrap(f"   {shows}", indent=3)

    def _tell(self, event: Message) -> None:
        local = event.at.astimezone(_CHICAGO).strftime("%H:%M:%S.%f")[:-3]
        for level, text in narrate(event):
            if isinstance(event, AccountGuarded) and text in self._rules_told:
                continue  # a rule with the same parameters was printed for an earlier account
            self._rules_told.add(text)
            line = f"{local} | {level.upper():8} | {text}"
            if isinstance(event, AccountGuarded):
                self._wrap(line, indent=line.rfind(" | ") + 6)
            else:
                self._print(line, style=_STYLES.get(level, ""))

    def _wrap(self, text: str, indent: int) -> None:
        """Print what is only to be read: wrapped for a terminal, whole for a pipe."""
        width = self.console.width if self.console.is_terminal else len(text)
        self._print(textwrap.fill(text, width, subsequent_indent=" " * indent))

    def _print(self, text: str, style: str = "") -> None:
        """Print as it stands, so that every line can be searched for."""
        self.console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)

    def _gave_up(self, address: str, error: str) -> None:
        self._print(f"{address} could not be kept alive: {error}", style="bold red")

    def _summary(self, system: System) -> None:
        for title, table in (
            ("What happened", self._outcome(system)),
            ("How fast, from the moment the losing fill arrived", self._times()),
        ):
            self.console.print()
            self._print(title, style="bold")
            self.console.print(table)
        self.console.print()

    def _outcome(self, system: System) -> Table:
        table = _table("account", "phase", "day's P&L", "held", "orders", "locked by", "until")
        for each in system.status().accounts:
            lock = each.lockouts[0] if each.lockouts else None
            table.add_row(
                str(each.account),
                each.phase,
                f"${each.realised_usd:.2f}",
                str(len(self.simulator.control.positions(each.account))),
                str(len(self.simulator.control.working_orders(each.account))),
                lock.rule if lock else "-",
                f"{lock.until:%Y-%m-%d %H:%M} UTC" if lock and lock.until else "-",
                style="bold" if each.phase is Phase.LOCKED else "",
            )
        return table

    def _times(self) -> Table:
        table = _table("step", "after")
        begin = self._first(TradeExecuted, lambda event: event.fill.profit_and_loss_usd is not None)
        first_close, *_ = self.simulator.record().requests("/Position/closeContract", SEED)
        for step, at in (
            ("decision: the rule is breached", self._first(RuleBreached)),
            ("first close received by the broker", first_close.at),
            ("flat, verified twice at the broker", self._first(FlatConfirmed)),
            ("locked", self._first(AccountLocked)),
        ):
            table.add_row(step, f"{(at - begin) / timedelta(milliseconds=1):.1f} ms")
        return table

    def _first[M: AccountMessage](
        self, kind: type[M], matches: Callable[[M], bool] = lambda _event: True
    ) -> datetime:
        event = self.testimony.wait_for(
            kind, lambda each: each.account == SEED and matches(each), _PATIENCE_S
        )
        return event.at


def _table(*columns: str) -> Table:
    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for column in columns:
        table.add_column(column, no_wrap=True)
    return table


_STYLES = {"critical": "bold red", "error": "red", "warning": "yellow"}
