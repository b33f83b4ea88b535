"""apprise as a channel: it is synchronous, may hang, and raises what it likes; it harms nobody."""

import threading

import apprise
import pytest

from messages.events import AccountLocked
from messages.values import AlarmCode
from tests.alerts.conftest import channel
from tests.alerts.hook import Answer
from tests.alerts.test_episodes import BREACH, DONE, START, alarm, begun
from tests.rig import TOKENS, A


@pytest.fixture
def start(told, hook, monkeypatch):
    """Return how to start a system that tells a local server through apprise's own JSON."""

    def begin(**more):
        url = hook.url.replace("http://", "json://") + "/canary-token-0815"
        monkeypatch.setitem(TOKENS, "LOCKSTEP_APPRISE", url)
        table = channel(kind="apprise", **more).replace("LOCKSTEP_DESK", "LOCKSTEP_APPRISE")
        return begun(told, table)

    return begin


def test_what_people_are_told_arrives_through_apprise(start, hook):
    """Title and body, as text."""
    run = start()
    run.fill(A, "-510")
    run.settle()

    said = [each.json for each in hook.told]
    assert [each["title"] for each in said] == [
        f"[INFO] {START}",
        f"[CRITICAL] {BREACH}",
        f"[CRITICAL] OVER: {DONE}",
    ]
    assert said[1]["type"] == "failure"
    assert said[1]["message"].startswith("Daily P&L: $-510.00, Limit: $-500.00\n")


def test_what_apprise_cannot_send_is_tried_again_and_shown_without_its_url(start, hook, capfd):
    """Apprise itself would log the URL."""
    run = start()
    hook.answer(Answer(500))
    alarm(run, AlarmCode.DEAD_LETTER)
    (failing,) = run.system.status().channels
    run.advance(3)

    assert failing.error == "apprise could not send it"
    assert hook.told[-1].json["title"] == "[WARNING] DEAD_LETTER"
    assert "canary-token-0815" not in f"{failing}{capfd.readouterr()}{run.testimony.events()}"


def test_apprise_that_hangs_delays_nobody_and_is_not_begun_again(start, hook):
    """One thread hangs, not one a message."""
    run = start(timeout_s=1.5)
    hook.usual = Answer(hang=True)
    run.fill(A, "-510")
    (hanging,) = run.system.status().channels
    run.advance(3)
    run.advance(5)
    (still,) = run.system.status().channels

    assert len(run.events(AccountLocked)) == 1
    assert hanging.error == "apprise has not sent within 1.5 s"
    assert still.error == "apprise hangs in an earlier message"
    assert sum(each.name == "apprise" for each in threading.enumerate()) == 1


def test_whatever_a_service_of_apprise_raises_is_a_failure_like_any_other(start, monkeypatch):
    """A hundred services' code; what it says may hold the URL, so it is not told."""
    run = start()
    monkeypatch.setattr(apprise.Apprise, "notify", lambda *_, **__: 1 / 0)
    alarm(run, AlarmCode.DEAD_LETTER)
    (failing,) = run.system.status().channels

    assert failing.error == "apprise could not send it"
