"""A broker that hangs, refuses, errs or forgets us in the middle of a flatten: S-81, S-82, S-83, I3, I7.

Whatever it answers, the account ends flat and locked, nothing is closed twice, and nobody else waits.
"""

import pytest

from messages.events import (
    AccountLocked,
    BrokerCommandAnswered,
    DeadlinePassed,
    EnforcementFinished,
    EnforcementStarted,
    FlatConfirmed,
)
from messages.facts import StreamConnected
from messages.values import NotSent, Phase, Rejected, Uncertain
from tests.rig import A, B, contract
from tests.wire_rig import CLOSE, ORDERS, PARTIAL, PATIENCE_S, POSITIONS, wire_config

RULES = {"daily_realized_loss": {"max_loss_usd": 5, "include_open_loss": False}}
LOSS_5 = wire_config(**RULES)
HASTY = wire_config(deadline_s=0.3, **RULES)


def sizes_traded(run, account=A):
    """Return the signed sizes of all fills, oldest first."""
    return [each["size"] * (1 if each["side"] == 0 else -1) for each in run.trader.trades(account)]


def outcomes(run):
    return [type(each.outcome) for each in run.events(BrokerCommandAnswered)]


@pytest.mark.parametrize("fault", ["hang_before", "hang_after"])
def test_a_close_that_never_returns_delays_the_lock_of_nobody(wire, fault):
    """S-81, I3: locked at the deadline; B is enforced meanwhile; released, it ends confirmed."""
    run = wire(HASTY)
    run.buy(A, "MNQ", 2)
    run.buy(B, "MNQ", 1)
    run.trader.fault(fault, CLOSE, account=A)
    run.trader.fault("http", POSITIONS, account=A, status=500)  # nor does a read show it to be over

    run.fill(A, "-35.50")
    locked = run.wait(AccountLocked)
    intended = run.wait(EnforcementStarted)
    assert not locked.flat_confirmed
    assert (locked.at - intended.at).total_seconds() > 0.29

    run.fill(B, "-35.50")
    run.wait(FlatConfirmed, account=B)
    run.wait(AccountLocked, account=B)
    assert run.held(B) == {}
    run.fill(A, "-1", late=True)
    run.mark(A)
    assert run.status(A).phase is Phase.ENFORCING

    run.trader.clear_faults()
    run.wait(FlatConfirmed)
    run.wait(EnforcementFinished)

    assert run.held(A) == {}
    assert run.applied(CLOSE) == 1
    assert sum(sizes_traded(run)[:1]) == 2
    assert run.status(A).phase is Phase.LOCKED
    assert "FLAT_NOT_CONFIRMED" in run.alarms()
    assert run.requests(CLOSE)[0].seq < run.requests(CLOSE, B)[0].seq
    assert len(run.events(DeadlinePassed)) == 1


def test_a_rejected_close_stays_a_duty_until_the_market_reopens(wire):
    """S-83: rejected, alarmed, locked with exposure; done as soon as it can be done."""
    run = wire(HASTY)
    run.buy(A, "MNQ", 2)
    run.trader.set_market_open(False, contract("MNQ"))

    run.fill(A, "-35.50")
    assert not run.wait(AccountLocked).flat_confirmed
    refused = run.wait(BrokerCommandAnswered, lambda each: isinstance(each.outcome, Rejected))
    assert run.held(A) == {contract("MNQ"): 2}
    assert run.status().enforcement is not None

    run.trader.set_market_open(True, contract("MNQ"))
    run.wait(EnforcementFinished)

    assert refused.outcome.code
    assert "BROKER_REJECTED" in run.alarms()
    assert run.held(A) == {}
    assert run.status().phase is Phase.LOCKED


