"""One test message through every channel, as `doctor` sends it: how each went, and nothing is armed."""

import pytest

from actors.ops.alerts.trial import send_test
from tests.alerts.conftest import channel
from tests.alerts.hook import Answer
from tests.alerts.words import NOW
from tests.config.texts import LOGIN, loaded

PING = '[alerts.heartbeat]\nurl_env = "LOCKSTEP_PING"\n'
TOKEN = "canary-token-0815"


@pytest.fixture
def outcomes(tmp_path):
    """Return what becomes of test messages to these URLs."""

    def play(text, **urls):
        return send_test(loaded(tmp_path, LOGIN + text).alert_settings(urls), NOW)

    return play


def test_every_channel_is_told_and_says_how_it_went(outcomes, hook, other):
    """One that works, one that refuses, one that hangs, one that is not there, and the switch."""
    other.answer(Answer(403, body=TOKEN.encode()))
    with type(hook)() as gone:
        nobody = gone.url
    hanging = type(hook)()
    hanging.usual = Answer(hang=True)
    text = "".join(
        [
            channel("a"),
            channel("b", "discord"),
            channel("c", "slack", timeout_s=0.3),
            channel("d"),
            PING,
        ]
    )
    try:
        a, b, c, d, ping = outcomes(
            text,
            LOCKSTEP_A=f"{hook.url}/{TOKEN}",
            LOCKSTEP_B=f"{other.url}/{TOKEN}",
            LOCKSTEP_C=f"{hanging.url}/{TOKEN}",
            LOCKSTEP_D=f"{nobody}/{TOKEN}",
            LOCKSTEP_PING=f"{hook.url}/ping",
        )
    finally:
        hanging.close()

    assert (a.ok, a.name, a.kind) == (True, "a", "json")
    assert (b.ok, b.error) == (False, "HTTP 403")
    assert c.error == "no answer within 0.3 s"
    assert d.error.startswith("ConnectError")
    assert (ping.ok, ping.name) == (True, "heartbeat")
    assert sorted(each.path for each in hook.told) == [f"/{TOKEN}", "/ping/log"]
    assert TOKEN not in repr((a, b, c, d, ping))


def test_the_message_says_that_it_is_a_test(outcomes, hook):
    """Nobody is frightened by it."""
    outcomes(channel("a"), LOCKSTEP_A=hook.url)

    (said,) = hook.notices
    assert said["title"] == "Lockstep test: this channel works"
    assert said["severity"] == "info"


def test_without_channels_nobody_is_told(outcomes):
    """And nothing fails."""
    assert outcomes("") == ()
