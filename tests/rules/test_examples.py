"""The worked examples in actors/rules/README.md are what the rules say today."""

import pytest

from actors.rules.registry import all_rules
from tests.rules.examples import BEGIN, EXAMPLES, README, section


def test_the_readme_is_fresh():
    """To write it anew: .venv/bin/python -m tests.rules.examples."""
    assert README.read_text().partition(BEGIN)[2] == section().removeprefix(BEGIN)


def test_every_rule_has_an_example():
    """Also one that is added later."""
    assert [each.key for each in EXAMPLES] == [rule.key for rule in all_rules()]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: each.key)
def test_an_example_shows_both_sides_of_the_limit(example):
    """What is fine and what is not, or nobody could tell where the limit is."""
    part = section().partition(f"`{example.key}`")[2].partition("###")[0]
    found = ["| nothing |" in line for line in part.splitlines() if line.startswith("| ")]

    assert True in found[1:]
    assert False in found[1:]
