"""Who has lost the lease sends no command; the gateway itself sees to it."""

from actors.simulator.record import Request
from messages.commands import CloseContract, TakeSnapshot
from messages.events import BrokerCommandAnswered
from messages.facts import SnapshotTaken
from messages.values import Done, NotSent
from tests.gateway.support import IN_TIME_S, MNQ, PATIENCE_S, A
from tests.gateway.test_commands import CLOSE, answer_to, close


def closes(rig):
    return [
        each
        for each in rig.sim.record().entries()
        if isinstance(each, Request) and each.endpoint == CLOSE
    ]


def test_a_fenced_gateway_sends_no_command_and_says_so(rig):
    """Not sent is certain, so it is answered `NotSent` with the reason; reads still pass."""
    rig.guard(A)
    rig.hold(size=2)
    rig.fenced = "the lease is lost"

    outcome = close(rig)

    assert outcome == NotSent(reason="the lease is lost")
    assert closes(rig) == []
    asked = {
        "asker": f"account/{A}",
        "trades_since": None,
        "urgent": False,
        "deadline_s": IN_TIME_S,
    }
    rig.ask(TakeSnapshot, request_id="r1", **asked)
    assert rig.account().one(SnapshotTaken).positions[0].size == 2


def test_a_command_on_its_way_to_a_connection_is_still_stopped(rig):
    """The lease is asked for at the last moment: after the wait for a token, budget and connection."""
    rig.guard(A)
    rig.hold(size=2)
    rig.sim.control.revoke_tokens()
    rig.sim.control.fault("hang_before", "/Auth/loginKey", times=1)

    rig.ask(CloseContract, command_id="late", deadline_s=2 * IN_TIME_S, contract=MNQ)
    rig.sim.record().wait_for(
        lambda entry: isinstance(entry, Request) and entry.endpoint == CLOSE, PATIENCE_S
    )
    rig.sim.record().wait_for(
        lambda entry: isinstance(entry, Request) and entry.endpoint == "/Auth/loginKey",
        PATIENCE_S,
        count=2,
    )
    rig.fenced = "the lease is lost"
    rig.sim.control.release()

    assert isinstance(answer_to(rig, "late").outcome, NotSent)
    assert len(closes(rig)) == 1
    assert rig.sim.control.positions(A) == {MNQ: 2}


def test_an_unfenced_gateway_asks_once_per_command(rig):
    """The fence is asked for what changes something, and for nothing else."""
    asked = []
    rig.fence = lambda: asked.append(1) or ""
    rig.guard(A)
    rig.hold(size=2)

    assert isinstance(close(rig), Done)

    assert len(asked) == 1
    assert rig.enforcer().all(BrokerCommandAnswered)
