"""An orderly stop: no account waits for another, and what each was told is on disk."""

import threading

from messages.events import DeadLettered, TradeExecuted
from tests.rig import A, B, config_of
from tests.scenarios.test_supervision import PATIENCE_S, restless

RULES = config_of(daily_realized_loss={"max_loss_usd": 500, "include_open_loss": False})


class Standing:
    """A directory in whose hands an actor stands still at its next word."""

    def __init__(self, directory):
        self._directory = directory
        self.reached, self.opened = threading.Event(), threading.Event()

    def __getattr__(self, name):
        return getattr(self._directory, name)

    def tell(self, to, message):
        self.reached.set()
        assert self.opened.wait(PATIENCE_S)
        self._directory.tell(to, message)


def test_an_account_that_stands_still_keeps_no_other_from_ending(rig):
    """The other ends meanwhile; what both had been told is on disk before the journal stops."""
    run = rig(RULES)
    directory = run.system.directory
    first, last = (directory.ref(f"account/{each}") for each in (A, B))
    last._actor_weakref()._directory = standing = Standing(directory)
    restless(run)
    filled = {account: [run.fill(account, "-1") for _ in range(5)] for account in (A, B)}
    assert standing.reached.wait(PATIENCE_S)
    stopping = threading.Thread(target=run.stop)
    stopping.start()

    assert first.actor_stopped.wait(PATIENCE_S)
    assert not last.actor_stopped.is_set()
    standing.opened.set()
    stopping.join(PATIENCE_S)

    stored = {account: [each.event for each in run.stored(account)] for account in (A, B)}
    assert {
        account: [each.fill.trade_id for each in events if isinstance(each, TradeExecuted)]
        for account, events in stored.items()
    } == filled
    assert not run.events(DeadLettered, None)
