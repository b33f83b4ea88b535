"""The real system over the wire: configuration, SDK gateways, journal on disk; and a stopwatch.

Started in a process of its own (`shards.py`), against a broker in another one. The stopwatch notes, in
the machine's monotonic seconds, when each trade reached its account, when it was on disk, and what
followed.
"""

import gc
import threading
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from actors.gateway import GatewayActor
from actors.runtime import Dispatcher, OffsetClock, SystemClock
from actors.system import System, sdk_gateway
from config.loader import load
from messages.base import AccountMessage, Message
from messages.commands import BrokerCommand
from messages.events import (
    AccountLocked,
    AccountOpened,
    AlarmRaised,
    DeadLettered,
    EnforcementStarted,
)
from messages.facts import SnapshotTaken, TradeExecuted
from messages.values import AlarmCode
from tests.load.profiles import FREE
from tests.load.report import rules, say
from tests.load.watching import Watching

CLOCK = SystemClock()
PATIENCE_S = 300.0
_DURABLE = (AccountLocked, EnforcementStarted)


@dataclass(slots=True)
class Noted:
    """When what happened."""

    first: dict[tuple[int, type], float] = field(default_factory=dict)
    """When each kind of event first happened to an account; intents and locks count when on disk."""
    trades: dict[int, tuple[float, float]] = field(default_factory=dict)
    """By trade id: at the gateway, on disk."""
    seen: Counter[type] = field(default_factory=Counter)
    dead: list[DeadLettered] = field(default_factory=list)
    alarms: Counter[AlarmCode] = field(default_factory=Counter)
    commanded: dict[int, list[float]] = field(default_factory=dict)
    """When the gateway was told each command, by account."""
    order: dict[int, list[int]] = field(default_factory=dict)
    """The ids of each account's trades as they were booked."""

    def add(self, other: "Noted") -> None:
        """Take in what was noted of other accounts."""
        self.first |= other.first
        self.trades |= other.trades
        self.seen += other.seen
        self.dead += other.dead
        self.alarms += other.alarms
        self.commanded |= other.commanded
        self.order |= other.order


class Stopwatch:
    """Notes when what happens, until it is stopped."""

    def __init__(self, clock: OffsetClock) -> None:
        self._monotonic_at_0 = clock.monotonic() - clock.now().timestamp()
        self._changed = threading.Condition()
        self._stopped = False
        self.noted = Noted()

    def note(self, event: Message, stored_at: datetime) -> None:
        """Take in one journaled event, and when it was on disk."""
        stored, noted = stored_at.timestamp() + self._monotonic_at_0, self.noted
        with self._changed:
            if self._stopped:
                return
            noted.seen[type(event)] += 1
            match event:
                case DeadLettered():
                    noted.dead.append(event)
                case AlarmRaised(code=code):
                    noted.alarms[code] += 1
            if isinstance(event, AccountMessage):
                durable = isinstance(event, _DURABLE)
                at = stored if durable else event.at.timestamp() + self._monotonic_at_0
                noted.first.setdefault((event.account, type(event)), at)
                if isinstance(event, TradeExecuted):
                    noted.trades[event.fill.trade_id] = at, stored
                    noted.order.setdefault(event.account, []).append(event.fill.trade_id)
                elif isinstance(event, SnapshotTaken):
                    # Who was cut off hears of what he was not told by reading it.
                    for fill in event.fills or ():
                        noted.trades.setdefault(fill.trade_id, (at, stored))
            self._changed.notify_all()

    def stop(self) -> None:
        """Note nothing more: what a system's stop cuts short is no fault of a run."""
        with self._changed:
            self._stopped = True

    def wait(self, kind: type, accounts: set[int], within_s: float = PATIENCE_S) -> bool:
        """Wait until an event of this kind has happened to all of these; say whether it has."""
        wanted = {(each, kind) for each in accounts}
        with self._changed:
            return self._changed.wait_for(lambda: wanted <= self.noted.first.keys(), within_s)

    def wait_for_trades(self, ids: set[int], within_s: float) -> bool:
        """Wait until all these trades are on disk; say whether they are."""
        with self._changed:
            return self._changed.wait_for(lambda: ids <= self.noted.trades.keys(), within_s)


def config_of(url: str, logins: range, among: int, loss_usd: int) -> str:
    """Return a configuration of some logins; all there are together reconcile as often as one would."""
    broker = f"""[broker]
api_url = "{url}/api"
user_hub_url = "{url}/hubs/user"
market_hub_url = "{url}/hubs/market"
requests_per_minute = {FREE}
reconcile_every_s = {5.0 * among}
[http]
listen = "127.0.0.1:0"
"""
    tables = "".join(
        f'[[logins]]\nname = "load-{n}"\nusername_env = "USER_{n}"\napi_key_env = "KEY"\n'
        for n in logins
    )
    return broker + tables + rules(loss_usd, open_loss=True)


class Guard:
    """One running Lockstep."""

    def __init__(
        self,
        url: str,
        folder: Path,
        logins: range,
        among: int,
        *,
        loss_usd: int,
        clock: OffsetClock,
    ) -> None:
        self.stopwatch = Stopwatch(clock)
        self._gateways: list[GatewayActor] = []
        path = folder / "lockstep.toml"
        path.write_text(config_of(url, logins, among, loss_usd))
        environment = {"KEY": "key"} | {f"USER_{n}": f"user-{n}" for n in logins}
        self.system = System(
            config=load(path, now=clock.now(), environment=environment),
            clock=clock,
            environment=environment,
            on_give_up=lambda address, error: say(f"{address} gave up: {error}"),
            journal_path=folder / "lockstep.db",
            testimony=Watching(self.stopwatch.note),
            gateway=self._gateway,
        )

    def _gateway(
        self, login: Any, system: System, dispatcher: Dispatcher, guarded: tuple[int, ...]
    ) -> GatewayActor:
        gateway = sdk_gateway(login, system, dispatcher, guarded)
        carry_out = gateway._carry_out

        def noted(command: BrokerCommand) -> Any:
            self.stopwatch.noted.commanded.setdefault(command.account, []).append(CLOCK.monotonic())
            return carry_out(command)

        gateway._carry_out = noted
        self._gateways.append(gateway)
        return gateway

    def limit(self, requests: int) -> None:
        """Give every login this request budget from now on: a start would need minutes of it."""
        for each in self._gateways:
            budget = each._client.budget
            budget._sent.clear()
            budget._requests = requests


@contextmanager
def guarding(guard: Guard, accounts: Collection[int]) -> Iterator[None]:
    """Run Lockstep against the broker; yields when all accounts are open."""
    guard.system.start()
    try:
        if not guard.stopwatch.wait(AccountOpened, set(accounts)):
            opened = guard.stopwatch.noted.seen[AccountOpened]
            raise TimeoutError(f"{opened} of {len(accounts)} accounts open in {PATIENCE_S} s")
        gc.collect()
        gc.freeze()
        yield
    finally:
        guard.system.stop("measured")
