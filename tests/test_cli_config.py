"""What `main.py check` and `run` refuse in a configuration: one error, exit 78, all at once."""

import subprocess
from datetime import timedelta

import pytest

import main
from actors.runtime import SystemClock
from tests.cli import lockstep, one_error

LOGIN = '[[logins]]\nname = "desk"\n'
SESSION = '[defaults.rules.session_block_outside]\nstart = "08:30"\nend = "15:00"\n'
CALENDAR = """source = "test"
checked = "2026-01-01"
expires = "{}"
timezone = "America/Chicago"
holidays = []
[early_closes]
"""


def rule(key, **fields):
    lines = "".join(f"{name} = {value}\n" for name, value in fields.items())
    return f"{LOGIN}[defaults.rules.{key}]\n{lines}"


def table(name, **fields):
    return f"{LOGIN}[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in fields.items())


def refused(tmp_path, text, **env):
    """Return what `check` says about a file it must refuse."""
    path = tmp_path / "mine.toml"
    path.write_text(text)
    said = one_error(lockstep("check", "--config", path, **env), 78)
    assert said.startswith(f"{path}: ")
    return said


BAD = {
    "no toml": ("what is this", ["is not valid TOML", "line 1"]),
    "no logins": ("", ["logins", "[[logins]]"]),
    "empty logins": ("logins = []", ["logins", "[[logins]]"]),
    "login without accounts": (LOGIN + "accounts = []", ["logins.desk.accounts", "no account"]),
    "login with a slash": ('[[logins]]\nname = "a/b"', ['logins."a/b".name', "'a/b'"]),
    "unknown table": (table("brokr", x=1), ["brokr: unknown key", "did you mean broker?"]),
    "unknown key": (table("http", listn='"x"'), ["http.listn: unknown key", "mean listen?"]),
    "mistyped parameter": (
        rule("max_contracts", limitt=5),
        ["defaults.rules.max_contracts.limitt: unknown key; did you mean limit?"],
    ),
    "secret in the file": (LOGIN + 'api_key = "canary"', ["api_key: unknown key", "api_key_env"]),
    "text for a number": (rule("max_contracts", limit='"5"'), ["limit: Expected `int`"]),
    "true for a number": (rule("max_contracts", limit="true"), ["limit: Expected `int`"]),
    "half a contract": (rule("max_contracts", limit=5.5), ["limit: Expected `int`"]),
    "text for money": (
        rule("daily_realized_loss", max_loss_usd='"500"'),
        ["max_loss_usd: Expected `decimal`, got `str`"],
    ),
    "true for money": (
        rule("daily_realized_loss", max_loss_usd="true"),
        ["max_loss_usd: Expected `decimal`, got `bool`"],
    ),
    "negative loss": (
        rule("daily_realized_loss", max_loss_usd=-500),
        ["max_loss_usd: must be greater than 0, not -500", "written as positive amounts: 500"],
    ),
    "no number": (rule("daily_realized_loss", max_loss_usd="nan"), ["max_loss_usd: NaN is no"]),
    "endless loss": (
        rule("daily_realized_loss", max_loss_usd="inf"),
        ["max_loss_usd: Infinity is no amount"],
    ),
    "endless deadline": (table("enforcement", deadline_s="inf"), ["enforcement.deadline_s"]),
    "deadline of years": (
        table("enforcement", deadline_s="1e30"),
        ["enforcement.deadline_s: must be greater than 0 and at most 3600"],
    ),
    "negative reconcile": (
        table("broker", reconcile_every_s=-1),
        ["broker.reconcile_every_s must be positive"],
    ),
    "no requests": (
        table("broker", requests_per_minute=0),
        ["broker.requests_per_minute must be at least 1"],
    ),
    "odd address": (table("broker", api_url='"ftp://x"'), ["broker.api_url must be an http(s)"]),
    "duration in words": (
        rule("cooldown_after_loss", tiers='[{ loss_usd = 100, cooldown_s = "permanent" }]'),
        ["tiers[0].cooldown_s: Expected `int`, got `str`"],
    ),
    "contradiction": (
        rule("max_contracts", limit=5)
        + "[defaults.rules.max_contracts_per_instrument]\nlimits = { MNQ = 6 }\ndefault_limit = 1",
        ["MNQ = 6", "max_contracts.limit = 5", "[checks] allow"],
    ),
    "missing variable": (
        table("journal", path='"${LOCKSTEP_NOWHERE}/x.db"'),
        ["environment variable LOCKSTEP_NOWHERE is not set"],
    ),
    "unknown rule": (rule("daily_loss", x=1), ["defaults.rules.daily_loss: there is no such rule"]),
    "unknown rule of an account": (
        LOGIN + "[[accounts]]\naccount = 5\n[accounts.rules.daily_loss]\nx = 1",
        ["accounts.5.rules.daily_loss: there is no such rule"],
    ),
    "bad time": (table("trading_day", reset='"25:00"'), ["trading_day.reset", "'25:00'", "17:00"]),
    "bad zone": (table("trading_day", timezone='"Mars"'), ["trading_day.timezone", "'Mars'"]),
    "bad session": (
        rule("session_block_outside", start='"8:30"', end='"15:00"'),
        ["session_block_outside.start", "'8:30'"],
    ),
    "all interfaces": (
        table("http", listen='"0.0.0.0:80"'),
        ["http.listen: must be a loopback", "'0.0.0.0:80'"],
    ),
    "port in words": (table("http", listen='"localhost:²"'), ["http.listen: must be a loopback"]),
    "login twice": (LOGIN + LOGIN, ["logins.name: 'desk' stands twice"]),
    "account twice": (
        LOGIN + "[[accounts]]\naccount = 5\n[[accounts]]\naccount = 5\n",
        ["accounts.account: '5' stands twice"],
    ),
    "no journal": (table("journal", path='""'), ["journal.path: is empty"]),
    "no anchor": (table("journal", anchor='""'), ["journal.anchor: is empty"]),
    "journal as anchor": (
        table("journal", path='"a.db"', anchor='"a.db"'),
        ["journal.anchor: is empty or the journal itself"],
    ),
    "no calendar": (table("calendar", file='"mine.csv"'), ["calendar.file: 'mine.csv'"]),
}