@pytest.mark.parametrize(
    ("how", "outcome"),
    [
        ({"kind": "applied_but_error", "status": 500}, Uncertain),
        ({"kind": "applied_but_error"}, Uncertain),
        ({"kind": "cut_after"}, Uncertain),
        ({"kind": "cut_before"}, Uncertain),
        ({"kind": "http", "status": 503}, Uncertain),
        ({"kind": "http", "status": 429}, NotSent),
        ({"kind": "reject", "code": 5}, Rejected),
        ({"kind": "garbage"}, Uncertain),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else None,
)
def test_whatever_is_answered_a_short_position_is_closed_exactly_once(wire, how, outcome):
    """I7: after a doubtful answer the broker is read before anything is sent again."""
    run = wire(LOSS_5)
    run.buy(A, "MNQ", -3)
    run.trader.fault(**how, where=CLOSE, account=A, times=1)

    run.fill(A, "-35.50")
    run.wait(EnforcementFinished)

    assert outcomes(run)[0] is outcome
    assert run.held(A) == {}
    assert run.applied(CLOSE) == 1
    assert run.status().phase is Phase.LOCKED


def test_a_success_that_did_nothing_is_not_believed(wire):
    """S-83: the broker says ok and the position remains; it is commanded again."""
    run = wire(LOSS_5)
    run.buy(A, "MNQ", 3)
    run.trader.fault("ok_not_applied", CLOSE, account=A, times=2)

    run.fill(A, "-35.50")
    run.wait(EnforcementFinished)

    assert run.held(A) == {}
    assert run.applied(CLOSE) == 1
    assert len(run.requests(CLOSE)) == 3
    assert run.wait(FlatConfirmed).waves == 3


@pytest.mark.parametrize(
    ("how", "requests"),
    [
        ({"kind": "applied_but_error", "status": 500}, 1),
        ({"kind": "cut_after"}, 1),
        ({"kind": "cut_before"}, 2),
        ({"kind": "http", "status": 429}, 2),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else None,
)
def test_a_doubtful_partial_close_never_takes_too_much(wire, how, requests):
    """I7: of 8 with limit 6 two are closed, whatever the broker answered."""
    run = wire(wire_config(max_contracts={"limit": 6}))
    run.trader.fault(**how, where=PARTIAL, account=A, times=1)

    run.buy(A, "MNQ", 8)
    run.wait(EnforcementFinished)

    assert run.held(A) == {contract("MNQ"): 6}
    assert len(run.requests(PARTIAL)) == requests
    assert run.applied(PARTIAL) == 1


@pytest.mark.parametrize(("size", "limit"), [(5, 2), (-5, 2), (8, 6)])
def test_a_partial_close_that_comes_late_beside_its_repetition_never_flips(wire, size, limit):
    """I7: the broker carries both out or refuses the second; never past flat, never above the limit.

    With (8, 6) both fit: the account ends below its limit, which is the safe side of not knowing.
    """
    run = wire(wire_config(max_contracts={"limit": limit}))
    run.trader.fault("hang_before", PARTIAL, account=A)

    run.buy(A, "MNQ", size)
    run.wait_request(PARTIAL, count=2)
    run.trader.clear_faults()
    run.wait(EnforcementFinished)

    left = run.held(A)[contract("MNQ")] * (1 if size > 0 else -1)
    assert 0 < left <= limit


@pytest.mark.parametrize("where", [POSITIONS, ORDERS])
@pytest.mark.parametrize(
    "how",
    [{"kind": "null_list"}, {"kind": "http", "status": 500}, {"kind": "garbage"}],
    ids=lambda how: how["kind"],
)
def test_a_read_that_fails_proves_nothing(wire, where, how):
    """I8: no list, an error or noise is not "flat"; the proof waits for two complete reads."""
    run = wire(LOSS_5)
    run.buy(A, "MNQ", 2)
    run.trader.fault(**how, where=where, account=A, times=2)

    run.fill(A, "-35.50")
    run.wait(EnforcementFinished)

    assert run.wait(FlatConfirmed).waves == 1
    assert run.applied(CLOSE) == 1
    assert "SNAPSHOT_FAILED" in run.alarms()


def test_a_401_in_the_middle_is_answered_by_one_login(wire):
    """The token was revoked: logged in anew, sent again, closed once."""
    run = wire(LOSS_5)
    run.buy(A, "MNQ", 2)
    before = len(run.requests("/Auth/loginKey", None))
    run.trader.revoke_tokens()

    run.fill(A, "-35.50")
    run.wait(EnforcementFinished)

    assert len(run.requests("/Auth/loginKey", None)) == before + 1
    assert run.held(A) == {}
    assert run.applied(CLOSE) == 1
    assert run.status().phase is Phase.LOCKED


def test_a_stream_lost_in_the_middle_of_a_flatten_does_not_stop_it(wire):
    """The close and the proof need no stream; afterwards it is back and the lock stands."""
    run = wire(LOSS_5)
    run.buy(A, "MNQ", 2)
    run.trader.fault("delay", CLOSE, account=A, seconds=0.3)

    run.fill(A, "-35.50")
    run.wait_request(CLOSE)
    run.trader.drop_connections()
    run.wait(EnforcementFinished)
    run.wait(StreamConnected, count=2)

    assert run.held(A) == {}
    assert run.applied(CLOSE) == 1
    assert run.status().phase is Phase.LOCKED


def test_one_contract_that_cannot_be_closed_does_not_keep_the_other(wire):
    """S-82: MNQ is refused, ES goes at once; MNQ is tried again."""
    run = wire(LOSS_5)
    run.buy(A, "MNQ", 2)
    run.buy(A, "ES", 1)
    run.trader.set_market_open(False, contract("MNQ"))

    run.fill(A, "-35.50")
    run.sim.record().wait_until(lambda: run.held(A) == {contract("MNQ"): 2}, PATIENCE_S)
    run.trader.set_market_open(True, contract("MNQ"))
    run.wait(EnforcementFinished)

    assert run.held(A) == {}
