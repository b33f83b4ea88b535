"""What is owed by a rule that could not judge a picture, and when it is asked again."""

import pytest

from actors.rules import daily_realized_loss, lost, max_contracts
from messages.commands import (
    CancelWake,
    Evaluate,
    NoteLateness,
    ReportRuleFailure,
    ReportVerdict,
    WakeAfter,
    Woken,
)
from messages.events import AccountOpened
from messages.facts import TradeExecuted
from messages.values import AlarmCode, Health
from tests.account.alone import Alone, fill
from tests.account.world import ACCOUNT, PARAMETERS, START

COUNTING = (max_contracts.RULE, PARAMETERS["RULE-001"])
LOSING = (daily_realized_loss.RULE, PARAMETERS["RULE-003"])
WAKE = "unjudged RULE-003"


def opened(*rules):
    """Return an account that every rule has judged clean."""
    account = Alone(*rules)
    account.connect()
    for asked in account.of(Evaluate):
        answer(account, 0, asked)
    assert account.events(AccountOpened)
    return account


def answer(account, seconds, asked):
    """Let a rule find nothing."""
    rule = "RULE-003" if asked.parameters is LOSING[1] else "RULE-001"
    clean = {"breach": None, "moves": (), "trading_date": asked.view.trading_date}
    account.hear(ReportVerdict, seconds, rule=rule, judgement=asked.judgement, **clean)


def lose(account, seconds, question=None, *, dead=True):
    """Report that RULE-003 did not judge; return what the account asks then."""
    what = {"error": "poison", "judgement": question, "lost": dead}
    account.hear(ReportRuleFailure, seconds, rule="RULE-003", **what)
    return account.of(Evaluate)


def pauses(account):
    return [each.after_s for each in account.of(WakeAfter) if each.key == WAKE]


def test_a_rule_whose_actor_was_lost_is_asked_at_once_by_all_it_may_have_missed():
    """The whole day's fills, under an id, so that it answers; another rule is not asked."""
    account = opened(COUNTING, LOSING)
    account.hear(TradeExecuted, 1, fill=fill(1, -1, pnl=-100))
    (asked,) = lose(account, 1)

    assert asked.parameters is LOSING[1]
    assert asked.judgement is not None
    assert [each.trade_id for each in asked.view.order_fills] == [1]
    status = account.core.status(START)
    assert (status.health, status.health_reason) == (
        Health.STALE,
        "not judged by RULE-003: poison",
    )

    answer(account, 2, asked)
    assert account.of(Evaluate) == []
    assert [each.key for each in account.of(CancelWake)] == [WAKE]
    assert account.core.status(START).health is Health.LIVE


def test_the_pauses_grow_and_a_person_is_told_once():
    """Asked at once, then after 1, 2, 4, 8 and again and again 15 seconds."""
    account = opened(LOSING)
    (asked,) = lose(account, 0)
    assert AlarmCode.RULE_UNJUDGED not in account.alarms()
    waited, alarmed = [], []
    for second in range(1, 8):
        assert lose(account, second, asked.judgement) == []
        alarmed += [second] if AlarmCode.RULE_UNJUDGED in account.alarms() else []
        waited += pauses(account)
        account.hear(Woken, second, key=WAKE)
        (asked,) = account.of(Evaluate)

    assert waited == [1, 2, 4, 8, 15, 15, 15]
    assert alarmed == [1]


def test_a_rule_that_raised_is_asked_after_a_second_and_goes_on_hearing_facts():
    """The same picture would raise again; but it harms nobody else, so nothing is kept from it."""
    account = opened(LOSING)
    assert lose(account, 0, dead=False) == []
    assert pauses(account) == [1]
    assert AlarmCode.RULE_FAILED in account.alarms()

    account.hear(TradeExecuted, 0, fill=fill(1, -1, pnl=-100))
    assert len(account.of(Evaluate)) == 1
    assert lose(account, 0, dead=False) == []
    assert pauses(account) == []

    account.hear(Woken, 1, key=WAKE)
    (asked,) = account.of(Evaluate)
    answer(account, 1, asked)
    assert account.core.status(START).health is Health.LIVE


