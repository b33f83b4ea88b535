"""The real program, `main.py run`, killed with SIGKILL while its close is at the broker."""

import signal
from decimal import Decimal

import pytest

from actors.simulator.contracts import catalogue
from messages.events import AccountLocked, EnforcementStarted
from messages.values import Side
from tests.chaos.evidence import read_journal
from tests.rig import A, B
from tests.wire_rig import CLOSE, PATIENCE_S


@pytest.mark.parametrize("fault", ["hang_before", "hang_after"])
def test_main_killed_with_its_close_at_the_broker_is_finished_by_the_next_run(
    guarding, started, broker, tmp_path, fault
):
    """Carried out or not, nobody knows: the next run reads first, then closes what is left and locks."""
    run, config = guarding
    (mnq,) = [
        each.id
        for each in catalogue(broker.control._broker.clock.now().date()).values()
        if each.active and each.product.symbol == "MNQ"
    ]
    broker.control.place_order(A, mnq, Side.BUY, 2)
    broker.control.fault(fault, CLOSE, account=A, times=1)
    broker.control.book_trade(A, mnq, profit_and_loss=Decimal(-600))
    broker.record().wait_for(
        lambda each: getattr(each, "endpoint", None) == CLOSE and each.account == A, PATIENCE_S
    )
    if fault == "hang_after":
        broker.record().wait_until(lambda: broker.control.positions(A) == {}, PATIENCE_S)
    assert run.stop(signal.SIGKILL) == -signal.SIGKILL

    again = started("run", "--config", config)
    again.wait_line('"enforcement_finished"', f'"account": {A}')
    again.wait_line('"account_opened"', f'"account": {B}')
    broker.control.release()

    assert broker.control.positions(A) == {}
    assert broker.control.working_orders(A) == []
    events = [event for _, event in read_journal(tmp_path / "lockstep.db")]
    for kind in (EnforcementStarted, AccountLocked):
        assert sum(isinstance(each, kind) for each in events) == 1
