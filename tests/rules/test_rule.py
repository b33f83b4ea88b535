"""What every rule shares: how amounts are refused, and what a rule does unless it says otherwise."""

from decimal import Decimal

import pytest

from actors.rules.registry import all_rules
from actors.rules.rule import positive


@pytest.mark.parametrize(
    ("value", "fine", "hint"),
    [
        (Decimal("0.01"), True, False),
        (Decimal(0), False, False),
        (Decimal(-5), False, True),
        (Decimal("-0.01"), False, True),
        (1, True, False),
        (0, False, False),
        (-5, False, False),
        (-0.5, False, False),
        (Decimal("NaN"), False, False),
        (float("inf"), False, False),
    ],
)
def test_only_a_negative_amount_of_money_is_told_how_losses_are_written(value, fine, hint):
    """Seconds and contracts have no such habit, and zero has no sign."""
    complaints = positive("x", value)

    assert (complaints == []) is fine
    assert any("losses are written as positive amounts" in each for each in complaints) is hint


def test_only_the_stop_loss_rule_has_the_broker_read_before_it_judges():
    """A read at every bell of every account would be paid from the budget of the closes."""
    assert [each.id for each in all_rules() if each.reads_first] == ["RULE-008"]


def test_rules_can_be_told_apart_in_a_set():
    """Whatever their comparisons are."""
    assert len(set(all_rules())) == len(all_rules()) == 13
