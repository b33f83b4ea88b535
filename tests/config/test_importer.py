"""`main.py import`: the original's YAML becomes our TOML, and nothing gets lost without a word."""

import copy
import dataclasses
import shutil
import tomllib
from pathlib import Path

import pytest

import main
from config.importer import convert, read
from config.keys import shown

SEED = Path(__file__).parent / "seed"
FILES = ("risk_config.yaml", "timers_config.yaml", "accounts.yaml")
RULES = """rules:
  max_contracts:
    enabled: true
    limit: 5
    count_type: net
    reduce_to_limit: true
"""
NO_RULES_OF_ITS_OWN = "    risk_config_file: null\n    config_overrides: null\n"
BOTH = """    risk_config_file: risk_config.yaml
    config_overrides:
      max_contracts:
        limit: 1
"""
TWO_ACCOUNTS = """    risk_config_file: small.yaml
  - id: "13298777"
    config_overrides:
      daily_realized_loss:
        enabled: true
        limit: -9
      cooldown_after_loss:
        enabled: false
"""


@pytest.fixture
def seed(tmp_path):
    """A folder with the three files as they were shipped."""
    for name in FILES:
        shutil.copy(SEED / name, tmp_path)
    return tmp_path


@pytest.fixture
def imported(seed, capsys):
    """Import the three files, some of them changed; return code, TOML and what was said."""

    def run(*changes, files=FILES, more=()):
        for name, old, new in changes:
            path = seed / name
            text = path.read_text()
            assert old in text
            path.write_text(text.replace(old, new))
        code = main.main(["import", *(str(seed / name) for name in files), *more])
        printed = capsys.readouterr()
        return code, tomllib.loads(printed.out), printed.err

    return run


def test_the_shipped_files_keep_their_meaning(imported):
    """Every rule with its numbers in our words: amounts without sign, durations in seconds."""
    _, said, _ = imported()

    assert said["defaults"]["rules"] == {
        "max_contracts": {"limit": 5, "count": "net"},
        "max_contracts_per_instrument": {"limits": {"MNQ": 2, "ES": 1}, "default_limit": 3},
        "daily_unrealized_loss": {"max_loss_usd": 20},
        "max_unrealized_profit": {"target_usd": 20},
        "no_stop_loss_grace": {"enabled": False, "grace_s": 60},
        "trade_frequency_limit": {
            "per_minute": 3,
            "per_hour": 10,
            "per_session": 50,
            "cooldown_s": {"per_minute": 60, "per_hour": 1800, "per_session": 3600},
        },
        "cooldown_after_loss": {"tiers": [{"loss_usd": 100, "cooldown_s": 900}]},
        "daily_realized_loss": {"max_loss_usd": 5, "include_open_loss": False},
        "daily_realized_profit": {
            "target_usd": 1000,
            "message": "Daily profit target reached! Good job! See you tomorrow.",
        },
        "session_block_outside": {
            "start": "08:30",
            "end": "15:00",
            "days": ["mon", "tue", "wed", "thu", "fri"],
            "holidays": True,
        },
        "auth_loss_guard": {"poll_s": 30},
        "trade_management": {
            "enabled": False,
            "breakeven": {"after_ticks": 4, "offset_ticks": 1},
            "trailing": {"activate_ticks": 8, "trail_ticks": 4},
        },
    }
    assert said["trading_day"] == {"reset": "17:00", "timezone": "America/Chicago"}
    assert said["broker"] == {"api_url": "https://api.topstepx.com/api"}
    (login,) = said["logins"]
    assert login == {
        "name": "imported",
        "username_env": "PROJECT_X_USERNAME",
        "api_key_env": "PROJECT_X_API_KEY",
        "accounts": ["PRAC-V2-126244-84184528"],
    }


def leaves(value, key=()):
    """Yield the key of every single value."""
    if isinstance(value, dict | list) and value:
        parts = value.items() if isinstance(value, dict) else enumerate(value)
        for name, each in parts:
            yield from leaves(each, (*key, name))
    else:
        yield key


def changed(document, key):
    """Return a document with one value that is none of the original's."""
    data = copy.deepcopy(document.data)
    at = data
    for name in key[:-1]:
        at = at[name]
    at[key[-1]] = "something else"
    return dataclasses.replace(document, data=data)


