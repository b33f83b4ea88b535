"""The order of lockouts and their ends, said outright: mutants had got away with them."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from actors.account.lockouts import (
    by_strictness,
    ended,
    ends_by_calendar,
    joined,
    key_of,
    no_new_exposure,
)
from messages.values import ACCOUNT_SCOPE, Duty, Lockout, ReleaseOn

NOW = datetime(2025, 10, 29, 17, tzinfo=UTC)
SOON, LATE = NOW + timedelta(minutes=1), NOW + timedelta(hours=5)


def lock(duty, scope, until, *, rule="RULE-003", on=ReleaseOn.TIME, breach="1/b1"):
    return Lockout(
        rule=rule,
        scope=scope,
        duty=duty,
        until=until,
        release_on=on,
        reason="test",
        breach_id=breach,
        locked_at=NOW,
    )


STRICTEST_FIRST = (
    lock(Duty.FLAT, ACCOUNT_SCOPE, None),
    lock(Duty.FLAT, ACCOUNT_SCOPE, LATE),
    lock(Duty.FLAT, ACCOUNT_SCOPE, SOON),
    lock(Duty.FLAT, "product:MNQ", None),
    lock(Duty.FLAT, "product:MNQ", SOON),
    lock(Duty.NO_NEW_EXPOSURE, ACCOUNT_SCOPE, None),
    lock(Duty.NO_NEW_EXPOSURE, ACCOUNT_SCOPE, SOON),
    lock(Duty.NO_NEW_EXPOSURE, "product:MNQ", LATE),
)


def test_strictness_is_duty_then_scope_then_end():
    """Flat first, the account before a product, no end before a later one before an earlier."""
    assert by_strictness(reversed(STRICTEST_FIRST)) == STRICTEST_FIRST


SAME_KEY = [pair for pair in pairwise(STRICTEST_FIRST) if len({key_of(each) for each in pair}) == 1]


@pytest.mark.parametrize(("stricter", "milder"), SAME_KEY)
def test_of_two_under_one_key_the_stricter_stays(stricter, milder):
    """Whichever came first."""
    key = key_of(stricter)

    assert joined({key: stricter}, [milder]) == {key: stricter}
    assert joined({key: milder}, [stricter]) == {key: stricter}


def test_of_two_equally_strict_the_first_keeps_its_reason():
    """A second breach of the same rule does not rewrite why the account was locked."""
    first = lock(Duty.FLAT, ACCOUNT_SCOPE, LATE, breach="1/b1")
    second = lock(Duty.FLAT, ACCOUNT_SCOPE, LATE, breach="1/b2")

    assert joined({key_of(first): first}, [second]) == {key_of(first): first}


@pytest.mark.parametrize(
    ("until", "over"),
    [
        (NOW + timedelta(microseconds=1), False),
        (NOW, True),
        (NOW - timedelta(microseconds=1), True),
        (None, False),
    ],
)
def test_a_lockout_ends_at_its_end_and_one_without_an_end_never(until, over):
    """Not a microsecond early, and the end itself is over."""
    assert ended(lock(Duty.FLAT, ACCOUNT_SCOPE, until), NOW) is over


@pytest.mark.parametrize("on", ReleaseOn)
def test_only_the_reset_and_a_session_start_are_ends_of_the_calendar(on):
    """Whatever ends by time lasts by real duration."""
    by_calendar = ends_by_calendar(lock(Duty.FLAT, ACCOUNT_SCOPE, LATE, on=on))

    assert by_calendar is (on in {ReleaseOn.RESET, ReleaseOn.SESSION_START})


@pytest.mark.parametrize(
    ("duty", "scope", "binds"),
    [
        (Duty.NO_NEW_EXPOSURE, ACCOUNT_SCOPE, True),
        (Duty.NO_NEW_EXPOSURE, "product:MNQ", False),
        (Duty.FLAT, ACCOUNT_SCOPE, False),
        (Duty.FLAT, "product:MNQ", False),
    ],
)
def test_no_new_exposure_is_asked_of_the_account_by_that_duty_alone(duty, scope, binds):
    """A flat lockout is another matter, and a product's does not bind the whole account."""
    only = lock(duty, scope, SOON)

    assert no_new_exposure([only]) == (only if binds else None)
