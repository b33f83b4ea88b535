"""What its trader tells an account waits for the facts it was told before."""

from decimal import Decimal

import pykka
import pytest

from actors.account.actor import AccountActor
from actors.gateway.peaks import Peaks
from actors.rules import cooldown_after_loss
from actors.runtime import PooledActor, VirtualClock, WorkerPool
from messages.commands import LockAccount
from messages.facts import TradeExecuted
from tests.account.alone import Alone, after, fill
from tests.account.world import ACCOUNT, START
from tests.runtime.nursery import WAIT_S, Gate

LOSING = (cooldown_after_loss.RULE, cooldown_after_loss.CooldownAfterLoss())


class Doorkeeper(PooledActor):
    """Keeps the only worker until a gate is opened."""

    def on_receive(self, message):
        message.stand()


@pytest.fixture
def one_worker(in_flight):
    """A pool whose order of turns is the order of what is handled."""
    pool = WorkerPool(workers=1, in_flight=in_flight)
    yield pool
    pykka.ActorRegistry.stop_all(timeout=WAIT_S)
    pool.stop()


def test_a_loss_that_waits_is_judged_before_the_lock_its_trader_asks_for(
    one_worker, in_flight, directory
):
    """Booked under the lock no rule would ever judge it: a lock of a second ended a cooldown."""
    account, gate = Alone(LOSING), Gate()
    account.connect()
    actor = AccountActor.start(
        core=account.core,
        latest={},
        peaks=Peaks(),
        clock=VirtualClock(START),
        directory=directory,
        dispatcher=one_worker,
    )
    in_flight.wait_idle(WAIT_S)
    keeper = Doorkeeper.start(dispatcher=one_worker)
    keeper.tell(gate)
    assert gate.reached.wait(WAIT_S)
    head = {"account": ACCOUNT, "at": START, "cause": "test"}
    loss = fill(1, -1, pnl=-5_000)

    actor.tell(TradeExecuted(**head, fill=loss))
    actor.tell(LockAccount(**head, until=after(1), reason="enough"))
    gate.opened.set()
    in_flight.wait_idle(WAIT_S)

    assert account.core.state.enforcement is not None
    assert account.core.state.ledger.realised_usd == Decimal(-5_000)
    assert account.core.state.unjudged_fills == (loss,)
