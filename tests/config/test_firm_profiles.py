"""What ships of firms: nothing confirmed, everything dated and sourced, and no number for ever."""

from datetime import date

import pytest

from actors.ops.init.questions import offer
from actors.rules.registry import rule_by_key
from config.errors import ConfigError
from config.firm_profiles import FIRMS, firms, suggested

NUMBERS = [
    (firm, profile, number)
    for firm in firms()
    for profile in firm.profiles
    for number in profile.numbers
]


@pytest.mark.parametrize(("firm", "profile", "number"), NUMBERS, ids=lambda each: str(each)[:40])
def test_a_number_that_ships_is_unconfirmed_and_fits_its_rule(firm, profile, number):
    """It is a limit of a rule that exists, and says of itself that nobody has looked it up."""
    rule = rule_by_key(number.rule)

    assert rule is not None
    assert number.field in rule.parameters.__struct_fields__
    assert rule.check(rule.parameters(**{number.field: number.value})) == []
    assert not number.confirmed
    assert "unconfirmed" in number.basis
    assert profile.key.isidentifier()
    assert date.fromisoformat(firm.written) < date.fromisoformat(firm.expires)
    assert firm.source


@pytest.mark.parametrize(
    ("on", "says"),
    [
        (date(2027, 2, 22), "5 by general knowledge"),
        (date(2027, 2, 23), "out of date since 2027-02-23"),
        (date(2027, 2, 24), "out of date since 2027-02-23"),
    ],
    ids=["a day before", "the day", "a day after"],
)
def test_from_its_expiry_on_no_number_is_named(on, says):
    """The user is still asked, but nothing old is put into his mouth."""
    firm, _, number = NUMBERS[0]

    assert says in offer(firm, number, on)
    assert ("5" in offer(firm, number, on).replace("2027", "")) == (on < date(2027, 2, 23))


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("50KTC-V2-1", "topstep_50k"),
        ("150KTC-V2-1", "topstep_150k"),
        ("100K-X", "topstep_100k"),
        ("PRAC-V2-150K", None),
        ("EXPRESS-V2-1", None),
    ],
)
def test_a_profile_is_suggested_by_the_beginning_of_the_name(name, key):
    """150K is not 50K, and a practice account is nobody's."""
    found = suggested(name, firms())

    assert (found and found.key) == key


def test_a_damaged_file_is_refused_with_its_path(tmp_path):
    """Nothing is offered from half a file."""
    (tmp_path / "x.toml").write_text((FIRMS / "topstep.toml").read_text() + "surprise = 1\n")

    with pytest.raises(ConfigError, match="surprise"):
        firms(tmp_path)
