"""A process's end: whatever the waiting thread is at when a signal comes, it is heard."""

import signal
import sys
import threading

import pytest

from actors.journal import LEASE
from actors.ops import exits, stopping
from actors.ops.stopping import Stop

HEARD = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture
def stop():
    """Listen for signals, and leave every handler as it was."""
    before = {each: signal.getsignal(each) for each in HEARD}
    yield Stop()
    signal.set_wakeup_fd(-1)
    for each, handler in before.items():
        signal.signal(each, handler)


def waited(stop, at):
    """Wait, hung up on twice; be told SIGTERM at the `at`-th step, or when it was hung up on last.

    Return how many steps it took.
    """
    steps, hangups = 0, 0

    def hangup():
        nonlocal hangups
        hangups += 1
        signal.raise_signal(signal.SIGHUP if hangups < 2 else signal.SIGTERM)

    def trace(frame, event, _argument):
        nonlocal steps
        if frame.f_code.co_filename not in {stopping.__file__, threading.__file__}:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            if steps == at:
                steps += 1
                signal.raise_signal(signal.SIGTERM)
            else:
                steps += 1
        return trace

    stop.on_hangup(hangup)
    signal.raise_signal(signal.SIGHUP)
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        assert stop.wait() == ("SIGTERM", 0)
    finally:
        sys.settrace(before)
    return steps


@pytest.mark.timeout(60)
def test_a_signal_is_heard_whatever_the_waiting_thread_is_at(stop):
    """At every step of the wait; a lock it holds then would be waited for in the handler, for ever."""
    steps = waited(stop, None)

    assert steps > 20
    for step in range(steps):
        stop = Stop()
        waited(stop, step)


def test_who_gives_up_ends_it_from_another_thread(stop):
    """It says what cannot be kept alive, and has the code of that."""
    threading.Thread(target=stop.give_up, args=("journal", "no disk")).start()

    assert stop.wait() == ("journal cannot be kept alive: no disk", exits.SYSTEM)


def test_a_lost_lease_has_a_code_of_its_own(stop):
    stop.give_up(LEASE, "taken over")

    assert stop.wait() == ("taken over", exits.LEASE)


@pytest.mark.parametrize("late", [signal.SIGTERM, signal.SIGINT])
def test_what_ends_it_first_decides_how(stop, late):
    """Told to end while it gives up, it still says that it has to be started again; and the reverse."""
    stop.give_up("journal", "no disk")
    signal.raise_signal(late)
    assert stop.wait().code == exits.SYSTEM

    other = Stop()
    signal.raise_signal(late)
    other.give_up("journal", "no disk")
    assert other.wait().code != exits.SYSTEM


def test_who_stands_by_hears_of_an_end_and_is_not_ended_by_a_hangup(stop):
    """A hangup wakes it and no more; an end is told at once, and again."""
    stop.on_hangup(lambda: None)

    assert not stop.ended(0)
    signal.raise_signal(signal.SIGHUP)
    assert not stop.ended(60)
    signal.raise_signal(signal.SIGINT)
    assert stop.ended(60)
    assert stop.ended(0)
    assert stop.wait().code == exits.INTERRUPTED
