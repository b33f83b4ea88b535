"""Measure the journal: events a second and append → acknowledgement, grouped and one by one.

Run `.venv/bin/python tests/load/bench_journal.py [events]` from the repository's root. So many clients as
the first column says each keep one `Append` under way; "one by one" is the same JournalActor with turns
of one message, so that every event has a transaction of its own. Prints, asserts nothing.
"""

# ruff: noqa: T201

import statistics
import sys
import tempfile
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from actors.journal import JournalActor, Store, verify
from actors.runtime import Directory, OwnThread, PooledActor, SystemClock
from messages.facts import PositionChanged
from messages.journal import Append
from messages.values import Position

CLOCK = SystemClock()


class Clients(PooledActor):
    """Keeps a number of appends under way until enough are acknowledged."""

    def __init__(
        self,
        *,
        dispatcher: OwnThread,
        directory: Directory,
        total: int,
        latencies: list[float],
        done: threading.Event,
    ) -> None:
        super().__init__(dispatcher=dispatcher)
        self._directory = directory
        self._left = self._total = total
        self._sent: dict[str, float] = {}
        self._latencies = latencies
        self._done = done

    def on_receive(self, message: Any) -> None:
        """Begin with a number of clients, or go on after an acknowledgement."""
        if isinstance(message, int):
            for _ in range(message):
                self._say()
            return
        self._latencies.append(CLOCK.monotonic() - self._sent.pop(message.token))
        if len(self._latencies) == self._total:
            self._done.set()
        self._say()

    def _say(self) -> None:
        if not self._left:
            return
        self._left -= 1
        token = str(self._left)
        position = Position(contract="CON.F.US.MNQ.Z25", size=2, average_price=Decimal("26178.25"))
        now = CLOCK.now()
        event = PositionChanged(at=now, cause="b", account=self._left % 500, position=position)
        self._sent[token] = CLOCK.monotonic()
        append = Append(at=now, cause="b", events=(event,), asker="clients", token=token)
        self._directory.tell("journal", append)


def measure(folder: Path, *, clients: int, slice_size: int, total: int) -> str:
    """Return one cell of the table: events/s, p50 and p99 in ms."""
    store = Store.open(folder / f"{clients}-{slice_size}.db", clock=CLOCK)
    directory = Directory()
    thread, others = OwnThread("journal", slice_size=slice_size), OwnThread("clients")
    journal = JournalActor.start(store=store, clock=CLOCK, directory=directory, dispatcher=thread)
    directory.register("journal", journal)
    latencies: list[float] = []
    done = threading.Event()
    ref = Clients.start(
        dispatcher=others, directory=directory, total=total, latencies=latencies, done=done
    )
    directory.register("clients", ref)
    begun = CLOCK.monotonic()
    ref.tell(clients)
    done.wait()
    took = CLOCK.monotonic() - begun
    for each in (ref, journal):
        each.stop()
    for each in (others, thread):
        each.stop()
    store.close()
    cuts = statistics.quantiles(latencies, n=100)
    return f"{total / took:>9,.0f}/s {cuts[49] * 1e3:8.2f} {cuts[98] * 1e3:8.2f}"


def main() -> None:
    """Print the table, and how fast a journal is verified at start-up."""
    most = int(sys.argv[1]) if len(sys.argv) > 1 else 40_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print("clients | grouped: events/s, p50 ms, p99 ms | one by one: the same")
        for clients in (1, 8, 64, 512):
            total = min(most, 3_000 * clients)
            grouped = measure(folder, clients=clients, slice_size=512, total=total)
            single = measure(folder, clients=clients, slice_size=1, total=min(total, 6_000))
            print(f"{clients:>7} | {grouped:>31} | {single:>31}")
        path = folder / "512-512.db"
        begun = CLOCK.monotonic()
        events = verify(path).events
        took = CLOCK.monotonic() - begun
        print(f"verified {events:,} events at {events / took:,.0f} rows/s")


if __name__ == "__main__":
    main()
