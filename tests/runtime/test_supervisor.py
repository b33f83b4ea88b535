"""Supervision: a failure costs the message it failed on, and nothing else."""

import threading

import pykka
import pytest

from actors.runtime import (
    BlockingCallError,
    ChildSpec,
    OwnThread,
    PooledActor,
    Restart,
    RootSupervisor,
    StartChild,
    StopChild,
    StopChildren,
)
from actors.runtime import root as root_module
from messages.events import ActorRestarted, AlarmRaised, DeadLettered
from messages.values import AlarmCode
from tests.runtime.nursery import BOOM, WAIT_S, Child

# --- starting -----------------------------------------------------------------------------------------


def test_a_started_child_is_reached_by_its_address(start, nursery, directory):
    """StartChild answers with the reference that is registered."""
    ref = start(nursery.spec("account/1"))

    assert directory.ref("account/1") is ref
    assert ref in pykka.ActorRegistry.get_all()
    assert ref.ask("hello", timeout=WAIT_S) == 1


def test_an_error_of_the_factory_is_raised_to_the_asker(start, nursery, directory):
    """Nothing is left at the address, and a later start may succeed."""

    def fail_first(instance):
        if instance == 1:
            raise OSError("no journal")

    spec = nursery.spec("account/1", before=fail_first)

    with pytest.raises(OSError, match="no journal"):
        start(spec)
    assert directory.addresses("account/") == []
    assert start(spec).ask("hello", timeout=WAIT_S) == 2


def test_an_error_of_on_start_is_raised_to_the_asker(start, pool, directory, journal):
    """A child that cannot begin is not restarted behind the asker's back."""

    class Unwilling(PooledActor):
        def on_start(self):
            raise OSError("unwilling")

    with pytest.raises(OSError, match="unwilling"):
        start(ChildSpec(address="x", factory=lambda: Unwilling(dispatcher=pool)))

    assert not directory.is_alive("x")
    assert journal.of(ActorRestarted) == []


def test_an_address_is_started_only_once(start, nursery):
    """A second child at a living address is refused, and the first goes on."""
    ref = start(nursery.spec("account/1"))

    with pytest.raises(ValueError, match="'account/1' is already started"):
        start(nursery.spec("account/1"))
    assert ref.ask("hello", timeout=WAIT_S) == 1


def test_a_child_must_not_share_its_supervisors_thread(start, own):
    """The supervisor would wait for itself."""
    with pytest.raises(ValueError, match="must not run on the thread of its supervisor"):
        start(ChildSpec(address="x", factory=lambda: Child(own, [], 1)))


def test_a_supervisor_on_a_shared_thread_cannot_start_children(
    pool, directory, clock, nursery, in_flight
):
    """It has to wait for a child's start, so it needs a thread of its own."""
    ref = RootSupervisor.start(
        dispatcher=pool, directory=directory, clock=clock, on_give_up=lambda *_: None
    )
    nursery.dispatcher = OwnThread("child", in_flight)

    with pytest.raises(BlockingCallError):
        ref.ask(StartChild(nursery.spec("x")), timeout=WAIT_S)
    nursery.dispatcher.stop()


# --- failing and restarting ---------------------------------------------------------------------------


def test_a_failure_costs_only_the_message_it_failed_on(start, nursery, letters, in_flight):
    """Earlier messages are handled by the first instance, later ones by its successor, in order."""
    gate = threading.Event()
    ref = start(nursery.spec("account/1"))
    for message in (gate, "before", BOOM, "after", "last"):
        ref.tell(message)
    gate.set()
    in_flight.wait_idle(WAIT_S)

    assert nursery.logs["account/1"] == [
        (1, "on_start"),
        (1, "before"),
        (1, "on_failure boom"),
        (2, "on_start"),
        (2, "after"),
        (2, "last"),
    ]
    assert letters == [("account/1", BOOM)]


def test_the_same_reference_stays_valid_over_restarts(start, nursery, directory, in_flight):
    """Holders keep their object: same URN, same registry entry, same address."""
    ref = start(nursery.spec("account/1"))
    urn = ref.actor_urn

    ref.tell(BOOM)
    in_flight.wait_idle(WAIT_S)

    assert ref.is_alive()
    assert ref.actor_urn == urn
    assert directory.ref("account/1") is ref
    assert pykka.ActorRegistry.get_by_urn(urn) is ref
    assert ref.ask("who", timeout=WAIT_S) == 2


