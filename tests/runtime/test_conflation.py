"""Messages of which only the latest counts: replaced while they wait, behind others, never lost."""

import threading
from types import MappingProxyType
from typing import NamedTuple

import pykka
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.runtime import PooledActor, WorkerPool
from tests.runtime.nursery import WAIT_S, ByHand, Gate


class Price(NamedTuple):
    """Something of which only the latest counts."""

    name: str
    value: int


class Reader(PooledActor):
    """Keeps what it is told; stands at gates."""

    conflates = MappingProxyType({Price: lambda price: price.name})

    def __init__(self, dispatcher):
        super().__init__(dispatcher=dispatcher)
        self.log = []

    def on_receive(self, message):
        if isinstance(message, Gate):
            message.stand()
        else:
            self.log.append(message)
        return self.log


@pytest.fixture
def stopping():
    """Stop all actors after the test."""
    yield
    pykka.ActorRegistry.stop_all(timeout=WAIT_S)


def at_a_gate(pool):
    """Return a reader that stands at a gate, its log, and the gate."""
    ref, gate = Reader.start(pool), Gate()
    log = ref.ask("first", timeout=WAIT_S)
    ref.tell(gate)
    assert gate.reached.wait(WAIT_S)
    del log[:]
    return ref, log, gate


def test_only_the_latest_of_each_waits_and_behind_everything_else(pool, in_flight):
    """In the order in which they began to wait; ten thousand take no more room than two."""
    ref, log, gate = at_a_gate(pool)
    for value in range(10_000):
        ref.tell(Price("MNQ", value))
        ref.tell(Price("ES", value))
    waiting = len(ref.actor_inbox.latest._waiting)
    ref.tell("fact")
    gate.opened.set()
    in_flight.wait_idle(WAIT_S)

    assert waiting == 2
    assert log == ["fact", Price("MNQ", 9_999), Price("ES", 9_999)]


def test_they_stand_back_for_one_full_turn_at_most(pool, in_flight):
    """Facts without end must not keep the latest price from being seen."""
    ref, log, gate = at_a_gate(pool)
    ref.tell(Price("MNQ", 1))
    for number in range(500):
        ref.tell(number)
    gate.opened.set()
    in_flight.wait_idle(WAIT_S)

    assert log.index(Price("MNQ", 1)) <= 64
    assert [each for each in log if isinstance(each, int)] == list(range(500))


class Flooded(Reader):
    """Is told the next price while it handles one, again and again."""

    def on_receive(self, message):
        if isinstance(message, Price):
            self.actor_ref.tell(message._replace(value=message.value + 1))
        return super().on_receive(message)


def test_prices_without_end_keep_no_fact_waiting_for_more_than_a_turn():
    """They come faster than they are handled; having stood back once they do not go first for ever."""
    hands = ByHand()
    reader = Flooded(hands)
    reader._start_actor_loop()
    for number in range(9):
        reader.actor_ref.tell(number)
    reader.actor_ref.tell(Price("MNQ", 0))
    for _ in range(6):
        hands.turn(4)

    assert [each for each in reader.log if isinstance(each, int)] == list(range(9))


def test_what_was_told_before_a_stop_is_handled_before_it(pool):
    """A stop ends nothing that waits, of whatever kind."""
    ref, log, gate = at_a_gate(pool)
    ref.tell(Price("MNQ", 1))
    ref.tell("fact")
    stopped = ref.stop(block=False)
    gate.opened.set()

    assert stopped.get(timeout=WAIT_S)
    assert sorted(map(str, log)) == sorted(["fact", str(Price("MNQ", 1))])


def test_what_is_told_after_a_stop_is_undelivered_like_anything(pool, directory, letters):
    """It becomes a dead letter, and nothing stays in flight."""
    ref, _, gate = at_a_gate(pool)
    directory.register("reader", ref)
    ref.stop(block=False)
    ref.tell(Price("MNQ", 1))
    gate.opened.set()
    pool.in_flight.wait_idle(WAIT_S)

    assert letters == [("reader", Price("MNQ", 1))]


