"""Stopping side by side: independent children end together, and order is kept where it matters."""

import queue
import threading

import pytest

from actors.runtime import BlockingCallError, OwnThread, StopChildren, Strategy
from actors.runtime.blocking import forbid_blocking
from actors.runtime.child import Child
from actors.runtime.stopping import stop_together, stopping_order
from tests.runtime.nursery import BOOM, WAIT_S, Gate, raising


def spec_of(nursery, name, **how):
    """Return the spec of a child whose group is its letter."""
    return nursery.spec(name, group=name[0], **how)


@pytest.mark.parametrize(
    ("strategy", "names", "rounds"),
    [
        (Strategy.ONE_FOR_ONE, "e1 e2 a1 a2", ["a2 a1", "e2 e1"]),
        (Strategy.ONE_FOR_ONE, "a1 e1 a2", ["a2", "e1", "a1"]),
        (Strategy.ONE_FOR_ONE, "x y a1 a2 z", ["z", "a2 a1", "y", "x"]),
        (Strategy.ONE_FOR_ALL, "x a1 a2", ["a2", "a1", "x"]),
        (Strategy.REST_FOR_ONE, "x a1 a2", ["a2", "a1", "x"]),
    ],
)
def test_only_independent_neighbours_are_stopped_side_by_side(nursery, strategy, names, rounds):
    """From right to left, and one by one where a strategy says that one needs the other."""
    specs = [nursery.spec(name, group=name[0] if len(name) > 1 else "") for name in names.split()]

    order = stopping_order([Child(spec) for spec in specs], strategy)

    assert [" ".join(child.spec.address for child in each) for each in order] == rounds


@pytest.mark.parametrize("how", ["StopChildren", "stop"])
def test_a_group_stops_side_by_side(start, supervisor, nursery, directory, how):
    """Each waits in its end for that of the other, by every way a stop can come."""
    meeting = threading.Barrier(2)
    hooks = {"on_stop": lambda _instance: meeting.wait(WAIT_S)}
    for name in ("a1", "a2"):
        start(spec_of(nursery, name, hooks=hooks, shutdown_s=WAIT_S))

    if how == "stop":
        supervisor.stop(timeout=WAIT_S)
    else:
        supervisor.ask(StopChildren(), timeout=WAIT_S)

    assert not meeting.broken
    assert directory.addresses("a") == []


def test_a_group_is_asked_when_those_started_after_it_have_ended(start, supervisor, nursery):
    """What accounts say in the end, their enforcers still hear."""
    gate = Gate()
    for name in ("e1", "e2"):
        start(spec_of(nursery, name))
    hooks = {"on_stop": lambda _instance: gate.stand()}
    start(spec_of(nursery, "a1", hooks=hooks, shutdown_s=WAIT_S))
    start(spec_of(nursery, "a2", shutdown_s=WAIT_S))
    stopped = supervisor.ask(StopChildren(), block=False)
    assert gate.reached.wait(WAIT_S)

    assert not [each for each in nursery.story if each in {"e1 on_stop", "e2 on_stop"}]
    gate.opened.set()
    stopped.get(timeout=WAIT_S)
    assert set(nursery.story[-2:]) == {"e1 on_stop", "e2 on_stop"}


def test_each_has_handled_what_it_was_told(start, supervisor, nursery):
    """However many are asked at once, and though none is waited for before the next is asked."""
    names = [f"a{number}" for number in range(200)]
    refs = [start(spec_of(nursery, name)) for name in names]
    for ref in refs:
        for message in range(100):
            ref.tell(message)

    supervisor.ask(StopChildren(), timeout=WAIT_S)

    told = [(1, "on_start"), *((1, number) for number in range(100)), (1, "on_stop")]
    assert [name for name in names if nursery.logs[name] != told] == []


def test_one_that_hangs_is_fenced_and_the_others_end_in_order(
    start, supervisor, nursery, directory, in_flight
):
    """It is dead to all, what it does later counts for nothing, and only it is given up."""
    gate = Gate()
    for name in ("a1", "a2", "a3"):
        start(spec_of(nursery, name, shutdown_s=0.05))
    directory.tell("a2", gate)
    assert gate.reached.wait(WAIT_S)

    supervisor.ask(StopChildren(), timeout=WAIT_S)
    assert directory.addresses("a") == []
    gate.opened.set()
    in_flight.wait_idle(WAIT_S)

    assert sorted(each for each in nursery.story if each.endswith("on_stop")) == [
        "a1 on_stop",
        "a3 on_stop",
    ]


