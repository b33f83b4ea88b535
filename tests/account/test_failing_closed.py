"""How long one account bears that a rule cannot judge it, decision by decision."""

from dataclasses import replace

import pytest

from actors.account.adopting import Origin
from actors.account.core import AccountCore
from actors.account.intent import UNJUDGED
from actors.account.settings import RuleSetting
from actors.account.state import AccountState
from actors.reloading import adopt_command
from actors.rules import auth_loss_guard
from messages.commands import (
    AdoptRules,
    CancelWake,
    Enforce,
    Evaluate,
    LockAccount,
    ReportRuleFailure,
    ReportVerdict,
    WakeAfter,
    Woken,
)
from messages.events import (
    AccountLocked,
    EnforcementStarted,
    RuleBreached,
    RulesAdopted,
)
from messages.facts import AccountChanged, TradeExecuted
from messages.journal import Append
from messages.values import FlatAccount, Phase
from tests.account.alone import Alone, after, fill
from tests.account.test_unjudged import COUNTING, LOSING, WAKE, answer, lose
from tests.account.world import ACCOUNT, DAY, SETTINGS, START

LIMIT_S = 60.0


@pytest.fixture
def account():
    """Start one that bears it for a minute; every rule has judged it clean."""
    return opened(lock_unjudged_after_s=LIMIT_S)


def opened(**settings):
    account = Alone(COUNTING, LOSING, **settings)
    account.connect()
    for asked in account.of(Evaluate):
        answer(account, 0, asked)
    assert account.core.phase is Phase.OPEN
    return account


def armed(account):
    """Return what it has just asked to be woken for, of these deadlines."""
    return {
        each.key: each.after_s
        for each in account.of(WakeAfter)
        if each.key.startswith("failclosed")
    }


def cancelled(account):
    return [each.key for each in account.of(CancelWake) if each.key.startswith("failclosed")]


def due(account, seconds, key):
    account.hear(Woken, seconds, key=key)
    return account.events(RuleBreached)


def reload(account, seconds, after_s, *rules):
    """Have it go over to another time, and perhaps other rules."""
    asked = tuple(
        RuleSetting(rule=rule, parameters=own) for rule, own in rules or (COUNTING, LOSING)
    )
    settings = replace(SETTINGS, rules=asked, lock_unjudged_after_s=after_s)
    command = adopt_command(settings, "digest", START)
    fields = {name: getattr(command, name) for name in ("config", "rules", "lock_unjudged_after_s")}
    account.hear(AdoptRules, seconds, **fields)
    return account.events(RulesAdopted)[-1]


def test_it_is_armed_at_the_first_loss_and_not_moved_by_others(account):
    """One deadline, however often the rule fails."""
    lose(account, 1)
    (key,) = armed(account)
    assert armed(account) == {key: LIMIT_S}

    lose(account, 2)
    account.hear(TradeExecuted, 3, fill=fill(1, -1, pnl=-100))
    assert armed(account) == {}
    assert cancelled(account) == []


def test_the_intent_is_on_disk_before_the_enforcer_hears_of_it(account):
    """I1: breach and intent in one turn, durable; then the command, the proof, the lock."""
    lose(account, 1)
    (key,) = armed(account)
    (breached,) = due(account, 61, key)

    (started,) = account.events(EnforcementStarted)
    assert started.breaches == (breached.breach_id,)
    assert started.targets == (FlatAccount(),)
    assert [each.asker for each in account.of(Append)] == [f"account/{ACCOUNT}"]
    assert account.of(Enforce) == []
    account.store(61)
    assert len(account.of(Enforce)) == 1
    account.prove(62)
    (locked,) = account.events(AccountLocked)
    assert locked.lockout.reason == "RULE-003 could not judge the account for 60 s: poison"


def test_an_answer_disarms_it_and_its_wake_comes_too_late(account):
    """What was in the inbox already finds nothing, also when the rule has failed anew."""
    (asked,) = lose(account, 1)
    (key,) = armed(account)
    answer(account, 2, asked)
    assert cancelled(account) == [key]
    assert due(account, 61, key) == []

    lose(account, 62)
    (other,) = armed(account)
    assert other != key
    assert due(account, 63, key) == []
    assert len(due(account, 122, other)) == 1


def test_under_another_flat_duty_it_does_not_count(account):
    """Nobody asks the rule then, and the account is flat: its time begins anew afterwards."""
    lose(account, 1)
    (key,) = armed(account)
    account.hear(LockAccount, 2, until=after(32), reason="enough")
    assert cancelled(account) == [key]
    account.store(2)
    account.prove(3)
    (end,) = [each.key for each in account.of(WakeAfter) if each.key.startswith("lockout")]
    account.store(3)
    assert due(account, 31, key) == []

    account.hear(Woken, 32, key=end)
    assert list(armed(account).values()) == [LIMIT_S]


