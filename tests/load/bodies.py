"""One way to carry facts, alive in a process of its own: memory and processor time are its own.

The parent has it start, feed a cycle or push quotes, and hears what that cost. A process that waits for
its turn costs nothing, so the runs of several can be interleaved: a machine is never equally fast.
"""

import gc
import multiprocessing
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Self

from actors.runtime import collector
from tests.load.minute import Minute
from tests.load.recorded import Recording, quotes
from tests.load.report import cpu_s, logged, rss_mb, say
from tests.load.variants import (
    DecodeAlone,
    EveryQuoteOnPykka,
    EveryQuoteOnTheFloor,
    Floor,
    PlainPykka,
    Pooled,
    SeedLike,
)
from tests.load.whole import CLOCK, FIRST_ACCOUNT, Whole

KINDS: dict[str, Callable[[Path, range], Any]] = {
    "Lockstep": Whole,
    "Lockstep, no disk": Pooled,
    "plain pykka": PlainPykka,
    "floor (no actors)": Floor,
    "plain pykka, every quote": EveryQuoteOnPykka,
    "floor, every quote": EveryQuoteOnTheFloor,
    "decode alone": DecodeAlone,
    "seed-like": SeedLike,
}
FLOOR = "floor (no actors)"


@dataclass(frozen=True, slots=True)
class Cost:
    """What a number of things cost."""

    count: int
    wall_s: float
    cpu_s: float

    @property
    def per_s(self) -> float:
        """How many a second."""
        return self.count / self.wall_s

    @property
    def per_core_s(self) -> float:
        """How many a second of one core's work."""
        return self.count / self.cpu_s


@dataclass(frozen=True, slots=True)
class Begun:
    """How it started."""

    start_s: float
    kb_an_account: float


class _Child:
    def __init__(self, kind: str, accounts: int, folder: Path) -> None:
        import actors.gateway.client  # noqa: F401 - weighs in every one what it weighs in the product

        self._range = range(FIRST_ACCOUNT, FIRST_ACCOUNT + accounts)
        self._recording = Recording(self._range)
        gc.collect()
        before_mb, begun = rss_mb(), CLOCK.monotonic()
        self._body = KINDS[kind](folder, self._range)
        self._body.start()
        took_s = CLOCK.monotonic() - begun
        collector.settle()  # as `main.py run` does
        self.begun = Begun(took_s, (rss_mb() - before_mb) * 1024 / accounts)
        self._held = 0
        self._minute: Minute | None = None

    def cycle(self) -> Cost:
        records = self._recording.cycle()
        cost = self._beyond_waiting(_cost(len(records), lambda: self._body.feed(records)))
        self._body.check()
        return cost

    def quotes(self, holders: int, count: int) -> Cost:
        self._body.hold(self._range[self._held : holders])
        self._held = holders
        records = quotes(count)
        return self._beyond_waiting(_cost(count, lambda: self._body.quote(records)))

    def live(self, beats: int) -> Cost:
        """Live through so many beats of the news minute; everybody holds something from the first on."""
        if self._minute is None:
            self._minute = Minute(self._range)
            self._body.hold_each(self._minute.holdings)
        records = self._minute.beats(beats)
        cost = _cost(sum(map(len, records)), lambda: self._body.live(records))
        cost = self._beyond_waiting(cost)
        self._body.check()
        return cost

    def lose(self) -> Cost:
        return _cost(len(self._range), self._body.lose)

    def _beyond_waiting(self, cost: Cost) -> Cost:
        """Take off what it costs to wait for the end: thousands of questions, where there are actors."""
        waiting = _cost(0, self._body.finish)
        return Cost(cost.count, cost.wall_s - waiting.wall_s, cost.cpu_s - waiting.cpu_s)

    def stop(self) -> None:
        self._body.stop()


def _cost(count: int, act: Callable[[], object]) -> Cost:
    wall, cpu = CLOCK.monotonic(), cpu_s()
    act()
    return Cost(count, CLOCK.monotonic() - wall, cpu_s() - cpu)


def _serve(pipe: Connection, kind: str, accounts: int) -> None:
    with tempfile.TemporaryDirectory() as name, logged(Path(name)):
        child = _Child(kind, accounts, Path(name))
        pipe.send(child.begun)
        try:
            while True:
                asked, arguments = pipe.recv()
                pipe.send(getattr(child, asked)(*arguments))
        except EOFError:
            child.stop()


class Body:
    """The parent's side; a context manager."""

    def __init__(self, kind: str, accounts: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, far = context.Pipe()
        self._process = context.Process(target=_serve, args=(far, kind, accounts), name=kind)
        self._process.start()
        far.close()
        self.kind = kind
        self.begun: Begun = self._pipe.recv()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._pipe.close()
        self._process.join()

    def do(self, asked: str, *arguments: object) -> Cost:
        """Have it do something, and return what that cost."""
        self._pipe.send((asked, arguments))
        cost: Cost = self._pipe.recv()
        return cost


def main() -> None:
    """Feed cycles in this very process, for a profiler: `python -m tests.load.bodies Lockstep 1000 5`."""
    kind, accounts, cycles = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    with tempfile.TemporaryDirectory() as name, logged(Path(name)):
        child = _Child(kind, accounts, Path(name))
        say(str(child.begun))
        for _ in range(cycles):
            say(str(child.cycle()))
        child.stop()


if __name__ == "__main__":
    main()
