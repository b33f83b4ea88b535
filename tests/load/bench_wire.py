"""Measure the whole path on the wire: `python -m tests.load.bench_wire [--accounts 200]`.

From the push of a losing trade at the simulated broker's socket to the close command at its handler, and
on to flat and locked: real SDK gateway, real journal on disk, the broker in another process. One breach
at a time, nothing else to do. Prints, asserts nothing; not collected by pytest.
"""

import argparse
import gc
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from actors.ops.witness import Testimony
from actors.runtime import OffsetClock, SystemClock
from actors.system import System
from config.loader import load
from messages.base import AccountMessage, Message
from messages.events import (
    AccountLocked,
    AccountOpened,
    BrokerCommandSent,
    EnforcementFinished,
    FlatConfirmed,
    RuleBreached,
)
from messages.facts import PositionChanged, TradeExecuted
from tests.load.broker_process import FIRST_ACCOUNT, PER_LOGIN, BrokerProcess, Seen
from tests.load.report import NOON, logged, machine, ms, rules, say, table

CLOCK = SystemClock()
PATIENCE_S = 30.0
PAUSE_S = 0.03
"""Between the steps of a breach, so that each finds the machine idle."""
STEPS = (
    ("(trade made → pushed, the broker's own)", "made", "pushed"),
    ("push → gateway", "pushed", TradeExecuted),
    ("→ decided", TradeExecuted, RuleBreached),
    ("→ intent durable, at the enforcer", RuleBreached, BrokerCommandSent),
    ("→ at the broker's handler", BrokerCommandSent, "closed"),
    ("push → close at the handler", "pushed", "closed"),
    ("push → flat confirmed twice", "pushed", FlatConfirmed),
    ("push → locked, durable", "pushed", AccountLocked),
)
"""The second to the fifth add up to the sixth."""


class Stopwatch:
    """When each kind of event happened to an account, in monotonic seconds; and a way to wait for it."""

    def __init__(self, clock: OffsetClock) -> None:
        self._monotonic_at_0 = clock.monotonic() - clock.now().timestamp()
        self._changed = threading.Condition()
        self._times: dict[tuple[int, type], float] = {}

    def note(self, event: Message) -> None:
        """Take in one journaled event; a lock counts from when it is on disk."""
        if not isinstance(event, AccountMessage):
            return
        if isinstance(event, TradeExecuted) and event.fill.profit_and_loss_usd is None:
            return
        durable = isinstance(event, AccountLocked)
        time = CLOCK.monotonic() if durable else self._monotonic(event.at)
        with self._changed:
            self._times.setdefault((event.account, type(event)), time)
            self._changed.notify_all()

    def _monotonic(self, at: datetime) -> float:
        return at.timestamp() + self._monotonic_at_0

    def wait(self, account: int, kind: type) -> None:
        """Wait for an event."""
        with self._changed:
            if not self._changed.wait_for(lambda: (account, kind) in self._times, PATIENCE_S):
                raise TimeoutError(f"account {account}: no {kind.__name__} in {PATIENCE_S} s")

    def seconds(self, account: int, seen: Seen, begin: type | str, end: type | str) -> float:
        """Return how long a step of an account's breach took."""
        first, last = (
            getattr(seen, each) if isinstance(each, str) else self._times[account, each]
            for each in (begin, end)
        )
        return last - first


def config_of(url: str, firsts: range) -> str:
    """Return a configuration with a login per group; together they reconcile as often as one would."""
    broker = f"""[broker]
api_url = "{url}/api"
user_hub_url = "{url}/hubs/user"
market_hub_url = "{url}/hubs/market"
requests_per_minute = 1000000
reconcile_every_s = {5.0 * len(firsts)}
[http]
listen = "127.0.0.1:0"
"""
    logins = "".join(
        f'[[logins]]\nname = "load-{first}"\nusername_env = "USER_{first}"\napi_key_env = "KEY"\n'
        for first in firsts
    )
    return broker + logins + rules(5, open_loss=False)


@contextmanager
def guarding(url: str, folder: Path, accounts: range, clock: OffsetClock) -> Iterator[Stopwatch]:
    """Run Lockstep against the broker, all accounts open."""
    stopwatch = Stopwatch(clock)
    path = folder / "lockstep.toml"
    firsts = range(accounts.start, accounts.stop, PER_LOGIN)
    path.write_text(config_of(url, firsts))
    environment = {"KEY": "key"} | {f"USER_{first}": f"user-{first}" for first in firsts}
    system = System(
        config=load(path, now=clock.now(), environment=environment),
        clock=clock,
        environment=environment,
        on_give_up=lambda address, error: say(f"{address} gave up: {error}"),
        journal_path=folder / "lockstep.db",
        testimony=Testimony(stopwatch.note),
    )
    system.start()
    try:
        for account in accounts:
            stopwatch.wait(account, AccountOpened)
        yield stopwatch
    finally:
        system.stop("measured")


def breach(broker: BrokerProcess, stopwatch: Stopwatch, account: int, pause: Callable) -> None:
    """Play one breach to its lock."""
    broker.do("buy", account)
    stopwatch.wait(account, PositionChanged)
    broker.do("fall")
    pause(PAUSE_S)
    broker.do("lose", account)
    stopwatch.wait(account, EnforcementFinished)
    pause(PAUSE_S)


def main() -> None:
    """Print one table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--accounts", type=int, default=200)
    options.add_argument("--no-freeze", action="store_true", help="leave out main.py's gc.freeze()")
    chosen = options.parse_args()
    machine()
    accounts = range(FIRST_ACCOUNT, FIRST_ACCOUNT + chosen.accounts)
    clock = OffsetClock(NOON)
    with tempfile.TemporaryDirectory() as name, BrokerProcess(chosen.accounts) as broker:
        folder = Path(name)
        with logged(folder), guarding(broker.url, folder, accounts, clock) as stopwatch:
            if not chosen.no_freeze:
                gc.collect()
                gc.freeze()
            for account in accounts:
                breach(broker, stopwatch, account, threading.Event().wait)
            seen = broker.do("seen")
    report(accounts, stopwatch, seen)


def report(accounts: range, stopwatch: Stopwatch, seen: dict[int, Seen]) -> None:
    """Print every step."""
    rows = []
    for name, begin, end in STEPS:
        first, *rest = (stopwatch.seconds(each, seen[each], begin, end) for each in accounts)
        rows.append((name, f"{first * 1e3:.2f}", *ms(rest), f"{max(rest) * 1e3:.2f}"))
    table(("ms", "first", "p50", "p99", "max"), rows)


if __name__ == "__main__":
    sys.exit(main())