def test_its_message_is_a_dead_letter(start, supervisor, nursery, directory, letters, in_flight):
    """As when it is stopped alone."""
    gate = Gate()
    for name in ("a1", "a2"):
        start(spec_of(nursery, name, shutdown_s=0.05))
    directory.tell("a1", gate)
    directory.tell("a1", "behind")
    assert gate.reached.wait(WAIT_S)

    supervisor.ask(StopChildren(), timeout=WAIT_S)

    assert sorted(letters, key=str) == sorted([("a1", gate), ("a1", "behind")], key=str)
    gate.opened.set()
    in_flight.wait_idle(WAIT_S)


def test_those_who_wait_for_the_thread_of_one_that_hangs_get_another(
    start, supervisor, nursery, directory, in_flight
):
    """Both workers of the pool hang; the others are not given up with them."""
    gates = [Gate(), Gate()]
    for name in ("a1", "a2", "a3", "a4"):
        start(spec_of(nursery, name, shutdown_s=0.05))
    for gate, name in zip(gates, ("a1", "a2"), strict=True):
        directory.tell(name, gate)
        assert gate.reached.wait(WAIT_S)
    for name in ("a3", "a4"):
        directory.tell(name, "before")

    supervisor.ask(StopChildren(), timeout=WAIT_S)

    whole = [(1, "on_start"), (1, "before"), (1, "on_stop")]
    assert [nursery.logs[name] for name in ("a3", "a4")] == [whole, whole]
    for gate in gates:
        gate.opened.set()
    in_flight.wait_idle(WAIT_S)


def test_nobody_waits_for_ever_for_a_thread_that_never_comes(
    start, supervisor, nursery, directory, letters, in_flight
):
    """None of them hangs, but none gets a turn either: all are given up in their time."""
    gate = Gate()
    nursery.dispatcher = thread = OwnThread("shared", in_flight)
    for name in ("a1", "a2"):
        start(spec_of(nursery, name, shutdown_s=0.05))
    outsider = nursery.spec("x").factory()
    outsider._start_actor_loop()
    outsider.actor_ref.tell(gate)
    assert gate.reached.wait(WAIT_S)
    directory.tell("a1", "never")

    stopped = supervisor.ask(StopChildren(), block=False)
    stopped.get(timeout=WAIT_S)
    assert directory.addresses("a") == []
    gate.opened.set()
    in_flight.wait_idle(WAIT_S)

    assert letters == [("a1", "never")]
    assert not [each for each in nursery.story if "on_stop" in each]
    outsider.actor_ref.stop(timeout=WAIT_S)
    thread.stop()


@pytest.mark.parametrize("place", ["on_stop", "message"])
def test_one_that_fails_while_it_stops_keeps_no_other_from_it(
    start, supervisor, nursery, directory, place
):
    """It just ends; none of them returns."""
    fails = {"on_stop": raising(BOOM, 1)} if place == "on_stop" else None
    gate = threading.Event()
    start(spec_of(nursery, "a1"))
    start(spec_of(nursery, "a2", hooks=fails))
    start(spec_of(nursery, "a3"))
    directory.tell("a2", gate)
    if place == "message":
        directory.tell("a2", BOOM)
    stopped = supervisor.ask(StopChildren(), block=False)
    gate.set()
    stopped.get(timeout=WAIT_S)

    assert directory.addresses("a") == []
    assert dict(nursery.born) == {"a1": 1, "a2": 1, "a3": 1}
    assert {"a1 on_stop", "a3 on_stop"} <= set(nursery.story)


def test_one_that_waits_for_its_restart_ends_with_the_others(
    start, supervisor, nursery, clock, clock_spec, directory, in_flight
):
    """Nobody is there to be asked, and its back-off brings nobody back."""
    start(clock_spec)
    for name in ("a1", "a2"):
        start(spec_of(nursery, name))
    for _ in range(2):
        directory.tell("a1", BOOM)
        in_flight.wait_idle(WAIT_S)

    supervisor.ask(StopChildren(), timeout=WAIT_S)
    clock.advance(60)
    in_flight.wait_idle(WAIT_S)

    assert directory.addresses("a") == []
    assert nursery.born["a1"] == 2


def test_who_must_not_wait_asks_nobody(nursery):
    """On a thread that others share the stop is refused before anything is sent."""
    child, refused = Child(nursery.spec("a1")), queue.SimpleQueue()

    def stop():
        forbid_blocking("here")
        try:
            refused.put(list(stop_together([child])))
        except BlockingCallError as error:
            refused.put(error)

    threading.Thread(target=stop).start()

    assert isinstance(refused.get(timeout=WAIT_S), BlockingCallError)
    assert not child.stopping
