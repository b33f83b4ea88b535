"""What a trusted clock believes: the run, the system clock, the broker; two of them against the third."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.runtime import ClockActor, TrustedClock, VirtualClock
from actors.runtime.trust import FAR, NEAR, Reading, Sighting, Trust
from messages.commands import ReportBrokerTime, SettleTime, WakeAt
from messages.journal import Append
from messages.values import AlarmCode

WAIT_S = 100
NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
JUMPED, WRONG, UNCONFIRMED = (
    AlarmCode.CLOCK_JUMPED,
    AlarmCode.CLOCK_WRONG,
    AlarmCode.CLOCK_UNCONFIRMED,
)


class Bench:
    """A trusted clock, the system clock it reads, and a broker that knows the true time."""

    def __init__(self, wrong_by=timedelta(0)):
        self.system = VirtualClock(NOON + wrong_by)
        self.clock = TrustedClock(self.system)

    @property
    def true(self):
        return NOON + timedelta(seconds=self.system.monotonic())

    @property
    def error(self):
        """Return how far the trusted clock is ahead of the truth."""
        return self.clock.now() - self.true

    def set_system(self, wrong_by):
        self.system.set_wall(self.true + wrong_by)

    def broker_says(self, ahead=timedelta(0)):
        """Let an answer come in, with a `Date` that is whole seconds as they are."""
        second = (self.true + ahead).replace(microsecond=0)
        self.clock.hear(Sighting(second, second + SECOND, self.system.monotonic()))

    def fill_says(self, ahead=timedelta(0)):
        """Let a fill come in that has just happened."""
        self.clock.hear(Sighting(self.true + ahead, None, self.system.monotonic()))

    def found(self):
        return [each.code for each in self.clock.look()]


@pytest.fixture
def bench():
    """Everything is right, the broker has said so, and the start is over."""
    bench = Bench()
    bench.broker_says()
    bench.clock.settle()
    assert bench.found() == []
    return bench


@pytest.mark.parametrize("by", [HOUR, -HOUR, 180 * 24 * HOUR, NEAR + SECOND / 1000])
def test_a_system_clock_that_jumps_is_not_believed_and_that_is_said_once(bench, by):
    """Both times are in the text; what is told goes on as if nothing had happened."""
    bench.set_system(by)

    (finding,) = bench.clock.look()

    assert finding.code is JUMPED
    assert str(bench.true) in finding.text
    assert str(bench.true + by) in finding.text
    assert bench.error == timedelta(0)
    bench.system.advance(100)
    assert bench.error == timedelta(0)
    assert bench.found() == []


def test_small_corrections_are_followed(bench):
    """What NTP slews, to the microsecond, without a word."""
    bench.set_system(NEAR)
    assert bench.found() == []
    assert bench.error == NEAR

    bench.set_system(timedelta(0))
    assert bench.found() == []
    bench.system.advance(4)
    assert bench.error == timedelta(0)


def test_small_corrections_do_not_add_up_without_the_brokers_word(bench):
    """Two seconds again and again are a jump as well."""
    for step in range(1, 6):
        bench.set_system(step * NEAR)
        bench.found()

    assert bench.error == NEAR


def test_small_corrections_do_not_add_up_with_the_brokers_word_either(bench):
    """An answer proves no more than what it shows, however near the system clock is to that."""
    for step in range(1, 20):
        bench.set_system(step * timedelta(seconds=1.5))
        bench.found()
        bench.broker_says()

    assert bench.error <= NEAR + SECOND


def test_a_clock_that_is_set_right_again_is_followed_again(bench):
    """Somebody has played with it."""
    bench.set_system(HOUR)
    bench.found()

    bench.set_system(SECOND)

    assert bench.found() == []
    assert bench.error == SECOND


def test_each_further_jump_is_said(bench):
    """And one that has been said is not."""
    found = []
    for by in (HOUR, HOUR + SECOND, 2 * HOUR, -HOUR):
        bench.set_system(by)
        found += bench.found()

    assert found == [JUMPED] * 3


def test_a_jump_that_the_broker_confirms_is_adopted():
    """The machine was paused: the run and the system clock were an hour late, then NTP came."""
    bench = Bench(wrong_by=-HOUR)
    bench.clock.hear(Sighting(NOON - HOUR, NOON - HOUR + SECOND, 0.0))
    bench.clock.settle()
    bench.broker_says()
    assert bench.found() == [WRONG]
    assert bench.error == -HOUR

    bench.set_system(timedelta(0))
    assert bench.found() == [JUMPED]
    bench.broker_says()

    assert bench.found() == [WRONG]
    assert bench.error == timedelta(0)


def test_a_jump_that_the_broker_contradicts_is_never_adopted(bench):
    """However often it is asked."""
    bench.set_system(HOUR)
    bench.found()

    for _ in range(100):
        bench.system.advance(1)
        bench.broker_says()

    assert bench.error == timedelta(0)
    assert bench.found() == []


def test_a_broker_alone_moves_nothing_and_is_complained_of_once(bench):
    """One server of theirs may be wrong, and a lockout must not end by that."""
    for ahead in (HOUR, HOUR, -HOUR):
        bench.broker_says(ahead)

    assert bench.error == timedelta(0)
    assert bench.found() == [WRONG]
    bench.broker_says()
    bench.broker_says(HOUR)
    assert bench.found() == [WRONG]


@pytest.mark.parametrize(("by", "taken"), [(FAR + 2 * SECOND, True), (FAR - SECOND, False)])
@pytest.mark.parametrize("sign", [1, -1])
def test_at_a_start_the_broker_is_believed_against_the_system_clock(by, taken, sign):
    """Beyond 30 s either way; the error left is that of a `Date`."""
    bench = Bench(wrong_by=sign * by)

    bench.broker_says()
    bench.clock.settle()

    assert bench.found() == ([WRONG] if taken else [])
    assert (abs(bench.error) <= SECOND) is taken
    bench.system.advance(1000)
    assert (abs(bench.error) <= SECOND) is taken


def test_a_small_error_of_the_start_is_mended_when_the_system_clock_is(bench):
    """Ten seconds are left alone, until NTP and the broker agree."""
    bench = Bench(wrong_by=10 * SECOND)
    bench.broker_says()
    bench.clock.settle()
    told = bench.clock.now()

    bench.set_system(timedelta(0))
    bench.found()
    bench.broker_says()

    assert bench.clock.now() >= told
    bench.system.advance(20)
    assert bench.error == timedelta(0)


def test_set_back_in_the_middle_of_a_run_time_goes_on_at_half_speed(bench):
    """It never stands still, for the age of quotes is read from it, and never goes back."""
    bench = Bench(wrong_by=HOUR)
    bench.clock.settle()
    before = bench.clock.now()

    bench.broker_says()
    assert bench.clock.now() == before
    bench.system.advance(60)
    assert bench.clock.now() - before == timedelta(seconds=30)
    bench.system.advance(2 * 3600)

    assert bench.clock.now() > before
    assert abs(bench.error) <= SECOND


def test_without_a_word_of_the_broker_the_journal_bounds_the_system_clock():
    """Set back while we were down: time goes on from the last record, and it is said so."""
    bench = Bench(wrong_by=-HOUR)

    bench.clock.not_before(NOON)
    bench.clock.settle()

    assert bench.found() == [WRONG, UNCONFIRMED]
    assert bench.clock.now() == NOON
    bench.system.advance(60)
    assert bench.clock.now() == NOON + timedelta(seconds=60)


def test_a_journal_that_ends_a_moment_ahead_only_holds_time_up():
    """A second of NTP while we were down is no news."""
    bench = Bench(wrong_by=-SECOND)

    bench.clock.not_before(NOON)

    assert bench.found() == []
    assert bench.clock.now() == NOON
    bench.system.advance(10)
    assert bench.clock.now() == NOON + 9 * SECOND


def test_a_journal_that_ends_before_now_changes_nothing():
    """The usual start."""
    bench = Bench()

    bench.clock.not_before(NOON - HOUR)

    assert bench.clock.now() == NOON
    assert bench.found() == []


def test_the_broker_overrides_a_journal_from_the_future():
    """A run whose clock was six months ahead has left a record and ended: not for ever."""
    bench = Bench()

    bench.clock.not_before(NOON + 180 * 24 * HOUR)
    bench.broker_says()

    assert bench.found() == [WRONG, WRONG]
    assert bench.error == timedelta(0)


def test_a_fill_confirms_a_jump_forward(bench):
    """A payload's time is a lower bound: it was told when it happened."""
    bench = Bench(wrong_by=-HOUR)
    bench.clock.settle()
    bench.set_system(timedelta(0))
    bench.fill_says()

    assert bench.error == timedelta(0)


