"""Messages that hasten: in their place, their actor before others, and nobody for ever."""

import threading
from types import MappingProxyType
from typing import NamedTuple

import pykka
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pykka._envelope import Envelope

from actors.runtime import PooledActor, WorkerPool
from actors.runtime.actor import Suspend
from tests.runtime.nursery import BOOM, WAIT_S, ByHand, Gate


class Verdict(NamedTuple):
    """Hastens."""

    sender: int
    number: int


class Fact(NamedTuple):
    """Waits in its turn."""

    sender: int
    number: int


class Price(NamedTuple):
    """Only the latest counts."""

    name: str


class Judge(PooledActor):
    """Keeps what it is told, in one log with others; stands at gates; raises what it is told to."""

    hastens = frozenset({Verdict})
    conflates = MappingProxyType({Price: lambda price: price.name})

    def __init__(self, dispatcher, log, name=""):
        super().__init__(dispatcher=dispatcher)
        self.log, self.name = log, name

    def on_receive(self, message):
        if isinstance(message, Gate):
            message.stand()
        elif isinstance(message, Exception):
            raise message
        else:
            self.log.append((self.name, message) if self.name else message)


class Unmoved:
    """A watcher that lets everything be."""

    def started(self):
        """Do nothing."""

    def up(self):
        """Do nothing."""

    def exited(self, exit_):
        """Do nothing."""


@pytest.fixture
def one_worker(in_flight):
    """A pool whose order of turns is the order of what is handled."""
    pool = WorkerPool(workers=1, in_flight=in_flight)
    yield pool
    pykka.ActorRegistry.stop_all(timeout=WAIT_S)
    pool.stop()


def test_its_actor_goes_before_a_thousand_that_only_have_facts(one_worker, in_flight):
    """It stood behind all of them already, with facts of its own, when the verdict came."""
    log, gate = [], Gate()
    first = Judge.start(one_worker, log, "gate")
    crowd = [Judge.start(one_worker, log, f"of {number}") for number in range(1_000)]
    breached = Judge.start(one_worker, log, "breached")
    in_flight.wait_idle(WAIT_S)
    first.tell(gate)
    assert gate.reached.wait(WAIT_S)
    for each in (*crowd, breached):
        each.tell(Fact(1, 1))
    breached.tell(Verdict(2, 1))
    gate.opened.set()
    in_flight.wait_idle(WAIT_S)

    assert log[:2] == [("breached", Fact(1, 1)), ("breached", Verdict(2, 1))]
    assert len(log) == 1_002, "nobody's turn is lost, and nobody has one too many"


def test_those_that_come_ahead_without_end_do_not_keep_the_others_waiting(one_worker, in_flight):
    """Two that tell each other verdicts for ever, and one with a single fact."""
    log, done = [], threading.Event()

    class Endless(Judge):
        def on_receive(self, message):
            if isinstance(message, pykka.ActorRef):
                self.other = message
            elif not done.is_set():
                self.other.tell(message)

    class Patient(Judge):
        def on_receive(self, _message):
            done.set()

    pair = [Endless.start(one_worker, log), Endless.start(one_worker, log)]
    pair[0].tell(pair[1])
    pair[1].tell(pair[0])
    patient = Patient.start(one_worker, log)
    in_flight.wait_idle(WAIT_S)
    pair[0].tell(Verdict(1, 1))
    patient.tell(Fact(1, 1))

    assert done.wait(WAIT_S)


def test_an_order_to_end_that_comes_as_its_actor_fails_is_taken_back():
    """What its supervisor puts first and the failed instance did not come to ends no successor."""
    hands, order = ByHand(), Envelope(Suspend())

    class Failing(Judge):
        def on_receive(self, _message):
            self.actor_inbox.put_first(order)
            raise BOOM

    judge = Failing(hands, [])
    judge.start_supervised(Unmoved())
    judge.actor_ref.tell(Fact(1, 1))
    hands.turn()

    assert judge.actor_inbox.withdraw(order)
    assert judge.actor_inbox.empty()


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=150), st.integers(1, 70))
def test_all_messages_keep_their_order_and_none_is_lost(told, slice_size):
    """What hastens changes no order, whoever has sent it."""
    hands, log = ByHand(), []
    judge = Judge(hands, log)
    judge._start_actor_loop()
    sent = []
    for number, (sender, turn) in enumerate(told):
        kind = Verdict if sender % 2 else Fact
        sent.append(kind(sender, number))
        judge.actor_ref.tell(sent[-1])
        if turn:
            hands.turn(slice_size)
    hands.stop()

    assert log == sent


def test_turns_are_never_run_twice_or_lost_while_they_are_promoted(in_flight):
    """Many senders, two workers, both kinds: each message once, each sender's in order."""
    pool = WorkerPool(workers=2, slice_size=3, in_flight=in_flight)
    logs = [[] for _ in range(20)]
    refs = [Judge.start(pool, log) for log in logs]

    def tell(sender):
        for number in range(2_000):
            refs[number % 20].tell((Verdict if sender % 2 else Fact)(sender, number))

    senders = [threading.Thread(target=tell, args=(sender,)) for sender in range(4)]
    for each in senders:
        each.start()
    for each in senders:
        each.join()
    in_flight.wait_idle(60)
    pykka.ActorRegistry.stop_all(timeout=WAIT_S)
    pool.stop()

    assert sum(map(len, logs)) == 8_000
    for log in logs:
        for sender in range(4):
            numbers = [each.number for each in log if each.sender == sender]
            assert numbers == sorted(numbers)


def test_what_hastens_keeps_its_place_and_brings_its_actor_before_the_others(one_worker, in_flight):
    """All that it was told before is handled before what the crowd was told, and then the others."""
    log, gate = [], Gate()
    first = Judge.start(one_worker, log, "gate")
    crowd = [Judge.start(one_worker, log, f"of {number}") for number in range(100)]
    asking = Judge.start(one_worker, log, "asking")
    in_flight.wait_idle(WAIT_S)
    first.tell(gate)
    assert gate.reached.wait(WAIT_S)
    told = [Fact(1, number) for number in range(70)]
    for each in (*crowd, asking):
        each.tell(told[0])
    for each in (*told[1:], Verdict(2, 1)):
        asking.tell(each)
    gate.opened.set()
    in_flight.wait_idle(WAIT_S)

    assert log[:71] == [("asking", each) for each in (*told, Verdict(2, 1))], "more than one turn"
    assert len(log) == 171
