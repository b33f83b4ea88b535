"""A breach over the wire while a channel hangs for a minute: closed, verified and locked as ever."""

from messages.events import EnforcementFinished
from messages.values import Phase
from tests.alerts.conftest import channel
from tests.alerts.hook import Answer, Hook
from tests.rig import TOKENS, A
from tests.wire_rig import CLOSE, wire_config


def test_a_channel_that_hangs_holds_up_neither_the_close_nor_the_lock(wire, monkeypatch):
    """Everybody's patience here is shorter than the channel's time limit."""
    with Hook() as hanging, Hook() as works:
        hanging.usual = Answer(hang=True)
        monkeypatch.setitem(TOKENS, "LOCKSTEP_HANGS", hanging.url)
        monkeypatch.setitem(TOKENS, "LOCKSTEP_WORKS", works.url)
        tables = channel("hangs", timeout_s=60) + channel("works")
        loss = {"max_loss_usd": 5, "include_open_loss": False}
        run = wire(wire_config(daily_realized_loss=loss) + tables)
        hanging.wait(1)
        run.buy(A, "MNQ", 2)

        run.fill(A, "-35.50")
        run.wait(EnforcementFinished)
        works.wait(3)

        assert run.held(A) == {}
        assert len(run.requests(CLOSE)) == 1
        assert run.status(A).phase is Phase.LOCKED
        assert [each["stage"] for each in works.notices] == ["news", "opened", "closed"]
        assert len(hanging.told) == 1
        run.stop()
