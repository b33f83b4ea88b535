"""RULE-010 through the real SDK: S-53 to S-55 on the broker's record."""

from messages.events import (
    AccountLocked,
    AccountOpened,
    AlarmRaised,
    EnforcementFinished,
    LockoutReleased,
)
from messages.values import AlarmCode, Phase
from tests.rig import A, B, contract
from tests.wire_rig import CANCEL, CLOSE, wire_config

ACCOUNT_STREAM, SEARCH = "GatewayUserAccount", "/Account/search"


def guard(poll_s=3600, **more):
    return wire_config(auth_loss_guard={"poll_s": poll_s}, **more)


def test_a_pushed_false_flattens_and_locks_until_a_pushed_true(wire):
    """S-53: closed, cancelled, locked without end; true opens it again, another account trades on."""
    run = wire(guard())
    run.buy(A, "MNQ", 2)
    run.limit(A, "MNQ", 1, "20000")
    run.buy(B, "MNQ", 1)

    run.trader.set_can_trade(A, False)
    lock = run.wait(AccountLocked).lockout
    run.wait(EnforcementFinished)

    assert lock.until is None
    assert run.held() == {}
    assert run.trader.working_orders(A) == []
    assert (run.applied(CLOSE), run.applied(CANCEL)) == (1, 1)
    assert run.held(B) == {contract("MNQ"): 1}
    run.trader.set_can_trade(A, True)
    run.wait(LockoutReleased)
    run.wait(AccountOpened, count=2)
    assert run.status().phase is Phase.OPEN


def test_what_the_stream_keeps_to_itself_is_polled(wire):
    """S-54: no push at all; the poll locks, and the poll releases."""
    run = wire(guard(poll_s=1))
    run.trader.fault("drop", ACCOUNT_STREAM)

    run.trader.set_can_trade(A, False)
    run.wait(AccountLocked)
    run.trader.set_can_trade(A, True)
    run.wait(LockoutReleased)

    run.wait(AccountOpened, count=2)
    assert run.status(B).phase is Phase.OPEN


def test_a_poll_that_fails_and_a_push_without_the_flag_release_nothing(wire):
    """S-55: HTTP 500 for the poll, no canTrade in the push: alarms, and the lock stays."""
    run = wire(guard(poll_s=1))
    run.trader.set_can_trade(A, False)
    run.wait(EnforcementFinished)
    run.trader.fault("drop", ACCOUNT_STREAM)
    fault = run.trader.fault("http", SEARCH, status=500)
    run.trader.set_can_trade(A, True)

    def unknown(alarm):
        return alarm.code is AlarmCode.CAN_TRADE_UNKNOWN

    run.wait(AlarmRaised, unknown, account=None)
    run.trader.push_raw(ACCOUNT_STREAM, {"action": 1, "data": {"id": A, "name": "ONE"}}, A)
    run.wait(AlarmRaised, unknown)
    assert run.status().phase is Phase.LOCKED
    assert run.events(LockoutReleased) == []

    run.trader.clear_faults(fault)
    run.wait(LockoutReleased)


def test_the_lock_is_there_at_the_next_start_before_the_broker_has_been_read(wire):
    """S-54: the journal alone locks; the snapshot that says true lets go."""
    first = wire(guard())
    first.trader.set_can_trade(A, False)
    lock = first.wait(AccountLocked).lockout
    first.wait(EnforcementFinished)
    first.stop()
    first.trader.set_can_trade(A, True)
    fault = first.trader.fault("http", "/Position/searchOpen", account=A, status=500)

    run = wire(guard(), open_accounts=(B,))
    assert run.status().lockouts == (lock,)
    assert run.status().phase is Phase.LOCKED
    run.trader.clear_faults(fault)

    run.wait(LockoutReleased)
    run.wait(AccountOpened)
    assert run.status().phase is Phase.OPEN
