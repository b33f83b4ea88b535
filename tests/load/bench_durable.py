"""Trades that are durable, a second: Lockstep beside a store write per trade.

    python -m tests.load.bench_durable [--accounts N] [--seconds S]

The same trades of so many accounts. `Lockstep`: told by the broker, booked, judged by all rules, in the
journal with its hash chain and on disk. `its journal alone`: told to the JournalActor, nobody waits for
the other. The others are only SQLite, with a commit (fsync, synchronous=FULL as ours) for each trade and
no engine around it. Prints, asserts nothing.
"""

import itertools
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import cyclopts

from actors.journal import JournalActor, Store
from actors.runtime import Directory, LingeringThread
from messages.events import Event
from messages.facts import TradeExecuted
from messages.journal import Append
from messages.queries import Ping
from tests.load.lean_broker import fill
from tests.load.report import NOON, logged, machine, table
from tests.load.whole import CLOCK, FIRST_ACCOUNT, Whole

_ROUNDS = 5
"""Of trading, before it is waited for: a question to every actor."""
_GATHER_S, _SLICE = 0.01, 512
"""As `System` has its journal gather what nobody waits for."""


def whole(folder: Path, accounts: range, seconds: float) -> float:
    """Return how many trades a second Lockstep has on disk, all accounts trading in turn."""
    system = Whole(folder, accounts)
    system.start()
    try:
        rounds, begun = 0, CLOCK.monotonic()
        while CLOCK.monotonic() - begun < seconds:
            for _ in range(_ROUNDS):
                system.do(lambda gateway: [gateway.trade(each, None) for each in accounts])
            system.finish()
            rounds += _ROUNDS
        took = CLOCK.monotonic() - begun
        system.counts.wait(TradeExecuted, rounds * len(accounts))
        return rounds * len(accounts) / took
    finally:
        system.stop()


def journal(folder: Path, accounts: range, seconds: float) -> float:
    """Return how many trades a second the journal has on disk, each an `Append` of its account's."""
    store, directory = Store.open(folder / "alone.db", clock=CLOCK), Directory()
    thread = LingeringThread("journal", linger_s=_GATHER_S, slice_size=_SLICE)
    ref = JournalActor.start(store=store, clock=CLOCK, directory=directory, dispatcher=thread)
    count, begun = itertools.count(), CLOCK.monotonic()
    told = 0
    while CLOCK.monotonic() - begun < seconds:
        for account in accounts:
            told = next(count)
            ref.tell(
                Append(at=NOON, cause="b", events=(_trade(account, told),), asker=None, token="")
            )
        ref.ask(Ping(at=NOON, cause="b"))
    took = CLOCK.monotonic() - begun
    ref.stop()
    thread.stop()
    store.close()
    return (told + 1) / took


def _trade(account: int, number: int) -> Event:
    return TradeExecuted(at=NOON, cause="b", account=account, fill=fill(number, NOON, None))


def written_singly(folder: Path, accounts: range, seconds: float, mode: str) -> float:
    """Return how many trades a second a table takes with a commit each."""
    with closing(sqlite3.connect(folder / f"{mode}.db", isolation_level=None)) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE trades (account INTEGER, id INTEGER, at TEXT, pnl TEXT)")
        begun, number = CLOCK.monotonic(), 0
        while CLOCK.monotonic() - begun < seconds:
            row = (accounts[number % len(accounts)], number, NOON.isoformat(), "-35.50")
            connection.execute("INSERT INTO trades VALUES (?, ?, ?, ?)", row)
            number += 1
        return number / (CLOCK.monotonic() - begun)


def main(*, accounts: int = 1_000, seconds: float = 5.0) -> None:
    """Print the table."""
    machine()
    numbers = range(FIRST_ACCOUNT, FIRST_ACCOUNT + accounts)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rates = {
            f"a commit per trade, {mode}": written_singly(folder, numbers, seconds, mode)
            for mode in ("WAL", "DELETE")
        }
        rates["its journal alone"] = journal(folder, numbers, seconds)
        with logged(folder):
            rates["Lockstep"] = whole(folder, numbers, seconds)
    wal, rollback, *_ = rates.values()
    rows = [
        (name, f"{rate:,.0f}", f"{rate / wal:.1f}", f"{rate / rollback:.1f}")
        for name, rate in rates.items()
    ]
    table(("durable trades", "a second", "÷ WAL", "÷ DELETE"), rows)


if __name__ == "__main__":
    cyclopts.run(main)