def test_what_is_kept_from_a_rule_is_judged_after_its_answer():
    """While it owes a verdict that cost it its actor, it is shown one picture at a time."""
    account = opened(LOSING)
    (asked,) = lose(account, 0)
    account.hear(TradeExecuted, 1, fill=fill(1, -1, pnl=-100))
    assert account.of(Evaluate) == []

    answer(account, 2, asked)
    (again,) = account.of(Evaluate)
    assert [each.trade_id for each in again.view.order_fills] == [1]


def test_an_answer_to_an_earlier_question_pays_nothing():
    """Nor does one to no question at all."""
    account = opened(LOSING)
    (first,) = lose(account, 0)
    lose(account, 1, first.judgement)
    account.hear(Woken, 2, key=WAKE)
    (second,) = account.of(Evaluate)

    answer(account, 3, first)
    assert account.core.status(START).health is Health.STALE
    answer(account, 4, second)
    assert account.core.status(START).health is Health.LIVE


def test_a_question_nobody_answers_and_nobody_says_is_lost_is_asked_again():
    """After half a minute."""
    account = opened(LOSING)
    (first,) = lose(account, 0)
    assert pauses(account) == [30]

    account.hear(Woken, 30, key=WAKE)
    (second,) = account.of(Evaluate)
    assert second.judgement != first.judgement


def test_a_rule_that_stands_twice_owes_both_answers():
    """By its old and its new parameters."""
    account = opened(LOSING, LOSING)
    asked = lose(account, 0)
    assert len(asked) == 2
    answer(account, 1, asked[0])
    assert account.core.status(START).health is Health.STALE
    answer(account, 1, asked[1])
    assert account.core.status(START).health is Health.LIVE


def test_a_rule_that_is_not_in_force_owes_nothing():
    """It left with a reload while its picture was lost; and a late wake for it asks nobody."""
    account = opened(COUNTING)
    assert lose(account, 0) == []
    assert account.core.status(START).health is Health.LIVE

    account.hear(Woken, 1, key=WAKE)
    assert account.of(Evaluate) == []


def test_under_a_flat_duty_nothing_is_asked_and_what_is_owed_is_not_forgiven():
    """PRE-CHECK: it is tried again later, and the account is not shown as judged until then."""
    account = opened(COUNTING, LOSING)
    account.hear(TradeExecuted, 1, fill=fill(1, -1, pnl=-500))
    (asked,) = [each for each in account.of(Evaluate) if each.parameters is LOSING[1]]
    breach = LOSING[0].evaluate(asked.view, LOSING[1])
    verdict = {"breach": breach, "moves": (), "trading_date": asked.view.trading_date}
    account.hear(ReportVerdict, 1, rule="RULE-003", judgement=None, **verdict)

    assert lose(account, 2) == []
    assert pauses(account) == [15]
    assert account.core.status(START).health is Health.STALE

    account.hear(Woken, 17, key=WAKE)
    assert account.of(Evaluate) == []
    assert pauses(account) == [15]


LETTERS = {
    Evaluate: {"view": None, "parameters": None, "judgement": "u7"},
    ReportVerdict: {
        "rule": "RULE-003",
        "breach": None,
        "moves": (),
        "trading_date": "",
        "judgement": "u7",
    },
}


@pytest.mark.parametrize("kind", LETTERS)
def test_a_lost_picture_and_a_refused_verdict_are_answered_for(kind):
    """To the account, with the rule and the question."""
    letter = kind(account=ACCOUNT, at=START, cause="c", **LETTERS[kind])
    to, failure = lost.answer_for("rule/RULE-003", letter, "hung", START)

    assert to == f"account/{ACCOUNT}"
    assert (failure.rule, failure.judgement, failure.error) == ("RULE-003", "u7", "hung")
    assert failure.lost


def test_no_other_dead_letter_is_answered_for():
    """Least of all the answer itself, which would go on for ever."""
    late = NoteLateness(account=ACCOUNT, at=START, cause="c", late_s=1, where="RULE-003")
    assert lost.answer_for("account/1", late, "dead", START) is None
    failure = ReportRuleFailure(
        account=ACCOUNT, at=START, cause="c", rule="RULE-003", error="e", judgement=None
    )
    assert lost.answer_for("account/1", failure, "dead", START) is None
