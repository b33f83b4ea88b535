"""Turns: bounded, never two at once in one actor, no wake-up lost; how dispatchers end."""

import threading

import pykka
import pytest

from actors.runtime import InFlight, LoopThread, OwnThread, PooledActor, WorkerPool
from actors.runtime.inbox import Inbox

WAIT_S = 100


class Logging(PooledActor):
    """Keeps what it is told; waits for events it is told; marks the ends of its turns."""

    def __init__(self, dispatcher):
        super().__init__(dispatcher=dispatcher)
        self.log = []

    def on_receive(self, message):
        if isinstance(message, threading.Event):
            assert message.wait(WAIT_S)
        elif isinstance(message, BaseException):
            raise message
        else:
            self.log.append(message)
        return self.log

    def on_turn_end(self):
        self.log.append("|")

    def on_stop(self):
        self.log.append("stop")


@pytest.fixture(params=["pool", "own", "loop_thread"])
def dispatcher(request):
    """Each kind of dispatcher."""
    return request.getfixturevalue(request.param)


def test_a_turn_handles_at_most_a_slice_and_ends_with_on_turn_end(dispatcher, in_flight):
    """With 130 messages waiting, turns end after 64, after 64 more and after the rest."""
    gate = threading.Event()
    ref = Logging.start(dispatcher)
    log = ref.ask("first", timeout=WAIT_S)
    in_flight.wait_idle(WAIT_S)
    del log[:]

    ref.tell(gate)
    for number in range(130):
        ref.tell(number)
    gate.set()
    in_flight.wait_idle(WAIT_S)

    ends = [place for place, entry in enumerate(log) if entry == "|"]
    assert ends == [63, 128, 132]


def test_no_turn_end_without_a_message(dispatcher):
    """An actor that only started, or only stopped, had no turn worth ending."""
    ref = Logging.start(dispatcher)
    log = ref._actor_weakref().log
    ref.stop(timeout=WAIT_S)

    assert log == ["stop"]


def test_on_turn_end_comes_before_a_stop_in_the_same_turn(dispatcher):
    """What a turn gathered is flushed before the actor stops."""
    gate = threading.Event()
    ref = Logging.start(dispatcher)
    log = ref.ask("first", timeout=WAIT_S)
    ref.tell(gate)
    ref.tell("gathered")
    stopped = ref.stop(block=False)
    gate.set()

    assert stopped.get(timeout=WAIT_S) is True
    assert log[-3:] == ["gathered", "|", "stop"]


def test_an_exception_in_on_turn_end_ends_the_actor(dispatcher, in_flight):
    """It is a failure like one in a handler."""
    failed = threading.Event()

    class Failing(PooledActor):
        def on_turn_end(self):
            raise ValueError("flush")

        def on_failure(self, *_exc_info):
            failed.set()

    ref = Failing.start(dispatcher=dispatcher)
    ref.tell("x")

    assert failed.wait(WAIT_S)
    in_flight.wait_idle(WAIT_S)
    assert not ref.is_alive()


def test_a_slice_of_one_interleaves_actors(in_flight):
    """One busy actor cannot keep a worker for itself."""
    order = []

    class Named(PooledActor):
        def __init__(self, dispatcher, name):
            super().__init__(dispatcher=dispatcher)
            self.name = name

        def on_receive(self, message):
            if isinstance(message, threading.Event):
                assert message.wait(WAIT_S)
            else:
                order.append(self.name)

    pool = WorkerPool(workers=1, slice_size=1, in_flight=in_flight)
    gate, one, two = threading.Event(), Named.start(pool, "one"), Named.start(pool, "two")
    in_flight.wait_idle(WAIT_S)
    one.tell(gate)
    for _ in range(3):
        one.tell("x")
        two.tell("x")
    gate.set()
    in_flight.wait_idle(WAIT_S)
    pykka.ActorRegistry.stop_all(timeout=WAIT_S)
    pool.stop()

    assert order in (["two", "one"] * 3, ["one", "two"] * 3)


def test_idle_actors_are_woken_again_and_again(dispatcher):
    """A thousand times idle → scheduled: each ask is answered."""
    ref = Logging.start(dispatcher)

    for number in range(1_000):
        assert number in ref.ask(number, timeout=WAIT_S)


def test_in_flight_tells_how_many_messages_are_not_handled(pool, in_flight):
    """The barrier fails with a count instead of hanging."""
    gate = threading.Event()
    ref = Logging.start(pool)
    ref.tell(gate)
    ref.tell("behind it")

    with pytest.raises(TimeoutError, match="messages still in flight after 0 s"):
        in_flight.wait_idle(0)

    gate.set()
    in_flight.wait_idle(WAIT_S)


