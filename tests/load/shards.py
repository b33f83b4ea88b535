"""Lockstep in one or several processes: each guards its share of the logins, with a journal of its own.

Every process is driven by the one that measures, through a pipe; what their stopwatches noted is put
together at the end, for the machine's monotonic clock is the same in all of them.
"""

import multiprocessing
from collections.abc import Collection, Iterable
from contextlib import ExitStack
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple, Self

from actors.runtime import OffsetClock
from tests.load.cast import login_of
from tests.load.guard import CLOCK, Guard, Noted, guarding
from tests.load.report import cpu_s, logged, rss_mb
from tests.load.venue import LOSS_USD


class Share(NamedTuple):
    """What one process guards."""

    folder: Path
    """Of its configuration, journal and log."""
    logins: range
    """Their numbers."""
    among: int
    """How many there are in all."""
    accounts: tuple[int, ...]
    """Those of these logins."""


def shares(accounts: range, logins: int, processes: int, folder: Path) -> list[Share]:
    """Deal the logins out, one process after the other."""
    dealt = []
    for number in range(processes):
        own = range(number, logins, processes)
        guarded = tuple(each for each in accounts if login_of(each, logins) in own)
        dealt.append(Share(folder / str(number), own, logins, guarded))
    return dealt


class Shard:
    """The child's side."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self.limit = guard.limit
        self.wait = guard.stopwatch.wait
        self.wait_for_trades = guard.stopwatch.wait_for_trades

    def used(self) -> tuple[float, float]:
        """Return the processor seconds used so far, and the memory in MB."""
        return cpu_s(), rss_mb()

    def noted(self) -> Noted:
        """Return what was noted, and note nothing more: what a stop cuts short is no fault of a run."""
        self._guard.stopwatch.stop()
        return self._guard.stopwatch.noted


def _serve(pipe: Connection, url: str, share: Share, now: datetime, monotonic_s: float) -> None:
    # all processes tell one time, for Lockstep heeds the broker's
    clock = OffsetClock(now + timedelta(seconds=CLOCK.monotonic() - monotonic_s))
    share.folder.mkdir()
    guard = Guard(url, share.folder, share.logins, share.among, loss_usd=LOSS_USD, clock=clock)
    with logged(share.folder), guarding(guard, share.accounts):
        shard = Shard(guard)
        pipe.send("open")
        try:
            while True:
                name, arguments = pipe.recv()
                pipe.send(getattr(shard, name)(*arguments))
        except EOFError:
            return


class ShardProcess:
    """The parent's side; a context manager."""

    def __init__(self, url: str, share: Share, now: datetime, monotonic_s: float) -> None:
        self.accounts = frozenset(share.accounts)
        context = multiprocessing.get_context("spawn")
        self.pipe, far = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(far, url, share, now, monotonic_s), name=f"guard {share.logins}"
        )
        self._process.start()
        far.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.pipe.close()
        self._process.join()


class Shards:
    """All processes of a run; a context manager, entered when every account is open."""

    def __init__(self, url: str, dealt: Iterable[Share], now: datetime, monotonic_s: float) -> None:
        self._running = ExitStack()
        with ExitStack() as started:
            self._shards = [
                started.enter_context(ShardProcess(url, each, now, monotonic_s)) for each in dealt
            ]
            for each in self._shards:
                each.pipe.recv()
            self._running = started.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._running.close()

    def limit(self, requests: int) -> None:
        """Give every login this request budget from now on: a start would need minutes of it."""
        self._ask("limit", [(requests,)] * len(self._shards))

    def wait(self, kind: type, accounts: Collection[int], within_s: float) -> bool:
        """Wait until an event of this kind has happened to all of these; say whether it has."""
        asked = [(kind, each.accounts.intersection(accounts), within_s) for each in self._shards]
        return all(self._ask("wait", asked))

    def wait_for_trades(self, traders: dict[int, int], within_s: float) -> bool:
        """Wait until all these trades, each with its account, are on disk; say whether they are."""
        asked = [
            ({trade for trade, account in traders.items() if account in each.accounts}, within_s)
            for each in self._shards
        ]
        return all(self._ask("wait_for_trades", asked))

    def used(self) -> tuple[float, float]:
        """Return the processor seconds all of them used so far, and their memory in MB."""
        used = self._ask("used", [()] * len(self._shards))
        return sum(seconds for seconds, _ in used), sum(mb for _, mb in used)

    def noted(self) -> Noted:
        """Return what all of them noted; they note nothing more."""
        whole = Noted()
        for each in self._ask("noted", [()] * len(self._shards)):
            whole.add(each)
        return whole

    def _ask(self, name: str, arguments: list[tuple[Any, ...]]) -> list[Any]:
        for shard, each in zip(self._shards, arguments, strict=True):
            shard.pipe.send((name, each))
        return [shard.pipe.recv() for shard in self._shards]
