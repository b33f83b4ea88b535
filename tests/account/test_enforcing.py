"""From a breach to a lock, decision by decision: what is guarded, counted, joined, and awaited."""

from datetime import timedelta

import pytest
from msgspec import structs

from actors.account.lockouts import key_of
from actors.rules import daily_realized_loss, max_contracts
from messages.commands import ApplyLockout, Enforce, ReportVerdict, WakeAfter, Woken
from messages.events import (
    AccountLocked,
    DeadlinePassed,
    EnforcementJoined,
    EnforcementStarted,
    EnforcementUnrecorded,
    FlatConfirmed,
    RuleBreached,
)
from messages.facts import OrderChanged, TradeExecuted
from messages.journal import Append, Appended, AppendFailed
from messages.values import (
    AlarmCode,
    Duty,
    NoOpeningOrders,
    Order,
    OrderStatus,
    OrderType,
    Side,
)
from tests.account.alone import ES, MNQ, Alone, after, fill
from tests.account.world import ACCOUNT, PARAMETERS, SETTINGS

COUNTING = (max_contracts.RULE, PARAMETERS["RULE-001"])
LOSING = (daily_realized_loss.RULE, PARAMETERS["RULE-003"])
TODAY = "2025-10-29"


@pytest.fixture
def account():
    """Start one with a loss limit and a cap; it was read, flat."""
    account = Alone(LOSING, COUNTING)
    account.connect()
    return account


def loss(account, seconds=1):
    """Book a loss beyond the limit and return its breach."""
    number = 900 + int(seconds)
    account.hear(TradeExecuted, seconds, fill=fill(number, -1, pnl=-600, contract=ES))
    account.hold(seconds, 0, ES)
    view = account.core._picture.view(after(seconds))
    return daily_realized_loss.RULE.evaluate(view, LOSING[1])


def cooldown(breach):
    """Turn a breach into one that only forbids new exposure."""
    (terms,) = breach.lockouts
    milder = structs.replace(terms, duty=Duty.NO_NEW_EXPOSURE)
    return structs.replace(
        breach, rule="RULE-006", lockouts=(milder,), targets=(NoOpeningOrders(),)
    )


def report(account, seconds, breach):
    verdict = {"breach": breach, "moves": (), "judgement": None, "trading_date": TODAY}
    account.hear(ReportVerdict, seconds, rule=breach.rule, **verdict)
    return account.events(RuleBreached)


def locked(account, seconds, breach):
    """Have a breach enforced, proved and locked."""
    assert report(account, seconds, breach)
    account.store(seconds)
    account.prove(seconds)
    assert account.events(AccountLocked)
    account.store(seconds)


def resting(number=7, size=1, status=OrderStatus.OPEN, contract=MNQ):
    return Order(
        order_id=number,
        contract=contract,
        side=Side.BUY,
        type=OrderType.LIMIT,
        size=size,
        filled=0,
        status=status,
    )


# --- standing guard ---


def test_what_appears_under_a_flat_lock_is_an_attempt_and_no_rule_judges_it(account):
    """Counted from one, with the number of rules that are skipped."""
    locked(account, 1, loss(account))

    account.hold(2, 1)
    (first,) = account.attempts()
    assert (first.attempt, first.rules_skipped, first.lockout.duty) == (1, 2, Duty.FLAT)

    account.hold(3, 0)
    account.hold(4, 2)
    (second,) = account.attempts()
    assert second.attempt == 2


def test_what_appears_while_exposure_may_not_grow_is_judged_all_the_same(account):
    """Rules go on guarding what is held."""
    locked(account, 1, cooldown(loss(account)))

    account.hold(2, 1)

    (attempt,) = account.attempts()
    assert attempt.rules_skipped == 0


def test_a_position_within_its_allowance_is_no_attempt(account):
    """What was held when the lockout came may stay and shrink."""
    account.hold(0.5, 3)
    locked(account, 1, cooldown(loss(account)))

    account.hold(2, 2)
    assert account.attempts() == []
    assert account.events(EnforcementStarted) == []

    account.hold(3, 3)
    assert len(account.attempts()) == 1


def test_what_may_stay_is_what_is_held_as_the_first_such_lockout_comes(account):
    """A second one changes nothing about it, a flat one has none."""
    account.hold(0.5, 3)
    report(account, 1, cooldown(loss(account)))
    (begun,) = account.events(EnforcementStarted)
    assert [each.size for each in begun.allowances] == [3]

    report(account, 2, structs.replace(cooldown(loss(account, 2)), rule="RULE-002"))
    (joined,) = account.events(EnforcementJoined)
    assert joined.allowances is None

    report(account, 3, loss(account, 3))
    (joined,) = account.events(EnforcementJoined)
    assert joined.allowances is None


def test_a_flat_lockout_sets_no_allowances(account):
    """Nothing may stay."""
    account.hold(0.5, 3)
    report(account, 1, loss(account))

    (begun,) = account.events(EnforcementStarted)
    assert begun.allowances is None


def test_the_end_of_an_order_under_lock_is_no_attempt(account):
    """Cancelled, it is told once more."""
    locked(account, 1, loss(account))
    account.hear(OrderChanged, 2, order=resting())
    assert len(account.attempts()) == 1

    account.hear(OrderChanged, 3, order=resting(status=OrderStatus.CANCELLED))

    assert account.attempts() == []
    assert account.of(Enforce) == []


def test_a_contract_that_is_gone_and_back_is_named_to_the_enforcer(account):
    """It closed it before; now it does so again without waiting for a read."""
    locked(account, 1, loss(account))
    account.hold(2, 1)
    account.store(2)
    assert [each.reappeared for each in account.of(Enforce)] == [()]

    account.hold(3, 0)
    account.hold(4, 1)
    assert [each.reappeared for each in account.of(Enforce)] == [(MNQ,)]
    account.hold(5, 2)
    assert [each.reappeared for each in account.of(Enforce)] == [()]


