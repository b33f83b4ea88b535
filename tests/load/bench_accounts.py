"""Measure many accounts in one process: `python -m tests.load.bench_accounts [--accounts 1000]`.

How long they take to be OPEN when every snapshot is there at once, what they weigh (the SDK imported
too), how many facts a second they judge, and how long a breach of all of them at once takes. All is real,
the journal on disk too, except the broker. Prints, asserts nothing; not collected by pytest.
"""

import argparse
import gc
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from actors.ops.witness import Testimony
from actors.runtime import Dispatcher, OffsetClock, PooledActor, SystemClock
from actors.system import System
from config.loader import load
from messages.base import Message
from messages.events import AccountLocked, AccountOpened, EnforcementFinished
from messages.queries import Ping
from messages.values import FactKind
from tests.load.lean_broker import LeanGateway
from tests.load.report import ENVIRONMENT, NOON, RULES, logged, machine, rss_mb, say, table

CLOCK = SystemClock()
FIRST_ACCOUNT = 1001
PATIENCE_S = 300.0
LOSS = Decimal("-35.50")


@dataclass
class Counts:
    """How many events of each kind are on disk; a way to wait for them."""

    seen: Counter[type] = field(default_factory=Counter)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def note(self, event: Message) -> None:
        """Count a committed event."""
        with self.changed:
            self.seen[type(event)] += 1
            self.changed.notify_all()

    def wait(self, kind: type, count: int) -> None:
        """Wait until there are so many of a kind."""
        with self.changed:
            if not self.changed.wait_for(lambda: self.seen[kind] >= count, PATIENCE_S):
                raise TimeoutError(f"{self.seen[kind]} of {count} {kind.__name__}")


class Run:
    """One system with many accounts."""

    def __init__(self, folder: Path, accounts: int) -> None:
        self.accounts = range(FIRST_ACCOUNT, FIRST_ACCOUNT + accounts)
        self.counts = Counts()
        self.snapshots_at = 0.0
        path = folder / "lockstep.toml"
        path.write_text(f'[[logins]]\nname = "load"\n[http]\nlisten = "127.0.0.1:0"\n{RULES}')
        clock = OffsetClock(NOON)
        self.system = System(
            config=load(path, now=clock.now(), environment=ENVIRONMENT),
            clock=clock,
            environment=ENVIRONMENT,
            on_give_up=lambda address, error: say(f"{address} gave up: {error}"),
            journal_path=folder / "lockstep.db",
            testimony=Testimony(self.counts.note),
            gateway=self._gateway,
        )

    def _gateway(
        self, _login: object, system: System, dispatcher: Dispatcher, _guarded: object
    ) -> PooledActor:
        return LeanGateway(self.accounts, self._on_guard, **system.wiring(dispatcher))

    def _on_guard(self) -> None:
        self.snapshots_at = CLOCK.monotonic()

    def do(self, act: Callable[[LeanGateway], None]) -> None:
        """Have the broker do something."""
        self.system.directory.tell("gateway/load", act)

    def finish(self) -> None:
        """Wait until every inbox on the way of a fact has been emptied."""
        for prefix in ("gateway/", "account/", "rule/", "account/", "journal"):
            ping = Ping(at=NOON, cause="load")
            refs = [
                self.system.directory.ref(each) for each in self.system.directory.addresses(prefix)
            ]
            for future in [ref.ask(ping, block=False) for ref in refs]:
                future.get(timeout=PATIENCE_S)

    def facts(self, rounds: int) -> None:
        """Have every account trade and hold a position, so many times each."""

        def act(gateway: LeanGateway) -> None:
            for number in range(rounds):
                for account in self.accounts:
                    gateway.trade(account, None)
                    gateway.hold(account, 1 + number % 2)

        self.do(act)
        self.finish()

    def lose(self) -> None:
        """Break every account's daily loss limit at once, each with a position held."""

        def act(gateway: LeanGateway) -> None:
            for account in self.accounts:
                gateway.trade(account, LOSS)

        self.do(act)
        self.counts.wait(EnforcementFinished, len(self.accounts))
        self.counts.wait(AccountLocked, len(self.accounts))

    def asked(self) -> int:
        """Return how many rules a trade and a position together are judged by."""
        rules = self.system.accounts[FIRST_ACCOUNT].rules
        return sum(
            kind in each.listens for each in rules for kind in (FactKind.TRADE, FactKind.POSITION)
        )


def timed(step: Callable[[], object]) -> float:
    """Return the seconds a step takes."""
    begun = CLOCK.monotonic()
    step()
    return CLOCK.monotonic() - begun


def main() -> None:
    """Print one table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--accounts", type=int, default=1_000)
    options.add_argument("--rounds", type=int, default=10, help="two facts an account each")
    chosen = options.parse_args()
    machine()
    bare_mb = rss_mb()
    import actors.gateway.client  # noqa: F401 - weighs here what it weighs in the product

    sdk_mb = rss_mb()
    with tempfile.TemporaryDirectory() as name, logged(Path(name)):
        measure(Run(Path(name), chosen.accounts), chosen.rounds, (bare_mb, sdk_mb))


def measure(run: Run, rounds: int, before_mb: tuple[float, float]) -> None:
    """Start, open, feed, break, and say how it went."""
    count = len(run.accounts)
    begun = CLOCK.monotonic()
    run.system.start()
    started = CLOCK.monotonic()
    run.counts.wait(AccountOpened, count)
    opened = CLOCK.monotonic()
    gc.collect()
    gc.freeze()
    open_mb = rss_mb()
    try:
        judged_s = timed(lambda: run.facts(rounds))
        locked_s = timed(run.lose)
    finally:
        stopped_s = timed(lambda: run.system.stop("measured"))
    facts = 2 * rounds * count
    each = (open_mb - before_mb[1]) * 1024 / count
    table(
        (f"{count:,} accounts, 6 rules", ""),
        (
            ("System.start, nothing to replay", f"{started - begun:.2f} s"),
            ("  of it an account", f"{(started - begun) * 1e3 / count:.2f} ms"),
            ("snapshots there → all open, on disk", f"{opened - run.snapshots_at:.2f} s"),
            ("System.start → all open, on disk", f"{opened - begun:.2f} s"),
            ("RSS: Lockstep imported", f"{before_mb[0]:.0f} MB"),
            ("RSS: the SDK too", f"{before_mb[1]:.0f} MB"),
            ("RSS: all open", f"{open_mb:.0f} MB ({each:.0f} KB an account)"),
            ("RSS: at the end", f"{rss_mb():.0f} MB"),
            ("facts booked, judged and on disk", f"{facts / judged_s:,.0f}/s"),
            ("  judgements by a rule", f"{rounds * count * run.asked() / judged_s:,.0f}/s"),
            ("all breached at once → all locked", f"{locked_s:.2f} s"),
            ("  breaches", f"{count / locked_s:,.0f}/s"),
            ("System.stop", f"{stopped_s:.2f} s"),
        ),
    )


if __name__ == "__main__":
    main()