@pytest.mark.parametrize(("text", "parts"), BAD.values(), ids=BAD)
def test_a_bad_configuration_is_refused_with_place_and_fix(tmp_path, capsys, text, parts):
    """S-106 to S-108: file, key, what is wrong and what would be right; nothing else on screen."""
    path = tmp_path / "mine.toml"
    path.write_text(text)

    code = main.main(["check", "--config", str(path)])  # not a process each: there are many

    printed = capsys.readouterr()
    said = one_error(subprocess.CompletedProcess([], code, printed.out, printed.err), 78)
    for part in (f"{path}: ", *parts):
        assert part in said


def test_everything_that_is_wrong_is_said_at_once(tmp_path):
    """Who mends a file is not sent round once per mistake."""
    said = refused(
        tmp_path,
        table("broker", x=1)
        + '[trading_day]\nreset = "99:00"\ntimezone = "Mars"\n[http]\nlisten = "0.0.0.0:1"\n'
        + '[journal]\npath = "${LOCKSTEP_NOWHERE}"\n'
        + "[defaults.rules.max_contracts]\nlimitt = 5\n"
        + "[defaults.rules.daily_realized_loss]\nmax_loss_usd = -1\n"
        + "[[accounts]]\naccount = 1\n[accounts.rules.nope]\nx = 1\n",
    )

    for part in (
        *("broker.x", "trading_day.reset", "trading_day.timezone", "http.listen"),
        *("LOCKSTEP_NOWHERE", "max_contracts.limitt", "max_loss_usd", "accounts.1.rules.nope"),
    ):
        assert part in said
    assert said.count("max_loss_usd") == 1


@pytest.mark.parametrize(("days", "code"), [(29, 78), (32, 0)])
def test_a_calendar_that_ends_within_30_days_is_refused(tmp_path, days, code):
    """S-50: a table that is about to end is said before it ends, and may be allowed by name."""
    ends = (SystemClock().now() + timedelta(days=days)).date()
    (tmp_path / "days.toml").write_text(CALENDAR.format(ends))
    path = tmp_path / "mine.toml"
    path.write_text(f'{LOGIN}[calendar]\nfile = "days.toml"\n{SESSION}')

    done = lockstep("check", "--config", path)

    assert done.returncode == code
    assert (str(ends) in done.stderr) is bool(code)
    if code:
        path.write_text(path.read_text() + '[checks]\nallow = ["calendar_expires_soon"]\n')
        allowed = lockstep("check", "--config", path)
        assert allowed.returncode == 0
        assert "warning: " in allowed.stdout


def test_a_secret_that_stands_in_the_wrong_place_is_not_repeated(tmp_path):
    """S-108: a value from the environment never appears in an error."""
    said = refused(
        tmp_path,
        table("enforcement", deadline_s='"${CANARY}"'),
        CANARY="canary-4711",
    )

    assert "canary-4711" not in said


@pytest.mark.parametrize("path", ["nowhere.toml", "."])
def test_a_file_that_cannot_be_read_is_named(tmp_path, path):
    """A missing file and a folder are no tracebacks."""
    said = one_error(lockstep("check", "--config", tmp_path / path), 78)

    assert str(tmp_path) in said
    assert "check the path" in said


def test_a_variable_in_a_comment_is_left_alone(tmp_path):
    """S-108: only values are expanded."""
    path = tmp_path / "mine.toml"
    path.write_text("# ${NOBODY_SETS_THIS}\n" + LOGIN)

    assert lockstep("check", "--config", path).returncode == 0


def test_check_prints_what_applies_to_whom(tmp_path):
    """S-109: the defaults, and for an account what its override makes of them."""
    path = tmp_path / "mine.toml"
    path.write_text(
        rule("daily_realized_loss", max_loss_usd=500)
        + "[[accounts]]\naccount = 5\n[accounts.rules.daily_realized_loss]\nmax_loss_usd = 7\n"
    )

    done = lockstep("check", "--config", path)

    assert done.returncode == 0
    everyone, one = done.stdout.split("account 5: ")
    assert "loss of $500.00" in everyone
    assert "loss of $7.00" in one
    assert "$500.00" not in one
