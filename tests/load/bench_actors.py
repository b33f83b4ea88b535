"""Measure pooled actors against plain pykka in one run: `python -m tests.load.bench_actors`.

Prints a table; asserts nothing. Read the ratios, not the figures: they travel between machines.
Figures are medians of the rounds. Not collected by pytest.
"""

import argparse
import statistics
import sys
import threading
from collections.abc import Callable

import pykka

from actors.runtime import LoopThread, OwnThread, PooledActor, SystemClock, WorkerPool

CLOCK = SystemClock()
DONE = "done"


class Counting:
    """Counts what it is told, and lets the main thread know when it is told DONE."""

    def on_receive(self, message):
        if message is DONE:
            self.finished.release()
        return message


class Plain(Counting, pykka.ThreadingActor):
    def __init__(self, finished):
        super().__init__()
        self.finished = finished


class Pooled(Counting, PooledActor):
    def __init__(self, finished, dispatcher):
        super().__init__(dispatcher=dispatcher)
        self.finished = finished


def tells_per_s(start: Callable, actors: int, messages: int) -> float:
    """Tell `messages` round-robin to `actors`, one producer; until the last is handled."""
    finished = threading.Semaphore(0)
    refs = [start(finished) for _ in range(actors)]
    begun = CLOCK.monotonic()
    for _ in range(messages // actors):
        for ref in refs:
            ref.tell(1)
    for ref in refs:
        ref.tell(DONE)
    for _ in refs:
        finished.acquire()
    took = CLOCK.monotonic() - begun
    pykka.ActorRegistry.stop_all()
    return messages / took


def ask_latency_us(start: Callable, asks: int) -> tuple[float, float]:
    """Ask one actor from a plain thread; return p50 and p99 in microseconds."""
    ref = start(threading.Semaphore(0))
    took = []
    for _ in range(asks):
        begun = CLOCK.monotonic()
        ref.ask(1)
        took.append((CLOCK.monotonic() - begun) * 1e6)
    ref.stop()
    percentiles = statistics.quantiles(took, n=100)
    return percentiles[49], percentiles[98]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--actors", type=int, default=1_000)
    options.add_argument("--messages", type=int, default=100_000)
    options.add_argument("--rounds", type=int, default=3)
    chosen = options.parse_args()
    pool, own, loop = WorkerPool(workers=2), OwnThread("own"), LoopThread("loop")
    kinds = {
        "plain pykka": Plain.start,
        "WorkerPool(2)": lambda finished: Pooled.start(finished, pool),
        "OwnThread": lambda finished: Pooled.start(finished, own),
        "LoopThread": lambda finished: Pooled.start(finished, loop),
    }
    measured = {name: ([], [], []) for name in kinds}
    for _ in range(chosen.rounds):
        for name, start in kinds.items():
            one, many, asks = measured[name]
            one.append(tells_per_s(start, 1, chosen.messages))
            many.append(tells_per_s(start, chosen.actors, chosen.messages))
            asks.append(ask_latency_us(start, 2_000))
    report(measured, chosen.actors)
    for dispatcher in (pool, own, loop):
        dispatcher.stop()


def report(measured, actors) -> None:
    rows = {
        name: (
            statistics.median(one),
            statistics.median(many),
            statistics.median(p50 for p50, _ in asks),
            statistics.median(p99 for _, p99 in asks),
        )
        for name, (one, many, asks) in measured.items()
    }
    base = rows["plain pykka"]
    lines = [f"{'':14} {'tell 1→1':>17} {f'tell 1→{actors:,}':>18} {'ask p50':>9} {'ask p99':>9}"]
    for name, (one, many, p50, p99) in rows.items():
        lines.append(
            f"{name:14} {one:>9,.0f}/s {one / base[0]:>4.1f}x {many:>9,.0f}/s {many / base[1]:>5.1f}x"
            f" {p50:>6.0f} µs {p99:>6.0f} µs"
        )
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
