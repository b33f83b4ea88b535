"""RULE-010 by itself: false locks without an end; true and unknown do nothing."""

import pytest

from actors.rules.auth_loss_guard import RULE, AuthLossGuard
from messages.values import BreachCode, FlatAccount, ReleaseOn
from tests.rules.pictures import verdict, view

GUARD = AuthLossGuard()


@pytest.mark.parametrize(("flag", "breached"), [(True, False), (None, False), (False, True)])
def test_only_false_breaks_it(flag, breached):
    """A flag that was not told is no reason to flatten: the account alarms instead."""
    assert bool(verdict(GUARD, view(can_trade=flag))) is breached


def test_it_flattens_and_locks_until_the_broker_says_otherwise():
    """Flat, no end by time, released by the flag."""
    found = verdict(GUARD, view(can_trade=False))

    assert found.code is BreachCode.CANNOT_TRADE
    assert (found.value, found.limit) == (0, 1)
    assert found.targets == (FlatAccount(),)
    (terms,) = found.lockouts
    assert (terms.until, terms.release_on) == (None, ReleaseOn.CAN_TRADE)


@pytest.mark.parametrize(
    ("poll_s", "fine"),
    [(0.9, False), (1, True), (3600, True), (3601, False), (0, False), (float("nan"), False)],
)
def test_a_poll_costs_budget_and_must_still_guard(poll_s, fine):
    """From a second to an hour; the complaint names the field."""
    complaints = RULE.check(AuthLossGuard(poll_s=poll_s))

    assert (complaints == []) is fine
    assert all(each.startswith("poll_s: ") for each in complaints)


def test_it_says_how_often_it_polls():
    """In its line, and to whoever polls."""
    assert "every 30 s" in RULE.describe(GUARD)
    assert RULE.poll_s(AuthLossGuard(poll_s=5)) == 5
