"""Polling across a reload and a restart: what is in force stays in force."""

from messages.values import Phase
from tests.rig import A, config_of
from tests.scenarios.test_reload import reload, restarted, write


def lose_trading(run):
    """The firm takes the permission away, and the stream does not say so."""
    run.broker.exchange.accounts[A].can_trade = False


def test_a_faster_poll_applies_at_the_reload(rig):
    """Polled every hour; the file says every 5 s: a loss of permission is found within 5 s."""
    run = rig(config_of(auth_loss_guard={"poll_s": 3600}))
    reload(run, config_of(auth_loss_guard={"poll_s": 5}))
    lose_trading(run)
    run.advance(6)
    assert run.status().phase is Phase.LOCKED


def test_a_guard_that_is_new_in_the_file_is_polled_for(rig):
    """Nobody polled before."""
    run = rig(config_of(max_contracts={"limit": 9}))
    reload(run, config_of(max_contracts={"limit": 9}, auth_loss_guard={"poll_s": 5}))
    lose_trading(run)
    run.advance(6)
    assert run.status().phase is Phase.LOCKED


def test_a_guard_deleted_while_it_was_down_is_polled_for_until_the_reset(rig):
    """The rule is in force until the reset, so what it needs is read until then."""
    run = rig(config_of(max_contracts={"limit": 9}, auth_loss_guard={"poll_s": 5}))
    write(run, config_of(max_contracts={"limit": 9}))
    again = restarted(run)
    try:
        lose_trading(again)
        again.advance(6)
        assert again.status().phase is Phase.LOCKED
    finally:
        again.stop()
