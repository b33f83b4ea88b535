"""Whose time is believed, at the edges of near and far; all is seen well into the run."""

from datetime import UTC, datetime, timedelta

import pytest

from actors.runtime.trust import Reading, Sighting, Trust
from messages.values import AlarmCode

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
JUMPED, WRONG = AlarmCode.CLOCK_JUMPED, AlarmCode.CLOCK_WRONG
AT_S = 100.0
"""Elapsed seconds at which everything is seen."""


def true(ahead_s=0.0):
    """Return the time as the run has it, and so many seconds more."""
    return NOON + timedelta(seconds=AT_S + ahead_s)


def system(ahead_s=0.0):
    return Reading(true(ahead_s), AT_S)


def broker(low_s, high_s=None):
    return Sighting(true(low_s), None if high_s is None else true(high_s), AT_S)


def ahead_s(trust):
    """Return how far the believed time is ahead of the run's."""
    return (trust.now(AT_S) - true()).total_seconds()


def codes(trust):
    return [each.code for each in trust.findings]


@pytest.fixture
def trust():
    return Trust.begin(Reading(NOON, 0.0))


@pytest.mark.parametrize(("set_s", "followed"), [(2, True), (2.001, False), (2.5, False)])
def test_the_system_clock_is_followed_for_two_seconds_without_the_broker(trust, set_s, followed):
    """A little more is a jump, and is told."""
    trust.look(system(set_s))

    assert ahead_s(trust) == (set_s if followed else 0)
    assert codes(trust) == ([] if followed else [JUMPED])


@pytest.mark.parametrize(("again_s", "told"), [(102, 1), (98, 1), (102.001, 2), (97.999, 2)])
def test_a_jump_is_told_again_when_it_is_another_one(trust, again_s, told):
    """Two seconds to either side it is the same."""
    trust.look(system(100))
    trust.look(system(again_s))

    assert codes(trust) == [JUMPED] * told


@pytest.mark.parametrize(("recorded_s", "wrong"), [(2, False), (2.001, True)])
def test_a_journal_that_is_two_seconds_ahead_is_no_matter(trust, recorded_s, wrong):
    """It is later than its last record all the same."""
    trust.not_before(true(recorded_s), system())

    assert codes(trust) == ([WRONG] if wrong else [])
    assert ahead_s(trust) == pytest.approx(recorded_s)


def test_what_the_broker_confirms_is_where_the_system_clock_is_followed_from(trust):
    """Two seconds ahead is near: from there two more are followed."""
    trust.hear(broker(2, 3), system())
    trust.look(system(4))

    assert (ahead_s(trust), codes(trust)) == (4, [])


@pytest.mark.parametrize(("low_s", "high_s", "believed"), [(98, 98, True), (97.9, 97.9, False)])
def test_a_jump_is_believed_when_the_broker_is_within_two_seconds_of_it(
    trust, low_s, high_s, believed
):
    """Two of three; otherwise the broker's first word alone decides, and it is near to that."""
    trust.hear(broker(0, 1), system())
    trust.look(system(100))
    trust.hear(broker(low_s, high_s), system(100))

    assert ahead_s(trust) == (100 if believed else 0)


@pytest.mark.parametrize(("low_s", "taken_s"), [(30, 0), (30.001, 31.001), (100, 101)])
def test_the_brokers_first_word_is_taken_beyond_half_a_minute(trust, low_s, taken_s):
    """The middle of what it may have meant."""
    trust.hear(broker(low_s, low_s + 2), system())

    assert ahead_s(trust) == pytest.approx(taken_s)


@pytest.mark.parametrize(("low_s", "told"), [(30, 0), (30.001, 1)])
@pytest.mark.parametrize("heard", [True, False])
def test_a_broker_half_a_minute_off_is_told_once_and_not_believed(trust, low_s, told, heard):
    """Against the run and the system clock; also when it is the first that is heard of it."""
    if heard:
        trust.hear(broker(0, 1), system())
    for _ in range(2):
        trust.hear(broker(low_s), system())

    assert (ahead_s(trust), codes(trust)) == (0, [WRONG] * told)


def test_a_broker_that_contradicts_what_it_said_at_first_is_told_too(trust):
    """Its first word was taken; the next is another."""
    trust.hear(broker(100, 100), system())
    trust.hear(broker(200), system())

    assert (ahead_s(trust), codes(trust)) == (100, [WRONG, WRONG])


def test_a_broker_that_lags_is_off_by_its_latest(trust):
    """A time beyond the bounds lies outside of them on either side."""
    trust.hear(broker(0, 1), system())
    trust.hear(broker(-60, -31), system())

    assert codes(trust) == [WRONG]
