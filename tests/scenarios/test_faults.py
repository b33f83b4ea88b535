"""When the broker, the stream, the journal or an actor fails: S-81 to S-100 as far as they apply here."""

import sqlite3
from datetime import timedelta
from decimal import Decimal

import pytest

from messages.commands import CloseContract, PartialCloseContract
from messages.events import (
    AccountLocked,
    ActorRestarted,
    AlarmRaised,
    DeadLettered,
    DeadlinePassed,
    EnforcementFinished,
    EnforcementUnrecorded,
    FlatConfirmed,
    RuleBreached,
)
from messages.values import AlarmCode, Health, Phase, Rejected
from tests.rig import NOON, A, B, config_of, contract

LOSS = config_of(daily_realized_loss={"max_loss_usd": 500})


def alarms(run, account=A):
    return [each.code for each in run.events(AlarmRaised, account)]


def test_a_hanging_close_delays_neither_the_lock_nor_another_account(rig):
    """S-81 and I3: A's close is never answered; B is enforced, A is locked at its deadline."""
    run = rig(LOSS)
    run.order(A, "MNQ", 1)
    run.order(B, "MNQ", 1)
    run.broker.hanging[A] = False
    run.fill(A, "-500")

    run.fill(B, "-500")

    assert run.status(B).phase is Phase.LOCKED
    assert run.held(B) == {}
    assert run.status(A).phase is Phase.ENFORCING
    run.advance(5)
    assert len(run.events(DeadlinePassed)) == 1
    assert [each.flat_confirmed for each in run.events(AccountLocked)] == [False]
    assert AlarmCode.FLAT_NOT_CONFIRMED in alarms(run)

    run.broker.hanging.clear()
    for _ in range(6):
        run.advance(3)

    assert run.held() == {}
    assert len(run.events(FlatConfirmed)) == 1
    assert run.status().phase is Phase.LOCKED


def test_a_close_that_took_effect_unanswered_is_not_sent_again(rig):
    """I7: the broker closed but never said so; reading shows it, and nothing is closed twice."""
    run = rig(LOSS)
    run.order(A, "MNQ", 2)
    run.broker.hanging[A] = True

    run.fill(A, "-500")
    run.advance(4.5)

    assert run.held() == {}
    assert len(run.commands(CloseContract)) == 1
    assert run.status().phase is Phase.LOCKED
    assert [each.flat_confirmed for each in run.events(AccountLocked)] == [True]


def test_done_without_effect_is_not_believed(rig):
    """S-83: the broker says done and the position remains: not confirmed, sent again until it is."""
    run = rig(LOSS)
    run.order(A, "MNQ", 1)
    run.broker.deaf.add(A)

    run.fill(A, "-500")
    run.advance(1)
    assert run.events(FlatConfirmed) == []
    assert len(run.commands(CloseContract)) > 1
    run.broker.deaf.clear()
    run.advance(5)

    assert run.held() == {}
    assert run.status().phase is Phase.LOCKED


def test_a_rejected_close_stays_a_duty_with_an_alarm(rig):
    """S-83: market closed: locked with exposure after the deadline, flat at the reopening."""
    run = rig(LOSS)
    run.order(A, "MNQ", 1)
    run.broker.refusing[A] = Rejected(code=4, text="instrument is not in an active trading status")

    run.fill(A, "-500")
    run.advance(120)
    assert AlarmCode.BROKER_REJECTED in alarms(run)
    assert [each.flat_confirmed for each in run.events(AccountLocked)] == [False]
    run.broker.refusing.clear()
    run.advance(16)
    run.advance(16)

    assert run.held() == {}
    assert len(run.events(EnforcementFinished)) == 1
    assert len(run.events(AccountLocked)) == 1


def test_a_failed_read_is_not_flat(rig):
    """I8: while snapshots fail, flat is never confirmed, even though the close went through."""
    run = rig(LOSS)
    run.order(A, "MNQ", 1)
    run.broker.blind.add(A)

    run.fill(A, "-500")
    run.advance(5)
    assert run.events(FlatConfirmed) == []
    run.broker.blind.clear()
    run.advance(16)

    assert len(run.events(FlatConfirmed)) == 1


def test_a_cap_that_hangs_never_closes_beyond_the_limit(rig):
    """I7: a partial close of unknown fate is read before anything else is sent."""
    run = rig(config_of(max_contracts={"limit": 3}))
    run.broker.hanging[A] = True

    run.order(A, "MNQ", 5)
    for _ in range(10):
        run.advance(1)

    assert run.held() == {contract("MNQ"): 3}
    assert len(run.commands(PartialCloseContract)) == 1
    assert run.status().phase is Phase.OPEN


