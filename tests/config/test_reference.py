"""config/REFERENCE.md is what the program itself reads by, and stays so."""

import re
from pathlib import Path

import msgspec
import pytest

from actors.rules import strictness
from actors.rules.registry import all_rules
from config.reference import reference, stricter_of
from config.schema import ConfigFile
from tests.config.walk import keys_in

PAGE = Path(__file__).parents[2] / "config" / "REFERENCE.md"


def test_the_page_is_fresh():
    """To write it anew: .venv/bin/python -m config.reference > config/REFERENCE.md."""
    assert PAGE.read_text() == reference()


def test_every_key_of_the_file_has_a_line():
    """Also of tables that are added later, down to their parts."""
    named = set(re.findall(r"^\| `([^`]+)` \|", reference(), re.MULTILINE))
    missing = []
    for key in keys_in(ConfigFile):
        _, _, inner = key.partition(".")
        inner = inner.removeprefix("<name>.")
        if inner and not inner.startswith("rules") and inner not in named:
            missing.append(key)

    assert missing == []
    assert {field.name for field in msgspec.structs.fields(ConfigFile)} <= set(
        re.findall(r"^## `\[+(\w+)", reference(), re.MULTILINE)
    )


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.key)
def test_every_parameter_says_which_value_is_stricter(rule):
    """Or that values of it cannot be compared; a new kind of comparison must have words."""
    part = reference().partition(f"### `{rule.key}`")[2].partition("###")[0]

    for name in keys_in(rule.parameters):
        if name != "enabled":
            line = next(each for each in part.splitlines() if each.startswith(f"| `{name}` "))
            if "." not in name:
                assert line.split(" | ")[3].strip()


@pytest.mark.parametrize(
    ("one", "says"),
    [
        (strictness.lower, "lower"),
        (strictness.ranked("net", "gross"), "net < gross"),
        (strictness.each_key(strictness.higher), "each: higher"),
        (strictness.table(a=strictness.lower, b=strictness.same), "a: lower, b: not compared"),
    ],
)
def test_a_comparison_is_said_in_words(one, says):
    """Read from the comparison itself, so that it cannot say something else."""
    assert stricter_of(one) == says