def test_in_flight_covers_chains_over_several_dispatchers(pool, own, loop_thread, in_flight):
    """A message that causes others is not over before they are, wherever they run."""
    arrived = []

    class Relay(PooledActor):
        def __init__(self, dispatcher, onward):
            super().__init__(dispatcher=dispatcher)
            self.onward = onward

        def on_receive(self, message):
            if message == 0:
                arrived.append(self)
            else:
                self.onward[message % 3].tell(message - 1)

    onward = []
    onward += [Relay.start(dispatcher, onward) for dispatcher in (pool, own, loop_thread)]
    for _ in range(10):
        onward[0].tell(100)
    in_flight.wait_idle(WAIT_S)

    assert len(arrived) == 10


def test_in_flight_counts_what_a_dying_actor_leaves_behind(pool, in_flight):
    """Refused messages are handled in the sense of the barrier."""
    gate = threading.Event()
    ref = Logging.start(pool)
    ref.tell(gate)
    ref.tell(ValueError("x"))
    for _ in range(5):
        ref.tell("never handled")
    gate.set()

    in_flight.wait_idle(WAIT_S)
    assert ref.actor_inbox.empty()


DISPATCHERS = {
    "WorkerPool": lambda: WorkerPool(workers=2),
    "OwnThread": lambda: OwnThread("own"),
    "LoopThread": lambda: LoopThread("loop"),
}


@pytest.mark.parametrize("make", DISPATCHERS.values(), ids=DISPATCHERS)
def test_asks_after_a_dispatcher_stopped_are_answered_as_dead(make):
    """Nobody waits for ever for an actor that no thread will run again."""
    dispatcher = make()
    ref = Logging.start(dispatcher)
    ref.ask("works", timeout=WAIT_S)
    dispatcher.stop()

    with pytest.raises(pykka.ActorDeadError):
        ref.ask("works no more", timeout=WAIT_S)
    with pytest.raises(pykka.ActorDeadError):
        ref.tell("dead by now")
    assert ref not in pykka.ActorRegistry.get_all()


@pytest.mark.parametrize("make", DISPATCHERS.values(), ids=DISPATCHERS)
def test_stopping_a_dispatcher_with_a_hung_handler_names_the_thread(make):
    """It raises after its timeout instead of hanging too."""
    dispatcher, gate = make(), threading.Event()
    ref = Logging.start(dispatcher)
    ref.tell(gate)

    with pytest.raises(TimeoutError, match="still runs a handler"):
        dispatcher.stop(timeout=0.01)

    gate.set()
    dispatcher.stop()


def test_a_message_put_after_the_look_at_a_dying_actor_is_answered(pool):
    """The race between is_alive and put: the late envelope is refused by its own sender."""
    ref = Logging.start(pool)
    ref.stop(timeout=WAIT_S)
    late = ref.actor_class._create_future()

    ref.actor_inbox.put(pykka._envelope.Envelope("late", reply_to=late))

    with pytest.raises(pykka.ActorDeadError):
        late.get(timeout=WAIT_S)


class Submissions:
    """A dispatcher that only counts what is submitted to it."""

    in_flight = None

    def __init__(self):
        self.submitted = []

    def submit(self, inbox):
        self.submitted.append(inbox)


class LockThatLetsOneIn:
    """The lock of a turn; just before its release another thread's message arrives."""

    def __init__(self, lock, arrive):
        self.lock = lock
        self.arrive = arrive
        self.acquire = lock.acquire

    def release(self):
        self.arrive()
        self.lock.release()


def test_a_message_that_arrives_while_an_actor_goes_idle_wakes_it():
    """Put after the look into the empty inbox and before the release: the turn's end notices."""
    dispatcher, inbox = Submissions(), Inbox()
    inbox.bind(dispatcher, dead=threading.Event())
    inbox.attach(lambda _limit: (0, None), on_close=lambda: None)
    late = pykka._envelope.Envelope("late")
    inbox._turn = LockThatLetsOneIn(inbox._turn, arrive=lambda: inbox.put(late))

    inbox.run_turn(64)

    assert dispatcher.submitted == [inbox, inbox]


def test_a_scheduled_actor_is_not_scheduled_again():
    """However many messages come before its turn, there is one turn."""
    dispatcher, inbox = Submissions(), Inbox()
    inbox.bind(dispatcher, dead=threading.Event())
    inbox.attach(lambda _limit: (0, None), on_close=lambda: None)

    for number in range(10):
        inbox.put(pykka._envelope.Envelope(number))

    assert dispatcher.submitted == [inbox]


def test_a_base_exception_does_not_kill_the_worker(pool):
    """The threads of a pool survive whatever a handler raises."""
    for _ in range(4):
        ref = Logging.start(pool)
        asked = ref.ask(SystemExit(1), block=False)
        with pytest.raises(pykka.ActorDeadError, match="SystemExit"):
            asked.get(timeout=WAIT_S)

    assert Logging.start(pool).ask("alive", timeout=WAIT_S)[0] == "alive"


def test_in_flight_may_be_shared_or_absent():
    """Production dispatchers count nothing."""
    pool = WorkerPool(workers=1)

    assert pool.in_flight is None
    InFlight().wait_idle(0)
    pool.stop()