def test_an_order_that_is_filled_under_lock_is_closed_again_as_a_position(account):
    """One attempt: noted with the order, named to the enforcer with the position."""
    locked(account, 1, loss(account))
    account.hold(2, 1, ES)
    account.store(2)
    account.hear(OrderChanged, 3, order=resting())
    assert [each.reappeared for each in account.of(Enforce)] == [()]

    account.hold(4, 1)

    assert account.attempts() == []
    assert [each.reappeared for each in account.of(Enforce)] == [(MNQ,)]


def test_an_order_that_ends_beside_a_position_under_lock_asks_for_nothing_more(account):
    """The position is being closed already."""
    locked(account, 1, loss(account))
    account.hold(2, 1)
    account.store(2)

    account.hear(OrderChanged, 3, order=resting(status=OrderStatus.CANCELLED))

    assert account.of(Enforce) == []


def test_what_a_closed_position_leaves_behind_under_a_flat_lock_goes_at_once(account):
    """No order may work."""
    locked(account, 1, loss(account))
    account.hold(2, 1)
    account.store(2)
    account.hear(OrderChanged, 2, order=resting(7))
    account.hear(OrderChanged, 2, order=resting(8))

    account.hold(3, 0)

    assert [each.known_orders for each in account.of(Enforce)] == [(7, 8)]


def test_what_a_smaller_position_leaves_behind_while_exposure_may_not_grow_is_given_a_second(
    account,
):
    """The other leg of an OCO pair is told to be cancelled a moment later."""
    account.hold(0.5, 3)
    locked(account, 1, cooldown(loss(account)))
    account.hear(OrderChanged, 2, order=resting())
    account.store(2)

    account.hold(3, 2)

    assert account.of(Enforce) == []
    assert [(each.key, each.after_s) for each in account.of(WakeAfter)] == [("leftovers", 1.0)]


# --- the intent ---


def test_an_intent_has_its_deadline_from_when_it_was_decided(account):
    """Five seconds, as configured."""
    report(account, 1, loss(account))

    (begun,) = account.events(EnforcementStarted)
    assert begun.deadline_at == begun.at + timedelta(seconds=SETTINGS.deadline_s)


def test_a_verdict_of_the_same_lockout_adds_nothing(account):
    """The rule judged twice before its first breach was heard: equally strict is not stricter."""
    breach = loss(account)
    assert len(report(account, 1, breach)) == 1
    known = {key_of(each) for each in account.core.state.duties}

    assert report(account, 1, breach) == []
    assert {key_of(each) for each in account.core.state.duties} == known


# --- the disk ---


def test_an_answer_of_the_disk_nobody_waits_for_changes_nothing(account):
    """It may come after its time, or twice."""
    account.hear(Appended, 1, token="unknown", last_seq=1)
    assert account.sent == []
    account.hear(AppendFailed, 1, token="unknown", reason="full")
    assert account.sent == []


@pytest.mark.parametrize(
    ("reason", "waited_s", "code"),
    [
        ("late", SETTINGS.journal_deadline_s, AlarmCode.JOURNAL_LATE),
        ("full", 0.0, AlarmCode.JOURNAL_FAILED),
    ],
)
def test_an_intent_that_is_not_on_disk_is_enforced_loudly(account, reason, waited_s, code):
    """A late answer and none at all are told apart, with the time the journal had."""
    report(account, 1, loss(account))
    (append,) = account.of(Append)
    if reason == "late":
        account.hear(Woken, 1.25, key=f"journal {append.token}")
    else:
        account.hear(AppendFailed, 1, token=append.token, reason=reason)

    (unrecorded,) = account.events(EnforcementUnrecorded)
    assert (unrecorded.waited_s, unrecorded.reason) == (waited_s, reason)
    assert account.alarms().keys() == {code}
    assert len(account.of(Enforce)) == 1


# --- the report ---


def lockout_of(number, account, seconds):
    return account.hear(
        ApplyLockout,
        seconds,
        enforcement_id=number,
        targets=(),
        flat_confirmed=False,
        read_at=None,
        deadline_at=after(60),
        positions=(),
        orders=(),
        waves=1,
    )


def test_a_report_of_what_is_not_under_way_locks_nothing(account):
    """Nothing is, or something else: it was said by an earlier life of the enforcer."""
    lockout_of(f"{ACCOUNT}/e1", account, 1)
    assert account.events(AccountLocked) == []

    report(account, 1, loss(account))
    lockout_of(f"{ACCOUNT}/e0", account, 2)
    assert account.events(AccountLocked) == []


def test_a_deadline_that_passes_is_journaled_and_alarmed_and_proves_nothing(account):
    """Locked with exposure; a mere limit has no lock to say so of."""
    report(account, 1, loss(account))
    account.store(1)
    account.prove(6, flat_confirmed=False)
    assert account.events(FlatConfirmed) == []
    assert len(account.events(DeadlinePassed)) == 1
    assert "locked with exposure" in account.alarms()[AlarmCode.FLAT_NOT_CONFIRMED]

    other = Alone(COUNTING)
    other.connect()
    other.hold(1, 9)
    view = other.core._picture.view(after(1))
    report(other, 1, max_contracts.RULE.evaluate(view, COUNTING[1]))
    other.store(1)
    other.prove(6, flat_confirmed=False)
    assert "limit is still exceeded" in other.alarms()[AlarmCode.FLAT_NOT_CONFIRMED]
