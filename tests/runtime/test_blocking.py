"""A thread that many actors share must never wait; a thread of one's own may."""

import threading

import pykka
import pytest

from actors.runtime import BlockingCallError, PooledActor, WorkerPool
from actors.runtime.blocking import answers_within

WAIT_S = 100


class Answering(PooledActor):
    """Answers what it is asked once the gate is open."""

    def __init__(self, dispatcher, gate):
        super().__init__(dispatcher=dispatcher)
        self.gate = gate

    def on_receive(self, message):
        assert self.gate.wait(WAIT_S)
        return message


class Running(PooledActor):
    """Runs the function it is asked to run, in its turn."""

    attribute = 1

    def on_receive(self, function):
        return function()


@pytest.fixture
def closed():
    """A gate that opens when the test is over."""
    gate = threading.Event()
    yield gate
    gate.set()


@pytest.fixture(params=["pool", "loop_thread"])
def shared(request):
    """Each kind of thread that several actors share."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def other(own, closed):
    """An actor on another thread that does not answer yet."""
    return Answering.start(own, closed)


WAITS = {
    "ask": lambda other: other.ask("x", timeout=WAIT_S),
    "future.get": lambda other: other.ask("x", block=False).get(timeout=WAIT_S),
    "mapped future": lambda other: other.ask("x", block=False).map(str).get(timeout=WAIT_S),
    "joined future": lambda other: (
        other.ask("x", block=False).join(other.ask("y", block=False)).get(timeout=WAIT_S)
    ),
    "get_all": lambda other: pykka.get_all([other.ask("x", block=False)], timeout=WAIT_S),
    "stop": lambda other: other.stop(timeout=WAIT_S),
    "stopping future": lambda other: other.stop(block=False).get(timeout=WAIT_S),
    "proxy read": lambda other: other.proxy().gate.get(timeout=WAIT_S),
    "proxy write": lambda other: setattr(other.proxy(), "gate", None),
}


@pytest.mark.parametrize("wait", WAITS.values(), ids=WAITS)
def test_every_way_of_waiting_is_refused_on_a_shared_thread(shared, other, wait):
    """It raises at once instead of starving the others, and the actor lives on."""
    ref = Running.start(dispatcher=shared)

    with pytest.raises(BlockingCallError):
        ref.ask(lambda: wait(other), timeout=WAIT_S)
    assert ref.ask(lambda: "alive", timeout=WAIT_S) == "alive"


def test_the_refusal_says_what_waited_where_in_whom_and_what_to_do(pool, other):
    """The text can be acted upon."""
    ref = Running.start(dispatcher=pool)

    with pytest.raises(BlockingCallError) as refusal:
        ref.ask(lambda: other.ask("x"), timeout=WAIT_S)

    text = str(refusal.value)
    assert f"ask(str) of {other}" in text
    assert "a worker of pool 'pool'" in text
    assert str(ref) in text
    assert "block=False" in text


def test_the_refusal_names_the_actor_of_a_task_too(loop_thread, other):
    """A task on the loop has no turn, but it knows whose it is."""

    async def wait():
        return other.ask("x")

    ref = Running.start(dispatcher=loop_thread)

    with pytest.raises(BlockingCallError, match=ref.actor_urn):
        ref.ask(wait, timeout=WAIT_S)


def test_a_refused_blocking_ask_or_stop_has_sent_nothing(pool, own, closed):
    """What was refused did not half happen."""
    other = Answering.start(own, closed)
    ref = Running.start(dispatcher=pool)

    for wait in (lambda: other.ask("x"), other.stop):
        with pytest.raises(BlockingCallError):
            ref.ask(wait, timeout=WAIT_S)

    assert other.is_alive()
    assert other.actor_inbox.empty()


def test_a_finished_future_may_be_read_anywhere(shared, own):
    """Reading is not waiting."""
    opened = threading.Event()
    opened.set()
    future = Answering.start(own, opened).ask("done", block=False)
    future.get(timeout=WAIT_S)

    assert Running.start(dispatcher=shared).ask(future.get, timeout=WAIT_S) == "done"


def test_a_dead_actor_is_reported_as_dead_even_where_waiting_is_refused(shared, own, closed):
    """Nothing would be waited for."""
    dead = Answering.start(own, closed)
    dead.stop(timeout=WAIT_S)

    with pytest.raises(pykka.ActorDeadError):
        Running.start(dispatcher=shared).ask(lambda: dead.ask("x"), timeout=WAIT_S)


def test_a_thread_of_ones_own_may_wait(own, pool):
    """The journal and the supervisor ask and wait."""
    other = Running.start(dispatcher=pool)

    answer = Running.start(dispatcher=own).ask(lambda: other.ask(lambda: 42), timeout=WAIT_S)

    assert answer == 42


def test_a_pool_made_for_blocking_allows_it():
    """`blocking=True` is an explicit choice."""
    pool = WorkerPool(workers=2, blocking=True)
    other = Running.start(dispatcher=pool)

    answer = Running.start(dispatcher=pool).ask(lambda: other.ask(lambda: 42), timeout=WAIT_S)

    assert answer == 42
    pykka.ActorRegistry.stop_all(timeout=WAIT_S)
    pool.stop()


def test_one_that_fails_at_its_answer_takes_none_of_the_others_away(pool, capsys):
    """It is left out like one that is dead or does not answer, and logged."""
    asked = {
        name: Running.start(dispatcher=pool).ask(function, block=False)
        for name, function in {"one": lambda: 1, "two": lambda: 1 // 0, "three": lambda: 3}.items()
    }

    assert answers_within(WAIT_S, asked) == {"one": 1, "three": 3}
    assert "ZeroDivisionError" in capsys.readouterr().out


def test_waiting_for_many_is_refused_like_waiting_for_one(shared, other):
    """It is no answer that failed."""
    asked = other.ask("x", block=False)

    with pytest.raises(BlockingCallError):
        Running.start(dispatcher=shared).ask(
            lambda: answers_within(WAIT_S, {"x": asked}), timeout=WAIT_S
        )
