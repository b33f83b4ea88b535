"""RULE-008 by itself: the end of a grace, and what must have been read before it counts."""

from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from actors.rules.no_stop_loss_grace import RULE, NoStopLossGrace
from messages.values import BreachCode, FlatContract
from tests.rules.pictures import NOW, held, verdict, view

GRACE = NoStopLossGrace(grace_s=10.0)
TICK = timedelta(microseconds=1)
MNQ = "CON.F.US.MNQ.Z25"


def after(seconds):
    return NOW + timedelta(seconds=seconds)


def bare(since=NOW, root="MNQ", size=2):
    return held(root, size, bare_since=since)


def picture(*positions, at, read_at):
    return msgspec.structs.replace(view(at=at), positions=positions, read_at=read_at)


@pytest.mark.parametrize("grace_s", [10, 0.5])
@pytest.mark.parametrize(("off", "breached"), [(-TICK, False), (0 * TICK, True), (TICK, True)])
def test_the_end_of_the_grace_is_exact(grace_s, off, breached):
    """One microsecond before it is nothing; exactly then, and later, it is."""
    at = after(grace_s) + off

    found = verdict(NoStopLossGrace(grace_s=grace_s), picture(bare(), at=at, read_at=at))

    assert bool(found) is breached


@pytest.mark.parametrize(
    ("read_at", "breached"),
    [
        (None, False),
        (after(10) - TICK, False),
        (after(10), True),
        (after(10) + TICK, True),
    ],
)
def test_only_a_read_asked_for_after_the_grace_counts(read_at, breached):
    """What was read earlier cannot show a stop that was set at the last moment."""
    assert bool(verdict(GRACE, picture(bare(), at=after(12), read_at=read_at))) is breached


@pytest.mark.parametrize(
    ("at", "breached"), [(after(15) - TICK, False), (after(15), True), (after(15) + TICK, True)]
)
@pytest.mark.parametrize("read_at", [None, after(3)])
def test_a_broker_that_cannot_be_read_has_five_seconds(at, breached, read_at):
    """Then it is closed without a read, and the reason says so."""
    found = verdict(GRACE, picture(bare(), at=at, read_at=read_at))

    assert bool(found) is breached
    assert found is None or "could not be read" in found.reason


def test_every_contract_whose_grace_is_over_goes_and_no_other():
    """Protected ones and those with time left stay; there is no lockout."""
    positions = (bare(), bare(after(1), "RTY", -1), held("EP", 1), bare(NOW - 5 * TICK, "YM", -3))

    found = verdict(GRACE, picture(*positions, at=after(10), read_at=after(10)))

    assert found.code is BreachCode.NO_STOP_LOSS
    assert found.targets == (FlatContract(contract=MNQ), FlatContract(contract="CON.F.US.YM.Z25"))
    assert found.lockouts == ()
    assert (found.value, found.limit) == (Decimal("10.000005"), Decimal(10))
    assert found.reason == (
        "No stop loss for the whole size of CON.F.US.MNQ.Z25 +2, CON.F.US.YM.Z25 -3 (grace: 10 s)"
    )
    assert found.measure == "Without a stop: 10.0 s, Grace: 10 s"


def test_a_protected_account_is_clean():
    """No position, or only such with stops."""
    assert verdict(GRACE, picture(at=after(99), read_at=after(99))) is None
    assert verdict(GRACE, picture(held("EP", 1), at=after(99), read_at=after(99))) is None


@pytest.mark.parametrize(
    ("at", "read_at", "due"),
    [
        (NOW, None, after(10)),
        (after(10) - TICK, after(9), after(10)),
        (after(10), after(9), after(15)),
        (after(15) - TICK, None, after(15)),
        (after(15), None, None),
        (after(10), after(10), None),
    ],
)
def test_the_clock_is_wanted_at_the_end_and_again_when_no_read_came(at, read_at, due):
    """First the end of the grace, then the end of the time to read; after that nothing."""
    assert RULE.next_check(picture(bare(), at=at, read_at=read_at), GRACE) == due


def test_the_next_check_is_the_earliest_of_all_positions():
    """Protected ones want none."""
    positions = (bare(after(4)), bare(after(2), "EP"), held("RTY", 1))

    assert RULE.next_check(picture(*positions, at=after(5), read_at=None), GRACE) == after(12)
    assert RULE.next_check(picture(held("RTY", 1), at=after(5), read_at=None), GRACE) is None


@pytest.mark.parametrize("grace_s", [0, -1, float("nan"), float("inf"), 86_400.5], ids=str)
def test_a_grace_that_cannot_be_meant_is_refused(grace_s):
    """Positive, finite, at most a day; and the complaint names the field."""
    complaints = RULE.check(NoStopLossGrace(grace_s=grace_s))

    assert complaints
    assert all(each.startswith("grace_s: ") for each in complaints)


def test_a_grace_of_a_whole_day_is_taken():
    """The longest there is."""
    assert RULE.check(NoStopLossGrace(grace_s=86_400)) == []


def test_it_says_what_it_does_with_its_number():
    """One line."""
    assert RULE.describe(GRACE) == "a position without stops for its whole size for 10 s: closed"