def test_every_setting_of_the_shipped_files_is_carried_or_spoken_of():
    """Nothing is lost silently: whatever one changes, the result changes or the notes name it."""
    documents = [read(SEED / name) for name in FILES]
    usual = convert(documents)
    silent = []
    for place, document in enumerate(documents):
        for key in leaves(document.data):
            others = [*documents[:place], changed(document, key), *documents[place + 1 :]]
            is_named = any(
                f" {shown(key[:length])}: " in note
                for note in usual.notes
                for length in range(2, len(key) + 1)
            )
            if not is_named and convert(others).text == usual.text:
                silent.append(f"{document.path.name}: {shown(key)}")

    assert silent == []


@pytest.mark.parametrize(
    "part",
    [
        *("hard_lockout.auth_loss_guard: 'until_reset'", "holidays.dates: 4 days", "ENQ is NQ"),
        *("general.logging", "auth_loss_guard.reason", "blocked_symbols: blocks nothing"),
        *("daily_unrealized_loss.check_interval_seconds", "advanced.session_close_grace"),
        *("session_block_outside.start_time", "daily_realized_loss.reset_time: was never used"),
        *("accounts[0].description", "topstepx.websocket_url", ".env", "allowed_days"),
        *("reduce_to_limit: is not written", "grace_period_seconds", "include_open_loss = false"),
    ],
)
def test_the_traps_of_the_shipped_files_are_spoken_of(part):
    """What the original ignored, assumed or meant differently is said by its key."""
    assert part in "\n".join(convert([read(SEED / name) for name in FILES]).notes)


def test_the_notes_stand_on_top_of_the_configuration_too(seed, capsys):
    """Who reads the file later sees what the import had to say."""
    out = seed / "lockstep.toml"

    main.main(["import", *(str(seed / name) for name in FILES), "--out", str(out)])

    notes = [line for line in capsys.readouterr().err.splitlines() if line.startswith("  - risk")]
    assert len(notes) > 5
    text = out.read_text()
    assert [line for line in notes if f"# {line}" not in text] == []


def test_the_contradiction_of_the_shipped_files_must_be_decided(imported, seed, capsys):
    """S-106: -20 per position against -5 a day. Allowed by name, everything else of them is fine."""
    code, _, said = imported()
    (seed / "risk_config.yaml").write_text(
        (seed / "risk_config.yaml").read_text().replace("limit: -20", "limit: -5")
    )

    assert code == 78
    assert "imported.toml: 1 thing(s) to mend" in said
    assert "daily_unrealized_loss.max_loss_usd = 20" in said
    assert "daily_realized_loss.max_loss_usd = 5" in said
    assert main.main(["import", *(str(seed / name) for name in FILES)]) == 0
    assert "[defaults.rules.daily_unrealized_loss]" in capsys.readouterr().out


def test_what_can_be_used_as_it_is_ends_well(seed, capsys):
    """Rules that say all there is to say need no decision, and our loader takes them."""
    (seed / "risk_config.yaml").write_text(RULES)

    code = main.main(["import", str(seed / "risk_config.yaml"), str(seed / "timers_config.yaml")])

    printed = capsys.readouterr()
    assert code == 0, printed.err
    (seed / "ours.toml").write_text(printed.out)
    assert main.main(["check", "--config", str(seed / "ours.toml")]) == 0