@pytest.mark.parametrize("ahead", [-HOUR, timedelta(0), 3 * HOUR])
def test_a_fill_confirms_no_other_time_than_its_own(bench, ahead):
    """An old fill, one of now and one of the future prove nothing about a clock six months ahead."""
    bench.set_system(180 * 24 * HOUR)

    bench.fill_says(ahead)

    assert bench.error == timedelta(0)


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("pass"), st.integers(0, 7_200_000)),
            st.tuples(st.just("set"), st.integers(-7_200_000, 7_200_000)),
            st.tuples(st.just("slew"), st.integers(-2_500, 2_500)),
            st.tuples(st.just("answer"), st.integers(0, 3_000)),
            st.tuples(st.just("old fill"), st.integers(0, 7_200_000)),
        ),
        max_size=40,
    ),
    st.booleans(),
)
def test_whatever_happens_to_the_system_clock_time_is_monotone_and_true(steps, told):
    """Within what is followed unasked and what honest answers, if there are any, leave open."""
    true_ms, wrong_ms, slowest_ms = 0, 0, 0
    trust = Trust.begin(Reading(NOON, 0.0))
    last = NOON
    for step, by_ms in steps:
        if step == "pass":
            true_ms += by_ms
        elif step in {"set", "slew"}:
            wrong_ms = by_ms if step == "set" else wrong_ms + by_ms
        reading = Reading(NOON + timedelta(milliseconds=true_ms + wrong_ms), true_ms / 1000)
        if step == "answer" and told:
            slowest_ms = max(slowest_ms, by_ms)
            second = (NOON + timedelta(milliseconds=true_ms)).replace(microsecond=0)
            true_ms += by_ms
            reading = Reading(reading.wall + timedelta(milliseconds=by_ms), true_ms / 1000)
            latest = second + SECOND + timedelta(milliseconds=by_ms)
            trust.hear(Sighting(second, latest, true_ms / 1000), reading)
        elif step == "old fill":
            at = NOON + timedelta(milliseconds=true_ms - by_ms)
            trust.hear(Sighting(at, None, true_ms / 1000), reading)
        else:
            trust.look(reading)
        now = trust.now(true_ms / 1000)
        left_open = SECOND + timedelta(milliseconds=slowest_ms) if told else timedelta(0)
        assert abs(now - NOON - timedelta(milliseconds=true_ms)) <= NEAR + left_open
        assert now >= last
        last = now


