"""What `rules` prints: every parameter of every rule, from its own type and docstring."""

import json

import msgspec
import pytest

import main
from actors.rules.manual import field_docs, manual, parameter_pages
from actors.rules.registry import all_rules
from messages.values import Parameters
from tests.config.walk import structs_in


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.key)
def test_every_parameter_has_a_docstring_and_a_page(rule):
    """Of the parts of a parameter too; the docstring is one line of text, with a full stop."""
    page = next(each for each in manual() if each.id == rule.id)
    said = {each.text for each in page.parameters}

    assert page.summary
    for kind in structs_in(rule.parameters):
        docs = field_docs(kind)
        assert set(kind.__struct_fields__) <= set(docs), kind
        assert {docs[name] for name in kind.__struct_fields__} <= said
    for each in page.parameters:
        assert each.text.strip().endswith("."), each.name
        assert "\n" not in each.text


def test_a_parameter_without_a_docstring_is_not_passed_over():
    """The test above would not pass by looking at nothing."""

    class Silent(Parameters, frozen=True):
        """Says nothing of its field."""

        limit: int

    with pytest.raises(KeyError, match="limit"):
        list(parameter_pages(Silent))


def test_a_page_tells_type_default_words_and_unit():
    """Whatever a value may be."""
    pages = {f"{page.key}.{each.name}": each for page in manual() for each in page.parameters}

    tier = pages["cooldown_after_loss.tiers[].loss_usd"]
    assert (tier.type, tier.default, tier.unit) == ("number", "needed", "US dollars")
    count = pages["max_contracts.count"]
    assert (count.default, count.allowed) == ("net", ("net", "gross"))
    assert pages["cooldown_after_loss.tiers[].cooldown_s"].unit == "seconds"
    assert pages["daily_realized_loss.include_open_loss"].allowed == ("true", "false")
    assert pages["max_contracts_per_instrument.limits"].type == "table of whole number by name"
    assert pages["session_block_outside.products.<name>.start"].type == "text"
    assert pages["session_block_outside.timezone"].default == "none"
    assert "{ loss_usd = 100, cooldown_s = 300 }" in pages["cooldown_after_loss.tiers"].default


@pytest.mark.parametrize(
    "name", ["RULE-003", "rule-003", "daily_realized_loss", "DailyRealizedLoss"]
)
def test_one_rule_can_be_asked_for(capsys, name):
    """By id, key or name."""
    assert main.main(["rules", name]) == 0
    text = capsys.readouterr().out
    assert main.main(["rules", name, "--json"]) == 0
    (page,) = json.loads(capsys.readouterr().out)

    assert text.startswith("RULE-003 DailyRealizedLoss  [defaults.rules.daily_realized_loss]\n")
    assert "RULE-007" not in text
    assert page["parameters"][0]["unit"] == "US dollars"


def test_a_rule_that_is_not_there_is_wrong_usage(capsys):
    """Exit 2, with the rules there are."""
    assert main.main(["rules", "RULE-099"]) == 2
    assert "daily_realized_loss" in capsys.readouterr().err


def test_every_struct_of_a_parameter_is_found():
    """The walk itself: lists, tables by name, unions and nested structs."""

    class Inner(msgspec.Struct):
        """A part."""

        x: int

    class Outer(Parameters, frozen=True):
        """A rule."""

        many: tuple[Inner, ...]
        named: dict[str, Inner]
        maybe: Inner | None = None

    assert structs_in(Outer) == [Outer, Inner]