DECISIONS = {
    "permanent cooldown": (
        ("timers_config.yaml", 'cooldown_after_loss: "15m"', 'cooldown_after_loss: "permanent"'),
        ["timers_config.yaml:17", "'permanent' is no duration", "0 seconds"],
    ),
    "odd duration": (
        ("timers_config.yaml", '"60s"', '"90x"'),
        ["per_minute_breach: '90x' is no duration"],
    ),
    "duration out of range": (
        ("timers_config.yaml", '"1h"', '"25h"'),
        ["per_session_breach: '25h' is no duration"],
    ),
    "resets that differ": (
        ("risk_config.yaml", 'reset_time: "17:00"', 'reset_time: "16:00"'),
        ["risk_config.yaml:53", "'16:00' differs from '17:00' in timers_config.yaml:3"],
    ),
    "hours that differ": (
        ("risk_config.yaml", 'start_time: "08:30"', 'start_time: "09:00"'),
        ["start_time: '09:00' differs from '08:30' in timers_config.yaml:19"],
    ),
    "unknown rule": (
        ("risk_config.yaml", "  symbol_blocks:", "  symbol_blox:"),
        ["rules.symbol_blox: is no setting of the original"],
    ),
    "unknown setting": (
        ("risk_config.yaml", "count_type:", "cuont_type:"),
        ["risk_config.yaml:19: rules.max_contracts.cuont_type: is no setting"],
    ),
    "days in words": (
        ("timers_config.yaml", "[0, 1, 2, 3, 4]", '["monday"]'),
        ["allowed_days: must be numbers from 0 (Monday) to 6"],
    ),
    "not yes or no": (
        (
            "risk_config.yaml",
            "  max_contracts:\n    enabled: true",
            "  max_contracts:\n    enabled: 7",
        ),
        ["max_contracts.enabled: must be true or false, not 7"],
    ),
    "secret in the file": (
        ("accounts.yaml", '"${PROJECT_X_API_KEY}"', '"canary-4711"'),
        ["topstepx.api_key: is a secret in a file", "export it as PROJECT_X_API_KEY"],
    ),
    "both override and file": (
        ("accounts.yaml", NO_RULES_OF_ITS_OWN, BOTH),
        ["config_overrides: stands beside risk_config_file", "keep one"],
    ),
    "another broker": (
        ("accounts.yaml", "wss://api.topstepx.com", "wss://broker.example"),
        ["websocket_url: write the broker's two hubs"],
    ),
}


@pytest.mark.parametrize(("change", "parts"), DECISIONS.values(), ids=DECISIONS)
def test_what_only_a_person_can_decide_is_listed_first_and_fails(imported, change, parts):
    """S-106, S-107, S-109: said with file and line, exit 78; no secret is repeated."""
    code, text, said = imported(change)

    assert code == 78
    decisions = said.partition("Means something else")[0]
    assert decisions.startswith("You must decide:")
    for part in parts:
        assert part in decisions
    assert "canary-4711" not in said + str(text)


def test_a_duration_that_is_none_is_refused_by_our_loader_too(imported):
    """The trap of the original: `permanent` was 0 seconds. Here it stays what it is, and fails."""
    _, said, errors = imported(
        ("timers_config.yaml", 'cooldown_after_loss: "15m"', 'cooldown_after_loss: "permanent"')
    )

    assert said["defaults"]["rules"]["cooldown_after_loss"]["tiers"] == [
        {"loss_usd": 100, "cooldown_s": "permanent"}
    ]
    assert "tiers[0].cooldown_s: Expected `int`, got `str`: 'permanent'" in errors


def test_without_timers_nothing_is_silently_off(imported):
    """S-107: the rules the original then dropped are written, and what they lack is asked for."""
    code, said, errors = imported(files=("risk_config.yaml", "accounts.yaml"))

    assert code == 78
    rules = said["defaults"]["rules"]
    assert {"trade_frequency_limit", "cooldown_after_loss", "session_block_outside"} <= set(rules)
    assert "ran without RULE-006, 007 and 009, silently" in errors
    assert "cooldown_after_loss.tiers[0].cooldown_s: is missing" in errors


def test_an_account_with_a_file_gets_a_profile_and_one_with_overrides_its_own_rules(imported, seed):
    """S-109: what the original checked and never applied, applies."""
    (seed / "small.yaml").write_text(RULES.replace("limit: 5", "limit: 1"))
    _, said, errors = imported(("accounts.yaml", NO_RULES_OF_ITS_OWN, TWO_ACCOUNTS))

    assert said["profiles"]["small"]["rules"]["max_contracts"]["limit"] == 1
    practice, other = said["accounts"]
    assert practice == {"account": "PRAC-V2-126244-84184528", "profile": "small"}
    assert other["account"] == 13298777
    assert other["rules"]["daily_realized_loss"]["max_loss_usd"] == 9
    assert other["rules"]["cooldown_after_loss"] == {"enabled": False}
    assert "was checked and never applied" in errors