def test_a_lost_stream_is_stale_until_a_complete_snapshot(rig):
    """The picture is old at once; what happened in the gap is booked from the snapshot."""
    run = rig(LOSS)
    run.do(lambda gateway: gateway.lose())
    assert run.status().health is Health.STALE
    run.broker.muted.add(A)
    run.fill(A, "-200")
    run.fill(A, "-300")
    run.broker.muted.clear()
    assert run.status().realised_usd == 0

    run.do(lambda gateway: gateway.reconnect())

    assert run.status().health is Health.LIVE
    assert run.status().realised_usd == Decimal(-500)
    assert run.status().phase is Phase.LOCKED


def test_a_failed_snapshot_is_unknown_and_asked_again(rig):
    """UNKNOWN is not LIVE, and ends only by a complete snapshot."""
    run = rig(LOSS)
    run.broker.blind.add(A)
    run.do(lambda gateway: gateway.reconnect())
    assert run.status().health is Health.UNKNOWN
    assert AlarmCode.SNAPSHOT_FAILED in alarms(run)

    run.broker.blind.clear()
    run.advance(1)

    assert run.status().health is Health.LIVE


def test_an_account_that_cannot_be_read_at_start_does_not_open(rig):
    """STARTING ends only after a complete snapshot and a clean judgement."""
    first = rig(LOSS)
    first.stop()
    first.broker.blind.add(A)
    run = rig(LOSS, broker=first.broker)
    assert run.status(A).phase is Phase.STARTING
    assert run.status(B).phase is Phase.OPEN

    first.broker.blind.clear()
    run.advance(40)

    assert run.status(A).phase is Phase.OPEN


def test_a_missing_quote_is_not_zero(rig):
    """S-24's kind: without a fresh quote the open loss is unknown, the account stale and alarmed."""
    run = rig(LOSS)
    run.price("MNQ", "21000")
    run.order(A, "MNQ", 5)
    assert run.status().open_usd == 0

    run.advance(6)
    assert run.status().open_usd is None
    assert run.status().health is Health.STALE
    assert AlarmCode.QUOTE_STALE in alarms(run)
    run.price("MNQ", "20950.25")
    assert run.status().open_usd == Decimal("-497.50")
    assert run.status().health is Health.LIVE
    run.price("MNQ", "20950")

    assert run.status().phase is Phase.LOCKED


def test_an_account_actor_that_dies_comes_back_where_it_was(rig):
    """S-85: restarted from the journal, still locked, still counting, still guarding."""
    run = rig(LOSS)
    run.fill(A, "-500")

    run.system.directory.tell(f"account/{A}", "nonsense")
    run.settle()
    run.order(A, "MNQ", 1)

    assert run.held() == {}
    assert run.status().phase is Phase.LOCKED
    assert run.status().realised_usd == Decimal(-500)
    assert [
        each.address for each in run.testimony.events() if isinstance(each, ActorRestarted)
    ] == [f"account/{A}"]
    assert [each.address for each in run.testimony.events() if isinstance(each, DeadLettered)] == [
        f"account/{A}"
    ]


@pytest.mark.parametrize("victim", ["account", "enforcer"])
def test_a_death_during_the_enforcement_loses_nothing(rig, victim):
    """S-85: whichever dies while the broker hangs, the enforcement ends flat and locked, once."""
    run = rig(LOSS)
    run.order(A, "MNQ", 1)
    run.broker.hanging[A] = False
    run.fill(A, "-500")

    run.system.directory.tell(f"{victim}/{A}", "nonsense")
    run.settle()
    run.broker.hanging.clear()
    for _ in range(8):
        run.advance(3)

    assert run.held() == {}
    assert run.status().phase is Phase.LOCKED
    assert len(run.events(RuleBreached)) == 1
    assert {each.lockout.rule for each in run.events(AccountLocked)} == {"RULE-003"}


def test_a_rule_that_raises_is_alarmed_and_others_go_on(rig):
    """S-84: RULE-007 fails on every fact; RULE-003 still enforces."""
    run = rig(config_of(daily_realized_loss={"max_loss_usd": 500}, cooldown_after_loss={}))
    account = run.system.accounts[A]
    setting = next(each for each in account.rules if each.rule.id == "RULE-007")
    object.__setattr__(setting, "parameters", None)

    run.fill(A, "-500")

    assert AlarmCode.RULE_FAILED in alarms(run)
    assert [lock.rule for lock in run.status().lockouts] == ["RULE-003"]


def test_a_broken_journal_does_not_stop_enforcement(rig, monkeypatch):
    """S-100: the store refuses; the account is flattened and locked in memory, loudly, recorded later."""
    run = rig(LOSS)
    run.order(A, "MNQ", 1)
    store = run.system._store
    real = type(store).append_rows

    def refuse(_self, _rows):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(type(store), "append_rows", refuse)
    run.fill(A, "-500")
    run.advance(0.5)

    assert run.held() == {}
    assert run.status().phase is Phase.LOCKED
    monkeypatch.setattr(type(store), "append_rows", real)
    run.advance(2)
    assert AlarmCode.JOURNAL_FAILED in alarms(run)
    assert run.events(EnforcementUnrecorded)
    assert [type(each.event) for each in run.stored()].count(AccountLocked) == 1


