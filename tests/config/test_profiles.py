"""Named profiles: who picks which, what comes before what, and what `check` says of it."""

import json
import re
from pathlib import Path

import pytest

import main
from actors.rules.registry import all_rules
from tests.config.texts import LOGIN, loaded, refusals, values

CONFIG = Path(main.__file__).parent / "config"
COMMENTED = re.findall(r"(?m)^# \[defaults\.rules\.(\w+)\]", (CONFIG / "default.toml").read_text())
RULE = "daily_realized_loss"
PROFILES = f"""
[profiles.small.rules.{RULE}]
max_loss_usd = 200
[profiles.big.rules.{RULE}]
max_loss_usd = 900
include_open_loss = false
"""
DEFAULTS = f"[defaults.rules.{RULE}]\nmax_loss_usd = 500\n"


def limit(config, *names, login="desk"):
    return values(config, *names, login=login, rule=RULE).get("max_loss_usd")


def test_an_account_picks_before_its_login_and_the_login_before_the_defaults(tmp_path):
    """One profile applies to an account: the nearest one."""
    config = loaded(
        tmp_path,
        '[[logins]]\nname = "desk"\nprofile = "small"\n[[logins]]\nname = "other"\nusername_env = "B"\n'
        + PROFILES
        + '[defaults]\nprofile = "big"\n'
        + DEFAULTS
        + '[[accounts]]\naccount = 5\nprofile = "big"\n[[accounts]]\naccount = "50K"\n',
    )

    assert limit(config, 1, login="other") == 900
    assert limit(config, 1) == 200
    assert limit(config, 5) == 900
    assert limit(config, 7, "50K") == 200


def test_what_is_nearer_wins_field_by_field(tmp_path):
    """Defaults, then the profile, then the account; a field nobody writes keeps its default."""
    config = loaded(
        tmp_path,
        LOGIN
        + PROFILES
        + DEFAULTS
        + '[[accounts]]\naccount = 5\nprofile = "big"\n'
        + f"[accounts.rules.{RULE}]\nmax_loss_usd = 7\n",
    )

    assert values(config, 1, rule=RULE) == {
        "max_loss_usd": 500,
        "include_open_loss": True,
        "enabled": True,
    }
    assert values(config, 5, rule=RULE) == {
        "max_loss_usd": 7,
        "include_open_loss": False,
        "enabled": True,
    }


def test_an_account_may_switch_a_rule_off_and_on(tmp_path):
    """`enabled` is a field like any other; what is off needs no limit."""
    config = loaded(
        tmp_path,
        LOGIN
        + DEFAULTS
        + f"[[accounts]]\naccount = 5\n[accounts.rules.{RULE}]\nenabled = false\n"
        + "[[accounts]]\naccount = 6\n[accounts.rules.max_contracts]\nenabled = false\n",
    )

    assert limit(config, 1) == 500
    assert limit(config, 5) is None
    assert values(config, 6, rule="max_contracts") == {}


def test_the_defaults_may_leave_to_the_profiles_what_only_they_know(tmp_path):
    """What is incomplete where nobody gets it like that is no mistake."""
    text = (
        LOGIN
        + f"[defaults]\nprofile = 'small'\n[defaults.rules.{RULE}]\ninclude_open_loss = false\n"
        + PROFILES
    )
    config = loaded(tmp_path, text)

    assert values(config, 1, rule=RULE) == {
        "max_loss_usd": 200,
        "include_open_loss": False,
        "enabled": True,
    }


@pytest.mark.parametrize(
    ("picks", "line"),
    [
        ("[defaults]\nprofile = 'smal'", 10),
        ("[[accounts]]\naccount = 5\nprofile = 'smal'", 11),
        ("[[logins]]\nname = 'b'\nusername_env = 'B'\nprofile = 'smal'", 12),
    ],
)
def test_a_profile_that_is_not_there_is_refused_with_what_was_meant(tmp_path, picks, line):
    """Wherever it is picked."""
    (said,) = refusals(tmp_path, LOGIN + PROFILES + picks)

    assert said.startswith(f"{line}: ")
    assert "there is no profile 'smal'; did you mean small?" in said


@pytest.mark.parametrize(
    ("profile", "said"),
    [
        ("max_loss = 1", "max_loss: unknown key; did you mean max_loss_usd?"),
        ("max_loss_usd = -1", "max_loss_usd: must be greater than 0, not -1"),
        ("include_open_loss = true", "max_loss_usd: is missing; write it"),
    ],
)
def test_a_profile_that_nobody_picks_is_checked(tmp_path, profile, said):
    """It is allowed, but not to be wrong."""
    complaints = refusals(tmp_path, f"{LOGIN}[profiles.spare.rules.{RULE}]\n{profile}\n")

    assert any(f"profiles.spare.rules.{RULE}.{said}" in each for each in complaints)
    loaded(tmp_path, LOGIN + PROFILES)


