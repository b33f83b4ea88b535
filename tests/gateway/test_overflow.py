"""An account that is too far behind is cut off, alone and loudly; it is connected anew afterwards."""

import pytest

from actors.gateway import overflow
from messages.events import AlarmRaised
from messages.facts import PositionChanged, StreamConnected, StreamLost, TradeExecuted
from messages.values import AlarmCode
from tests.gateway.support import MNQ, PATIENCE_S, A, B, Probe
from tests.runtime.nursery import Gate

ROOM = 20


class Standing(Probe):
    """Stands at gates, as an account does that is blocked."""

    def on_receive(self, message):
        if isinstance(message, Gate):
            message.stand()
        else:
            super().on_receive(message)


@pytest.fixture
def behind(rig, monkeypatch):
    """Guard two accounts; A has stood still since its stream came up, and little may wait for it."""
    monkeypatch.setattr(overflow, "MOST", ROOM)
    monkeypatch.setattr(overflow, "FEWEST", ROOM)
    rig.directory.ref(f"account/{A}").stop(timeout=PATIENCE_S)
    standing = Standing.start(dispatcher=rig.pool, heard=rig.account(A))
    rig.directory.register(f"account/{A}", standing)
    rig.guard(A, B)
    gate = Gate()
    standing.tell(gate)
    assert gate.reached.wait(PATIENCE_S)
    yield rig, gate
    gate.opened.set()


def flood(rig):
    """Let far more happen to A than may wait, and wait until B has heard what came after it."""
    before = len(rig.account(B).all(PositionChanged))
    for _ in range(ROOM):
        rig.hold(A)
    rig.hold(B)
    rig.account(B).wait(PositionChanged, count=before + 1)


def waiting(rig):
    return rig.directory.waiting(f"account/{A}")


def late_alarms(rig):
    alarms = rig.journal.all(AlarmRaised)
    return [each for each in alarms if each.code is AlarmCode.FACTS_LATE]


def test_no_more_waits_than_there_is_room_for(behind):
    """However much happens; the last that waits is that the stream is lost, and others hear on."""
    rig, gate = behind
    flood(rig)
    first = waiting(rig)
    flood(rig)

    assert (first, waiting(rig)) == (ROOM + 1, ROOM + 1)
    gate.opened.set()
    rig.account(A).one(StreamLost)
    told = [type(each) for each in rig.account(A).all()]
    assert told[ROOM + 1] is StreamLost
    assert len(rig.account(B).all(TradeExecuted)) == 2


def test_it_is_alarmed_once_and_at_once(behind):
    """It cannot say so itself: it stands still."""
    rig, _ = behind
    flood(rig)
    flood(rig)

    (alarm,) = late_alarms(rig)
    assert alarm.account == A
    assert f"{ROOM} facts" in alarm.text


def test_when_it_has_caught_up_it_is_connected_anew_and_hears_again(behind):
    """In order: what had waited, the loss, the new connection, and then what happens from then on."""
    rig, gate = behind
    flood(rig)
    gate.opened.set()
    rig.account(A).wait(StreamConnected, count=2)
    size = rig.sim.control.positions(A)[MNQ] + 1
    rig.hold(A)
    rig.account(A).one(PositionChanged, lambda each: each.position.size == size)

    streams = [
        type(each)
        for each in rig.account(A).all()
        if isinstance(each, StreamConnected | StreamLost)
    ]
    assert streams == [StreamConnected, StreamLost, StreamConnected]


def test_a_hub_that_comes_back_meanwhile_does_not_connect_it_too_early(behind):
    """It would read the broker, and then not hear what happens after that."""
    rig, gate = behind
    flood(rig)
    rig.sim.control.drop_connections()
    rig.account(B).wait(StreamConnected, count=2)

    assert waiting(rig) == ROOM + 1
    gate.opened.set()
    again = rig.account(A).wait(StreamConnected, count=2)[1]
    assert again.generation == 2
    assert len(rig.account(A).all(StreamLost)) == 1
    rig.hold(A)
    size = rig.sim.control.positions(A)[MNQ]
    rig.account(A).one(PositionChanged, lambda each: each.position.size == size)


@pytest.mark.parametrize(
    ("accounts", "facts"),
    [(0, 1000), (1, 1000), (100, 1000), (200, 500), (1000, 100), (10_000, 100)],
)
def test_the_room_of_a_login_is_shared_out(accounts, facts):
    """A hundred at least, so that the burst of one enforcement cuts nobody off."""
    assert overflow.room(accounts) == facts
    assert overflow.caught_up(facts // 10, accounts)
    assert not overflow.caught_up(facts // 10 + 1, accounts)
