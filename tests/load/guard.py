"""The real system over the wire: configuration, SDK gateways, journal on disk; and a stopwatch.

Started in the process that measures, against a broker in another one. The stopwatch notes, in the
machine's monotonic seconds, when each trade reached its account, when it was on disk, and what followed.
"""

import gc
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
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
from messages.facts import TradeExecuted
from messages.values import AlarmCode
from tests.load.profiles import FREE
from tests.load.report import rules, say
from tests.load.watching import Watching

CLOCK = SystemClock()
PATIENCE_S = 300.0
_DURABLE = (AccountLocked, EnforcementStarted)


class Stopwatch:
    """When what happened."""

    def __init__(self, clock: OffsetClock) -> None:
        self._monotonic_at_0 = clock.monotonic() - clock.now().timestamp()
        self._changed = threading.Condition()
        self._stopped = False
        self.first: dict[tuple[int, type], float] = {}
        """When each kind of event first happened to an account; intents and locks count when on disk."""
        self.trades: dict[int, tuple[float, float]] = {}
        """By trade id: at the gateway, on disk."""
        self.seen: Counter[type] = Counter()
        self.dead: list[DeadLettered] = []
        self.alarms: Counter[AlarmCode] = Counter()
        self.commanded: dict[int, list[float]] = {}
        """When the gateway was told each command, by account."""
        self.order: dict[int, list[int]] = {}
        """The ids of each account's trades as they were booked."""

    def note(self, event: Message) -> None:
        """Take in one journaled event."""
        now = CLOCK.monotonic()
        with self._changed:
            if self._stopped:
                return
            self.seen[type(event)] += 1
            match event:
                case DeadLettered():
                    self.dead.append(event)
                case AlarmRaised(code=code):
                    self.alarms[code] += 1
            if isinstance(event, AccountMessage):
                durable = isinstance(event, _DURABLE)
                at = now if durable else event.at.timestamp() + self._monotonic_at_0
                self.first.setdefault((event.account, type(event)), at)
                if isinstance(event, TradeExecuted):
                    self.trades[event.fill.trade_id] = at, now
                    self.order.setdefault(event.account, []).append(event.fill.trade_id)
            self._changed.notify_all()

    def stop(self) -> None:
        """Note nothing more: what a system's stop cuts short is no fault of a run."""
        with self._changed:
            self._stopped = True

    def wait(self, kind: type, accounts: set[int], within_s: float = PATIENCE_S) -> bool:
        """Wait until an event of this kind has happened to all of these; say whether it has."""
        wanted = {(each, kind) for each in accounts}
        with self._changed:
            return self._changed.wait_for(lambda: wanted <= self.first.keys(), within_s)

    def wait_for_trades(self, ids: set[int], within_s: float) -> bool:
        """Wait until all these trades are on disk; say whether they are."""
        with self._changed:
            return self._changed.wait_for(lambda: ids <= self.trades.keys(), within_s)


def config_of(url: str, logins: int, loss_usd: int) -> str:
    """Return a configuration; all logins together reconcile as often as one would."""
    broker = f"""[broker]
api_url = "{url}/api"
user_hub_url = "{url}/hubs/user"
market_hub_url = "{url}/hubs/market"
requests_per_minute = {FREE}
reconcile_every_s = {5.0 * logins}
[http]
listen = "127.0.0.1:0"
"""
    tables = "".join(
        f'[[logins]]\nname = "load-{n}"\nusername_env = "USER_{n}"\napi_key_env = "KEY"\n'
        for n in range(logins)
    )
    return broker + tables + rules(loss_usd, open_loss=True)


class Guard:
    """One running Lockstep."""

    def __init__(
        self, url: str, folder: Path, logins: int, loss_usd: int, clock: OffsetClock
    ) -> None:
        self.stopwatch = Stopwatch(clock)
        self._gateways: list[GatewayActor] = []
        path = folder / "lockstep.toml"
        path.write_text(config_of(url, logins, loss_usd))
        environment = {"KEY": "key"} | {f"USER_{n}": f"user-{n}" for n in range(logins)}
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
            self.stopwatch.commanded.setdefault(command.account, []).append(CLOCK.monotonic())
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
def guarding(
    url: str, folder: Path, accounts: range, logins: int, loss_usd: int, clock: OffsetClock
) -> Iterator[Guard]:
    """Run Lockstep against the broker; yields when all accounts are open."""
    guard = Guard(url, folder, logins, loss_usd, clock)
    guard.system.start()
    try:
        if not guard.stopwatch.wait(AccountOpened, set(accounts)):
            opened = guard.stopwatch.seen[AccountOpened]
            raise TimeoutError(f"{opened} of {len(accounts)} accounts open in {PATIENCE_S} s")
        gc.collect()
        gc.freeze()
        yield guard
    finally:
        guard.system.stop("measured")