def test_what_a_nearer_table_hides_is_checked_too(tmp_path):
    """A wrong type in the defaults does not wait for the day the override is deleted."""
    complaints = refusals(
        tmp_path,
        LOGIN
        + f'[defaults]\nprofile = "small"\n[defaults.rules.{RULE}]\nmax_loss_usd = "x"\n'
        + PROFILES,
    )

    assert [each.split(":")[0] for each in complaints] == ["6"]


def checked(tmp_path, capsys, text, *more):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    assert main.main(["check", "--config", str(path), *more]) == 0
    return capsys.readouterr().out


TEXT = (
    LOGIN
    + "profile = 'small'\naccounts = [5, 6, 7]\n"
    + PROFILES
    + DEFAULTS
    + f"[[accounts]]\naccount = 5\nprofile = 'big'\n[accounts.rules.{RULE}]\nmax_loss_usd = 7\n"
)


def test_check_says_where_each_value_came_from(tmp_path, capsys):
    """File and line of the default, the profile or the account, or that it is built in."""
    said = checked(tmp_path, capsys, TEXT)

    others, one = said.split("account 5: ")
    assert "accounts 6, 7: 1 rules" in others
    assert "max_loss_usd = 200  ← profile small (mine.toml:7)" in others
    assert "include_open_loss = true  ← built-in default" in others
    assert "max_loss_usd = 7  ← account 5 (mine.toml:17)" in one
    assert "include_open_loss = false  ← profile big (mine.toml:10)" in one


def test_check_says_the_same_to_programs(tmp_path, capsys):
    """One object: who, which rule, which value, from where."""
    told = json.loads(checked(tmp_path, capsys, TEXT, "--json"))

    rule = told["rules"]["account 5"]["RULE-003"]
    assert rule["enabled"] is True
    assert rule["parameters"]["max_loss_usd"] == {"value": "7", "from": "account 5 (mine.toml:17)"}


def test_check_says_who_is_locked_where_a_rule_cannot_judge(tmp_path, capsys):
    """The nearest table that says it counts, and 0 is said, too."""
    never = "[[accounts]]\naccount = 7\nlock_unjudged_after_s = 0\n"
    text = TEXT.replace(PROFILES, PROFILES + "[profiles.small]\nlock_unjudged_after_s = 60\n")
    said = checked(tmp_path, capsys, text + never)

    parts = {each.split(":")[0]: each for each in said.split("\naccount")}
    assert "lock_unjudged_after_s = 60  ← profile small (mine.toml:12)" in parts[" 6"]
    assert "lock_unjudged_after_s = never  ← account 7 (mine.toml:22)" in parts[" 7"]
    assert "lock_unjudged_after_s = never  ← built-in default" in parts[" 5"]
    told = json.loads(checked(tmp_path, capsys, text + never, "--json"))
    assert told["lock_unjudged_after_s"]["account 6"] == {
        "value": 60,
        "from": "profile small (mine.toml:12)",
    }


def test_check_shows_what_is_switched_off(tmp_path, capsys):
    """By whom."""
    said = checked(
        tmp_path,
        capsys,
        LOGIN + DEFAULTS + f"[[accounts]]\naccount = 5\n[accounts.rules.{RULE}]\nenabled = false\n",
    )

    one = said.split("account 5: ")[1]
    assert one.startswith("0 rules")
    assert "DailyRealizedLoss: off" in one
    assert "enabled = false  ← account 5 (mine.toml:8)" in one


def test_every_login_is_shown_with_its_own_profile(tmp_path, capsys):
    """Two firms in one file."""
    said = checked(
        tmp_path,
        capsys,
        LOGIN
        + "[[logins]]\nname = 'other'\nusername_env = 'B'\nprofile = 'big'\n"
        + PROFILES
        + DEFAULTS,
    )

    assert "every account of desk: 1 rules" in said
    assert "every account of other: 1 rules" in said


def test_everything_commented_in_the_default_file_is_right(tmp_path):
    """What a firm gets when it takes away the comment signs: all thirteen rules, no contradiction."""
    written = (CONFIG / "default.toml").read_text()
    config = loaded(tmp_path, re.sub(r"(?m)^# (?=\[|[a-z_]+ = )", "", written))

    assert config.warnings == ()
    assert len(config.effective_rules()) == 13


def test_the_default_file_names_every_parameter():
    """Written or in a comment."""
    text = (CONFIG / "default.toml").read_text()

    for rule in all_rules():
        for name in rule.parameters.__struct_fields__:
            assert re.search(rf"\b{name}\b", text), f"{rule.key}.{name}"
