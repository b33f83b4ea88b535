"""Clocks, the book of deadlines, and the ClockActor: never early, late at once, once."""

import math
import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.runtime import ClockActor, OffsetClock, PooledActor, SystemClock, VirtualClock
from actors.runtime.deadlines import Deadline, Deadlines
from messages.commands import CancelWake, WakeAfter, WakeAt

WAIT_S = 100
NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


def wake_after(seconds, key="k", to="owner"):
    """Return the command for a duration."""
    return WakeAfter(at=NOON, cause="test", to=to, key=key, after_s=seconds)


def wake_at(due, key="k", to="owner"):
    """Return the command for an instant."""
    return WakeAt(at=NOON, cause="test", to=to, key=key, due=due)


# --- clocks -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("clock", [SystemClock(), OffsetClock(NOON), VirtualClock(NOON)])
def test_every_clock_tells_utc_and_never_runs_backwards(clock):
    """Wall times are aware UTC, monotonic seconds only grow."""
    assert clock.now().tzinfo is UTC
    assert clock.monotonic() <= clock.monotonic()


def test_an_offset_clock_starts_where_it_is_told():
    """It shows the chosen instant, and runs on."""
    offset = OffsetClock(NOON)
    first = offset.now()

    assert timedelta(0) <= first - NOON < timedelta(minutes=1)
    assert offset.now() >= first


def test_a_virtual_clock_moves_both_times_only_when_told(clock):
    """It stands still; advance moves wall and monotonic, set_wall the wall alone."""
    assert (clock.now(), clock.monotonic()) == (NOON, 0.0)

    clock.advance(90)
    assert (clock.now(), clock.monotonic()) == (NOON + timedelta(seconds=90), 90.0)

    clock.set_wall(NOON - timedelta(days=1))
    assert (clock.now(), clock.monotonic()) == (NOON - timedelta(days=1), 90.0)


@pytest.mark.parametrize("seconds", [-1, math.nan])
def test_a_virtual_clock_does_not_advance_backwards(clock, seconds):
    """Monotonic time never goes back."""
    with pytest.raises(ValueError, match="set_wall"):
        clock.advance(seconds)


@pytest.mark.parametrize("make", [VirtualClock, OffsetClock])
def test_a_clock_refuses_a_naive_time(make):
    """A time without a zone could be anywhere."""
    with pytest.raises(ValueError, match="no time zone"):
        make(NOON.replace(tzinfo=None))


def test_callbacks_of_a_virtual_clock_hear_of_each_move_until_they_end(clock):
    """on_change returns what ends it."""
    moves = []
    end = clock.on_change(lambda: moves.append(clock.now()))

    clock.advance(1)
    clock.set_wall(NOON)
    end()
    end()
    clock.advance(1)

    assert moves == [NOON + timedelta(seconds=1), NOON]


# --- the book -----------------------------------------------------------------------------------------


def deadline(key, to="owner"):
    """Return a deadline."""
    return Deadline(to=to, key=key, cause="test")


def test_due_deadlines_come_out_once_the_longest_due_first():
    """Durations and instants are ordered together by how late they are."""
    book = Deadlines()
    book.after(deadline("3 s late"), due=7.0)
    book.at(deadline("5 s late"), due=NOON - timedelta(seconds=5))
    book.after(deadline("1 s late"), due=9.0)
    book.after(deadline("not yet"), due=10.5)

    due = [each.key for each in book.pop_due(10.0, NOON)]

    assert due == ["5 s late", "3 s late", "1 s late"]
    assert book.pop_due(10.0, NOON) == []
    assert book.next_duration() == 10.5
    assert book.next_instant() is None


def test_a_deadline_is_due_exactly_at_its_time_and_not_before():
    """One microsecond early is early."""
    book = Deadlines()
    book.at(deadline("k"), due=NOON)

    assert book.pop_due(0.0, NOON - timedelta(microseconds=1)) == []
    assert book.pop_due(0.0, NOON) == [deadline("k")]


def test_the_same_key_replaces_also_across_kinds():
    """An owner has one deadline per key, be it a duration or an instant."""
    book = Deadlines()
    book.after(deadline("k"), due=1.0)
    book.at(deadline("k"), due=NOON + timedelta(hours=1))
    book.after(deadline("k", to="another"), due=2.0)

    assert [each.to for each in book.pop_due(5.0, NOON)] == ["another"]
    assert book.pop_due(5.0, NOON + timedelta(hours=1)) == [deadline("k")]