# --- the ClockActor ---


@pytest.fixture
def actor(bench, directory, pool):
    """A ClockActor on the bench's clock."""
    ref = ClockActor.start(clock=bench.clock, directory=directory, dispatcher=pool)
    directory.register("clock", ref)
    return ref


def alarms(journal):
    return [
        event.code for append in journal if isinstance(append, Append) for event in append.events
    ]


def test_the_actor_journals_what_is_found_and_wakes_nobody_by_a_jump(
    actor, bench, probe, in_flight
):
    """A clock set forward brings no instant; the instant comes in its own time."""
    journal, owner = probe("journal"), probe("owner")
    actor.tell(WakeAt(at=NOON, cause="test", to="owner", key="reset", due=NOON + HOUR))

    bench.set_system(2 * HOUR)
    in_flight.wait_idle(WAIT_S)
    assert (owner, alarms(journal)) == ([], [JUMPED])
    bench.system.advance(3600)
    in_flight.wait_idle(WAIT_S)

    assert [each.key for each in owner] == ["reset"]
    assert alarms(journal) == [JUMPED]


def test_the_actor_weighs_what_the_gateways_report(actor, bench, probe, in_flight):
    """A jump that is confirmed wakes at once whoever is due."""
    journal, owner = probe("journal"), probe("owner")
    actor.tell(WakeAt(at=NOON, cause="test", to="owner", key="reset", due=NOON + HOUR))
    bench.system.set_wall(NOON + HOUR)
    report = ReportBrokerTime(
        at=NOON,
        cause="test",
        login="desk",
        earliest=NOON + HOUR,
        latest=NOON + HOUR + SECOND,
        elapsed_s=bench.system.monotonic(),
    )

    actor.tell(report)
    in_flight.wait_idle(WAIT_S)

    assert [each.key for each in owner] == ["reset"]
    assert alarms(journal) == [JUMPED, WRONG]


def test_a_broker_that_tells_no_time_is_noticed_at_the_start(directory, pool, probe, in_flight):
    """The answer is the time that is believed all the same."""
    journal, bench = probe("journal"), Bench()
    actor = ClockActor.start(clock=bench.clock, directory=directory, dispatcher=pool)

    assert actor.ask(SettleTime(at=NOON, cause="start"), timeout=WAIT_S) == NOON
    in_flight.wait_idle(WAIT_S)

    assert alarms(journal) == [UNCONFIRMED]


@given(
    back=st.timedeltas(timedelta(0), NEAR),
    steps=st.lists(st.floats(0, 1.5), min_size=1, max_size=40),
)
def test_a_clock_set_back_is_caught_up_with_without_a_step_back(back, steps):
    """Also where it is reached: half speed ends there, and no later."""
    bench = Bench()
    bench.system.advance(10)
    bench.set_system(-back)
    told = bench.clock.now()
    bench.clock.look()

    for step_s in steps:
        bench.system.advance(step_s)
        before, told = told, bench.clock.now()
        assert told >= before
    assert -back <= bench.error <= timedelta(0)


class ChangedBetween(VirtualClock):
    """A source in which something happens between two steps of a reader."""

    meanwhile = None

    def monotonic(self):
        read = super().monotonic()
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile:
            meanwhile()
        return read


def test_who_reads_while_the_time_is_set_back_is_not_told_more_than_who_reads_after():
    """The reader takes no lock: it notices the change and reads again."""
    source = ChangedBetween(NOON)
    clock = TrustedClock(source)
    source.advance(10)

    def set_back():
        source.set_wall(NOON + 10 * SECOND - NEAR)
        clock.look()
        source.advance(1)

    source.meanwhile = set_back
    during = clock.now()

    assert during == clock.now() == NOON + timedelta(seconds=10.5)
