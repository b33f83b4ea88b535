"""RULE-009 at the bell through the real SDK: S-49, with nothing but the clock to say so."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from messages.events import AccountLocked, EnforcementFinished, RuleBreached
from messages.facts import OrderChanged, PositionChanged, TradeExecuted
from messages.values import ACCOUNT_SCOPE, Phase
from tests.rig import A, B, contract
from tests.wire_rig import CANCEL, CLOSE, wire_config

CHICAGO = ZoneInfo("America/Chicago")
BELL = datetime(2025, 10, 29, 13, tzinfo=CHICAGO)
SOON = timedelta(seconds=0.5)


def pass_the_hour(wire, run):
    """Let time pass to just before the bell, for the broker and for a machine that slept."""
    seconds = (BELL - SOON - run.clock.now()).total_seconds()
    wire.skip(seconds)
    run.clock.skip(seconds)


def until_the_bell(**more):
    """Return hours that end at the bell."""
    return wire_config(session_block_outside={"start": "08:00", "end": "13:00"} | more)


def test_the_bell_sweeps_every_account_with_no_traffic(wire):
    """S-49: positions closed and orders cancelled at the broker, then locked, in both accounts."""
    run = wire(until_the_bell())
    run.buy(A, "MNQ", 2)
    run.limit(A, "ES", 1, "5000")
    run.buy(B, "MNQ", -1)
    run.mark(A)
    quiet = max(
        each.at
        for kind in (TradeExecuted, PositionChanged, OrderChanged)
        for each in run.events(kind, A)
    )

    pass_the_hour(wire, run)
    for account in (A, B):
        run.wait(EnforcementFinished, account=account)

    breach = run.wait(RuleBreached)
    assert quiet < BELL <= breach.at
    assert run.held(A) == run.held(B) == {}
    assert run.trader.working_orders(A) == []
    assert [each.body["contractId"] for each in run.requests(CLOSE)] == [contract("MNQ")]
    assert run.applied(CANCEL) == 1
    for account in (A, B):
        locked = run.wait(AccountLocked, account=account)
        assert locked.lockout.scope == ACCOUNT_SCOPE
        assert locked.lockout.until == datetime(2025, 10, 30, 8, tzinfo=CHICAGO)
        assert run.status(account).phase is Phase.LOCKED


def test_the_bell_of_one_product_leaves_the_other(wire):
    """Two products outside at once are two lockouts of one verdict; ES has a week of its own."""
    hours = {"ES": {"start": "sun 17:00", "end": "fri 16:00"}}
    run = wire(until_the_bell(products=hours))
    for product in ("MNQ", "RTY", "ES"):
        run.buy(A, product, 1)

    run.mark(A)
    pass_the_hour(wire, run)
    run.wait(AccountLocked, count=2)
    run.wait(EnforcementFinished)

    assert run.held(A) == {contract("ES"): 1}
    assert len(run.events(RuleBreached)) == 1
    assert {each.scope for each in run.status().lockouts} == {"product:MNQ", "product:RTY"}
    assert run.status().phase is Phase.OPEN
