"""What `doctor` says of the alert channels, and whom it tells."""

import pytest

from actors.ops import exits
from actors.ops.doctor.channels import judge_channels, read_channels
from actors.ops.doctor.finding import Level
from tests.alerts.conftest import channel
from tests.alerts.hook import Answer
from tests.alerts.words import NOW
from tests.config.texts import LOGIN, loaded

PING = '[alerts.heartbeat]\nurl_env = "LOCKSTEP_PING"\n'


@pytest.fixture
def findings(tmp_path):
    """Return what is found of these channels."""

    def look(text="", *, send=False, **urls):
        read = read_channels(loaded(tmp_path, LOGIN + text), urls, NOW, send=send)
        return [(each.level, each.about, each.code) for each in judge_channels(read)]

    return look


def test_nobody_to_tell_is_a_warning(findings):
    """It can be left so: then somebody has to look."""
    assert [level for level, _, _ in findings()] == [Level.WARNING]


def test_a_channel_that_was_not_tried_is_not_known_to_work(findings, hook):
    """A test message goes out only if it is asked for."""
    urls = {"LOCKSTEP_TEAM": f"{hook.url}/a", "LOCKSTEP_PING": f"{hook.url}/b"}

    found = findings(channel("team") + PING, **urls)

    assert [each[:2] for each in found] == [(Level.UNKNOWN, "team"), (Level.UNKNOWN, "heartbeat")]
    assert hook.told == []


def test_a_test_message_tells_which_channels_work(findings, hook, other):
    """One takes it, one refuses it."""
    other.answer(Answer(404))
    text = channel("team") + channel("gone")

    found = findings(text, send=True, LOCKSTEP_TEAM=f"{hook.url}/a", LOCKSTEP_GONE=f"{other.url}/b")

    assert [each[:2] for each in found] == [(Level.OK, "team"), (Level.CRITICAL, "gone")]
    assert found[1][2] == exits.CONFIG


def test_a_missing_address_is_a_bad_configuration(findings):
    """The variable that holds it is not set."""
    ((level, _, code),) = findings(channel("team"))

    assert (level, code) == (Level.CRITICAL, exits.CONFIG)