def test_references_and_proxies_of_successors_lead_to_the_same_address(start, nursery, in_flight):
    """What a constructor took from `self.actor_ref` works, before and after a further restart."""
    ref = start(nursery.spec("account/1"))
    old_proxy = ref.proxy()
    ref.tell(BOOM)
    in_flight.wait_idle(WAIT_S)
    second = ref._actor_weakref()
    ref.tell(BOOM)
    in_flight.wait_idle(WAIT_S)

    assert second.actor_ref is ref
    assert second.own_ref.actor_urn == ref.actor_urn
    assert second.own_ref.ask("who", timeout=WAIT_S) == 3
    assert second.own_proxy.who().get(timeout=WAIT_S) == 3
    assert old_proxy.who().get(timeout=WAIT_S) == 3


def test_the_restart_is_journaled_with_its_reason(start, nursery, journal, in_flight):
    """DeadLettered names the message, ActorRestarted the error, and an alarm calls a person."""
    ref = start(nursery.spec("account/1"))

    ref.tell(BOOM)
    in_flight.wait_idle(WAIT_S)

    (letter,) = journal.of(DeadLettered)
    (restarted,) = journal.of(ActorRestarted)
    lost, alarm = journal.of(AlarmRaised)
    assert (letter.address, letter.message) == ("account/1", "ValueError('boom')")
    assert (restarted.address, restarted.error, restarted.restarts) == (
        "account/1",
        "ValueError('boom')",
        1,
    )
    assert lost.code is AlarmCode.DEAD_LETTER
    assert alarm.code is AlarmCode.ACTOR_RESTARTED
    assert "account/1 failed (ValueError('boom'))" in alarm.text


def test_a_failing_ask_goes_to_the_caller_and_is_no_failure(start, nursery, journal):
    """The instance lives; nothing is journaled."""
    ref = start(nursery.spec("account/1"))

    with pytest.raises(ValueError, match="boom"):
        ref.ask(BOOM, timeout=WAIT_S)

    assert ref.ask("who", timeout=WAIT_S) == 1
    assert journal.appends == []


