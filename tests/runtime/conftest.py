"""What the runtime's tests share: counted dispatchers, a virtual clock, a directory."""

from datetime import UTC, datetime

import pykka
import pytest

from actors.runtime import (
    Directory,
    InFlight,
    LoopThread,
    OwnThread,
    PooledActor,
    VirtualClock,
    WorkerPool,
)

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


@pytest.fixture
def in_flight():
    """Count the messages of all dispatchers of a test."""
    return InFlight()


def _running(dispatcher):
    """Lend a dispatcher to a test; stop the actors before it, as the system does."""
    yield dispatcher
    pykka.ActorRegistry.stop_all(timeout=5)
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
