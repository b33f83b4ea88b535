"""Channels over HTTP: each may refuse, hang or vanish; it harms nobody, and is itself shown."""

import shutil
import subprocess

import pytest

from actors.ops.status_table import print_status
from messages.events import AccountLocked, AlarmRaised
from messages.values import AlarmCode
from tests.alerts.conftest import channel
from tests.alerts.hook import Answer, Hook
from tests.alerts.test_episodes import BREACH, DONE, START, alarm, begun
from tests.rig import TOKENS, A

TOKEN = "canary-token-0815"


def alarms(run):
    """Return what was alarmed of channels."""
    found = run.events(AlarmRaised, None)
    return [each.text for each in found if each.code is AlarmCode.ALERT_CHANNEL_FAILED]


def state(run, name="desk"):
    return next(each for each in run.system.status().channels if each.name == name)


def test_what_is_refused_for_now_is_tried_again(told, hook):
    """After as long as the channel asks for, and no message is lost or told twice."""
    run = begun(told)
    hook.answer(Answer(429, headers=(("Retry-After", "30"),)))
    run.fill(A, "-510")
    run.settle()
    failing = state(run)
    run.advance(29)
    early = len(hook.told)
    run.advance(2)

    assert (failing.error, failing.held_back, failing.lost) == ("HTTP 429", 2, 0)
    assert early == 2
    assert hook.titles[2:] == ["2 notices that were held back: 2 critical"]
    assert state(run).failing_since is None
    assert alarms(run) == []


@pytest.mark.parametrize(
    "body",
    [b'{"retry_after": 40.5}', b'{"ok":false,"parameters":{"retry_after":40.5}}'],
    ids=["discord", "telegram"],
)
def test_how_long_to_wait_may_stand_in_the_body(told, hook, body):
    """Two services write it there."""
    run = begun(told)
    hook.answer(Answer(429, body=body))
    alarm(run, AlarmCode.DEAD_LETTER)
    run.advance(40)
    early = len(hook.told)
    run.advance(1)

    assert (early, len(hook.told)) == (2, 3)


def test_a_webhook_that_is_gone_is_shown_and_told_through_the_others(
    told, hook, other, monkeypatch, capsys
):
    """In the status, in the journal and so in the log, in the other channel; never with its URL."""
    monkeypatch.setitem(TOKENS, "LOCKSTEP_PHONE", other.url)
    run = begun(told, channel(), channel("phone"))
    hook.usual = Answer(404, body=f"no such hook {TOKEN}".encode())
    run.fill(A, "-510")
    for _ in range(3):
        run.advance(6)
    gone = state(run)
    print_status(run.system.status())
    shown = capsys.readouterr().out

    assert gone.error == "HTTP 404"
    assert gone.lost >= 2
    assert "alerts: desk (json) fails since" in shown
    assert "HTTP 404" in shown
    (text,) = alarms(run)
    assert text.startswith("alert channel desk (json) fails: HTTP 404; ")
    assert "ALERT_CHANNEL_FAILED" in other.titles
    assert TOKEN not in f"{text}{shown}{gone}{run.testimony.events()}"


def test_what_was_lost_is_counted_and_told_when_it_works_again(told, hook):
    """Else silence would look like calm."""
    run = begun(told)
    hook.answer(Answer(404))
    alarm(run, AlarmCode.DEAD_LETTER)
    run.advance(6)

    assert hook.titles[2] == "ALERT_CHANNEL_FAILED"
    assert (
        "(1 notices before this could not be sent here; the log has them)"
        in hook.notices[2]["lines"]
    )
    assert state(run).failing_since is None


