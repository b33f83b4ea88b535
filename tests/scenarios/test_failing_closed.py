"""S-84: where it is configured, a rule that cannot judge an account for too long locks it, flat."""

from datetime import timedelta

import pytest

from actors.rules import daily_realized_loss
from messages.events import (
    AccountLocked,
    BrokerCommandSent,
    EnforcementStarted,
    LockoutReleased,
    RuleBreached,
)
from messages.values import BreachCode, Duty, Health, Phase, ReleaseOn
from tests.rig import A, B, config_of, contract
from tests.scenarios.test_reload import RESET, reload
from tests.scenarios.test_restart_in_force import again
from tests.scenarios.test_unjudged import poisonous

__all__ = ["poisonous"]

RULES = config_of(
    daily_realized_loss={"max_loss_usd": 500, "include_open_loss": False},
    max_contracts={"limit": 3},
)


def within(seconds, text=RULES):
    return f"{text}\n[defaults]\nlock_unjudged_after_s = {seconds}\n"


@pytest.fixture
def broken(monkeypatch):
    """Return the accounts at whose every picture RULE-003 raises from now on; change it at will."""
    accounts, judge = set(), daily_realized_loss.RULE.evaluate

    def evaluate(view, parameters):
        if view.account in accounts:
            raise ArithmeticError("it cannot count")
        return judge(view, parameters)

    monkeypatch.setattr(type(daily_realized_loss.RULE), "__setattr__", object.__setattr__)
    monkeypatch.setattr(daily_realized_loss.RULE, "evaluate", evaluate)
    return accounts


def tick(run, seconds):
    """Let time pass second by second, as it does."""
    for _ in range(seconds):
        run.advance(1)


def test_s_84_a_rule_that_cannot_judge_for_so_long_locks_until_the_reset(rig, broken):
    """It raises on every picture: told at once, and after a minute the account is flat and locked."""
    run = rig(within(60))
    broken.add(A)
    run.order(A, "MNQ", 2)
    run.order(B, "MNQ", 2)
    tick(run, 55)
    assert run.status(A).health is Health.STALE
    assert run.held(A) != {}
    assert run.events(RuleBreached) == []

    tick(run, 10)

    assert run.held(A) == {}
    (lock,) = run.status(A).lockouts
    assert run.status(A).phase is Phase.LOCKED
    assert (lock.rule, lock.duty, lock.until) == ("UNJUDGED", Duty.FLAT, RESET)
    assert lock.release_on is ReleaseOn.RESET
    assert "could not judge" in lock.reason
    assert "it cannot count" in lock.reason
    (breached,) = run.events(RuleBreached)
    assert breached.breach.code is BreachCode.RULE_UNJUDGED
    order = (RuleBreached, EnforcementStarted, BrokerCommandSent, AccountLocked)
    kinds = [type(each.event) for each in run.stored()]
    places = [kinds.index(each) for each in order]
    assert places == sorted(places)
    assert run.status(B).phase is Phase.OPEN
    assert run.held(B) != {}


def test_another_rule_enforces_while_one_cannot_judge(rig, broken):
    """S-84: too many contracts are cut down to three as ever."""
    run = rig(within(60))
    broken.add(A)
    run.order(A, "MNQ", 5)

    assert run.held(A) == {contract("MNQ"): 3}
    assert {each.breach.rule for each in run.events(RuleBreached)} == {"RULE-001"}


def test_it_is_locked_once_and_what_appears_under_it_is_closed(rig, broken):
    """The rule goes on failing, the trader goes on trading: one lock, and flat."""
    run = rig(within(60))
    broken.add(A)
    run.order(A, "MNQ", 1)
    tick(run, 300)
    run.order(A, "MNQ", 1)
    tick(run, 300)

    assert run.held(A) == {}
    assert len(run.events(AccountLocked)) == 1
    assert len(run.events(RuleBreached)) == 1


def test_a_rule_that_recovers_in_time_locks_nothing(rig, broken):
    """Another episode begins to count anew."""
    run = rig(within(60))
    run.order(A, "MNQ", 1)
    for _ in range(3):
        broken.add(A)
        run.fill(A, "-1")
        tick(run, 40)
        broken.clear()
        tick(run, 16)
        assert run.status(A).health is Health.LIVE
    tick(run, 120)

    assert run.status(A).phase is Phase.OPEN
    assert run.held(A) != {}
    assert run.events(RuleBreached) == []


