"""Channels hang, refuse, cut off and crash while a hundred accounts break their limit.

Played twice on the virtual clock, once without alerts: what the accounts have in the journal, and in
which second, must be the same.
"""

from actors.ops.alerts import family
from actors.runtime import Restart
from messages.commands import CloseContract
from messages.events import AccountLocked, ActorRestarted, AlarmRaised
from messages.values import AlarmCode, Phase
from tests.alerts.conftest import channel
from tests.alerts.hook import Answer, Hook
from tests.rig import TOKENS, Rig, config_of

ACCOUNTS = tuple(range(3001, 3101))
CONFIG = config_of(daily_realized_loss={"max_loss_usd": 100, "include_open_loss": False}) + "\n"
POISON = "no message of theirs"
PING = '[alerts.heartbeat]\nurl_env = "LOCKSTEP_REFUSES"\n'
TROUBLES = PING + "".join(
    [channel("hangs", timeout_s=0.2), *map(channel, ("refuses", "cuts", "gone", "works"))]
)


def play(folder, config, *, troubled):
    """Have all accounts hold something and break their limit, in bursts; return the stopped rig."""
    folder.mkdir()
    rig = Rig(folder, config, accounts=ACCOUNTS)
    try:
        for account in ACCOUNTS:
            rig.order(account, "MNQ", 1)
        for first in range(0, len(ACCOUNTS), 25):
            if troubled:
                for address in ("alerts", "lookout", "channel/works", "channel/heartbeat"):
                    rig.system.directory.tell(address, POISON)
            for account in ACCOUNTS[first : first + 25]:
                rig.fill(account, "-101")
            rig.advance(11)  # after the period in which failures add up to a back-off
        assert {rig.status(each).phase for each in ACCOUNTS} == {Phase.LOCKED}
    finally:
        rig.stop()
    return rig


def seen_by(rig, account):
    """Return what an account's journal says happened, and in which second of virtual time."""
    return sorted(
        (type(each).__name__, each.at.replace(microsecond=0))
        for each in rig.testimony.events()
        if getattr(each, "account", None) == account
    )


def test_whatever_becomes_of_the_channels_every_account_is_enforced_as_without_them(
    tmp_path, monkeypatch
):
    """And their failing is alarmed, each by itself; the supervisor of all counts none of it."""
    calm = play(tmp_path / "calm", CONFIG, troubled=False)
    with Hook() as hangs, Hook() as refuses, Hook() as cuts, Hook() as works:
        hangs.usual, refuses.usual = Answer(hang=True), Answer(500)
        cuts.usual = Answer(cut=True)
        for name, url in (
            ("HANGS", hangs.url),
            ("REFUSES", refuses.url),
            ("CUTS", cuts.url),
            ("GONE", "http://127.0.0.1:9"),
            ("WORKS", works.url),
        ):
            monkeypatch.setitem(TOKENS, f"LOCKSTEP_{name}", url)
        troubled = play(tmp_path / "troubled", CONFIG + TROUBLES, troubled=True)
        told = [each["text"] for each in works.notices]

    restarted = {
        each.address for each in troubled.testimony.events() if isinstance(each, ActorRestarted)
    }
    failing = {
        each.text.split()[2]
        for each in troubled.testimony.events()
        if isinstance(each, AlarmRaised) and each.code is AlarmCode.ALERT_CHANNEL_FAILED
    }
    assert {"alerts", "lookout", "channel/works", "channel/heartbeat"} <= restarted
    assert {"hangs", "refuses", "cuts", "gone"} <= failing
    assert {each: seen_by(troubled, each) for each in ACCOUNTS} == {
        each: seen_by(calm, each) for each in ACCOUNTS
    }
    assert [len(troubled.commands(CloseContract, each)) for each in ACCOUNTS] == [1] * 100
    assert [troubled.held(each) for each in ACCOUNTS] == [{}] * 100
    assert [len(troubled.events(AccountLocked, each)) for each in ACCOUNTS] == [1] * 100
    assert troubled.given_up == []
    assert any("RULE-003" in each for each in told)


def test_alerts_that_cannot_even_be_started_keep_nothing_from_being_guarded(
    told, hook, monkeypatch
):
    """It is alarmed, and shown in the status."""

    def broken(*_, **__):
        raise RuntimeError(hook.url)

    monkeypatch.setattr(family, "sender_for", broken)
    run = told()
    run.fill(run.broker.accounts[0], "-510")
    run.settle()

    alarms = [each.event for each in run.stored(None) if isinstance(each.event, AlarmRaised)]
    (alarm,) = (each for each in alarms if each.code is AlarmCode.ALERT_CHANNEL_FAILED)
    (shown,) = run.system.status().channels
    assert alarm.code is AlarmCode.ALERT_CHANNEL_FAILED
    assert hook.url not in alarm.text
    assert shown.error == "its actor does not answer"
    assert run.status().phase is Phase.LOCKED


def test_their_supervisor_is_not_replaced_when_it_fails_itself(told):
    """So it can never be one failure too many of the root's."""
    run = told()
    root = run.system._supervisor._actor_weakref()

    assert root._roster["alerting"].spec.restart is Restart.TEMPORARY
    for _ in range(7):
        run.system.directory.tell("alerting", "no message of a supervisor")
        run.settle()
    run.fill(run.broker.accounts[0], "-510")
    run.settle()

    assert run.given_up == []
    assert run.status().phase is Phase.LOCKED
    assert [each.error for each in run.system.status().channels] == ["its actor does not answer"]