def test_it_locks_once(account):
    """Its own duty disarms it, and the same wake again finds nothing."""
    lose(account, 1)
    (key,) = armed(account)
    assert len(due(account, 61, key)) == 1
    assert cancelled(account) == [key]
    assert due(account, 62, key) == []


def test_without_the_key_it_is_armed_for_nothing():
    """As without a limit so far."""
    account = opened()
    lose(account, 1)
    assert armed(account) == {}


def test_a_shorter_time_counts_at_once_for_what_has_failed_already(account):
    """Forty seconds of it are over: none are left of thirty."""
    lose(account, 1)
    adopted = reload(account, 41, 30.0)
    assert adopted.applied == ("lock_unjudged_after_s 60 → 30",)
    assert adopted.queued == ()
    assert list(armed(account).values()) == [0]

    fresh = opened()
    lose(fresh, 1)
    assert reload(fresh, 41, 60.0).applied == ("lock_unjudged_after_s never → 60",)
    assert list(armed(fresh).values()) == [20]


@pytest.mark.parametrize(("longer", "said"), [(90.0, "90"), (None, "never")])
def test_a_longer_time_waits_for_the_reset(account, longer, said):
    """What is in force stays, and is what the journal keeps."""
    lose(account, 1)
    (key,) = armed(account)
    adopted = reload(account, 41, longer)

    assert adopted.queued == (f"lock_unjudged_after_s 60 → {said} at the reset",)
    assert adopted.lock_unjudged_after_s == LIMIT_S
    assert cancelled(account) == []
    assert len(due(account, 61, key)) == 1


def test_a_life_that_follows_goes_on_with_what_was_in_force(account):
    """The file says never by now; the journal of this day says a minute."""
    state = AccountState.new(ACCOUNT, DAY, gross=False)
    told = reload(account, 41, None)
    state.evolve(told)
    state.trading_date = account.core.state.trading_date
    rules = account.core._settings.rules
    core = AccountCore(
        replace(SETTINGS, rules=rules), state, epoch="2", origin=Origin("digest", rules)
    )
    core.start(after(50))

    assert core.state.adopted.lock_unjudged_after_s == LIMIT_S


def test_a_clock_that_was_set_back_makes_nothing_longer_than_it_is(account):
    """A reload after it asks for the whole time at most."""
    lose(account, 1)
    reload(account, -3600, 30.0)
    assert list(armed(account).values()) == [30]


def test_a_verdict_to_no_question_disarms_nothing(account):
    """The rule still owes what it was asked."""
    lose(account, 1)
    (key,) = armed(account)
    clean = {"breach": None, "moves": (), "trading_date": "2025-10-29"}
    account.hear(ReportVerdict, 2, rule="RULE-003", judgement=None, **clean)
    account.hear(Woken, 31, key=WAKE)
    assert cancelled(account) == []
    assert len(due(account, 61, key)) == 1


def test_a_late_verdict_ends_no_lock_of_it_earlier():
    """I9: it locks until the reset; what the rule says at last ends by the firm's flag, beside it."""
    guard = (auth_loss_guard.RULE, auth_loss_guard.AuthLossGuard())
    account = Alone(guard, lock_unjudged_after_s=LIMIT_S)
    account.connect()
    account.hear(AccountChanged, 1, can_trade=False, balance_usd=None)
    lost = {"rule": "RULE-010", "error": "poison", "judgement": None, "lost": True}
    account.hear(ReportRuleFailure, 1, **lost)
    (key,) = armed(account)
    (asked,) = account.of(Evaluate)

    account.hear(Woken, 61, key=key)
    account.store(61)
    late = guard[0].evaluate(asked.view, guard[1])
    verdict = {"breach": late, "moves": (), "trading_date": asked.view.trading_date}
    account.hear(ReportVerdict, 62, rule="RULE-010", judgement=asked.judgement, **verdict)
    account.store(62)
    account.prove(63)
    account.store(63)
    assert {each.release_on for each in account.core.state.duties} == {"reset", "can_trade"}

    account.hear(AccountChanged, 70, can_trade=True, balance_usd=None)
    (left,) = account.core.state.lockouts.values()
    assert (left.rule, left.until) == (UNJUDGED, DAY.next_reset(START))
    assert account.core.phase is Phase.LOCKED
