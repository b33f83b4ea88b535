"""Right of way: ordinary turns wait for who has claimed it, those ahead do not, and nobody for long."""

import asyncio

import pykka
import pytest

from actors.runtime import (
    LingeringThread,
    LoopThread,
    PooledActor,
    RightOfWay,
    VirtualClock,
    WorkerPool,
    right_of_way,
)
from tests.runtime.conftest import NOON
from tests.runtime.nursery import WAIT_S, Gate


class Ordinary(PooledActor):
    """Keeps what it is told; stands at gates."""

    def __init__(self, dispatcher, log):
        super().__init__(dispatcher=dispatcher)
        self.log = log

    def on_receive(self, message):
        if isinstance(message, Gate):
            message.stand()
        self.log.append(message)
        return message


class Ahead(Ordinary):
    """Comes before the others."""

    ahead = True


@pytest.fixture
def way():
    """Nobody has claimed it."""
    return RightOfWay()


@pytest.fixture
def patient(monkeypatch, way):
    """A claim lasts for longer than any test waits."""
    monkeypatch.setattr(right_of_way, "PATIENCE_S", 2 * WAIT_S)
    way._credit_s = 2 * WAIT_S


@pytest.fixture
def pool(in_flight, way):
    """Workers that give way."""
    pool = WorkerPool(workers=2, in_flight=in_flight, gives_way=way)
    yield pool
    way.release()
    pykka.ActorRegistry.stop_all(timeout=WAIT_S)
    pool.stop()


@pytest.mark.usefixtures("patient")
def test_an_ordinary_turn_waits_until_it_is_released_and_one_ahead_does_not(pool, way, in_flight):
    """What comes ahead is on the way to what the claim is for."""
    log = []
    ordinary, ahead = Ordinary.start(pool, log), Ahead.start(pool, log)
    in_flight.wait_idle(WAIT_S)
    way.claim()
    ordinary.tell("fact")
    assert ahead.ask("verdict", timeout=WAIT_S) == "verdict"
    before = list(log)
    way.release()
    in_flight.wait_idle(WAIT_S)

    assert before == ["verdict"]
    assert log == ["verdict", "fact"]


def test_a_claim_that_nobody_releases_lapses(pool, way, in_flight):
    """A disk that hangs holds nobody up."""
    log = []
    ref = Ordinary.start(pool, log)
    way.claim()
    for number in range(100):
        ref.tell(number)
    in_flight.wait_idle(WAIT_S)

    assert log == list(range(100))


def test_claims_are_heeded_for_a_share_of_the_time_only(monkeypatch):
    """Having waited as long as it may, it does not wait again before it has worked four times as long."""
    clock = VirtualClock(NOON)
    monkeypatch.setattr(right_of_way, "PATIENCE_S", 60)
    way = RightOfWay(clock)
    waited = []

    def wait(within_s):
        waited.append(within_s)
        clock.advance(within_s)
        return False

    monkeypatch.setattr(way._free, "wait", wait)
    for worked_s in (0, 0, 50, 1_000):
        clock.advance(worked_s)
        way.claim()
        way.give()

    assert waited == [60, 10, 60]


@pytest.mark.usefixtures("patient")
def test_a_hurried_thread_has_it_until_its_turn_is_over(pool, way, in_flight):
    """Facts go on when what was hurried is done."""
    thread = LingeringThread("journal", in_flight, linger_s=2 * WAIT_S, right_of_way=way)
    log, gate = [], Gate()
    journal, account = Ordinary.start(thread, log), Ordinary.start(pool, log)
    thread.hurry()
    in_flight.wait_idle(WAIT_S)
    journal.tell(gate)
    thread.hurry()
    assert gate.reached.wait(WAIT_S)
    account.tell("fact")
    gate.opened.set()
    in_flight.wait_idle(WAIT_S)
    journal.stop(block=False)
    thread.stop()

    assert log == [gate, "fact"]


@pytest.mark.usefixtures("patient")
def test_who_hurries_it_during_its_turn_keeps_the_claim(pool, way, in_flight):
    """The end of the first turn is not the end of the second."""
    thread = LingeringThread(
        "journal", in_flight, linger_s=2 * WAIT_S, slice_size=1, right_of_way=way
    )
    log, first, second = [], Gate(), Gate()
    journal, account = Ordinary.start(thread, log), Ordinary.start(pool, log)
    thread.hurry()
    in_flight.wait_idle(WAIT_S)
    journal.tell(first)
    thread.hurry()
    assert first.reached.wait(WAIT_S)
    journal.tell(second)
    thread.hurry()
    first.opened.set()
    assert second.reached.wait(WAIT_S)
    account.tell("fact")
    second.opened.set()
    in_flight.wait_idle(WAIT_S)
    journal.stop(block=False)
    thread.stop()

    assert log == [first, second, "fact"]


@pytest.mark.usefixtures("patient")
def test_a_hurried_loop_has_it_until_the_first_step_of_what_its_turn_began(pool, way, in_flight):
    """A command is on its way to the broker before facts go on."""
    loop = LoopThread("gateway", in_flight, right_of_way=way)
    log = []

    class Gateway(Ordinary):
        def on_receive(self, message):
            async def carry_out():
                account.tell("fact")
                log.append(message)

            return asyncio.get_running_loop().create_task(carry_out())

    account = Ordinary.start(pool, log)
    gateway = Gateway.start(loop, log)
    in_flight.wait_idle(WAIT_S)
    loop.hurry()
    gateway.tell("close")
    in_flight.wait_idle(WAIT_S)
    gateway.stop(block=False)
    loop.stop()

    assert log == ["close", "fact"]