def test_asks_and_tells_wait_while_the_child_is_down(start, nursery, in_flight):
    """The inbox lives on without an instance; a proxy can be made, and all is handled afterwards."""
    failed, gate = threading.Event(), threading.Event()

    def wait_at_second(instance):
        if instance == 2:
            failed.set()
            assert gate.wait(WAIT_S)

    ref = start(nursery.spec("account/1", before=wait_at_second))
    ref.tell(BOOM)
    assert failed.wait(WAIT_S)
    ref.tell("told while down")
    asked = ref.ask("asked while down", block=False)
    proxied = ref.proxy().who()
    assert ref.is_alive()
    gate.set()

    assert asked.get(timeout=WAIT_S) == 2
    assert proxied.get(timeout=WAIT_S) == 2
    in_flight.wait_idle(WAIT_S)
    assert (2, "told while down") in nursery.logs["account/1"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_a_base_exception_is_a_failure_of_that_child_only(start, nursery, error, in_flight):
    """Nothing else stops; the child is replaced."""
    ref, bystander = start(nursery.spec("account/1")), start(nursery.spec("account/2"))

    ref.tell(error())
    in_flight.wait_idle(WAIT_S)

    assert ref.ask("who", timeout=WAIT_S) == 2
    assert bystander.ask("who", timeout=WAIT_S) == 1


def test_a_base_exception_in_an_ask_reaches_the_caller_as_a_dead_actor(start, nursery):
    """The asker is not interrupted by somebody else's Ctrl-C."""
    ref = start(nursery.spec("account/1"))

    with pytest.raises(pykka.ActorDeadError, match="KeyboardInterrupt"):
        ref.ask(KeyboardInterrupt(), timeout=WAIT_S)
    assert ref.ask("who", timeout=WAIT_S) == 2


def test_a_failing_turn_end_is_a_failure_without_a_dead_letter(start, pool, letters, in_flight):
    """No message is lost, so none is reported."""
    born = []

    class Flushing(PooledActor):
        def on_turn_end(self):
            if len(born) == 1:
                raise BOOM

    def factory():
        born.append(None)
        return Flushing(dispatcher=pool)

    start(ChildSpec(address="x", factory=factory)).tell("flush")
    in_flight.wait_idle(WAIT_S)

    assert len(born) == 2
    assert letters == []


def test_a_failed_task_on_a_loop_restarts_the_child(start, loop_thread, letters, in_flight):
    """The message whose task failed is the dead letter; what waited is handled by the successor."""
    born, handled = [], []

    class Async(PooledActor):
        async def on_receive(self, message):
            if isinstance(message, BaseException):
                raise message
            handled.append((len(born), message))

    def factory():
        born.append(None)
        return Async(dispatcher=loop_thread)

    ref = start(ChildSpec(address="gateway/main", factory=factory))
    ref.tell(BOOM)
    in_flight.wait_idle(WAIT_S)
    ref.tell("after")
    in_flight.wait_idle(WAIT_S)

    assert letters == [("gateway/main", BOOM)]
    assert handled == [(2, "after")]


def test_a_failed_restart_counts_and_is_tried_again(start, nursery, in_flight, journal):
    """The factory fails twice; without a clock actor there is no back-off, the third succeeds."""

    def fail_twice(instance):
        if instance in {2, 3}:
            raise OSError(f"attempt {instance}")

    ref = start(nursery.spec("account/1", before=fail_twice))
    ref.tell(BOOM)
    in_flight.wait_idle(WAIT_S)

    assert ref.ask("who", timeout=WAIT_S) == 4
    (restarted,) = journal.of(ActorRestarted)
    assert (restarted.error, restarted.restarts) == ("OSError('attempt 3')", 3)


def test_a_failed_on_start_of_a_successor_is_tried_again(start, pool, in_flight):
    """It is reported like any failure, and the inbox is still kept."""
    born, handled = [], []

    class Slow(PooledActor):
        def on_start(self):
            if len(born) in {2, 3}:
                raise OSError("not yet")

        def on_receive(self, message):
            if isinstance(message, BaseException):
                raise message
            handled.append((len(born), message))

    def factory():
        born.append(None)
        return Slow(dispatcher=pool)

    ref = start(ChildSpec(address="x", factory=factory))
    ref.tell(BOOM)
    ref.tell("kept")
    in_flight.wait_idle(WAIT_S)

    assert handled == [(4, "kept")]


# --- restart: permanent, transient, temporary ---------------------------------------------------------


def test_a_permanent_child_that_stops_unasked_is_replaced(start, nursery, in_flight):
    """OTP: permanent means always."""
    ref = start(nursery.spec("account/1"))

    ref.stop(timeout=WAIT_S)
    in_flight.wait_idle(WAIT_S)

    assert ref.ask("who", timeout=WAIT_S) == 2


def test_a_transient_child_is_replaced_when_it_fails_and_not_when_it_stops(
    start, nursery, directory, in_flight
):
    """OTP: a normal end is an end; its address is unknown afterwards."""
    ref = start(nursery.spec("x", restart=Restart.TRANSIENT))
    ref.tell(BOOM)
    in_flight.wait_idle(WAIT_S)
    assert ref.ask("who", timeout=WAIT_S) == 2

    ref.stop(timeout=WAIT_S)
    in_flight.wait_idle(WAIT_S)

    assert not ref.is_alive()
    assert directory.addresses("x") == []


def test_a_temporary_child_is_never_replaced(start, nursery, letters, in_flight):
    """What waited behind the failure becomes dead letters too."""
    gate = threading.Event()
    ref = start(nursery.spec("x", restart=Restart.TEMPORARY))
    for message in (gate, BOOM, "never handled"):
        ref.tell(message)
    gate.set()
    in_flight.wait_idle(WAIT_S)

    assert not ref.is_alive()
    assert letters == [("x", BOOM), ("x", "never handled")]
    assert nursery.born["x"] == 1


# --- stopping -----------------------------------------------------------------------------------------


def test_a_stopped_child_has_handled_what_it_was_told_and_is_not_replaced(
    start, supervisor, nursery, directory
):
    """StopChild is an orderly end; the address is forgotten."""
    gate = threading.Event()
    ref = start(nursery.spec("account/1"))
    ref.tell(gate)
    ref.tell("before")
    stopped = supervisor.ask(StopChild("account/1"), block=False)
    gate.set()
    stopped.get(timeout=WAIT_S)

    assert nursery.logs["account/1"] == [(1, "on_start"), (1, "before"), (1, "on_stop")]
    assert not ref.is_alive()
    assert directory.addresses("account/") == []
    assert nursery.born["account/1"] == 1


def test_stopping_an_unknown_child_says_which_there_are(start, supervisor, nursery):
    """The error can be acted upon."""
    start(nursery.spec("account/1"))

    with pytest.raises(LookupError, match="no child 'account/2'; children: account/1"):
        supervisor.ask(StopChild("account/2"), timeout=WAIT_S)


@pytest.mark.parametrize("how", ["StopChildren", "stop"])
def test_children_are_stopped_right_to_left(start, supervisor, pool, how):
    """The last started goes first, by message as well as with the supervisor itself."""
    stopped = []

    class Named(PooledActor):
        def __init__(self, name):
            super().__init__(dispatcher=pool)
            self.name = name

        def on_stop(self):
            stopped.append(self.name)

    for name in ("a", "b", "c"):
        start(ChildSpec(address=name, factory=lambda name=name: Named(name)))
    if how == "StopChildren":
        supervisor.ask(StopChildren(), timeout=WAIT_S)
    else:
        supervisor.stop(timeout=WAIT_S)

    assert stopped == ["c", "b", "a"]


def test_a_child_that_waits_for_its_restart_can_be_stopped(
    start, supervisor, nursery, clock, clock_spec
):
    """What waits in its inbox is refused at once, and the back-off brings nobody back."""
    start(clock_spec)
    in_flight = nursery.dispatcher.in_flight
    ref = start(nursery.spec("account/1"))
    for _ in range(2):
        ref.tell(BOOM)
        in_flight.wait_idle(WAIT_S)
    asked = ref.ask("while down", block=False)

    supervisor.ask(StopChild("account/1"), timeout=WAIT_S)
    clock.advance(60)
    in_flight.wait_idle(WAIT_S)

    with pytest.raises(pykka.ActorDeadError):
        asked.get(timeout=WAIT_S)
    assert nursery.born["account/1"] == 2


def test_a_child_that_fails_while_it_is_being_stopped_just_ends(start, supervisor, nursery):
    """Its failure meets the stop half way: no restart, and the stopping does not hang."""
    gate = threading.Event()
    ref = start(nursery.spec("account/1"))
    ref.tell(gate)
    ref.tell(BOOM)
    stopped = supervisor.ask(StopChild("account/1"), block=False)
    gate.set()
    stopped.get(timeout=WAIT_S)

    assert not ref.is_alive()
    assert nursery.born["account/1"] == 1


def test_a_hung_child_does_not_hang_the_stopping(start, supervisor, nursery):
    """After its time it is left behind: dead to all, and it ends when its handler does."""
    gate, in_flight = threading.Event(), nursery.dispatcher.in_flight
    ref = start(nursery.spec("account/1", shutdown_s=0.01))
    ref.tell(gate)

    supervisor.ask(StopChildren(), timeout=WAIT_S)
    assert not ref.is_alive()
    gate.set()
    in_flight.wait_idle(WAIT_S)

    assert nursery.logs["account/1"] == [(1, "on_start")]


# --- the supervisor itself ----------------------------------------------------------------------------


@pytest.mark.usefixtures("supervisor")
def test_every_dead_letter_is_journaled(directory, journal, in_flight):
    """Also those that no child of it failed on; long ones are shortened."""
    in_flight.wait_idle(WAIT_S)

    directory.tell("nobody", "x" * 10_000)
    in_flight.wait_idle(WAIT_S)

    (letter,) = journal.of(DeadLettered)
    assert (letter.address, letter.error) == ("nobody", "unknown address")
    assert len(letter.message) == root_module.SHOWN_OF_A_MESSAGE


@pytest.mark.usefixtures("supervisor")
def test_a_dead_journal_does_not_make_dead_letters_loop(directory, letters, in_flight):
    """The letter itself is reported once, the attempt to journal it only logged."""
    in_flight.wait_idle(WAIT_S)
    directory.ref("journal").stop(timeout=WAIT_S)

    directory.tell("nobody", "hello")
    in_flight.wait_idle(WAIT_S)

    assert letters == [("nobody", "hello")]


def test_a_child_whose_supervisor_is_gone_is_not_left_half_alive(
    supervisor, start, nursery, given_up, in_flight
):
    """The end of the supervisor is loud, and a later failure ends the child's address."""
    ref = start(nursery.spec("account/1"))

    supervisor.tell("nonsense")
    in_flight.wait_idle(WAIT_S)
    assert [address for address, _ in given_up] == ["supervisor"]

    ref.tell(BOOM)
    asked = ref.ask("anyone?", block=False)
    with pytest.raises(pykka.ActorDeadError):
        asked.get(timeout=WAIT_S)


def test_stopping_all_actors_stops_a_supervised_tree(start, nursery, in_flight):
    """The stop_all of pykka leaves nothing behind, although permanent children come back once."""
    for number in range(5):
        start(nursery.spec(f"account/{number}"))

    pykka.ActorRegistry.stop_all(timeout=WAIT_S)
    in_flight.wait_idle(WAIT_S)

    assert pykka.ActorRegistry.get_all() == []
