"""What leaves for each kind of channel: bounded, and nothing in it is markup or mentions anybody."""

import re

import pytest

from actors.ops.alerts.formats import FORMATS, discord, plain_json, request_of, slack, telegram
from actors.ops.alerts.wording import Names, clean, span
from messages.alerts import Stage
from tests.alerts.words import CRITICAL, notice

NASTY = "@everyone <!channel> <@123> [here](https://evil.example) **x** `y` ||z|| <a href='x'>"
LONG = notice(CRITICAL, "x" * 300, lines=tuple(["\\*_" * 100] * 50))
ASTRAL = notice(CRITICAL, "🚨" * 300, lines=tuple(["🚨" * 300] * 20))


def test_discord_mentions_nobody_and_shows_no_markup():
    """Neither by its text nor by what it is asked to parse."""
    body = discord(notice(CRITICAL, NASTY))

    assert body["allowed_mentions"] == {"parse": []}
    assert "@everyone" not in body["content"]
    bare = re.sub(r"\\.", "", body["content"])
    assert not re.search(r"[`*_~|<>\[\]]", bare)


def test_slack_mentions_nobody_and_makes_no_link():
    """Its three control characters are escaped, and the rest is no markup."""
    body = slack(notice(CRITICAL, NASTY + " a & b"))

    assert "<" not in body["text"]
    assert "&lt;!channel&gt;" in body["text"]
    assert "a &amp; b" in body["text"]
    assert body["mrkdwn"] is False


@pytest.mark.parametrize("before", range(6))
def test_slack_is_never_sent_half_an_escape(before):
    """A text that is cut ends with what a person can read, wherever the cut falls."""
    long = notice(CRITICAL, "x" * before, lines=tuple(["&<>" * 100] * 20))

    text = slack(long)["text"]

    assert text.endswith("…")
    assert "&" not in re.sub(r"&(amp|lt|gt);", "", text)


def test_telegram_parses_nothing():
    """Without a parse mode everything is text."""
    body = telegram(notice(CRITICAL, NASTY))

    assert "parse_mode" not in body
    assert NASTY in body["text"]


def test_telegrams_chat_moves_from_the_url_into_the_body():
    """So it is posted the way its manual shows."""
    url = "https://api.telegram.org/bot1:x/sendMessage?chat_id=-100&message_thread_id=7"

    where, body = request_of("telegram", url, notice())

    assert where == "https://api.telegram.org/bot1:x/sendMessage"
    assert (body["chat_id"], body["message_thread_id"]) == ("-100", "7")


@pytest.mark.parametrize("long", [LONG, ASTRAL], ids=["escaped", "outside the plane"])
def test_no_message_is_longer_than_its_channel_takes(long):
    """Else it would be refused for ever."""
    content = discord(long)["content"]
    units = telegram(long)["text"].encode("utf-16-le")

    assert len(content) <= 2000
    assert len(slack(long)["text"]) <= 3000
    assert len(units) // 2 <= 4096
    assert units.decode("utf-16-le").endswith("…") is (len(units) // 2 >= 4095)
    assert not re.search(r"(?<!\\)(\\\\)*\\…", content)


def test_json_has_every_field_and_the_text():
    """For whatever takes it from there."""
    body = plain_json(notice(CRITICAL, "x", lines=("y",), account=5, stage=Stage.CLOSED))

    assert body == {
        "source": "lockstep",
        "at": "2025-10-29T17:00:00Z",
        "severity": "critical",
        "stage": "closed",
        "title": "x",
        "lines": ("y",),
        "account": 5,
        "episode": None,
        "text": "[CRITICAL] OVER: x\ny\n2025-10-29 17:00:00 UTC",
    }


@pytest.mark.parametrize("kind", FORMATS)
def test_every_kind_says_how_grave_it_is_first(kind):
    """On a phone's lock screen a few words are seen."""
    body = FORMATS[kind](notice(CRITICAL, "x", stage=Stage.GREW))
    (text,) = (body[key] for key in ("content", "text") if key in body)

    assert text.replace("\\", "").startswith("[CRITICAL] WORSE: x")


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("a\nb\tc\r\x00d", "a b c d"),
        ("a\u202eb\u2066c\u200bd", "a b c d"),
        ("a\u2028b\u2029c", "a b c"),
        ("  a  ", "a"),
        ("x" * 301, "x" * 299 + "…"),
        ("x" * 300, "x" * 300),
    ],
)
def test_a_text_of_others_becomes_one_bounded_line(said, shown):
    """No control character, none that turns what follows, no second line."""
    assert clean(said) == shown


def test_an_accounts_name_is_the_brokers_and_is_shown_as_such():
    """Cleaned, bounded, and with its number, which nobody can choose."""
    names = Names()
    names.note(5, "evil\n[CRITICAL] " + "x" * 100, shadow=False)

    assert names.of(5) == "evil [CRITICAL] " + "x" * 47 + "… (5)"
    assert names.of(6) == "account 6"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.44, "0.4 s"),
        (59.9, "59.9 s"),
        (60, "1 min 00 s"),
        (3599, "59 min 59 s"),
        (3660, "1 h 01 min"),
    ],
)
def test_durations_are_shown_in_two_units(seconds, shown):
    """At most."""
    assert span(seconds) == shown
