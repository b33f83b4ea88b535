"""Which appearance under lock is a new attempt, and when attempts are a pattern."""

from datetime import UTC, datetime, timedelta

import pytest

from actors.account.reentry import Reentry, pattern_text

NOW = datetime(2025, 10, 29, 17, tzinfo=UTC)
MNQ, ES = "CON.F.US.MNQ.Z25", "CON.F.US.EP.Z25"


def after(seconds):
    return NOW + timedelta(seconds=seconds)


def test_what_appears_is_new_once_and_again_after_it_was_gone():
    """Seen twice it is one attempt."""
    reentry = Reentry()
    reentry.saw(MNQ, exposed=True)
    assert (reentry.is_new(MNQ), reentry.is_new(ES), reentry.watched) == (True, False, (MNQ,))

    reentry.attempted(MNQ, NOW)
    reentry.saw(MNQ, exposed=True)
    assert not reentry.is_new(MNQ)

    reentry.saw(MNQ, exposed=False)
    assert (reentry.is_new(MNQ), reentry.watched) == (False, ())
    reentry.saw(MNQ, exposed=True)
    assert reentry.is_new(MNQ)


def test_what_was_there_before_the_lock_is_no_attempt():
    """It is the enforcement's business; once gone it may come again."""
    reentry = Reentry()
    reentry.knew(MNQ)
    reentry.saw(MNQ, exposed=True)
    assert (reentry.is_new(MNQ), reentry.watched) == (False, (MNQ,))

    reentry.saw(MNQ, exposed=False)
    reentry.saw(MNQ, exposed=True)
    assert reentry.is_new(MNQ)


def test_what_is_gone_before_it_was_counted_is_no_attempt_any_more():
    """It came and went."""
    reentry = Reentry()
    reentry.saw(MNQ, exposed=True)
    reentry.saw(MNQ, exposed=False)

    assert not reentry.is_new(MNQ)


@pytest.mark.parametrize(
    ("at", "begins"),
    [
        ((0, 1, 2, 3), [False] * 4),
        ((0, 1, 2, 3, 4), [False, False, False, False, True]),
        ((0, 1, 2, 3, 59.999), [False, False, False, False, True]),
        ((0, 1, 2, 3, 60), [False] * 5),
        ((0, 1, 2, 3, 4, 5, 6), [False, False, False, False, True, False, False]),
    ],
    ids=["four", "five", "just within a minute", "a minute", "one alarm for an episode"],
)
def test_five_attempts_within_a_minute_are_a_pattern(at, begins):
    """It is said once, with the fifth."""
    reentry = Reentry()

    assert [reentry.attempted(MNQ, after(each)) for each in at] == begins


@pytest.mark.parametrize(("quiet_s", "again"), [(59.999, False), (60, True)])
def test_a_pattern_is_over_after_a_minute_without_an_attempt(quiet_s, again):
    """Then five more are another episode."""
    reentry = Reentry()
    for each in range(5):
        reentry.attempted(MNQ, after(each))

    first = 4 + quiet_s
    begins = [reentry.attempted(MNQ, after(first + each / 1000)) for each in range(5)]

    assert begins == [False, False, False, False, again]


def test_while_a_pattern_lasts_reads_are_spaced():
    """Two seconds apart; without one at once, and so again a minute after the last attempt."""
    reentry = Reentry()
    assert reentry.verify_every_s(NOW) == 0
    for each in range(4):
        reentry.attempted(MNQ, after(each))
    assert reentry.verify_every_s(after(3)) == 0

    reentry.attempted(MNQ, after(4))

    assert reentry.verify_every_s(after(4)) == 2
    assert reentry.verify_every_s(after(63.999)) == 2
    assert reentry.verify_every_s(after(64)) == 0


def test_the_pattern_is_told_with_its_numbers_and_what_to_do():
    """For people."""
    assert pattern_text("RULE-003").startswith(
        "5 re-entries within 60 s under the lockout of RULE-003: "
    )