def test_a_channel_that_hangs_delays_nobody(told, hook, other, monkeypatch):
    """Neither the lock nor the other channel; what it is told waits."""
    monkeypatch.setitem(TOKENS, "LOCKSTEP_PHONE", other.url)
    run = begun(told, channel(timeout_s=1.5), channel("phone"))
    hook.usual = Answer(hang=True)
    run.fill(A, "-510")
    run.settle()

    assert len(run.events(AccountLocked)) == 1
    assert other.titles == [START, BREACH, DONE]
    assert state(run).error == "no answer within 1.5 s"
    assert state(run).held_back == 2


def test_a_connection_that_is_cut_is_a_failure_like_any_other(told, hook):
    """It is tried again."""
    run = begun(told)
    hook.answer(Answer(cut=True))
    alarm(run, AlarmCode.DEAD_LETTER)
    cut = state(run)
    run.advance(3)

    assert cut.error.startswith("RemoteProtocolError")
    assert hook.titles[-1] == "DEAD_LETTER"


def test_no_redirect_is_followed(told, hook, other):
    """Its token stands in the URL, and what it is told in the body."""
    run = begun(told)
    hook.answer(Answer(307, headers=(("Location", other.url),)))
    alarm(run, AlarmCode.DEAD_LETTER)

    assert state(run).error == "HTTP 307: it redirects, which is not followed"
    assert state(run).lost == 1
    assert other.told == []


def test_an_answer_without_end_is_not_read(told, hook):
    """Some kilobytes may say how long to wait; no more is taken."""
    run = begun(told, channel(timeout_s=5.0))
    hook.answer(Answer(500, body=b"x" * 5_000_000))
    alarm(run, AlarmCode.DEAD_LETTER)
    run.settle()

    assert state(run).error == "HTTP 500"


def test_a_channel_whose_actor_dies_comes_back_and_takes_nobody_along(told, hook):
    """It is replaced under its own supervisor; the root counts nothing."""
    run = begun(told)
    for _ in range(8):
        run.system.directory.tell("channel/desk", "no message of a channel")
        run.system.directory.tell("alerts", "no message of theirs either")
        run.settle()
        run.advance(11)  # after the period in which failures add up to a back-off
    run.fill(A, "-510")
    run.settle()

    assert run.given_up == []
    assert len(run.events(AccountLocked)) == 1
    assert any(BREACH in f"{each['title']} {each['lines']}" for each in hook.notices)


def test_nobody_is_told_anything_without_a_channel(told):
    """No actor of theirs is started, and the status has no line of it."""
    run = told(" ")

    assert run.system.directory.addresses("alerting") == []
    assert run.system.status().channels == ()


def test_a_stop_waits_for_a_channel_that_hangs_only_for_seconds(told, hook):
    """And loses what it could not send; the log has it."""
    run = begun(told, channel(timeout_s=60))
    hook.usual = Answer(hang=True)
    run.system.directory.ref("channel/desk")
    run.do(lambda _gateway: None)
    run.stop()

    assert hook.titles[-1] == "Lockstep stops (test): nothing is guarded until it runs again"


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
def test_a_certificate_that_nobody_vouches_for_is_not_trusted(told, hook, tmp_path, monkeypatch):
    """Whoever pretends to be the channel is told nothing, neither the token nor what happens."""
    pem = tmp_path / "own.pem"
    words = "req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=127.0.0.1"
    words += f" -addext subjectAltName=IP:127.0.0.1 -keyout {pem} -out {tmp_path / 'cert.pem'}"
    subprocess.run(["openssl", *words.split()], check=True, capture_output=True)  # noqa: S603, S607
    with pem.open("a") as both:
        both.write((tmp_path / "cert.pem").read_text())
    with Hook(pem) as pretender:
        monkeypatch.setitem(TOKENS, "LOCKSTEP_PHONE", f"{pretender.url}/{TOKEN}")
        run = begun(told, channel(), channel("phone"))
        run.fill(A, "-510")
        run.settle()

        assert "CERTIFICATE_VERIFY_FAILED" in state(run, "phone").error
        assert {START, BREACH, DONE} <= set(hook.titles)
        assert pretender.told == []
