"""One whole system with many accounts on a lean broker: all else is real, the journal on disk too.

Shared by what measures many accounts (`compare`, `bench_restart`).
"""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from actors.runtime import Dispatcher, OffsetClock, PooledActor, SystemClock
from actors.system import System
from config.loader import load
from messages.base import Message
from messages.events import AccountLocked, AccountOpened, EnforcementFinished
from messages.queries import Ping
from messages.values import Phase
from tests.load.lean_broker import LeanGateway
from tests.load.minute import Beat
from tests.load.report import ENVIRONMENT, MONEY, NOON, rules, say
from tests.load.watching import Watching

CLOCK = SystemClock()
FIRST_ACCOUNT = 1001
PATIENCE_S = 600.0
LOSS_USD = 500
CHUNK = 64
"""Records the broker hands over at a time, as a socket does; between them others get their turn."""


@dataclass
class Counts:
    """How many events of each kind are on disk; a way to wait for them."""

    seen: Counter[type] = field(default_factory=Counter)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def note(self, event: Message, _at: datetime) -> None:
        """Count a committed event."""
        with self.changed:
            self.seen[type(event)] += 1
            self.changed.notify_all()

    def wait(self, kind: type, count: int) -> None:
        """Wait until there are so many of a kind."""
        with self.changed:
            if not self.changed.wait_for(lambda: self.seen[kind] >= count, PATIENCE_S):
                raise TimeoutError(f"{self.seen[kind]} of {count} {kind.__name__}")


class Whole:
    """Lockstep."""

    def __init__(self, folder: Path, accounts: range) -> None:
        self.accounts = accounts
        self.counts = Counts()
        self.snapshots_at = 0.0
        path = folder / "lockstep.toml"
        head = f'[[logins]]\nname = "load"\n{MONEY}[http]\nlisten = "127.0.0.1:0"\n'
        path.write_text(head + rules(LOSS_USD, open_loss=False))
        clock = OffsetClock(NOON)
        self.system = System(
            config=load(path, now=clock.now(), environment=ENVIRONMENT),
            clock=clock,
            environment=ENVIRONMENT,
            on_give_up=lambda address, error: say(f"{address} gave up: {error}"),
            journal_path=folder / "lockstep.db",
            testimony=Watching(self.counts.note),
            gateway=self._gateway,
        )

    def _gateway(
        self, _login: object, system: System, dispatcher: Dispatcher, _guarded: object
    ) -> PooledActor:
        return LeanGateway(self.accounts, self._on_guard, **system.wiring(dispatcher))

    def _on_guard(self) -> None:
        self.snapshots_at = CLOCK.monotonic()

    def start(self) -> None:
        """Start, and return when every account is open."""
        self.system.start()
        self.counts.wait(AccountOpened, len(self.accounts))

    def check(self) -> None:
        """Refuse to measure accounts that are not open: they would judge nothing, and fast."""
        phases = Counter(each.phase for each in self.system.status().accounts)
        if phases != {Phase.OPEN: len(self.accounts)}:
            raise AssertionError(f"not all are open: {phases}")

    def stop(self) -> None:
        """Stop in order."""
        self.system.stop("measured")

    def do(self, act: Callable[[LeanGateway], None]) -> None:
        """Have the broker do something."""
        self.system.directory.tell("gateway/load", act)

    def ask(self, prefix: str) -> None:
        """Wait until the inboxes of these actors have been emptied."""
        ping = Ping(at=NOON, cause="load")
        directory = self.system.directory
        refs = [directory.ref(each) for each in directory.addresses(prefix)]
        for future in [ref.ask(ping, block=False) for ref in refs]:
            future.get(timeout=PATIENCE_S)

    def finish(self) -> None:
        """Wait until every inbox on the way of a fact has been emptied."""
        for prefix in ("gateway/", "quotes", "account/", "rule/", "account/", "journal"):
            self.ask(prefix)

    def feed(self, records: list[bytes]) -> None:
        """Have the broker push these, and wait until they are judged and on disk."""
        for at in range(0, len(records), CHUNK):
            chunk = records[at : at + CHUNK]
            self.do(lambda gateway, chunk=chunk: gateway.hear(chunk))
        self.finish()

    def hold(self, holders: range) -> None:
        """Have these accounts hold a contract."""
        self.do(lambda gateway: [gateway.hold(each, 1) for each in holders])
        self.finish()

    def quote(self, records: list[bytes]) -> None:
        """Have the broker push these quotes, none of which overtakes the one before."""
        for record in records:
            self.do(lambda gateway, record=record: gateway.hear_quote(record))
            self.ask("gateway/")
            self.ask("quotes")
        self.finish()

    def hold_each(self, holdings: dict[int, str]) -> None:
        """Have accounts hold a contract each."""
        self.do(lambda gateway: [gateway.hold(a, 1, c) for a, c in holdings.items()])
        self.finish()

    def live(self, beats: list[Beat]) -> None:
        """Have the broker push the records of both hubs; no quote overtakes the one before."""
        for beat in beats:
            self.do(lambda gateway, beat=beat: gateway.hear_beat(beat))
            self.ask("gateway/")
            self.ask("quotes")
        self.finish()

    def trade(self, rounds: int) -> None:
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
        self.hold(self.accounts)

        def act(gateway: LeanGateway) -> None:
            for account in self.accounts:
                gateway.trade(account, Decimal(-LOSS_USD - 1))

        self.do(act)
        self.counts.wait(EnforcementFinished, len(self.accounts))
        self.counts.wait(AccountLocked, len(self.accounts))
