"""How often children may fail: intensity within a period, back-off, escalation, and who is isolated."""

import threading

import pykka
import pytest

from actors.runtime import (
    ChildSpec,
    ClockActor,
    OwnThread,
    RootSupervisor,
    StartChild,
    StopChildren,
    SupervisorFlags,
    supervisor_spec,
)
from messages.commands import WakeAfter
from messages.events import ActorRestarted, AlarmRaised
from messages.values import AlarmCode
from tests.runtime.nursery import BOOM, WAIT_S

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
        dispatcher=own,
        directory=directory,
        clock=clock,
        flags=SupervisorFlags(intensity=0),
        on_give_up=fail,
    )
    child = ref.ask(StartChild(nursery.spec("x")), timeout=WAIT_S)
    child.tell(BOOM)
    own.in_flight.wait_idle(WAIT_S)

    assert not child.is_alive()
    assert ref.ask(StartChild(nursery.spec("y")), timeout=WAIT_S).is_alive()


def test_that_it_gives_up_is_told_before_it_is_logged(start, nursery, given_up, unread_log):
    """A log that nobody reads must not keep the program from its end."""
    unread_log("actors.runtime.root")
    ref = start(nursery.spec("account/1"))
    for _ in range(6):
        ref.tell(BOOM)
        nursery.dispatcher.in_flight.wait_idle(WAIT_S)

    assert given_up[0] == ("account/1", "ValueError('boom')")


def test_from_the_second_restart_on_the_supervisor_backs_off(start, nursery, clock, clock_spec):
    """At once, then after 0.1 s, 0.2 s…: of the clock's time, without anybody waiting."""
    start(clock_spec)
    in_flight = nursery.dispatcher.in_flight
    ref = start(nursery.spec("account/1"))

    ref.tell(BOOM)
    in_flight.wait_idle(WAIT_S)
    for failures in (2, 3, 4):
        back_off = SupervisorFlags().back_off("account/1", failures)
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


# --- escalation ---------------------------------------------------------------------------------------


@pytest.fixture
def level(in_flight):
    """A thread for the supervisors under the root."""
    thread = OwnThread("level", in_flight)
    yield thread
    thread.stop()


@pytest.fixture
def below(supervisor, level, directory, clock):
    """Return a function that starts a supervisor under the root, its children with it."""

    def begin(address, *children, dispatcher=level, under=supervisor, **flags):
        spec = supervisor_spec(
            address,
            dispatcher=dispatcher,
            directory=directory,
            clock=clock,
            flags=SupervisorFlags(**flags),
            children=children,
        )
        return under.ask(StartChild(spec), timeout=WAIT_S)

    return begin


def test_too_many_restarts_concern_the_supervisor_above(
    below, nursery, directory, in_flight, journal, given_up
):
    """The children end right to left, are begun anew from above, and have lost one message each time."""
    below("family", nursery.spec("a"), nursery.spec("b"), intensity=2)
    nursery.story.clear()
    for message in (BOOM, BOOM, BOOM, "kept"):
        directory.tell("b", message)
    in_flight.wait_idle(WAIT_S)

    assert nursery.handled("b") == [(4, "kept")]
    assert directory.ref("a").ask("who", timeout=WAIT_S) == 2
    assert nursery.story[-3:] == ["a on_stop", "a on_start", "b on_start"]
    assert [each.code for each in journal.of(AlarmRaised)].count(AlarmCode.ACTOR_GAVE_UP) == 1
    assert {each.address for each in journal.of(ActorRestarted)} == {"family", "a", "b"}
    assert given_up == []


def test_intensity_counts_all_children_of_a_supervisor(below, nursery, directory, in_flight):
    """OTP: it is the supervisor that gives up, not one child."""
    below("family", *(nursery.spec(name) for name in "abc"), intensity=2)

    for name in "abc":
        directory.tell(name, BOOM)
        in_flight.wait_idle(WAIT_S)

    assert [directory.ref(name).ask("who", timeout=WAIT_S) for name in "abc"] == [3, 3, 2]


def test_an_escalation_goes_as_far_up_as_it_must(
    below, nursery, directory, in_flight, given_up, own
):
    """Two levels below the root give up in turn; the root's own count ends the program."""
    second = OwnThread("second", in_flight)
    outer = below("outer", intensity=1)
    below("inner", nursery.spec("leaf"), dispatcher=second, under=outer, intensity=1)

    def fail(times):
        for _ in range(times):
            directory.tell("leaf", BOOM)
            in_flight.wait_idle(WAIT_S)

    fail(2)  # the first escalation of inner
    assert given_up == []
    fail(2)  # the second: outer gives up, and the root replaces it
    assert given_up == []
    assert directory.ref("leaf").ask("who", timeout=WAIT_S) == 5
    fail(4 * 5)
    assert [address for address, _ in given_up] == ["outer"]
    own.in_flight.wait_idle(WAIT_S)
    directory.ref("supervisor").stop(timeout=WAIT_S)
    second.stop()


def test_after_it_gave_up_the_root_lets_everybody_else_go_on(
    start, nursery, in_flight, given_up, supervisor
):
    """The program ends in order: until then the others guard, and what fails now is not replaced."""
    bad, good, late = (start(nursery.spec(name)) for name in ("bad", "good", "late"))
    for _ in range(6):
        bad.tell(BOOM)
    in_flight.wait_idle(WAIT_S)
    assert [address for address, _ in given_up] == ["bad"]

    late.tell(BOOM)
    in_flight.wait_idle(WAIT_S)

    assert good.ask("who", timeout=WAIT_S) == 1
    assert not late.is_alive()
    assert [address for address, _ in given_up] == ["bad"]
    supervisor.ask(StopChildren(), timeout=WAIT_S)
    assert not good.is_alive()


