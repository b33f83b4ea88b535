"""What the runtime's tests share: counted dispatchers, a virtual clock, a directory."""

from datetime import UTC, datetime

import pykka
import pytest

from actors.runtime import (
    ChildSpec,
    ClockActor,
    Deadlines,
    Directory,
    InFlight,
    LoopThread,
    OwnThread,
    PooledActor,
    RootSupervisor,
    StartChild,
    VirtualClock,
    WorkerPool,
)
from tests.runtime.nursery import WAIT_S, Nursery

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


@pytest.fixture
def in_flight():
    """Count the messages of all dispatchers of a test."""
    return InFlight()


def _running(dispatcher):
    """Lend a dispatcher to a test; stop the actors before it, as the system does."""
    yield dispatcher
    pykka.ActorRegistry.stop_all(timeout=WAIT_S)
    dispatcher.stop()


@pytest.fixture
def pool(in_flight):
    """Two workers that must not block."""
    yield from _running(WorkerPool(workers=2, in_flight=in_flight))


@pytest.fixture
def own(in_flight):
    """One thread that may block."""
    yield from _running(OwnThread("own", in_flight=in_flight))


@pytest.fixture
def loop_thread(in_flight):
    """An asyncio loop in its own thread."""
    yield from _running(LoopThread("loop", in_flight=in_flight))


@pytest.fixture
def clock():
    """Time that stands still at noon UTC."""
    return VirtualClock(NOON)


@pytest.fixture
def directory():
    """No addresses yet."""
    return Directory()


class Probe(PooledActor):
    """Keeps everything it is told."""

    def __init__(self, dispatcher):
        super().__init__(dispatcher=dispatcher)
        self.seen = []

    def on_receive(self, message):
        self.seen.append(message)


@pytest.fixture
def probe(pool, directory):
    """Return a function that puts a probe at an address and returns the list of what it is told."""

    def at(address):
        ref = Probe.start(pool)
        directory.register(address, ref)
        return ref._actor_weakref().seen

    return at


# --- supervision ----


@pytest.fixture
def nursery(pool):
    """Children on the pool."""
    return Nursery(pool)


@pytest.fixture
def journal(probe):
    """What the journal is told to append, event by event."""

    class Events:
        def __init__(self, appends):
            self.appends = appends

        def of(self, kind):
            return [
                event for each in self.appends for event in each.events if isinstance(event, kind)
            ]

    return Events(probe("journal"))


@pytest.fixture
def given_up():
    """What on_give_up was called with."""
    return []


@pytest.fixture
def supervisor(journal, own, directory, clock, given_up):
    """A running supervisor that gives a child up at its sixth failure within ten seconds."""
    assert directory.is_alive("journal"), journal
    return RootSupervisor.start(
        dispatcher=own,
        directory=directory,
        clock=clock,
        on_give_up=lambda address, error: given_up.append((address, error)),
    )


@pytest.fixture
def start(supervisor):
    """Return a function that has the supervisor start a child."""
    return lambda spec: supervisor.ask(StartChild(spec), timeout=WAIT_S)


@pytest.fixture
def letters(directory):
    """The dead letters of a test: (address, message)."""
    seen = []
    directory.on_dead_letter(lambda address, message, _error: seen.append((address, message)))
    return seen


@pytest.fixture
def clock_spec(clock, directory, loop_thread):
    """The spec of a supervised ClockActor whose deadlines outlive it."""
    book = Deadlines()

    def factory():
        return ClockActor(clock=clock, directory=directory, dispatcher=loop_thread, deadlines=book)

    return ChildSpec(address="clock", factory=factory)
