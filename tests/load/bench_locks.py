"""How long after its verdict a lock is on disk while facts flow, by how many a second.

    python -m tests.load.bench_locks [--accounts N] [--seconds S] [--rates 20000 10000 …]

A whole Lockstep, journal on disk; the wire is left out: the broker is in the process and hands over
encoded records when they are due, whether or not those before are judged (open loop). Meanwhile ten
accounts a second break their daily loss with a position open. A rate is held when what was sent is judged
and on disk half a second after the last record. Prints, asserts nothing.
"""

import tempfile
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import cyclopts

from actors.journal.chain import Row
from actors.runtime import Clock, collector
from actors.system import System
from messages.events import AccountLocked
from tests.load.figures import spread
from tests.load.lean_broker import LeanGateway
from tests.load.recorded import Recording
from tests.load.report import cpu_s, logged, machine, say, table
from tests.load.whole import CHUNK, CLOCK, FIRST_ACCOUNT, LOSS_USD, Whole

_PROBES_PER_S = 10
_HELD_S = 0.5
_HEAD = ("facts/s", "held", "drained, s", "cores", "verdict → intent", "→ locked")
RATES = (2_000, 5_000, 8_000, 12_000, 20_000)


_BREACHED, _DURABLE = "rule_breached", ("enforcement_started", "account_locked")


class Disk:
    """When the verdict on an account was booked, and when what followed from it was on disk."""

    def __init__(self, clock: Clock) -> None:
        self._monotonic_at_0 = clock.monotonic() - clock.now().timestamp()
        self.decided: dict[int, float] = {}
        self.stored: dict[tuple[int, str], float] = {}

    def watch(self, system: System) -> None:
        """Note each commit of the journal's thread as it returns: whoever is told hears it later."""
        store: Any = system._store
        append_rows = store.append_rows

        def noted(rows: Sequence[Row]) -> int:
            last: int = append_rows(rows)
            now = CLOCK.monotonic()
            for row in rows:
                if row.kind in _DURABLE:
                    self.stored.setdefault((row.account, row.kind), now)
                elif row.kind == _BREACHED:
                    at = datetime.fromisoformat(row.at).timestamp() + self._monotonic_at_0
                    self.decided.setdefault(row.account, at)
            return last

        store.append_rows = noted


def measure(folder: Path, accounts: range, rate: int, seconds: float) -> tuple[str, ...]:
    """Return the row of one rate; latencies are p50 / p99 / worst, from verdict to disk."""
    system = Whole(folder, accounts)
    disk = Disk(system.system.clock)
    system.start()
    disk.watch(system.system)
    try:
        probes = accounts[: round(_PROBES_PER_S * seconds)]
        system.hold(probes)
        recording = Recording(accounts[len(probes) :])
        system.feed(recording.cycle())  # so that no contract has to be described in between
        records = _records(recording, round(rate * seconds))
        collector.settle()
        cpu, begun = cpu_s(), CLOCK.monotonic()
        _send(system, records, list(probes), rate)
        sent = CLOCK.monotonic()
        system.finish()
        drained, cores = CLOCK.monotonic() - sent, (cpu_s() - cpu) / (CLOCK.monotonic() - begun)
        system.counts.wait(AccountLocked, len(probes))
    finally:
        system.stop()
    spreads = [
        spread(disk.stored[each, kind] - disk.decided[each] for each in probes) for kind in _DURABLE
    ]
    return (
        f"{rate:,}",
        "yes" if drained <= _HELD_S else "no",
        f"{drained:.2f}",
        f"{cores:.2f}",
        *(f"{each['p50']:.1f} / {each['p99']:.1f} / {each['max']:.1f}" for each in spreads),
    )


def _records(recording: Recording, count: int) -> list[bytes]:
    records = list[bytes]()
    while len(records) < count:
        records += recording.cycle()
    return records[:count]


def _send(system: Whole, records: list[bytes], probes: list[int], rate: int) -> None:
    begun, breached = CLOCK.monotonic(), 0
    for at in range(0, len(records), CHUNK):
        wait = begun + at / rate - CLOCK.monotonic()
        if wait > 0:
            threading.Event().wait(wait)
        chunk = records[at : at + CHUNK]
        system.do(lambda gateway, chunk=chunk: gateway.hear(chunk))
        if breached < len(probes) and breached <= at / rate * _PROBES_PER_S:
            system.do(_losing(probes[breached]))
            breached += 1


def _losing(account: int) -> Callable[[LeanGateway], None]:
    def lose(gateway: LeanGateway) -> None:
        gateway.trade(account, Decimal(-LOSS_USD - 1))

    return lose


def main(*, accounts: int = 1_000, seconds: float = 5.0, rates: tuple[int, ...] = RATES) -> None:
    """Print the table, a row for each rate, each in a Lockstep of its own."""
    machine()
    rows = []
    for rate in rates:
        with tempfile.TemporaryDirectory() as name, logged(Path(name)):
            numbers = range(FIRST_ACCOUNT, FIRST_ACCOUNT + accounts)
            rows.append(measure(Path(name), numbers, rate, seconds))
    say("ms, p50 / p99 / worst")
    table(_HEAD, rows)


if __name__ == "__main__":
    cyclopts.run(main)