def test_a_question_is_never_replaced(pool, in_flight):
    """Somebody waits for its answer."""
    ref, log, gate = at_a_gate(pool)
    asked = [ref.ask(Price("MNQ", value), block=False) for value in range(3)]
    gate.opened.set()
    in_flight.wait_idle(WAIT_S)

    assert [each.get(timeout=WAIT_S) is log for each in asked] == [True] * 3
    assert log == [Price("MNQ", value) for value in range(3)]


STEPS = st.lists(
    st.one_of(
        st.integers(0, 9),
        st.tuples(st.sampled_from(["MNQ", "ES", "CL"])),
        st.sampled_from([f"turn {limit}" for limit in (1, 2, 5, 64)]),
    ),
    max_size=80,
)


@given(steps=STEPS)
def test_under_any_interleaving_facts_keep_their_order_and_the_latest_price_is_seen(steps):
    """Nothing but a price that a later one replaced is left out, and nothing stays in flight."""
    hands, told = ByHand(), []
    reader = Reader(hands)
    reader._start_actor_loop()
    for number, step in enumerate(steps):
        if isinstance(step, str):
            hands.turn(int(step.split()[1]))
        else:
            told.append(Price(*step, number) if isinstance(step, tuple) else number)
            reader.actor_ref.tell(told[-1])
        assert len(reader.actor_inbox.latest._waiting) <= 3
    hands.stop()
    hands.in_flight.wait_idle(0)
    log = reader.log

    facts = [each for each in told if isinstance(each, int)]
    assert [each for each in log if isinstance(each, int)] == facts
    for name in {each.name for each in told if isinstance(each, Price)}:
        seen = [each.value for each in log if isinstance(each, Price) and each.name == name]
        sent = [each.value for each in told if isinstance(each, Price) and each.name == name]
        assert seen == sorted(set(seen))
        assert set(seen) <= set(sent)
        assert seen[-1] == sent[-1]


def test_from_many_threads_the_last_price_of_each_always_arrives(pool, in_flight):
    """A price that is put just as the one before it is taken must not be forgotten."""
    ref = Reader.start(pool)
    log = ref.ask("first", timeout=WAIT_S)

    def tell(name):
        for value in range(5_000):
            ref.tell(Price(name, value))

    threads = [threading.Thread(target=tell, args=(name,)) for name in ("MNQ", "ES", "CL", "GC")]
    for each in threads:
        each.start()
    for each in threads:
        each.join(WAIT_S)
    in_flight.wait_idle(WAIT_S)

    last = {each.name: each.value for each in log if isinstance(each, Price)}
    assert last == dict.fromkeys(("MNQ", "ES", "CL", "GC"), 4_999)


# --- whose turn comes first ---------------------------------------------------------------------


class Downstream(Reader):
    """Works off what others have told it."""

    ahead = True


@pytest.mark.usefixtures("stopping")
def test_turns_of_those_who_work_off_come_before_those_of_the_others(in_flight):
    """What the accounts have asked is judged and enforced before more is booked."""
    pool, order = WorkerPool(workers=1, in_flight=in_flight), []
    gate, others = Gate(), [Reader.start(pool) for _ in range(5)]
    last = Downstream.start(pool)
    in_flight.wait_idle(WAIT_S)
    for ref in (*others, last):
        actor = ref._actor_weakref()
        actor.on_turn_end = lambda actor=actor: order.append(type(actor))
    others[0].tell(gate)
    assert gate.reached.wait(WAIT_S)
    for ref in (*others[1:], last):
        ref.tell("work")
    gate.opened.set()
    in_flight.wait_idle(WAIT_S)

    assert order == [Reader, Downstream, Reader, Reader, Reader, Reader]
    pykka.ActorRegistry.stop_all(timeout=WAIT_S)
    pool.stop()