def test_the_other_form_of_the_accounts_file_is_read(imported, seed):
    """One monitored account, and names of variables of their own."""
    (seed / "accounts.yaml").write_text(
        "topstepx:\n  username: ${DESK_USER}\n  api_key: ${DESK_KEY}\n"
        "monitored_account:\n  account_id: 13298777\n  account_type: practice\n"
    )
    _, said, _ = imported()

    assert said["logins"] == [
        {
            "name": "imported",
            "username_env": "DESK_USER",
            "api_key_env": "DESK_KEY",
            "accounts": [13298777],
        }
    ]


def test_values_are_what_stands_there_not_what_yaml_makes_of_them(imported):
    """17:00 without quotes is no 1020, a day no timestamp, an amount no float, a variable stays one."""
    _, said, _ = imported(
        ("timers_config.yaml", 'time: "17:00"', "time: 17:00"),
        ("timers_config.yaml", '- "2025-01-01"', "- 2025-01-01"),
        ("risk_config.yaml", "loss_threshold: -100.0", "loss_threshold: -100.10"),
        (
            "risk_config.yaml",
            '"Daily profit target reached! Good job! See you tomorrow."',
            "${WORDS}",
        ),
        ("risk_config.yaml", "      MNQ: 2", "      ENQ: 2"),
    )

    assert said["trading_day"]["reset"] == "17:00"
    rules = said["defaults"]["rules"]
    assert str(rules["cooldown_after_loss"]["tiers"][0]["loss_usd"]) == "100.1"
    assert rules["daily_realized_profit"]["message"] == "${WORDS}"
    assert rules["max_contracts_per_instrument"]["limits"] == {"NQ": 2, "ES": 1}


FAULTS = {
    "no yaml": ("rules: [", ["risk_config.yaml:1: is not valid YAML"]),
    "tab": ("rules:\n\tx: 1", ["risk_config.yaml:2: is not valid YAML"]),
    "list": ("- 1", ["must be a table"]),
    "nothing": ("", ["must be a table"]),
    "other file": ("colour: red", ["is none of risk_config.yaml", "it has colour"]),
    "key twice": (
        "rules:\n  max_contracts:\n    limit: 5\n    limit: 6",
        ["risk_config.yaml:4: rules.max_contracts.limit stands twice, first on line 3"],
    ),
    "deep": ("rules: " + "[" * 3000 + "]" * 3000, ["is nested too deeply"]),
    "long number": ("rules:\n  x: " + "9" * 5000, ["risk_config.yaml: Exceeds the limit"]),
    "endless": ("rules: &a\n  x: *a", ["rules.x contains itself"]),
}


@pytest.mark.parametrize(("text", "parts"), FAULTS.values(), ids=FAULTS)
def test_a_file_that_cannot_be_read_is_refused_with_its_place(tmp_path, capsys, text, parts):
    """No half of a configuration comes out of a broken file."""
    path = tmp_path / "risk_config.yaml"
    path.write_text(text)

    assert main.main(["import", str(path)]) == 78

    printed = capsys.readouterr()
    assert printed.out == ""
    for part in parts:
        assert part in printed.err


def test_a_missing_file_and_a_file_given_twice_are_refused(seed, capsys):
    """Named by their paths."""
    risk = str(seed / "risk_config.yaml")

    assert main.main(["import", risk, str(seed / "nope.yaml")]) == 78
    assert "nope.yaml: cannot be read" in capsys.readouterr().err
    assert main.main(["import", risk, risk]) == 78
    assert "are both the original's risk file" in capsys.readouterr().err
    assert main.main(["import", str(seed / "timers_config.yaml")]) == 78
    assert "no file has `rules`" in capsys.readouterr().err


def test_nothing_to_import_is_wrong_usage(capsys):
    """Exit 2."""
    assert main.main(["import"]) == 2
    assert "name the files" in capsys.readouterr().err


def test_a_file_that_is_there_is_not_written_over(seed, capsys):
    """Unless that is asked for."""
    out = seed / "ours.toml"
    out.write_text("mine")
    command = ["import", *(str(seed / name) for name in FILES), "--out", str(out)]

    assert main.main(command) == 2
    assert out.read_text() == "mine"
    assert "--force" in capsys.readouterr().err
    assert main.main([*command, "--force"]) == 78
    assert "[defaults.rules.max_contracts]" in out.read_text()
    assert capsys.readouterr().out == ""
