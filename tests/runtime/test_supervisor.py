"""Supervision: a failure costs the message it failed on, and nothing else."""

import threading
from collections import Counter

import pykka
import pytest

from actors.runtime import (
    BlockingCallError,
    ChildSpec,
    ClockActor,
    Deadlines,
    OwnThread,
    PooledActor,
    Restart,
    StartChild,
    StopChild,
    StopChildren,
    RootSupervisor,
)
from actors.runtime import root as root_module
from messages.commands import WakeAfter
from messages.events import ActorRestarted, AlarmRaised, DeadLettered
from messages.values import AlarmCode

WAIT_S = 5
BOOM = ValueError("boom")


class Child(PooledActor):
    """Notes what it handles in a log that all instances share; raises and waits as told."""

    def __init__(self, dispatcher, log, instance):
        super().__init__(dispatcher=dispatcher)
        self.log = log
        self.instance = instance
        self.own_ref = self.actor_ref
        self.own_proxy = self.actor_ref.proxy()

    def on_start(self):
        self.log.append((self.instance, "on_start"))

    def on_stop(self):
        self.log.append((self.instance, "on_stop"))

    def on_failure(self, _exception_type, exception_value, _traceback):
        self.log.append((self.instance, f"on_failure {exception_value}"))

    def on_receive(self, message):
        if isinstance(message, BaseException):
            raise message
        if isinstance(message, threading.Event):
            assert message.wait(WAIT_S)
            return None
        self.log.append((self.instance, message))
        return self.instance

    def who(self):
        return self.instance


class Nursery:
    """Makes children at addresses, one instance after another, all with one log per address."""

    def __init__(self, dispatcher):
        self.dispatcher = dispatcher
        self.logs = {}
        self.born = Counter()

    def spec(self, address, restart=Restart.PERMANENT, before=lambda _instance: None):
        """Return a spec; `before` runs in the factory and may raise or wait."""
        log = self.logs.setdefault(address, [])

        def factory():
            self.born[address] += 1
            before(self.born[address])
            return Child(self.dispatcher, log, self.born[address])

        return ChildSpec(address=address, factory=factory, restart=restart)


@pytest.fixture
def nursery(pool):
    """Children on the pool."""
    return Nursery(pool)


@pytest.fixture
def journal(probe):
    """What the journal is told to append, event by event."""

    class Events:
        def __init__(self, appends):
            self.appends = appends

        def of(self, kind):
            return [
                event for each in self.appends for event in each.events if isinstance(event, kind)
            ]

    return Events(probe("journal"))


@pytest.fixture
def given_up():
    """What on_give_up was called with."""
    return []


@pytest.fixture
def supervisor(journal, own, directory, clock, given_up):
    """A running supervisor that gives a child up at its sixth failure within ten seconds."""
    assert directory.is_alive("journal"), journal
    return RootSupervisor.start(
        dispatcher=own,
        directory=directory,
        clock=clock,
        on_give_up=lambda address, error: given_up.append((address, error)),
    )


@pytest.fixture
def start(supervisor):
    """Return a function that has the supervisor start a child."""
    return lambda spec: supervisor.ask(StartChild(spec), timeout=WAIT_S)


@pytest.fixture
def letters(directory):
    """The dead letters of a test: (address, message)."""
    seen = []
    directory.on_dead_letter(lambda address, message, _error: seen.append((address, message)))
    return seen


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
    (alarm,) = journal.of(AlarmRaised)
    assert (letter.address, letter.message) == ("account/1", "ValueError('boom')")
    assert (restarted.address, restarted.error, restarted.restarts) == (
        "account/1",
        "ValueError('boom')",
        1,
    )
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


# --- intensity, period, back-off ----------------------------------------------------------------------


def test_a_child_that_keeps_failing_is_given_up(start, nursery, given_up, journal, letters):
    """Five restarts within the period; the sixth failure ends the address, loudly."""
    in_flight = nursery.dispatcher.in_flight
    ref, bystander = start(nursery.spec("account/1")), start(nursery.spec("account/2"))
    gate = threading.Event()
    for message in (gate, *[BOOM] * 6, "left over"):
        ref.tell(message)
    asked = ref.ask("left over too", block=False)
    gate.set()
    in_flight.wait_idle(WAIT_S)

    assert nursery.born["account/1"] == 6
    assert given_up == [("account/1", "ValueError('boom')")]
    assert not ref.is_alive()
    assert letters == [("account/1", BOOM)] * 6 + [("account/1", "left over")]
    with pytest.raises(pykka.ActorDeadError):
        asked.get(timeout=WAIT_S)
    gave_up = [alarm for alarm in journal.of(AlarmRaised) if alarm.code is AlarmCode.ACTOR_GAVE_UP]
    assert len(gave_up) == 1
    assert bystander.ask("who", timeout=WAIT_S) == 1


