"""Complaints about a configuration: all of a file at once, each with its line, its key and the fix."""

from decimal import Decimal
from pathlib import Path

import pytest

from config.errors import ConfigError
from config.source import parse
from messages.values import AccountRecord
from tests.config.texts import LOGIN, loaded, refusals

MANY = """[[logins]]
name = "desk"
acounts = [1]

[broker]
requests_per_minute = "many"
silence_s = -1

[money]
pnl = "grosss"

[profiles.small.rules.max_contracts]
limit = true

[defaults.rules.cooldown_after_loss]
tiers = [
    # one step
    { loss_usd = -200, cooldown_s = 900 },
]

[defaults.rules.max_contracts_per_instrument]
limits = { MNQ = 2, NQ = "two" }

[defaults.rules.daily_realized_loss]

[[accounts]]
account = 5

[accounts.rules.session_block_outside]
start = "09:30"
end = "16:00"
days = ["mon", "tues"]
"""
SAID = {
    3: ["logins[0].acounts: unknown key; did you mean accounts?"],
    6: ["broker.requests_per_minute: Expected `int`, got `str`: 'many'; write a whole number"],
    7: ["broker.silence_s must be positive"],
    10: ["money.pnl: must be one of net, gross, not 'grosss'; did you mean gross?"],
    13: ["profiles.small.rules.max_contracts.limit: Expected `int`, got `bool`: true"],
    18: ["cooldown_after_loss.tiers[0].loss_usd: must be greater than 0, not -200", "200)"],
    21: ["max_contracts_per_instrument.default_limit: needed unless unknown is"],
    22: ["limits.NQ: Expected `int`, got `str`: 'two'"],
    24: ["defaults.rules.daily_realized_loss.max_loss_usd: is missing; write it"],
    32: [
        "accounts.5.rules.session_block_outside.days[1]: must be one of mon,",
        "'tues'",
        "mean tue",
    ],
}


def test_all_mistakes_of_a_file_are_said_at_once_with_their_lines(tmp_path):
    """In the order of the file, whatever kind of mistake they are; nothing else is said."""
    complaints = refusals(tmp_path, MANY)

    assert [int(each.split(":")[0]) for each in complaints] == list(SAID)
    for said, parts in zip(complaints, SAID.values(), strict=True):
        for part in parts:
            assert part in said


@pytest.mark.parametrize(
    ("text", "line"),
    [("a = 1\nb = ", 2), ("a = 1\n\n[x\n", 3), ("[a]\n[a]\n", 2), ('a = """\n\n', 1)],
)
def test_a_syntax_error_has_its_line(tmp_path, text, line):
    """As far as the parser knows it."""
    (said,) = refusals(tmp_path, text)

    assert said.startswith(f"{line}: is not valid TOML: ")


def test_bytes_that_are_no_text_have_their_line(tmp_path):
    """A file in another encoding is no traceback."""
    (tmp_path / "mine.toml").write_bytes(b"a = 1\nb = '\xe4'\n")
    from config.errors import ConfigError
    from config.loader import load
    from tests.config.texts import NOW

    with pytest.raises(ConfigError, match=r"mine\.toml:2: is not valid TOML"):
        load(tmp_path / "mine.toml", now=NOW, environment={})


def test_a_missing_variable_is_named_with_key_and_line(tmp_path):
    """S-108: every place that asks for it."""
    said = refusals(tmp_path, LOGIN + '[journal]\npath = "${NOWHERE}/x"\n')

    assert said == [
        "4: journal.path: environment variable NOWHERE is not set; export it or remove ${NOWHERE}"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "[trading_day]\nreset = '${CANARY}'\n",
        "[enforcement]\ndeadline_s = '${CANARY}'\n",
        "[money]\npnl = 'x${CANARY}'\n",
        "[http]\nlisten = '${CANARY}:1'\n",
        "[calendar]\nfile = '${CANARY}'\n",
        "[defaults]\nprofile = '${CANARY}'\n",
        "[broker]\napi_url = '${CANARY}'\n",
        "[defaults.rules.session_block_outside]\nstart = '${CANARY}'\nend = '15:00'\n",
    ],
)
def test_what_came_from_the_environment_is_called_by_its_name(tmp_path, text):
    """S-108: no complaint repeats a value that may be a secret."""
    said = "\n".join(refusals(tmp_path, LOGIN + text, CANARY="canary'4711"))

    assert "canary" not in said
    assert "4711" not in said


def test_two_logins_that_name_the_same_account_are_refused(tmp_path):
    """Both lines; they would enforce against each other."""
    text = (
        "[[logins]]\nname = 'a'\naccounts = [1, 2]\n"
        "[[logins]]\nname = 'b'\naccounts = [2, '*']\nusername_env = 'USER_B'\n"
    )
    (said,) = refusals(tmp_path, text)

    assert said.startswith("6: logins.b.accounts: account 2 is guarded by more than one login")
    assert "lines 3 and 6" in said
    loaded(tmp_path, text.replace("[2, '*']", "[3]"))


