"""`[alerts]`: what is refused, with the fix, and never with a URL, for a URL holds a token."""

import importlib.util

import pytest

from config.errors import ConfigError
from messages.alerts import Severity
from tests.config.texts import LOGIN, loaded, refusals

SECRET = "canary-token-0815-4711"
CHANNEL = '[[alerts.channels]]\nname = "desk"\nkind = "§"\nurl_env = "LOCKSTEP_DESK"\n'
QUIET = "[alerts.quiet_hours]\n"


def channel(kind="json", **more):
    lines = "".join(f"{key} = {value}\n" for key, value in more.items())
    return LOGIN + CHANNEL.replace("§", kind) + lines


def settings(folder, text, **environment):
    return loaded(folder, text).alert_settings(environment)


def refusal(folder, text, **environment):
    with pytest.raises(ConfigError) as refused:
        settings(folder, text, **environment)
    return "\n".join(refused.value.complaints)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[alerts]\nwarn_at_percent = 0", "alerts.warn_at_percent: must be greater than 0"),
        ("[alerts]\nwarn_at_percent = 100", "alerts.warn_at_percent: must be greater than 0"),
        ("[alerts]\ndigest_minutes = 0", "alerts.digest_minutes: must be from 1 to 1440, not 0"),
        ("[alerts]\nunprotected_after_s = -1", "alerts.unprotected_after_s: must be from 0"),
        ("[alerts]\nunprotected_after_s = nan", "alerts.unprotected_after_s: NaN is no amount"),
        (f'{QUIET}start = "24:00"\nend = "07:00"', "alerts.quiet_hours.start: must be a local"),
        (f'{QUIET}start = "7"\nend = "08:00"', "alerts.quiet_hours.start: must be a local"),
        (f'{QUIET}start = "07:00"\nend = "07:00"', "quiet_hours.end: must not be the same time"),
        (f'{QUIET}start = "07:00"', "alerts.quiet_hours: must be complete|end: is missing"),
        (
            f'{QUIET}start = "07:00"\nend = "08:00"\ntimezone = "Chicago"',
            "alerts.quiet_hours.timezone: 'Chicago' is no IANA zone",
        ),
        (
            '[alerts.heartbeat]\nurl_env = "LOCKSTEP_PING"\nevery_s = 1',
            "alerts.heartbeat.every_s: must be from 10 to 3600, not 1",
        ),
        (
            CHANNEL.replace("§", "discrod"),
            "kind: must be one of discord, slack, telegram, json, apprise, not 'discrod'; did you mean",
        ),
        (CHANNEL.replace("§", "json") + "max_per_minute = 0", "max_per_minute: must be from 1"),
        (CHANNEL.replace("§", "json") + "timeout_s = 0", "timeout_s: must be from 0.1 to 60"),
        (CHANNEL.replace("§", "json") * 2, "alerts.channels[1].name: 'desk' is taken already"),
        (
            CHANNEL.replace("§", "json").replace('"desk"', '"heartbeat"'),
            "alerts.channels[0].name: 'heartbeat' is taken already",
        ),
        (CHANNEL.replace("§", "json").replace('"desk"', '"a/b"'), "must be letters, digits"),
    ],
)
def test_what_cannot_be_is_refused_with_its_key(tmp_path, text, said):
    """Before anything starts."""
    (complaint,) = refusals(tmp_path, f"{LOGIN}{text}\n")

    assert any(each in complaint for each in said.split("|"))


def test_a_url_in_the_file_is_refused_unsaid(tmp_path):
    """Whoever writes it there by mistake does not find it in a log."""
    text = channel().replace("LOCKSTEP_DESK", f"https://discord.com/api/webhooks/1/{SECRET}")

    (complaint,) = refusals(tmp_path, text)

    assert "alerts.channels[0].url_env: must be the name of an environment variable" in complaint
    assert SECRET not in complaint


