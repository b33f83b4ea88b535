"""The dead-man's switch: pinged only while all are protected, told at once when one is not."""

from actors.ops.alerts.family import SUPERVISOR
from actors.ops.alerts.lookout import ADDRESS as LOOKOUT
from actors.runtime import StopChild
from tests.alerts.hook import Answer
from tests.rig import TOKENS, A

PING = '[alerts.heartbeat]\nurl_env = "LOCKSTEP_DESK"\nevery_s = 60\n'


def signs(hook):
    """Return what it was told, in order: the end of each path."""
    return [each.path.removeprefix("/ping/canary-token-0815") for each in hook.told]


def start(told, **how):
    run = told(PING, url="/ping/canary-token-0815", **how)
    run.advance(6)
    return run


def test_it_is_told_of_the_start_of_every_minute_and_of_the_stop(told, hook):
    """And with the stop, that nothing is guarded."""
    run = start(told)
    for _ in range(13):
        run.advance(10)
    run.stop()

    assert signs(hook) == ["/start", "", "", "", "/fail"]
    assert hook.told[-1].body.decode().startswith("it was stopped")
    assert hook.told[1].body.decode() == "every account is protected"


def test_it_is_failed_when_an_account_is_unprotected_for_too_long(told, hook):
    """A moment of reconnecting neither fails it nor is taken for a sign of life; then it goes on."""
    run = start(told)
    run.do(lambda gateway: gateway.lose())
    for _ in range(2):
        run.advance(6)
    moment = signs(hook)
    for _ in range(12):
        run.advance(6)
    lost = signs(hook)
    run.do(lambda gateway: gateway.reconnect())
    for _ in range(12):
        run.advance(6)

    assert moment == ["/start", ""]
    assert lost == ["/start", "", "/fail", "/fail"]
    assert f"({A}) is stale: " in hook.told[2].body.decode()
    assert signs(hook)[4:] == ["", ""]


def test_a_journal_that_refuses_fails_it_too(told, hook):
    """What is decided and not on disk would be lost with the process."""
    run = start(told)
    run.system._store._connection.execute("PRAGMA query_only = ON")
    run.fill(A, "-1")
    for _ in range(5):
        run.advance(6)
    refused = signs(hook)
    run.system._store._connection.execute("PRAGMA query_only = OFF")
    for _ in range(2):
        run.advance(6)

    assert refused[-1] == "/fail"
    assert b"not on disk" in hook.told[len(refused) - 1].body
    assert signs(hook)[-1] == ""


def test_a_sign_that_did_not_get_through_is_told_again(told, hook):
    """Until a later one takes its place; how that goes is shown like any channel."""
    hook.answer(Answer(503), Answer(503))
    run = told(PING, url="/ping/canary-token-0815")
    (failing,) = run.system.status().channels
    for _ in range(4):
        run.advance(11)
    (works,) = run.system.status().channels

    assert (failing.name, failing.kind, failing.error) == ("heartbeat", "heartbeat", "HTTP 503")
    assert works.failing_since is None
    assert signs(hook)[-1] == ""
    assert TOKENS["LOCKSTEP_DESK"] not in repr(run.testimony.events())


def test_that_all_was_well_is_not_told_long_after(told, hook):
    """Who looks has gone, and the way comes back: what was true then may not be any more."""
    run = start(told)
    hook.usual = Answer(503)
    while run.system.status().channels[0].failing_since is None:
        run.advance(6)
    run.system.directory.ref(SUPERVISOR).ask(StopChild(LOOKOUT))
    run.advance(12)
    hook.usual = Answer(200)
    before = len(hook.told)
    run.advance(3600)

    assert signs(hook)[1:before] == [""] * (before - 1)
    assert hook.told[before:] == []