def test_an_account_that_two_users_are_shown_is_refused_by_name(tmp_path):
    """Who is behind `*` is known at the start only."""
    config = loaded(tmp_path, LOGIN)
    record = AccountRecord(
        account=2, name="50K-2", balance_usd=Decimal(1), can_trade=True, simulated=True
    )

    config.check_overrides([record])
    with pytest.raises(ConfigError, match=r"50K-2.* is guarded by more than one login"):
        config.check_overrides([record, record])


def test_two_overrides_of_one_account_are_refused_with_both_lines(tmp_path):
    """And two logins of one name."""
    twice = "[[accounts]]\naccount = 5\n"

    (said,) = refusals(tmp_path, LOGIN + twice + twice)
    assert "accounts.account: '5' stands twice, lines 4 and 6; keep one" in said
    (said, _user) = refusals(tmp_path, LOGIN + LOGIN)
    assert "logins.name: 'desk' stands twice, lines 2 and 4; keep one" in said


def test_two_logins_of_one_user_are_refused_with_both_lines(tmp_path):
    """The broker would end the session of one as the other begins."""
    text = "[[logins]]\nname = 'a'\n[[logins]]\nname = 'b'\nusername_env = 'USER_B'\n"
    config = loaded(tmp_path, text)

    (said,) = refusals(tmp_path, text.replace("USER_B", "PROJECT_X_USERNAME"))
    assert said.startswith(
        "5: logins.b.username_env: PROJECT_X_USERNAME is the user of more than one login (a, b, lines"
    )
    who = {"PROJECT_X_USERNAME": "Ann", "USER_B": "ann", "PROJECT_X_API_KEY": "key"}
    with pytest.raises(ConfigError, match=r"login 'a'\) hold the same user"):
        config.login_settings(config.file.logins[1], who)
    config.login_settings(config.file.logins[1], who | {"USER_B": "ben"})


@pytest.mark.parametrize("value", ["[" * 5000 + "]" * 5000, "9" * 5000], ids=["deep", "long"])
def test_what_no_parser_can_hold_is_refused_like_any_bad_file(value):
    """A traceback would end a start with the wrong code, and a reload without an answer."""
    with pytest.raises(ConfigError, match="cannot be understood"):
        parse(Path("lockstep.toml"), f"a = {value}".encode())


def test_a_field_of_a_wrong_type_hides_no_other_mistake_of_its_rule(tmp_path):
    """`monday` is no weekday; the hours, the zone and what is missing are wrong all the same."""
    said = refusals(
        tmp_path,
        LOGIN
        + """
[defaults.rules.session_block_outside]
start = "9:30"
timezone = "Mars/Base"
days = ["monday"]
products = { EP = { start = "sun 18:00", end = "fri 17" } }
[defaults.rules.daily_realized_loss]
max_loss_usd = 100
[defaults.rules.daily_unrealized_loss]
max_loss_usd = 200
""",
    )

    for part in ("days[0]: ", "session_block_outside.end: is missing", "is looser than"):
        assert sum(part in each for each in said) == 1, (part, said)
    assert not any("at least one weekday" in each for each in said)

    said = refusals(
        tmp_path,
        LOGIN
        + """
[defaults.rules.session_block_outside]
start = "9:30"
end = "16:00"
timezone = "Mars/Base"
days = ["monday"]
products = { EP = { start = "sun 18:00", end = "fri 17" } }
""",
    )

    for part in ("days[0]: ", ".start: must be", ".timezone: ", "write it as ES", ".end: must be"):
        assert sum(part in each for each in said) == 1, (part, said)
    assert not any("at least one weekday" in each for each in said)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("[quotes]\nmax_jump_percent = 0\n", "quotes.max_jump_percent: must be greater than 0"),
        ("[quotes]\nmax_jump_percent = 100.1\n", "at most 100, not 100.1"),
        ("[quotes]\nmax_jump_percent = nan\n", "quotes.max_jump_percent"),
        ("[quotes]\nconfirm_within_s = -0.1\n", "quotes.confirm_within_s: must be at least 0"),
        ("[quotes]\nconfirm_within_s = 2.1\n", "at most 2, not 2.1: losses grow"),
        ("[quotes]\nconfirm_within_s = nan\n", "quotes.confirm_within_s"),
        ("[money]\nquote_max_age_s = 0.5\n", "0.5 must be less than money.quote_max_age_s = 0.5"),
    ],
)
def test_a_check_of_quotes_that_cannot_be_meant_is_refused(tmp_path, table, said):
    """What is held back must still be fresh when it counts, and nothing is held back for long."""
    (complaint,) = refusals(tmp_path, f"{LOGIN}{table}")

    assert said in complaint


def test_quotes_may_be_believed_at_once(tmp_path):
    """The least and the most that can be said."""
    for table in ("max_jump_percent = 100\nconfirm_within_s = 2", "confirm_within_s = 0"):
        loaded(tmp_path, f"{LOGIN}[quotes]\n{table}\n")
