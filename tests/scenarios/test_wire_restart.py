"""Restarts, of one actor and of the whole system, on the same journal: S-77, S-85, S-87, S-88, I5."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from messages.commands import OpenSession
from messages.events import (
    AccountLocked,
    AccountOpened,
    ActorRestarted,
    DayReset,
    DeadLettered,
    EnforcementFinished,
    EnforcementStarted,
    FlatConfirmed,
    LockoutReleased,
    RuleBreached,
)
from messages.facts import PositionChanged, SnapshotTaken, TradeExecuted
from messages.values import Phase
from tests.rig import NOON, A, B, contract
from tests.wire_rig import CLOSE, wire_config

RULES = {"daily_realized_loss": {"max_loss_usd": 500, "include_open_loss": False}}
LOSS_500 = wire_config(**RULES)


def break_actor(run, address):
    """Let an actor fail: it is told what it cannot be told."""
    strange = OpenSession(at=run.clock.now(), cause="test")
    run.system.directory.tell(address, strange)


@pytest.mark.parametrize("role", ["account", "enforcer"])
def test_an_actor_that_fails_in_the_middle_is_restarted_and_finishes(wire, role):
    """S-85: restored from the journal, it flattens and locks; the failure is on record."""
    run = wire(LOSS_500)
    run.buy(A, "MNQ", 2)
    run.wait(TradeExecuted)
    run.trader.fault("hang_before", CLOSE, account=A)
    run.fill(A, "-500")
    run.wait_request(CLOSE)

    break_actor(run, f"{role}/{A}")
    run.wait(ActorRestarted, account=None)
    run.trader.clear_faults()
    run.wait(EnforcementFinished)

    assert run.held(A) == {}
    assert run.applied(CLOSE) == 1
    assert run.status().phase is Phase.LOCKED
    assert run.status().realised_usd == Decimal(-500)
    assert [lock.rule for lock in run.status().lockouts] == ["RULE-003"]
    assert len(run.events(RuleBreached)) == 1
    assert len(run.events(AccountLocked)) == 1
    assert run.wait(DeadLettered, account=None).address == f"{role}/{A}"
    assert "ACTOR_RESTARTED" in run.alarms(None)
    assert run.given_up == []


def test_an_account_that_fails_with_facts_in_its_inbox_books_them_all(wire):
    """S-85: the inbox outlives the instance; nothing the stream said is lost or counted twice."""
    run = wire(LOSS_500)
    run.fill(A, "-100")
    run.wait(TradeExecuted)

    break_actor(run, f"account/{A}")
    run.fill(A, "-100")
    run.wait(ActorRestarted, account=None)
    run.wait(AccountOpened, count=2)
    run.fill(A, "-100")
    run.mark(A)

    assert run.status().realised_usd == Decimal(-300)
    assert run.status().phase is Phase.OPEN


def test_the_gateway_restarted_in_the_middle_logs_in_and_finishes(wire):
    """The whole port is replaced during a flatten: a new session, new streams, flat and locked."""
    run = wire(LOSS_500)
    run.buy(A, "MNQ", 2)
    run.trader.fault("hang_before", CLOSE, account=A)
    run.fill(A, "-500")
    run.wait_request(CLOSE)

    run.system.directory.tell(
        "gateway/desk",
        SnapshotTaken(
            account=A,
            at=run.clock.now(),
            cause="test",
            request_id="x",
            generation=1,
            requested_at=run.clock.now(),
            positions=(),
            orders=(),
            fills=None,
            can_trade=None,
            balance_usd=None,
        ),
    )
    run.wait(ActorRestarted, account=None)
    run.trader.clear_faults()
    run.wait(EnforcementFinished)

    assert run.held(A) == {}
    assert run.applied(CLOSE) == 1
    run.buy(A, "MNQ", 1)
    run.wait(EnforcementFinished, count=2)
    assert run.held(A) == {}


def test_exposure_found_at_a_start_under_lock_is_closed_before_the_account_is_ready(wire):
    """S-77: locked, down, a 2-lot opened meanwhile; closed at the next start, the lock unchanged."""
    first = wire(LOSS_500)
    first.fill(A, "-500")
    lock = first.wait(AccountLocked).lockout
    first.wait(EnforcementFinished)
    first.stop()
    first.buy(A, "MNQ", 2)

    run = wire(LOSS_500, open_accounts=(B,))
    run.wait(EnforcementFinished)

    assert run.held(A) == {}
    assert run.status().phase is Phase.LOCKED
    assert run.status().lockouts == (lock,)
    assert run.events(AccountOpened) == []
    assert run.events(AccountLocked) == []


def test_trades_before_and_during_a_restart_count_once(wire):
    """S-87: -200, down, -150 nobody saw, up: -350; the same trades read again add nothing."""
    first = wire(LOSS_500)
    first.fill(A, "-200")
    first.wait(TradeExecuted)
    first.stop()
    first.fill(A, "-150")

    run = wire(LOSS_500)

    assert run.status().realised_usd == Decimal(-350)
    assert run.status().phase is Phase.OPEN
    run.stop()
    again = wire(LOSS_500)
    assert again.status().realised_usd == Decimal(-350)


def test_a_breach_that_happened_while_down_is_enforced_at_the_start(wire):
    """The day's fills are read before anything is allowed: never OPEN in between."""
    first = wire(LOSS_500)
    first.stop()
    first.buy(A, "MNQ", 2)
    first.fill(A, "-500")

    run = wire(LOSS_500, open_accounts=(B,))
    run.wait(EnforcementFinished)

    assert run.held(A) == {}
    assert run.status().phase is Phase.LOCKED
    assert run.events(AccountOpened) == []


