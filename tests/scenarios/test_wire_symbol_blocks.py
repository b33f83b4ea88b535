"""RULE-011 through the real SDK: S-56 to S-58 on the broker's record."""

from messages.events import AccountLocked, EnforcementFinished, ExposureUnderLock, RuleBreached
from messages.facts import PositionChanged
from messages.values import Phase
from tests.rig import A, B, contract
from tests.wire_rig import CANCEL, CLOSE, wire_config

BLOCKED = wire_config(symbol_blocks={"patterns": ["rty", "ep"]})


def finished(run):
    """Wait until the last enforcement that was begun is finished."""
    run.mark()
    run.sim.record().wait_until(lambda: run.status().enforcement is None, 10)


def test_a_working_order_in_a_blocked_product_is_cancelled_before_it_fills(wire):
    """S-58: never a position; other products' orders stay; the account is open."""
    run = wire(BLOCKED)
    run.price("RTY", "2200")
    kept = run.limit(A, "NQ", 1, "20000")

    order = run.limit(A, "RTY", 1, "2190")
    run.wait(EnforcementFinished)
    run.price("RTY", "2180")
    run.mark()

    assert [each.body["orderId"] for each in run.requests(CANCEL)] == [order]
    assert run.requests(CLOSE) == ()
    assert run.events(PositionChanged) == []
    assert [each["id"] for each in run.trader.working_orders(A)] == [kept]
    assert [lock.scope for lock in run.status().lockouts] == ["product:RTY"]
    assert run.status().phase is Phase.OPEN


def test_a_blocked_position_is_closed_every_time_and_locked_once(wire):
    """S-56, S-57: by the broker's own root too (`ep` is ES); NQ trades on, and so does B's NQ."""
    run = wire(BLOCKED)
    run.buy(A, "NQ", 1)
    run.buy(B, "NQ", 1)

    for attempt in range(3):
        run.buy(A, "ES", 1 + attempt)
        run.wait(EnforcementFinished, count=attempt + 1)
        finished(run)
    run.buy(A, "NQ", 1)
    finished(run)

    assert run.held(A) == {contract("NQ"): 2}
    assert run.held(B) == {contract("NQ"): 1}
    assert {each.body["contractId"] for each in run.requests(CLOSE)} == {contract("ES")}
    assert run.applied(CLOSE) == 3
    assert len(run.events(RuleBreached)) == 1
    assert [each.lockout.scope for each in run.events(AccountLocked)] == ["product:ES"]
    assert run.events(ExposureUnderLock)[-1].attempt >= 2
    assert run.status().phase is Phase.OPEN
