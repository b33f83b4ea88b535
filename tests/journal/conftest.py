"""A journal on a real file, and the actors around it."""

import queue
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from actors.journal import JournalActor, Memory, Store
from actors.runtime import (
    ClockActor,
    Directory,
    InFlight,
    LingeringThread,
    OwnThread,
    PooledActor,
    PooledRef,
    VirtualClock,
)
from messages.events import AccountOpened, DayReset, Event
from messages.facts import PositionChanged
from messages.journal import Append
from messages.values import Position

NOW = datetime(2025, 10, 31, 16, 43, tzinfo=UTC)


def opened(account: int, cause: str = "start") -> Event:
    """Return a small event of one account."""
    return AccountOpened(at=NOW, cause=cause, account=account)


def moved(account: int, size: int) -> Event:
    """Return an event whose size tells it from others."""
    position = Position(contract="CON.F.US.MNQ.Z25", size=size, average_price=Decimal("26178.25"))
    return PositionChanged(at=NOW, cause="stream/1", account=account, position=position)


def reset(account: int) -> Event:
    """Return the event from which an account is replayed."""
    return DayReset(
        at=NOW,
        cause="clock",
        account=account,
        closed_date="2025-10-30",
        realised_usd=Decimal("-35.50"),
        closed_trades=1,
        trading_date="2025-10-31",
        lockouts=(),
        enforcement=None,
        breach_count=1,
        enforcement_count=1,
        connected=True,
        positions=(),
        orders=(),
        unprotected=(),
        can_trade=True,
        can_trade_at=NOW,
    )


class Probe(PooledActor):
    """Keeps what it is told, in order."""

    def __init__(self, dispatcher: OwnThread, heard: "queue.SimpleQueue[Any]") -> None:
        super().__init__(dispatcher=dispatcher)
        self._heard = heard

    def on_receive(self, message: Any) -> None:
        self._heard.put(message)


class Gate(PooledActor):
    """Holds its thread, and so every actor on it, until it is let go."""

    def __init__(self, dispatcher: OwnThread) -> None:
        super().__init__(dispatcher=dispatcher)

    def on_receive(self, message: tuple[threading.Event, threading.Event]) -> None:
        reached, let_go = message
        reached.set()
        assert let_go.wait(100)


class Harness:
    """A JournalActor with its clock, and a probe at the address `probe`."""

    def __init__(self, store: Store, clock: VirtualClock, *, linger_s: float = 0) -> None:
        self.store = store
        self.clock = clock
        self.directory = Directory()
        self.in_flight = InFlight()
        self.thread = LingeringThread("journal", self.in_flight, linger_s=linger_s, slice_size=512)
        self.others = OwnThread("others", self.in_flight)
        self.memory = Memory()
        self.heard: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._register(
            "clock",
            ClockActor.start(clock=clock, directory=self.directory, dispatcher=self.others),
        )
        self._register("probe", Probe.start(self.others, self.heard))
        self.journal = self.start_journal()

    def start_journal(self) -> PooledRef[JournalActor]:
        """Start a journal that goes on with what this harness remembers."""
        ref = JournalActor.start(
            store=self.store,
            clock=self.clock,
            directory=self.directory,
            dispatcher=self.thread,
            memory=self.memory,
        )
        self._register("journal", ref)
        return ref

    def append(self, *events: Event, token: str = "t0", asker: str | None = "probe") -> None:  # noqa: S107
        """Tell the journal to store events."""
        append = Append(at=NOW, cause="test", events=events, asker=asker, token=token)
        self.directory.tell("journal", append)

    def hold(self) -> Callable[[], None]:
        """Keep the journal from taking its next turn until the returned function is called."""
        reached, let_go = threading.Event(), threading.Event()
        Gate.start(self.thread).tell((reached, let_go))
        assert reached.wait(100)  # else what is told next may come before it
        return let_go.set

    def settle(self) -> list[Any]:
        """Wait until nothing is under way, and return what the probe heard since the last time."""
        self.in_flight.wait_idle(10)
        return [self.heard.get() for _ in range(self.heard.qsize())]

    def hear(self) -> Any:
        """Wait for the next message to the probe."""
        return self.heard.get(timeout=100)

    def stop(self) -> None:
        """End the actors, the journal last, and their threads."""
        for address in ("probe", "clock"):
            self.directory.ref(address).stop()
        self.directory.ref("journal").stop()
        self.thread.stop()  # closes the gates too
        self.others.stop()

    def _register(self, address: str, ref: PooledRef[Any]) -> None:
        self.directory.register(address, ref)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(NOW)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "lockstep.db"


@pytest.fixture
def store(path: Path, clock: VirtualClock) -> Iterator[Store]:
    opened_store = Store.open(path, clock=clock)
    yield opened_store
    opened_store.close()


@pytest.fixture
def harness(store: Store, clock: VirtualClock) -> Iterator[Harness]:
    running = Harness(store, clock)
    yield running
    running.stop()