# --- never giving up: who is isolated -----------------------------------------------------------------


def restart_times(below, nursery, directory, clock, clock_spec, start, address, failures):
    """Fail a child of a supervisor that never gives up; return how long it was down each time."""
    start(clock_spec)
    below("desk", nursery.spec(address), nursery.spec("other"), intensity=None, ceiling_s=3.0)
    in_flight, waits = nursery.dispatcher.in_flight, []
    in_flight.wait_idle(WAIT_S)
    for number in range(1, failures + 1):
        directory.tell(address, BOOM)
        in_flight.wait_idle(WAIT_S)
        begun = clock.monotonic()
        while nursery.born[address] == number:
            clock.advance(0.01)
            in_flight.wait_idle(WAIT_S)
        waits.append(clock.monotonic() - begun)
    return waits


def test_a_child_that_is_never_given_up_comes_back_ever_later_up_to_the_ceiling(
    below, nursery, directory, clock, clock_spec, start, given_up, journal
):
    """At once, then doubling, less a jitter of up to half; its sibling notices nothing."""
    waits = restart_times(below, nursery, directory, clock, clock_spec, start, "account/1", 9)

    assert waits[0] == 0
    for wait, whole in zip(waits[1:], (0.1, 0.2, 0.4, 0.8, 1.6, 3.0, 3.0, 3.0), strict=True):
        assert whole / 2 <= wait <= whole + 0.02
    assert directory.ref("other").ask("who", timeout=WAIT_S) == 1
    assert given_up == []
    down = [each for each in journal.of(AlarmRaised) if each.code is AlarmCode.ACTOR_DOWN]
    assert len(down) == sum(wait >= 1 for wait in waits)


def test_how_long_a_child_was_down_is_journaled(
    below, nursery, directory, clock, clock_spec, start, journal
):
    """From the failure to the end of the successor's first turn, in seconds of the clock."""
    waits = restart_times(below, nursery, directory, clock, clock_spec, start, "account/1", 6)

    downs = [each.down_s for each in journal.of(ActorRestarted)]
    assert downs == pytest.approx(waits)


@pytest.mark.parametrize(("lived_s", "anew"), [(9, False), (11, True)])
def test_a_child_that_has_lived_long_enough_begins_anew(
    below, nursery, directory, clock, clock_spec, start, lived_s, anew
):
    """After a whole period without a failure, and not before, the next restart is immediate again."""
    in_flight = nursery.dispatcher.in_flight
    restart_times(below, nursery, directory, clock, clock_spec, start, "account/1", 5)
    clock.advance(lived_s)
    in_flight.wait_idle(WAIT_S)

    directory.tell("account/1", BOOM)
    in_flight.wait_idle(WAIT_S)

    assert nursery.born["account/1"] == (7 if anew else 6)


def test_a_child_that_lived_for_long_and_cannot_be_made_again_is_tried_ever_later(
    below, nursery, directory, clock, clock_spec, start, given_up
):
    """Its long life counts once; else each try would be the first failure, at once, without an end."""

    def unmade(instance):
        if 1 < instance < 6:
            raise OSError("too many open files")

    start(clock_spec)
    below("desk", nursery.spec("account/1", before=unmade), intensity=None, ceiling_s=3.0)
    in_flight = nursery.dispatcher.in_flight
    in_flight.wait_idle(WAIT_S)
    clock.advance(3600)
    in_flight.wait_idle(WAIT_S)

    directory.tell("account/1", BOOM)
    in_flight.wait_idle(WAIT_S)
    tried = [nursery.born["account/1"]]
    for pause_s in (0.12, 0.22, 0.42, 0.82):
        clock.advance(pause_s)
        in_flight.wait_idle(WAIT_S)
        tried.append(nursery.born["account/1"])

    assert tried == [2, 3, 4, 5, 6]
    assert directory.ref("account/1").ask("who", timeout=WAIT_S) == 6
    assert given_up == []


def test_jitter_is_drawn_from_the_seed():
    """The same seed waits the same, another one or another child otherwise, never less than half."""
    flags, other = SupervisorFlags(seed=1), SupervisorFlags(seed=2)
    waits = [flags.back_off("a", failures) for failures in range(12)]

    assert waits == [flags.back_off("a", failures) for failures in range(12)]
    assert waits[2:] != [other.back_off("a", failures) for failures in range(2, 12)]
    assert waits[2:] != [flags.back_off("b", failures) for failures in range(2, 12)]
    assert flags.ceiling_s / 2 <= flags.back_off("a", 10**6) <= flags.ceiling_s


def test_a_thousand_accounts_do_not_use_up_each_others_count(
    below, nursery, directory, in_flight, given_up
):
    """Each has a small supervisor of its own, under one that never gives up: 40 fail five times."""
    guards = OwnThread("guards", in_flight)
    desk = below("desk", intensity=None)
    for number in range(40):
        below(
            f"guard/{number}",
            nursery.spec(f"enforcer/{number}"),
            nursery.spec(f"account/{number}"),
            dispatcher=guards,
            under=desk,
        )
    for number in range(40):
        for _ in range(5):
            directory.tell(f"account/{number}", ValueError("boom"))
    in_flight.wait_idle(WAIT_S)

    assert {nursery.born[f"account/{number}"] for number in range(40)} == {6}
    assert {nursery.born[f"enforcer/{number}"] for number in range(40)} == {1}
    assert given_up == []
    directory.ref("supervisor").stop(timeout=WAIT_S)
    guards.stop()