@pytest.mark.parametrize("due", [math.nan, math.inf, -math.inf])
def test_a_duration_that_is_no_number_is_refused(due):
    """It would never come, or spoil the order of all others."""
    with pytest.raises(ValueError, match="finite"):
        Deadlines().after(deadline("k"), due=due)


def test_an_instant_without_a_zone_is_refused():
    """17:00 where?"""
    with pytest.raises(ValueError, match="aware"):
        Deadlines().at(deadline("k"), due=NOON.replace(tzinfo=None))


def test_replaced_deadlines_do_not_pile_up():
    """A deadline that is moved a million times stays one entry, near enough."""
    book = Deadlines()
    for number in range(10_000):
        book.at(deadline("k"), due=NOON + timedelta(seconds=number))

    assert len(book._instants) < 100


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["after", "cancel", "pass"]),
            st.sampled_from("abc"),
            st.integers(0, 20),
        )
    )
)
def test_the_book_agrees_with_a_dictionary(steps):
    """Model: a dict of due times; at each moment all that is due comes out, in order, once."""
    book, model, time = Deadlines(), {}, 0
    for number, (step, key, amount) in enumerate(steps):
        if step == "after":
            book.after(deadline(key), due=time + amount)
            model[key] = (time + amount, number)
        elif step == "cancel":
            book.cancel("owner", key)
            model.pop(key, None)
        else:
            time += amount
            due = sorted((when, key) for key, when in model.items() if when[0] <= time)
            expected = [key for _, key in due]
            for each in expected:
                del model[each]
            assert [each.key for each in book.pop_due(time, NOON)] == expected


# --- the actor ----------------------------------------------------------------------------------------


@pytest.fixture(params=["loop_thread", "pool"])
def alarm(request, clock, directory):
    """A ClockActor on a virtual clock, at its address; with such a clock it needs no loop."""
    dispatcher = request.getfixturevalue(request.param)
    ref = ClockActor.start(clock=clock, directory=directory, dispatcher=dispatcher)
    directory.register("clock", ref)
    return ref


def keys(seen):
    """Return the keys of the wake-ups an owner was told."""
    return [woken.key for woken in seen]


def test_a_duration_wakes_its_owner_when_it_has_passed(alarm, clock, probe, in_flight):
    """Not one second early; the wake-up carries key, time and cause."""
    seen = probe("owner")
    alarm.tell(wake_after(10, "grace"))
    in_flight.wait_idle(WAIT_S)

    clock.advance(9)
    in_flight.wait_idle(WAIT_S)
    assert seen == []

    clock.advance(1)
    in_flight.wait_idle(WAIT_S)
    (woken,) = seen
    assert (woken.key, woken.at, woken.cause) == ("grace", NOON + timedelta(seconds=10), "test")


def test_everything_due_is_told_at_once_and_once_after_a_jump(alarm, clock, probe, in_flight):
    """Level-triggered: after a long sleep all come, in order of due time, and never again."""
    seen = probe("owner")
    alarm.tell(wake_after(30, "third"))
    alarm.tell(wake_at(NOON + timedelta(seconds=20), "second"))
    alarm.tell(wake_after(10, "first"))
    in_flight.wait_idle(WAIT_S)

    clock.advance(86_400)
    clock.advance(86_400)
    in_flight.wait_idle(WAIT_S)

    assert keys(seen) == ["first", "second", "third"]


def test_a_wall_jump_brings_instants_but_no_durations(alarm, clock, probe, in_flight):
    """Durations are real time: a clock that is set forward ends none of them early."""
    seen = probe("owner")
    alarm.tell(wake_after(60, "duration"))
    alarm.tell(wake_at(NOON + timedelta(seconds=60), "instant"))
    in_flight.wait_idle(WAIT_S)

    clock.set_wall(NOON + timedelta(hours=1))
    in_flight.wait_idle(WAIT_S)
    assert keys(seen) == ["instant"]

    clock.set_wall(NOON)
    clock.advance(60)
    in_flight.wait_idle(WAIT_S)
    assert keys(seen) == ["instant", "duration"]