def test_an_intent_that_was_stopped_halfway_is_finished_by_the_next_run(wire):
    """I5: stopped while the close hangs; the next start closes, verifies and locks, once."""
    first = wire(LOSS_500)
    first.buy(A, "MNQ", 2)
    first.wait(TradeExecuted)
    first.trader.fault("hang_before", CLOSE, account=A)
    first.fill(A, "-500")
    first.wait_request(CLOSE)
    first.stop()
    assert first.held(A) == {contract("MNQ"): 2}
    first.trader.clear_faults()

    run = wire(LOSS_500, open_accounts=(B,))
    run.wait(EnforcementFinished)

    assert run.held(A) == {}
    assert run.applied(CLOSE) == 1
    assert run.status().phase is Phase.LOCKED
    whole = [type(each) for each in run.stored()]
    assert whole.count(EnforcementStarted) == 1
    assert whole.count(AccountLocked) == 1
    assert whole.index(EnforcementStarted) < whole.index(FlatConfirmed)


@pytest.mark.parametrize(
    ("up_at", "locked", "realised"),
    [
        (datetime(2025, 10, 29, 19, 0, tzinfo=UTC), True, -500),
        (datetime(2025, 10, 29, 22, 30, tzinfo=UTC), False, 0),
    ],
    ids=["14:00", "17:30"],
)
def test_a_lock_outlasts_the_restart_and_not_the_reset(wire, up_at, locked, realised):
    """S-88: locked at 12:00 until 17:00; up at 14:00 it holds, up at 17:30 the day is new."""
    first = wire(LOSS_500)
    assert first.clock.now() >= NOON
    first.fill(A, "-500")
    first.wait(EnforcementFinished)
    first.stop()

    run = wire(LOSS_500, at=up_at, open_accounts=(B,) if locked else (A, B))

    run.wait(SnapshotTaken)
    assert (run.status().phase is Phase.LOCKED) is locked
    assert run.status().realised_usd == Decimal(realised)
    assert len(run.events(LockoutReleased)) == (0 if locked else 1)
    assert len(run.events(DayReset)) == (0 if locked else 1)
    run.buy(A, "MNQ", 1)
    if locked:
        run.wait(EnforcementFinished)
    else:
        run.wait(PositionChanged)
    assert run.held(A) == ({} if locked else {contract("MNQ"): 1})
