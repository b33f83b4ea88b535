"""Threads that stand still: noticed by looking, alarmed with their length, told to who wants to know."""

import queue

import pykka
import pytest

from actors.runtime import ClockActor, Lag, LoopThread, OwnThread, SystemClock, WorkerPool
from actors.runtime.lag import LagWatch
from messages.events import AlarmRaised
from messages.values import AlarmCode
from tests.runtime.conftest import Probe
from tests.runtime.nursery import WAIT_S, Gate
from tests.runtime.test_hung import Looking

LATE_S = 1.0


class Blocked(Probe):
    """Stands at the gates it is told."""

    def on_receive(self, message):
        if isinstance(message, Gate):
            message.stand()


@pytest.fixture(params=["pool", "loop"])
def dispatcher(request, in_flight):
    """Each kind that must not block."""
    made = {
        "pool": lambda: WorkerPool(workers=1, name="theirs", in_flight=in_flight),
        "loop": lambda: LoopThread("theirs", in_flight=in_flight),
    }[request.param]()
    yield made
    pykka.ActorRegistry.stop_all(timeout=WAIT_S)
    made.stop()


@pytest.fixture
def block(dispatcher):
    """Return a function that has the dispatcher stand at a gate."""
    gates = []

    def stand():
        gate = Gate()
        gates.append(gate)
        Blocked.start(dispatcher).tell(gate)
        assert gate.reached.wait(WAIT_S)
        return gate

    yield stand
    for each in gates:
        each.opened.set()


@pytest.fixture
def look(dispatcher, clock):
    """Return a function that lets seconds pass, one look each."""
    watch = LagWatch([dispatcher], clock, LATE_S)

    def look(seconds=1.0):
        clock.advance(seconds)
        return list(watch.look())

    return look


def test_one_that_turns_is_never_late(look, in_flight):
    """However much time passes between two looks, and at the very limit."""
    found = []
    for seconds in (1.0, 60.0, 1.0):
        found += look(seconds)
        in_flight.wait_idle(WAIT_S)

    assert found == []


def test_a_block_of_five_seconds_is_told_while_it_lasts_and_with_its_length(look, block, in_flight):
    """Told at every look, as news once; and its end with its whole length."""
    gate = block()
    assert look() == []
    during = [look() for _ in range(5)]
    gate.opened.set()
    in_flight.wait_idle(WAIT_S)
    after = look()
    in_flight.wait_idle(WAIT_S)

    assert during == [
        [],
        *([Lag("theirs", late_s, began=late_s == 2, over=False)] for late_s in (2, 3, 4, 5)),
    ]
    assert after == [Lag("theirs", 5, began=False, over=True)]
    assert look() == []


def test_a_block_between_two_looks_is_told_afterwards(look, block, clock, in_flight):
    """It is news and over at once."""
    gate = block()
    look()
    clock.advance(1.5)
    gate.opened.set()
    in_flight.wait_idle(WAIT_S)

    assert look(0.1) == [Lag("theirs", 1.5, began=True, over=True)]
    in_flight.wait_idle(WAIT_S)
    assert look() == []


def test_a_thread_that_may_block_is_not_watched(clock):
    """A journal's disk and a supervisor's wait are no lateness of this kind."""
    own, gate = OwnThread("own"), Gate()
    Blocked.start(own).tell(gate)
    watch = LagWatch([own], clock, LATE_S)
    found = []
    for _ in range(5):
        clock.advance(1)
        found += watch.look()
    gate.opened.set()
    pykka.ActorRegistry.stop_all(timeout=WAIT_S)
    own.stop()

    assert found == []


def test_a_dispatcher_that_has_ended_is_not_late(dispatcher, clock):
    """What is handed to it is answered at once."""
    watch = LagWatch([dispatcher], clock, LATE_S)
    dispatcher.stop()
    found = []
    for _ in range(3):
        found += watch.look()
        clock.advance(5)

    assert found == []


def test_the_root_alarms_once_and_says_when_it_is_over(
    own, directory, clock, clock_spec, dispatcher, journal, block, in_flight
):
    """Two alarms, whatever the number of looks; who wants to know is told at each."""
    told = queue.SimpleQueue()
    looking = Looking(own, directory, clock, clock_spec, [dispatcher], on_lag=told.put)
    gate = block()
    looking.look(4)
    gate.opened.set()
    in_flight.wait_idle(WAIT_S)
    looking.look()
    in_flight.wait_idle(WAIT_S)

    alarms = [each for each in journal.of(AlarmRaised) if each.code is AlarmCode.TURNS_LATE]
    assert [each.text.split(":")[0] for each in alarms] == [
        "theirs is late",
        "theirs turns again",
    ]
    assert told.qsize() == 3


def test_a_clock_that_rings_late_says_so(directory, journal, loop_thread, in_flight):
    """The process stood still, and whoever looks for others stood still with it."""
    told = queue.SimpleQueue()
    ref = ClockActor.start(
        clock=SystemClock(),
        directory=directory,
        dispatcher=loop_thread,
        late_after_s=-1.0,  # so that any ring is late, and no test has to stand still
        on_lag=told.put,
    )
    lag = told.get(timeout=WAIT_S)
    ref.stop(timeout=WAIT_S)
    in_flight.wait_idle(WAIT_S)

    assert (lag.name, lag.over) == ("clock", True)
    assert {each.code for each in journal.of(AlarmRaised)} == {AlarmCode.TURNS_LATE}
