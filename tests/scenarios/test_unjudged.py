"""A rule's actor fails or hangs at a picture: it is asked again, and the poison of one harms no other."""

import threading

import pytest

from actors.rules.actor import RuleActor
from actors.runtime import SystemClock
from messages.events import AccountLocked, AlarmRaised
from messages.values import AlarmCode, Health, Phase
from tests.rig import PATIENCE_S, A, B, config_of
from tests.scenarios.test_supervision import BARRIER, restarted, restless

LOSS = config_of(daily_realized_loss={"max_loss_usd": 500, "include_open_loss": False})
ALONE = LOSS.replace('name = "desk"', f'name = "desk"\naccounts = [{A}]')
RULE = "rule/RULE-003"


@pytest.fixture
def poisonous(monkeypatch):
    """Return how many of A's pictures take the rule's actor down from now on; change it at will."""
    left, judge = {"pictures": 0}, RuleActor._judge

    def fails(actor, message):
        if message.account == A and left["pictures"] > 0:
            left["pictures"] -= 1
            raise RuntimeError("poison")
        judge(actor, message)

    monkeypatch.setattr(RuleActor, "_judge", fails)
    return left


def unjudged(run):
    return [each for each in run.events(AlarmRaised) if each.code is AlarmCode.RULE_UNJUDGED]


def test_the_picture_a_rule_was_lost_with_is_judged_by_its_successor(rig, poisonous):
    """Found without another fact, a read or any time: the position is closed, the account locked."""
    run = rig(LOSS)
    run.order(A, "MNQ", 1)
    poisonous["pictures"] = 1
    run.fill(A, "-2000")

    assert run.held(A) == {}
    assert run.status(A).phase is Phase.LOCKED
    assert len(run.events(AccountLocked)) == 1
    assert len(restarted(run, RULE)) == 1
    assert unjudged(run) == []


def test_what_a_rule_fails_on_again_and_again_keeps_it_from_nobody_else(rig, poisonous):
    """A minute of it costs a handful of restarts; the account says it is not judged until it is."""
    run = rig(LOSS)
    run.order(A, "MNQ", 1)
    poisonous["pictures"] = 10**9
    run.fill(A, "-2000")
    for _ in range(60):
        run.advance(1)
        run.fill(A, "-1")

    assert len(restarted(run, RULE)) < 12
    (alarm,) = unjudged(run)
    assert "RULE-003" in alarm.text
    assert run.status(A).health is Health.STALE
    assert "RULE-003" in run.status(A).health_reason
    assert run.held(A) != {}

    run.order(B, "MNQ", 1)
    run.fill(B, "-600")
    assert run.held(B) == {}
    assert run.status(B).phase is Phase.LOCKED
    assert run.given_up == []

    poisonous["pictures"] = 0
    run.advance(15)
    assert run.held(A) == {}
    assert run.status(A).phase is Phase.LOCKED
    assert run.status(A).health is Health.LIVE


def test_an_account_whose_last_judgement_was_lost_opens_all_the_same(rig, poisonous):
    """It is not OPEN on the word of the other rules, and is as soon as this one has judged."""
    poisonous["pictures"] = 3
    run = rig(ALONE)  # another account's picture might wait for the rule while it is backing off
    assert run.status(A).phase is Phase.STARTING
    assert run.status(A).health is Health.STALE

    for _ in range(5):
        run.advance(1)
    assert run.status(A).phase is Phase.OPEN
    assert run.status(A).health is Health.LIVE


def test_the_picture_a_rule_hung_at_is_judged_by_its_successor(rig, monkeypatch):
    """It is replaced after five seconds; what its thread says when it comes back does not count."""
    run = rig(LOSS)
    run.order(A, "MNQ", 1)
    reached, opened, judge = threading.Event(), threading.Event(), RuleActor._judge

    def hangs(actor, message):
        if not reached.is_set():
            reached.set()
            assert opened.wait(PATIENCE_S)
        judge(actor, message)

    monkeypatch.setattr(RuleActor, "_judge", hangs)
    restless(run)
    run.fill(A, "-2000", product="ES")  # beside what is held: nothing has the account read again
    assert reached.wait(PATIENCE_S)
    until = SystemClock().monotonic() + PATIENCE_S
    while not restarted(run, RULE):
        assert SystemClock().monotonic() < until, "it was not replaced"
        run.clock.advance(1)
        run.system.directory.ref("clock").ask(BARRIER, timeout=PATIENCE_S)
    opened.set()
    del run.settle
    run.settle()

    assert run.held(A) == {}
    assert run.status(A).phase is Phase.LOCKED
    assert len(run.events(AccountLocked)) == 1