def test_trades_are_counted_once_over_a_restart(rig):
    """S-87: -200, restart, -150 is -350; the trade that both journal and broker know counts once."""
    run = rig(LOSS)
    run.fill(A, "-200")
    run.stop()

    again = rig(LOSS, broker=run.broker)
    again.fill(A, "-150")

    assert again.status().realised_usd == Decimal(-350)


def test_a_cooldown_goes_on_over_a_restart(rig):
    """S-86: 300 s at t=0, down from 100 to 150: 150 s are left, and it ends with no traffic."""
    config = config_of(cooldown_after_loss={})
    run = rig(config)
    run.fill(A, "-150")
    run.advance(100)
    run.stop()
    run.clock.advance(50)

    again = rig(config, broker=run.broker)
    again.advance(149.9)
    assert again.status().phase is Phase.LOCKED
    again.advance(0.1)

    assert again.clock.now() == NOON + timedelta(seconds=300)
    assert again.status().phase is Phase.OPEN


def test_a_day_that_ended_while_down_is_closed_at_the_start(rig):
    """S-88: locked at noon, up again after the reset: free, P&L 0."""
    run = rig(LOSS)
    run.fill(A, "-500")
    run.stop()
    run.clock.advance(5.5 * 3600)

    again = rig(LOSS, broker=run.broker)

    assert again.status().phase is Phase.OPEN
    assert again.status().realised_usd == 0


def test_an_intent_without_a_lock_is_finished_after_a_restart(rig):
    """I5 in small: stopped between intent and lock, started again: flat and locked."""
    run = rig(LOSS)
    run.order(A, "MNQ", 1)
    run.broker.hanging[A] = False
    run.fill(A, "-500")
    run.stop()
    run.broker.hanging.clear()

    again = rig(LOSS, broker=run.broker)
    again.advance(1)  # the second of two reads
    again.advance(10)

    assert again.held() == {}
    assert again.status().phase is Phase.LOCKED
    assert [each.flat_confirmed for each in again.events(AccountLocked)] == [True]


def test_a_wall_clock_set_forward_does_not_end_a_cooldown(rig):
    """S-88b: two hours forward during 300 s are still 300 s of real time."""
    run = rig(config_of(cooldown_after_loss={}))
    run.fill(A, "-150")

    run.clock.set_wall(NOON + timedelta(hours=2))
    run.settle()
    assert run.status().phase is Phase.LOCKED
    run.advance(300)

    assert run.status().phase is Phase.OPEN


def test_what_appears_while_a_close_is_refused_is_closed_at_once(rig):
    """A market that is closed for one contract delays the close of no other, not even by a pause."""
    run = rig(LOSS)
    run.order(A, "MNQ", 1)
    run.do(lambda _gateway: run.broker.exchange.market.set_open(contract("MNQ"), is_open=False))
    run.fill(A, "-500")
    run.advance(60)
    run.advance(60)
    assert run.held() == {contract("MNQ"): 1}

    run.order(A, "ES", 2)
    assert run.held() == {contract("MNQ"): 1}
    run.order(A, "ES", -3)
    run.advance(0.2)

    assert run.held() == {contract("MNQ"): 1}


def test_what_appears_while_a_close_hangs_is_closed_at_once(rig):
    """A command that is not answered delays no other command of the same account."""
    run = rig(LOSS)
    run.order(A, "MNQ", 1)
    run.broker.hanging[A] = False
    run.fill(A, "-500")

    run.broker.hanging.clear()
    run.order(A, "ES", 2)

    assert run.held() == {contract("MNQ"): 1}


@pytest.mark.parametrize("victim", ["clock", "rule/RULE-003", "rule/RULE-007", "quotes", "log"])
def test_any_actor_may_die_and_the_guard_goes_on(rig, victim):
    """A cooldown set before ends on time, a loss after is enforced, quotes still value what is held."""
    run = rig(config_of(daily_realized_loss={"max_loss_usd": 500}, cooldown_after_loss={}))
    run.fill(B, "-150")
    run.price("MNQ", "21000")
    run.order(A, "MNQ", 1)

    run.system.directory.ref(victim).tell("nonsense")
    run.settle()
    run.advance(6)
    run.advance(6)
    run.price("MNQ", "20990")

    assert run.status().open_usd == Decimal(-20)
    assert run.status().health is Health.LIVE
    run.fill(A, "-500")
    assert run.held() == {}
    assert run.status().phase is Phase.LOCKED
    run.advance(288)
    assert run.status(B).phase is Phase.OPEN
