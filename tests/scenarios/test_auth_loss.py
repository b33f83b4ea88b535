"""RULE-010 through the whole system: scenarios S-53 to S-55."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from actors.simulator.ledger import Execution, Ticket
from messages.commands import CancelOrder, CloseContract
from messages.events import AccountLocked, AlarmRaised, DayReset, LockoutReleased, RuleBreached
from messages.facts import AccountChanged, SnapshotTaken
from messages.values import AlarmCode, Duty, OrderType, Phase, ReleaseOn, Side
from tests.rig import A, B, config_of, contract

GUARD = config_of(auth_loss_guard={})
LOSS_TOO = config_of(
    auth_loss_guard={}, daily_realized_loss={"max_loss_usd": 500, "include_open_loss": False}
)


def rules_in_force(run, account=A):
    return [each.rule for each in run.status(account).lockouts]


def alarms(run, account=A):
    return [each.code for each in run.events(AlarmRaised, account)]


def told(run, account, *, can_trade, asked_s_ago):
    """Tell an account what a read that was asked for a while ago says."""
    at = run.clock.now() - timedelta(seconds=asked_s_ago)
    fact = AccountChanged(
        account=account, at=at, cause="poll", can_trade=can_trade, balance_usd=None
    )
    run.system.directory.tell(f"account/{account}", fact)
    run.settle()


def test_an_account_that_may_not_trade_is_flat_and_locked_without_end(rig):
    """S-53: everything is closed and cancelled, the lock has no end, the other account trades on."""
    run = rig(GUARD)
    run.order(A, "MNQ", 2)
    run.order(A, "ES", 1, OrderType.LIMIT, limit=100)
    run.order(B, "MNQ", 1)

    run.let_trade(A, False)

    assert run.held() == {}
    assert run.working() == 0
    assert len(run.commands(CloseContract)) == len(run.commands(CancelOrder)) == 1
    (lock,) = run.status().lockouts
    assert (lock.rule, lock.duty) == ("RULE-010", Duty.FLAT)
    assert (lock.until, lock.release_on) == (None, ReleaseOn.CAN_TRADE)
    assert run.status().phase is Phase.LOCKED
    assert run.held(B) == {contract("MNQ"): 1}
    assert run.status(B).phase is Phase.OPEN


def test_neither_time_nor_the_reset_ends_it_and_true_ends_it_at_once(rig):
    """S-53: still locked days later; canTrade true ends it, and the account is judged and opens."""
    run = rig(GUARD)
    run.let_trade(A, False)

    for _ in range(3):
        run.at(run.clock.now() + timedelta(days=1))
        assert rules_in_force(run) == ["RULE-010"]
    assert len(run.events(DayReset)) == 4
    run.let_trade(A, True)

    assert run.status().phase is Phase.OPEN
    assert [(each.rule, each.released_by) for each in run.events(LockoutReleased)] == [
        ("RULE-010", "can_trade")
    ]
    assert len(run.events(RuleBreached)) == 1


def test_true_releases_that_lock_and_nothing_else(rig):
    """S-53: found together in one snapshot; true takes one lock, the daily loss stays to its reset."""
    run = rig(LOSS_TOO)
    run.order(A, "MNQ", 1)
    run.broker.muted.add(A)
    run.fill(A, "-500")
    run.let_trade(A, False)
    run.do(lambda gateway: gateway.reconnect())
    assert sorted(rules_in_force(run)) == ["RULE-003", "RULE-010"]
    assert len(run.commands(CloseContract)) == 1
    run.broker.muted.clear()

    run.let_trade(A, True)

    assert rules_in_force(run) == ["RULE-003"]
    assert run.status().phase is Phase.LOCKED
    run.at(datetime(2025, 10, 29, 22, 0, tzinfo=UTC))
    assert run.status().phase is Phase.OPEN


def test_what_was_lost_under_another_lock_locks_when_that_ends(rig):
    """False under a daily loss asks no rule; at the reset the last judgement finds it."""
    run = rig(LOSS_TOO)
    run.fill(A, "-500")
    run.let_trade(A, False)
    assert rules_in_force(run) == ["RULE-003"]

    run.at(datetime(2025, 10, 29, 22, 0, tzinfo=UTC))

    assert rules_in_force(run) == ["RULE-010"]


def test_what_is_opened_under_the_lock_is_closed(rig):
    """The standing duty: flat means flat, however the position came."""
    run = rig(GUARD)
    run.let_trade(A, False)
    bought = Ticket(contract("MNQ"), OrderType.MARKET, Side.BUY, 1)
    price = Execution(1, Decimal(21000), None, Decimal(0), Decimal(0))

    run.do(
        lambda gateway: gateway.trade(
            lambda exchange, now: exchange.book_trade(
                A, bought, price, now, order_id=None, moves_position=True
            )[1]
        )
    )

    assert len(run.commands(CloseContract)) == 1
    assert run.held() == {}
    assert rules_in_force(run) == ["RULE-010"]


@pytest.mark.parametrize("days", [0, 2], ids=["same day", "two days later"])
def test_the_lock_is_there_before_anything_is_heard_after_a_restart(rig, days):
    """S-54: the broker can be neither read nor heard; the account is locked all the same."""
    first = rig(GUARD)
    first.let_trade(A, False)
    for _ in range(days):
        first.at(first.clock.now() + timedelta(days=1))
    locked = first.status().lockouts
    first.stop()
    first.broker.blind.add(A)
    first.broker.exchange.accounts[A].can_trade = True

    run = rig(GUARD, broker=first.broker)
    assert run.status().lockouts == locked
    assert run.status().phase is Phase.LOCKED
    assert run.events(SnapshotTaken) == []
    run.broker.blind.clear()
    run.advance(2)

    assert run.status().phase is Phase.OPEN
    assert rules_in_force(run) == []


def test_a_restart_while_it_is_false_stays_locked(rig):
    """S-54: nothing but true ends it."""
    first = rig(GUARD)
    first.let_trade(A, False)
    first.stop()

    run = rig(GUARD, broker=first.broker)
    run.advance(120)

    assert rules_in_force(run) == ["RULE-010"]
    assert run.status().phase is Phase.LOCKED


def test_an_account_that_starts_without_permission_is_never_open(rig):
    """The first snapshot says false: locked before it was ever OPEN."""
    first = rig(config_of(max_contracts={"limit": 5}))
    first.stop()
    first.broker.exchange.accounts[A].can_trade = False

    run = rig(GUARD, broker=first.broker)

    assert run.status().phase is Phase.LOCKED


@pytest.mark.parametrize(("poll_s", "after"), [(30, 30), (5, 5)])
def test_the_poll_finds_what_the_stream_does_not_say(rig, poll_s, after):
    """S-54: polled every 30 s, or as configured; it locks, and it releases."""
    run = rig(config_of(auth_loss_guard={"poll_s": poll_s}))
    run.broker.muted.add(A)

    run.let_trade(A, False)
    run.advance(after - 0.1)
    assert run.status().phase is Phase.OPEN
    run.advance(0.2)
    assert run.status().phase is Phase.LOCKED
    run.let_trade(A, True)
    run.advance(after)

    assert run.status().phase is Phase.OPEN


def test_without_the_rule_there_is_no_poll_and_no_lock(rig):
    """The flag is known, and means nothing to the other rules."""
    run = rig(config_of(max_contracts={"limit": 5}))
    run.let_trade(A, False)
    run.do(lambda gateway: gateway.say_account(A, can_trade=None))

    run.advance(60)

    assert run.status().phase is Phase.OPEN
    assert run.system.poll_s("desk") is None
    assert alarms(run) == []


@pytest.mark.parametrize("before", [True, False])
def test_a_message_that_does_not_say_changes_nothing_and_alarms_once(rig, before):
    """S-55: neither locked nor released by silence; the alarm comes once until it is said again."""
    run = rig(GUARD)
    run.broker.muted.add(A)
    run.do(lambda gateway: gateway.say_account(A, can_trade=before))
    phase = run.status().phase

    for _ in range(3):
        run.do(lambda gateway: gateway.say_account(A, can_trade=None))

    assert run.status().phase is phase
    assert phase is (Phase.OPEN if before else Phase.LOCKED)
    assert alarms(run) == [AlarmCode.CAN_TRADE_UNKNOWN]
    run.do(lambda gateway: gateway.say_account(A, can_trade=before))
    run.do(lambda gateway: gateway.say_account(A, can_trade=None))
    assert alarms(run) == [AlarmCode.CAN_TRADE_UNKNOWN] * 2


def test_an_older_true_does_not_release(rig):
    """A poll asked for before the false was pushed, and answered after it, is old news."""
    run = rig(GUARD)
    run.advance(5)
    run.let_trade(A, False)

    told(run, A, can_trade=True, asked_s_ago=1)
    assert rules_in_force(run) == ["RULE-010"]
    assert [each.can_trade for each in run.events(AccountChanged)] == [False]
    told(run, A, can_trade=True, asked_s_ago=-1)

    assert rules_in_force(run) == []


def test_an_older_false_does_not_lock(rig):
    """A poll asked for before the true was pushed is old news as well."""
    run = rig(GUARD)
    run.let_trade(A, False)
    run.advance(5)
    run.let_trade(A, True)

    told(run, A, can_trade=False, asked_s_ago=1)

    assert run.status().phase is Phase.OPEN


def test_a_change_of_mind_before_the_lock_is_applied_is_not_forgotten(rig):
    """False, then true while the closes still hang: locked at the deadline and let go in one step."""
    run = rig(GUARD)
    run.order(A, "MNQ", 1)
    run.broker.hanging[A] = False
    run.let_trade(A, False)
    run.let_trade(A, True)
    assert run.status().phase is Phase.ENFORCING

    run.broker.hanging.clear()
    run.advance(5)
    for _ in range(5):
        run.advance(3)

    assert len(run.events(AccountLocked)) == len(run.events(LockoutReleased)) == 1
    assert run.held() == {}
    assert run.status().phase is Phase.OPEN