def test_failures_spread_over_more_than_the_period_are_survived(start, nursery, clock, in_flight):
    """Only those within the last ten seconds count."""
    ref = start(nursery.spec("account/1"))

    for _ in range(20):
        ref.tell(BOOM)
        in_flight.wait_idle(WAIT_S)
        clock.advance(2.5)

    assert ref.ask("who", timeout=WAIT_S) == 21


def test_an_error_of_on_give_up_does_not_end_the_supervisor(own, directory, clock, nursery):
    """Who informs must outlive whoever it informs."""

    def fail(*_args):
        raise ValueError("on_give_up")

    ref = RootSupervisor.start(
        dispatcher=own, directory=directory, clock=clock, intensity=0, on_give_up=fail
    )
    child = ref.ask(StartChild(nursery.spec("x")), timeout=WAIT_S)
    child.tell(BOOM)
    own.in_flight.wait_idle(WAIT_S)

    assert not child.is_alive()
    assert ref.ask(StartChild(nursery.spec("y")), timeout=WAIT_S).is_alive()


@pytest.fixture
def clock_spec(clock, directory, loop_thread):
    """The spec of a supervised ClockActor whose deadlines outlive it."""
    book = Deadlines()

    def factory():
        return ClockActor(clock=clock, directory=directory, dispatcher=loop_thread, deadlines=book)

    return ChildSpec(address="clock", factory=factory)


def test_from_the_second_restart_on_the_supervisor_backs_off(start, nursery, clock, clock_spec):
    """At once, then after 0.1 s, 0.2 s…: of the clock's time, without anybody waiting."""
    start(clock_spec)
    in_flight = nursery.dispatcher.in_flight
    ref = start(nursery.spec("account/1"))

    ref.tell(BOOM)
    in_flight.wait_idle(WAIT_S)
    for failures, back_off in ((2, 0.1), (3, 0.2), (4, 0.4)):
        ref.tell(BOOM)
        in_flight.wait_idle(WAIT_S)
        clock.advance(back_off * 0.9)
        in_flight.wait_idle(WAIT_S)
        assert nursery.born["account/1"] == failures
        clock.advance(back_off * 0.2)
        in_flight.wait_idle(WAIT_S)
        assert nursery.born["account/1"] == failures + 1


def test_the_clock_itself_is_restarted_without_a_clock(start, clock, clock_spec, probe, in_flight):
    """However often it fails, it returns at once and has lost no deadline."""
    seen, ref = probe("owner"), start(clock_spec)
    ref.tell(WakeAfter(at=clock.now(), cause="t", to="owner", key="kept", after_s=60))

    for _ in range(3):
        ref.tell("nonsense")
    in_flight.wait_idle(WAIT_S)
    clock.advance(60)
    in_flight.wait_idle(WAIT_S)

    assert [woken.key for woken in seen] == ["kept"]


def test_a_child_that_backs_off_returns_when_the_clock_fails(
    start, nursery, clock, directory, loop_thread
):
    """A deadline lost with a clock must not keep a child down for ever."""
    in_flight = nursery.dispatcher.in_flight
    alarm = start(
        ChildSpec(
            address="clock",
            factory=lambda: ClockActor(clock=clock, directory=directory, dispatcher=loop_thread),
        )
    )
    ref = start(nursery.spec("account/1"))
    for _ in range(2):
        ref.tell(BOOM)
        in_flight.wait_idle(WAIT_S)
    assert nursery.born["account/1"] == 2

    alarm.tell("nonsense")
    in_flight.wait_idle(WAIT_S)

    assert ref.ask("who", timeout=WAIT_S) == 3


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


def test_a_hung_child_does_not_hang_the_stopping(start, supervisor, nursery, monkeypatch):
    """After its time it is left behind: dead to all, and it ends when its handler does."""
    monkeypatch.setattr(supervisor_module, "STOP_TIMEOUT_S", 0.01)
    gate, in_flight = threading.Event(), nursery.dispatcher.in_flight
    ref = start(nursery.spec("account/1"))
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
