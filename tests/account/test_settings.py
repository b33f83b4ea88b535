"""What an account's settings say of themselves: its rules in lines and counted, and how often to poll."""

from dataclasses import replace

import pytest

from actors.account.settings import RuleSetting
from actors.rules import auth_loss_guard, max_contracts
from actors.rules.auth_loss_guard import AuthLossGuard
from actors.rules.max_contracts import MaxContracts
from tests.account.world import SETTINGS


def guard(poll_s):
    return RuleSetting(rule=auth_loss_guard.RULE, parameters=AuthLossGuard(poll_s=poll_s))


def limit(contracts):
    return RuleSetting(rule=max_contracts.RULE, parameters=MaxContracts(limit=contracts))


@pytest.mark.parametrize(
    ("rules", "poll_s"),
    [((), None), ((limit(5),), None), ((guard(30),), 30), ((guard(30), limit(5), guard(7)), 7)],
)
def test_the_account_is_polled_as_often_as_the_most_demanding_rule_wants(rules, poll_s):
    """Where no rule needs its record no request is spent on it."""
    assert replace(SETTINGS, rules=rules).poll_s == poll_s


def test_a_rule_that_is_judged_by_two_settings_is_one_rule():
    """While a looser one waits for the reset, both stand there."""
    assert replace(SETTINGS, rules=(limit(5), limit(3), guard(30))).rule_count == 2


def test_the_line_of_a_rule_says_which_it_is_and_what_it_does():
    """As the journal tells at the start of what an account is guarded by."""
    described = max_contracts.RULE.describe(MaxContracts(limit=5))

    assert limit(5).line == f"RULE-001 {max_contracts.RULE.name}: {described}"
