"""A lingering thread lets messages gather before a turn, unless it is hurried or stopped."""

import pytest

from actors.runtime import LingeringThread, LoopThread, PooledActor

WAIT_S = 100


class Turns(PooledActor):
    """Keeps what each of its turns handled."""

    def __init__(self, dispatcher, turns):
        super().__init__(dispatcher=dispatcher)
        self.turns = turns
        self.handled = []

    def on_receive(self, message):
        self.handled.append(message)

    def on_turn_end(self):
        self.turns.append(self.handled)
        self.handled = []


@pytest.fixture
def slow(in_flight):
    """A thread that would linger for longer than any test waits."""
    thread = LingeringThread("slow", in_flight, linger_s=2 * WAIT_S)
    yield thread
    thread.stop()


def test_what_comes_while_it_lingers_is_handled_in_one_turn(slow, in_flight):
    """Nothing is done until it is hurried; then everything at once."""
    turns = []
    ref = Turns.start(slow, turns)
    for number in range(10):
        ref.tell(number)
    assert turns == []

    slow.hurry()
    in_flight.wait_idle(WAIT_S)

    assert turns == [list(range(10))]


def test_each_turn_lingers_anew(slow, in_flight):
    """To hurry once does not hurry for ever."""
    turns = []
    ref = Turns.start(slow, turns)
    slow.hurry()
    in_flight.wait_idle(WAIT_S)

    ref.tell("second")
    with pytest.raises(TimeoutError, match="1 messages still in flight"):
        in_flight.wait_idle(0.05)
    slow.hurry()
    in_flight.wait_idle(WAIT_S)

    assert turns == [["second"]]


def test_those_who_have_waited_with_another_do_not_wait_anew(slow, in_flight):
    """One wait is enough for all who were submitted when it ended."""
    turns = []
    for ref in [Turns.start(slow, turns) for _ in range(3)]:
        ref.tell("told")

    slow.hurry()
    in_flight.wait_idle(WAIT_S)

    assert turns == [["told"]] * 3


def test_a_stop_does_not_linger(in_flight):
    """What was submitted is still handled, at once."""
    thread = LingeringThread("slow", in_flight, linger_s=2 * WAIT_S)
    turns = []
    Turns.start(thread, turns).tell("last")

    thread.stop(timeout=WAIT_S)

    assert turns == [["last"]]


def test_a_loop_thread_can_linger_too(in_flight):
    """Its turns come a little later, and all of them come."""
    loop = LoopThread("loop", in_flight, linger_s=0.01)
    turns = []
    ref = Turns.start(loop, turns)
    for number in range(10):
        ref.tell(number)
    in_flight.wait_idle(WAIT_S)
    ref.stop()
    loop.stop()

    assert [each for turn in turns for each in turn] == list(range(10))