@pytest.mark.parametrize("off", [RULES, within(0)])
def test_without_the_key_nothing_is_locked(rig, broken, off):
    """It stays STALE, alarmed and asked again and again, as long as it lasts."""
    run = rig(off)
    broken.add(A)
    run.order(A, "MNQ", 1)
    tick(run, 300)

    assert run.status(A).health is Health.STALE
    assert run.held(A) != {}
    assert run.events(RuleBreached) == []


def test_a_rule_whose_actor_dies_at_every_picture_locks_too(rig, poisonous):
    """Another account is judged by its successors meanwhile, and not locked."""
    run = rig(within(60))
    run.order(A, "MNQ", 1)
    run.order(B, "MNQ", 1)
    poisonous["pictures"] = 10**9
    run.fill(A, "-2000")
    tick(run, 75)

    assert run.held(A) == {}
    assert [each.rule for each in run.status(A).lockouts] == ["UNJUDGED"]
    assert len(run.events(AccountLocked)) == 1
    assert run.status(B).phase is Phase.OPEN
    assert run.given_up == []


def test_the_reset_ends_it_and_a_rule_that_still_fails_locks_again(rig, broken):
    """A minute into the new day, not at its first second."""
    run = rig(within(60))
    broken.add(A)
    run.order(A, "MNQ", 1)
    tick(run, 75)
    run.at(RESET)
    assert len(run.events(LockoutReleased)) == 1
    assert run.status(A).lockouts == ()

    tick(run, 90)
    assert len(run.events(AccountLocked)) == 2
    assert run.status(A).phase is Phase.LOCKED


def test_a_rule_that_judges_again_after_the_reset_opens_the_account(rig, broken):
    """And no second lock comes of what it had owed before."""
    run = rig(within(20))
    broken.add(A)
    run.order(A, "MNQ", 1)
    tick(run, 40)
    assert run.status(A).phase is Phase.LOCKED
    broken.clear()
    run.at(RESET)
    tick(run, 60)

    assert run.status(A).phase is Phase.OPEN
    assert len(run.events(AccountLocked)) == 1


def test_a_restart_ends_nothing_and_locks_nothing_anew(rig, broken):
    """The lock stands in the journal like any other."""
    run = rig(within(60))
    broken.add(A)
    run.order(A, "MNQ", 1)
    tick(run, 75)
    before = run.status(A).lockouts
    broken.clear()
    run = again(rig, run, RULES)
    tick(run, 120)

    assert run.status(A).phase is Phase.LOCKED
    assert run.status(A).lockouts == before
    assert run.events(RuleBreached) == []
    assert run.status(B).phase is Phase.OPEN


def test_in_shadow_it_is_only_pretended(rig, broken):
    """Told and locked for show; the broker is asked for nothing."""
    run = rig(within(60), shadow=True)
    broken.add(A)
    run.order(A, "MNQ", 1)
    tick(run, 75)

    assert run.held(A) != {}
    assert run.broker.received == []
    assert [each.shadow for each in run.status(A).lockouts] == [True]
    assert len(run.events(RuleBreached)) == 1


def test_the_key_that_comes_with_a_reload_counts_at_once_and_from_the_first_failure(rig, broken):
    """It has failed for 50 seconds already: ten more are enough."""
    run = rig(RULES)
    broken.add(A)
    run.order(A, "MNQ", 1)
    tick(run, 50)
    done = reload(run, within(60))
    assert done.applied == ("lock_unjudged_after_s never → 60",)
    assert run.held(A) != {}
    tick(run, 20)

    assert run.held(A) == {}
    assert run.status(A).phase is Phase.LOCKED


def test_a_key_that_leaves_counts_until_the_reset_over_a_restart_too(rig, broken):
    """I9: neither reload nor restart loosens before the day is over."""
    run = rig(within(60))
    done = reload(run, RULES)
    assert done.queued == ("lock_unjudged_after_s 60 → never at the reset",)
    run = again(rig, run)
    assert run.status(A).queued == done.queued
    broken.add(A)
    run.order(A, "MNQ", 1)
    tick(run, 75)
    assert run.status(A).phase is Phase.LOCKED

    run.at(RESET)
    tick(run, 90)
    assert run.status(A).lockouts == ()
    assert run.status(A).queued == ()


def test_a_rule_that_left_the_configuration_is_waited_for_until_the_reset_only(rig, broken):
    """It is in force to then, and so is what comes of its failing; afterwards it owes nothing."""
    run = rig(within(20))
    run.at(RESET - timedelta(seconds=19))
    broken.add(A)
    run.order(A, "MNQ", 1)
    off = config_of(max_contracts={"limit": 3})
    reload(run, within(20, off))
    tick(run, 60)

    assert run.events(RuleBreached) == []
    assert run.status(A).phase is Phase.OPEN