@pytest.mark.parametrize(
    ("kind", "url", "said"),
    [
        ("json", None, "LOCKSTEP_DESK is not set; export it"),
        ("json", "  ", "LOCKSTEP_DESK is not set; export it"),
        ("json", f"http://example.com/{SECRET}", "is not encrypted"),
        ("json", f"http://127.0.0.1.example.com/{SECRET}", "is not encrypted"),
        ("json", f"http://localhost@example.com/{SECRET}", "is not encrypted"),
        ("json", f"ftp://example.com/{SECRET}", "is no https URL"),
        ("json", f"example.com/{SECRET}", "is no https URL"),
        ("json", f"https:///{SECRET}", "is no https URL"),
        ("json", f"https://example.com:x/{SECRET}", "is no URL"),
        ("json", f"https://exa mple.com/{SECRET}", "is no URL"),
        ("json", f"https://example.com/{SECRET}\x07", "is no URL"),
        ("json", f"https://[::1/{SECRET}", "is no URL"),
        ("telegram", f"https://api.telegram.org/bot{SECRET}/sendMessage", "chat_id=<chat>"),
        ("telegram", f"https://api.telegram.org/bot{SECRET}?chat_id=1", "chat_id=<chat>"),
        ("apprise", f"nosuchscheme://{SECRET}", "is no URL that apprise knows"),
    ],
)
def test_a_url_that_cannot_be_used_is_named_by_its_variable_only(tmp_path, capfd, kind, url, said):
    """Exit 78, and the token stays where it is."""
    environment = {} if url is None else {"LOCKSTEP_DESK": url}

    complaint = refusal(tmp_path, channel(kind), **environment)

    assert "alerts.channels[0].url_env: environment variable LOCKSTEP_DESK" in complaint
    assert said in complaint
    assert SECRET not in f"{complaint}{capfd.readouterr()}"


@pytest.mark.parametrize(
    ("kind", "url"),
    [
        ("discord", "https://discord.com/api/webhooks/1/x"),
        ("json", "http://127.0.0.1:8080/x"),
        ("json", "http://[::1]:8080/x"),
        ("json", "http://localhost/x"),
        ("telegram", "https://api.telegram.org/bot1:x/sendMessage?chat_id=-1"),
        ("apprise", "json://localhost/x"),
        ("apprise", "mailto://user:pass@example.com"),
    ],
)
def test_what_can_be_used_is(tmp_path, kind, url):
    """Without encryption only on this machine."""
    (only,) = settings(tmp_path, channel(kind), LOCKSTEP_DESK=url).channels

    assert (only.kind, only.url) == (kind, url)


def test_everything_that_is_written_arrives(tmp_path):
    """And nothing shows the URL."""
    text = channel(max_per_minute=3, timeout_s=2.5, min_severity='"critical"')
    url = f"https://example.com/{SECRET}"
    found = settings(tmp_path, f"{text}{QUIET}start = '22:00'\nend = '07:00'\n", LOCKSTEP_DESK=url)

    (only,) = found.channels
    assert (only.max_per_minute, only.timeout_s, only.min_severity) == (3, 2.5, Severity.CRITICAL)
    assert only.quiet is not None
    assert SECRET not in repr(found)
    assert found.wanted


def test_an_apprise_channel_without_apprise_is_refused_with_the_fix(tmp_path, monkeypatch):
    """It is an extra; a webhook needs nothing more."""
    there = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "apprise" else there(name)
    )

    (complaint,) = refusals(tmp_path, channel("apprise"))

    assert "alerts.channels[0].kind: apprise is not installed; install it with" in complaint


def test_no_log_says_a_url_or_a_part_of_it_that_may_be_a_token(tmp_path):
    """What the redaction is told to blot out."""
    config = loaded(
        tmp_path,
        channel("telegram") + '[alerts.heartbeat]\nurl_env = "LOCKSTEP_PING"\n',
    )
    urls = {
        "LOCKSTEP_DESK": f"https://api.telegram.org/bot{SECRET}/sendMessage?chat_id=-10012345",
        "LOCKSTEP_PING": f"https://user:{SECRET}x@hc-ping.com/4711-0815-4711-0815",
    }

    secrets = config.secrets(urls)

    assert {f"bot{SECRET}", "-10012345", f"{SECRET}x", "4711-0815-4711-0815"} <= set(secrets)
    assert set(urls.values()) <= set(secrets)
