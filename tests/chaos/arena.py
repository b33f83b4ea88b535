"""The kill matrix's place: a simulated broker on the wire, a journal, one child process after another.

The broker lives in this process and outlives them all; it is watched at its exchange. The journal and
the status are read from outside, as an operator would. Waits poll, for nobody tells a killer anything.
"""

import multiprocessing
import threading
import time
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import msgspec

from actors.journal import verify
from actors.runtime import OffsetClock, SystemClock
from config.loader import load
from messages.base import Message
from messages.queries import AccountStatus, SystemStatus
from messages.values import OrderType, Phase, Side
from tests.chaos import child
from tests.chaos.checker import check
from tests.chaos.evidence import BrokerWatch, Evidence, last_seq, read_journal
from tests.chaos.walk import Violation
from tests.cli import free_port
from tests.rig import NOON, TOKENS, A, B, contract
from tests.wire_rig import new_simulator, wire_config

PATIENCE_S = 90.0
_LOOK_EVERY_S = 0.01

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["tests.chaos.child"])


class Arena:
    """A broker, a journal and a killer; close it in the end."""

    def __init__(
        self,
        folder: Path,
        *,
        start: datetime = NOON,
        accounts: tuple[int, ...] = (A, B),
        **rules: dict[str, Any],
    ) -> None:
        self.clock = OffsetClock(start)
        self.accounts = accounts
        self.journal = folder / "lockstep.db"
        self.kills = 0
        self._folder = folder
        self._simulator = new_simulator(self.clock, accounts)
        self._simulator.start()
        self.trader = self._simulator.control
        self.trader.set_costs(Decimal(0), Decimal(0))
        self.record = self._simulator.record()
        exchange = self._simulator._broker.exchange
        self.watch = BrokerWatch(exchange, lambda: last_seq(self.journal))
        listen = f"127.0.0.1:{free_port()}"
        self._url = f"http://{listen}/api/status"
        self._path = folder / "lockstep.toml"
        self._path.write_text(wire_config(**rules).replace("127.0.0.1:0", listen))
        root = self._simulator.api_url.removesuffix("/api")
        self._environment = TOKENS | {"SIMULATOR": root}
        self._child: Any = None

    def close(self) -> None:
        """End everything."""
        if self._child is not None and self._child.is_alive():
            self.kill()
        self._simulator.stop()

    # --- the children ---

    def live(self, edge: str | None = None, nth: int = 1) -> None:
        """Start a child, perhaps one that dies at an edge."""
        orders = child.Orders(
            config=self._path,
            journal=self.journal,
            log=self._folder / "child.log",
            ahead=self.clock.now() - SystemClock().now(),
            environment=self._environment,
            edge=edge,
            nth=nth,
        )
        self._child = _processes.Process(target=child.live, args=(orders,), daemon=True)
        self._child.start()

    def kill(self) -> None:
        """Send SIGKILL and wait until the child is gone."""
        self._child.kill()
        self._gone()

    def dies(self) -> None:
        """Wait until the child has killed itself at its edge."""
        self._gone()

    def _gone(self) -> None:
        self._child.join(PATIENCE_S)
        assert self._child.exitcode == -9, f"exit {self._child.exitcode}: {self.log()}"
        self.kills += 1

    def log(self) -> str:
        """Return the end of what the children said."""
        return (self._folder / "child.log").read_text()[-3000:]

    # --- the trader ---

    def buy(self, account: int, size: int, **how: Any) -> int:
        """Place an order in MNQ; a negative size sells."""
        side = Side.BUY if size > 0 else Side.SELL
        return self.trader.place_order(account, contract("MNQ"), side, abs(size), **how)

    def rest(self, account: int) -> int:
        """Leave a limit order far away."""
        return self.buy(account, 1, type=OrderType.LIMIT, limit_price=Decimal(20000))

    def lose(self, account: int, usd: int) -> None:
        """Book a loss of exactly this."""
        self.trader.book_trade(account, contract("MNQ"), profit_and_loss=Decimal(-usd))

    # --- what can be seen ---

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        """Return once a condition holds."""
        end = time.monotonic() + PATIENCE_S
        pause = threading.Event()
        while not condition():
            assert time.monotonic() < end, f"{what} has not come: {self.log()}"
            pause.wait(_LOOK_EVERY_S)

    def events(self, kind: type[Message], account: int = A) -> list[Any]:
        """Return the journaled events of a kind."""
        if not last_seq(self.journal):
            return []
        return [
            event
            for _, event in read_journal(self.journal)
            if isinstance(event, kind) and getattr(event, "account", None) == account
        ]

    def wait_event(self, kind: type[Message], account: int = A, count: int = 1) -> None:
        """Wait until an event is on disk."""
        self.wait(lambda: len(self.events(kind, account)) >= count, kind.__name__)

    def statuses(self) -> dict[int, AccountStatus]:
        """Ask the living child how its accounts stand; nothing while it does not answer."""
        try:
            answer = httpx.get(self._url, timeout=5.0, trust_env=False)
        except httpx.TransportError:
            return {}
        status = msgspec.json.decode(answer.content, type=SystemStatus)
        return {each.account: each for each in status.accounts}

    def wait_phases(self, **phases: Phase) -> None:
        """Wait until A and B are in these phases and see the broker as it is."""
        wanted = {{"a": A, "b": B}[name]: phase for name, phase in phases.items()}

        def at_rest() -> bool:
            found = self.statuses()
            return all(
                account in found and self._rests(found[account], phase)
                for account, phase in wanted.items()
            )

        self.wait(at_rest, f"{wanted} at rest, {self.statuses()}")

    def _rests(self, status: AccountStatus, phase: Phase) -> bool:
        held = {each.contract: each.size for each in status.positions}
        return (
            status.phase is phase
            and status.enforcement is None
            and status.health == "live"
            and held == self.trader.positions(status.account)
            and status.working_orders == len(self.trader.working_orders(status.account))
        )

    def held(self, account: int = A) -> dict[str, int]:
        """Return what the broker says is held."""
        return self.trader.positions(account)

    def applied(self, endpoint: str, account: int = A) -> int:
        """Return how many requests to an endpoint changed something."""
        return sum(each.applied for each in self.record.requests(endpoint, account))

    def violations(self) -> list[Violation]:
        """Check everything that was left behind, the chain included."""
        verify(self.journal)
        day = load(
            self._path, now=self.clock.now(), environment=self._environment
        ).context.trading_day
        label = lambda at: day.label(at).isoformat()  # noqa: E731
        statuses = self.statuses()
        evidence = Evidence(
            journal=read_journal(self.journal),
            closes=tuple(self.watch.closes),
            moves=tuple(self.watch.moves),
            statuses=tuple(statuses.values()),
            broker={
                account: self.watch.end(account, label, each.trading_date)
                for account, each in statuses.items()
            },
        )
        return check(evidence, day)