def test_what_is_already_due_is_told_at_once(alarm, probe, in_flight):
    """No move of the clock is needed."""
    seen = probe("owner")

    alarm.tell(wake_at(NOON - timedelta(days=1), "past"))
    alarm.tell(wake_after(0, "now"))
    in_flight.wait_idle(WAIT_S)

    assert sorted(keys(seen)) == ["now", "past"]


def test_cancelled_and_replaced_deadlines_do_not_fire(alarm, clock, probe, in_flight):
    """One deadline per owner and key; cancelling an unknown one is no error."""
    seen = probe("owner")
    alarm.tell(wake_after(10, "cancelled"))
    alarm.tell(wake_after(10, "moved"))
    alarm.tell(wake_after(50, "moved"))
    for key in ("cancelled", "unknown"):
        alarm.tell(CancelWake(at=NOON, cause="test", to="owner", key=key))
    in_flight.wait_idle(WAIT_S)

    clock.advance(49)
    in_flight.wait_idle(WAIT_S)
    assert seen == []
    clock.advance(1)
    in_flight.wait_idle(WAIT_S)
    assert keys(seen) == ["moved"]


def test_a_stopped_clock_actor_no_longer_listens(alarm, clock):
    """Moving the clock afterwards is no error."""
    alarm.stop(timeout=WAIT_S)

    clock.advance(1)

    assert not alarm.is_alive()


def test_a_successor_takes_up_the_deadlines_of_the_book(clock, directory, probe, pool, in_flight):
    """A restart with the same book loses none, also what fell due meanwhile."""
    seen, book = probe("owner"), Deadlines()
    book.after(deadline("meanwhile"), due=1.0)
    book.after(deadline("later"), due=100.0)
    clock.advance(5)

    ClockActor.start(clock=clock, directory=directory, dispatcher=pool, deadlines=book)
    in_flight.wait_idle(WAIT_S)
    assert keys(seen) == ["meanwhile"]
    clock.advance(100)
    in_flight.wait_idle(WAIT_S)
    assert keys(seen) == ["meanwhile", "later"]


class Owner(PooledActor):
    """Sets an event for each key it is woken with."""

    def __init__(self, dispatcher, events):
        super().__init__(dispatcher=dispatcher)
        self.events = events

    def on_receive(self, message):
        self.events[message.key].set()


def test_a_running_clock_wakes_by_timers_of_the_loop(directory, loop_thread, pool):
    """With the machine's time the wake-ups come by themselves, and not early."""
    clock, events = SystemClock(), {"duration": threading.Event(), "instant": threading.Event()}
    directory.register("owner", Owner.start(pool, events))
    alarm = ClockActor.start(clock=clock, directory=directory, dispatcher=loop_thread)
    begun = clock.monotonic()

    alarm.tell(wake_after(0.05, "duration"))
    alarm.tell(wake_at(clock.now() + timedelta(seconds=0.05), "instant"))

    assert events["duration"].wait(WAIT_S)
    assert clock.monotonic() - begun >= 0.05
    assert events["instant"].wait(WAIT_S)


def test_a_jump_of_a_running_wall_clock_is_noticed_soon(directory, loop_thread, pool):
    """Nobody announces NTP's jump: the actor looks again within about a second."""

    class Jumping(SystemClock):
        ahead = timedelta(0)

        def now(self):
            return super().now() + self.ahead

    clock, events = Jumping(), {"instant": threading.Event()}
    directory.register("owner", Owner.start(pool, events))
    alarm = ClockActor.start(clock=clock, directory=directory, dispatcher=loop_thread)
    alarm.ask(wake_at(clock.now() + timedelta(hours=1), "instant"), timeout=WAIT_S)

    clock.ahead = timedelta(hours=2)

    assert events["instant"].wait(WAIT_S)


def test_a_running_clock_needs_a_loop_for_its_timers(directory, pool):
    """The mistake is refused when it is made."""
    with pytest.raises(TypeError, match="needs a LoopThread"):
        ClockActor.start(clock=SystemClock(), directory=directory, dispatcher=pool)


def test_a_command_it_does_not_know_is_refused(alarm):
    """Nothing is ignored in silence."""
    with pytest.raises(TypeError, match="knows no str"):
        alarm.ask("wake me up", timeout=WAIT_S)
