"""An account in shadow by itself: what it pretends, and that nothing real can be given up by it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from actors.account.core import AccountCore
from actors.account.pretence import Pretence, binding
from actors.account.state import AccountState
from messages.commands import ApplyLockout, Enforce, LockAccount
from messages.events import (
    AccountGuarded,
    AccountLocked,
    DayReset,
    EnforcementFinished,
    EnforcementWithheld,
    LockoutReleased,
)
from messages.values import AlarmCode, Breach, BreachCode, FlatAccount, FlatContract
from tests.account.alone import ES, MNQ, Alone, after
from tests.account.test_enforcing import LOSING, loss, report
from tests.account.world import ACCOUNT, DAY, START

HOUR = timedelta(hours=1)


def withheld(account, seconds):
    """Let the enforcer report that its commands were kept back."""
    under_way = account.core.state.enforcement
    return account.hear(
        ApplyLockout,
        seconds,
        enforcement_id=under_way.id,
        targets=under_way.targets,
        flat_confirmed=False,
        read_at=None,
        positions=(),
        orders=(),
        waves=1,
        withheld=True,
        deadline_at=None,
    )


def enforcing(*, shadow):
    """Return an account with an intent on disk, by its loss limit."""
    account = Alone(LOSING, shadow=shadow)
    account.connect()
    account.hold(1, 2, MNQ)
    assert report(account, 2, loss(account))
    account.store(2)
    assert account.of(Enforce)
    return account


def test_in_shadow_a_report_that_all_was_kept_back_ends_it():
    """In place of a proof, then the would-be lock, then the end."""
    account = enforcing(shadow=True)

    withheld(account, 3)

    assert len(account.events(EnforcementWithheld)) == 1
    assert [each.lockout.shadow for each in account.events(AccountLocked)] == [True]
    assert len(account.events(EnforcementFinished)) == 1
    assert account.alarms() == {}


def test_in_truth_nothing_is_ever_given_up_because_it_was_kept_back():
    """Should a gateway say so by mistake: locked with exposure, loudly, and still under way."""
    account = enforcing(shadow=False)

    withheld(account, 3)

    assert account.events(EnforcementWithheld) == account.events(EnforcementFinished) == []
    assert [each.lockout.shadow for each in account.events(AccountLocked)] == [False]
    assert AlarmCode.FLAT_NOT_CONFIRMED in account.alarms()
    assert account.core.state.enforcement is not None


def test_a_report_of_before_a_breach_joined_ends_nothing():
    """What has joined was not commanded yet: it is told to the enforcer first."""
    account = enforcing(shadow=True)
    old = account.core.state.enforcement
    account.core.state.enforcement = replace(old, targets=(FlatContract(contract=ES),))

    account.hear(
        ApplyLockout,
        3,
        enforcement_id=old.id,
        targets=(FlatContract(contract=MNQ),),
        flat_confirmed=False,
        read_at=None,
        positions=(),
        orders=(),
        waves=1,
        withheld=True,
        deadline_at=None,
    )

    assert account.events(EnforcementWithheld) == []
    assert account.core.state.enforcement is not None


@pytest.mark.parametrize("locked", [True, False], ids=["locked", "still enforcing"])
def test_arming_ends_what_was_pretended_and_says_so_before_the_day(locked):
    """The first start in truth; a shadow that starts again keeps it."""
    account = enforcing(shadow=True)
    if locked:
        withheld(account, 3)
    state = account.core.state

    for shadow in (True, False):
        settings = replace(account.core._settings, shadow=shadow)
        core = AccountCore(settings, state, epoch="2")
        core.start(after(10))
        assert bool(state.duties) is shadow

    assert (state.lockouts, state.enforcement) == ({}, None)


def test_what_arming_ends_is_in_the_journal():
    """By words that only a pretended lockout can end by."""
    account = enforcing(shadow=True)
    withheld(account, 3)
    settings = replace(account.core._settings, shadow=False)

    account.core = AccountCore(settings, account.core.state, epoch="2")
    account.sent = [each.message for each in account.core.start(after(10))]

    assert [each.released_by for each in account.events(LockoutReleased)] == ["armed"]
    assert [each.shadow for each in account.events(AccountGuarded)] == [False]


def test_a_real_lock_is_never_ended_by_arming():
    """I9."""
    account = enforcing(shadow=False)
    account.prove(3)
    locks = dict(account.core.state.lockouts)

    core = AccountCore(account.core._settings, account.core.state, epoch="2")
    core.start(after(10))

    assert locks
    assert core.state.lockouts == locks


def test_a_lockout_that_is_asked_for_in_shadow_is_pretended_too():
    """Nobody can ask for one; if it comes all the same, it must not bind later."""
    account = Alone(LOSING, shadow=True)
    account.connect()

    account.hear(LockAccount, 1, until=START + HOUR, reason="enough")

    assert [each.shadow for each in account.core.state.duties] == [True]


def test_what_binds_in_truth_is_named():
    """A lock until its end, an enforcement until it is finished; nothing that is pretended."""
    real, pretended = enforcing(shadow=False), enforcing(shadow=True)
    (begun,) = binding(real.core.state, after(3))
    assert begun.endswith("is not finished")
    real.hold(3, 0, MNQ)
    real.prove(3)
    (locked,) = binding(real.core.state, after(4))
    end = real.core.state.day_end(after(4))

    assert locked.startswith("locked by RULE-003 (account) until ")
    assert list(binding(real.core.state, end)) == []
    assert list(binding(pretended.core.state, after(3))) == []
    assert list(binding(AccountState.new(ACCOUNT, DAY, gross=False), after(3))) == []


def test_a_day_that_begins_in_shadow_says_so():
    """Replay begins there."""
    account = Alone(LOSING, shadow=True)

    (reset,) = account.events(DayReset)

    assert reset.shadow


def test_a_breach_without_a_lock_is_told_once_until_what_is_held_changes():
    """By rule and targets: another one is told by itself."""
    told = Pretence()
    breach = Breach(
        rule="RULE-001",
        code=BreachCode.MAX_CONTRACTS,
        value=3,
        limit=1,
        reason="x",
        measure="x",
        targets=(FlatAccount(),),
    )

    assert [told.told(breach, held) for held in ({MNQ: 3}, {MNQ: 3}, {MNQ: 2}, {MNQ: 3})] == [
        False,
        True,
        False,
        False,
    ]
