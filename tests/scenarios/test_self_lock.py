"""A trader locks himself out: flat, then locked, and nothing ends it early (I1, I4, I5, I6, I9)."""

from datetime import UTC, datetime, timedelta

import pytest

from actors.locking import LONGEST, LockRefusedError, LockRequest
from actors.runtime import VirtualClock
from messages.events import (
    AccountLocked,
    AccountOpened,
    DayReset,
    ExposureUnderLock,
    FlatConfirmed,
    LockoutAsked,
    LockoutReleased,
    RuleBreached,
)
from messages.values import Duty, Health, OrderType, Phase
from tests.rig import NOON, A, B, FakeBroker, config_of
from tests.scenarios.test_restart_in_force import again

RULES = config_of(daily_realized_loss={"max_loss_usd": 500, "include_open_loss": False})
MINUTE = timedelta(minutes=1)


@pytest.fixture
def run(rig):
    """Start a system with one rule."""
    return rig(RULES)


def lock(run, account=A, **how):
    """Ask for a lockout as the HTTP server does, and settle."""
    asked = LockRequest(account=account, reason=how.pop("reason", "enough for today"), **how)
    answer = run.system.lock(asked)
    run.settle()
    return answer


def test_flat_then_locked_in_the_order_of_every_enforcement(run):
    """The wish and the intent stand in the journal before a command, the proof before the lock."""
    run.order(A, "MNQ", 2)
    run.order(A, "MNQ", 1, OrderType.LIMIT, limit=20_000)

    answer = lock(run, for_s=1800)

    assert (run.held(), run.working()) == ({}, 0)
    assert (answer.account, answer.name) == (A, f"50K-{A}")
    assert answer.lockout.until == answer.asked_until == NOON + 30 * MINUTE
    status = run.status()
    assert (status.phase, status.lockouts) == (Phase.LOCKED, (answer.lockout,))
    assert (answer.lockout.duty, answer.lockout.reason) == (Duty.FLAT, "enough for today")
    kinds = [type(each.event).__name__ for each in run.stored()]
    order = ("LockoutAsked", "EnforcementStarted", "BrokerCommandSent", "FlatConfirmed")
    places = [kinds.index(each) for each in (*order, "AccountLocked")]
    assert places == sorted(places)
    assert run.events(RuleBreached) == []
    assert run.status(B).phase is Phase.OPEN


def test_reentry_under_it_is_closed_at_once(run):
    """As under any flat lockout, and counted."""
    lock(run, for_s=1800)

    run.order(A, "MNQ", 1)

    assert run.held() == {}
    (attempt,) = run.events(ExposureUnderLock)
    assert (attempt.lockout.rule, attempt.rules_skipped) == ("SELF", 1)


def test_it_ends_at_its_time_by_the_clock_alone(run):
    """Locked a moment before, open at it, with no traffic."""
    lock(run, for_s=1800)

    run.advance(1799.999)
    assert run.status().phase is Phase.LOCKED
    run.advance(0.001)

    assert run.status().phase is Phase.OPEN
    (released,) = run.events(LockoutReleased)
    assert (released.rule, released.released_by) == ("SELF", "time")


def test_it_survives_a_restart_and_ends_when_it_was_to_end(rig, run):
    """Nothing has to be asked again; exposure opened while nobody guarded is closed."""
    lock(run, for_s=1800)
    run.stop()
    run.clock.advance(600)
    run = again(rig, run)

    assert run.status().phase is Phase.LOCKED
    run.order(A, "MNQ", 1)
    assert run.held() == {}
    run.at(NOON + 29 * MINUTE)
    assert run.status().phase is Phase.LOCKED
    run.at(NOON + 31 * MINUTE)
    assert run.status().phase is Phase.OPEN


def test_a_restart_in_the_middle_of_it_ends_flat_and_locked(rig, run):
    """The intent is durable: the broker hung, the process ended, and the next one goes on."""
    run.order(A, "MNQ", 2)
    run.broker.hanging[A] = False
    lock(run, for_s=1800)
    assert run.status().phase is Phase.ENFORCING
    del run.broker.hanging[A]

    run = again(rig, run)
    run.advance(60)

    assert run.held() == {}
    assert [each.rule for each in run.status().lockouts] == ["SELF"]
    assert run.status().phase is Phase.LOCKED


def test_a_broker_that_hangs_does_not_keep_it_from_being_locked(run):
    """The deadline locks with exposure; closing goes on and ends flat."""
    run.order(A, "MNQ", 2)
    run.broker.hanging[A] = False

    lock(run, for_s=1800)
    run.advance(60)
    (locked,) = run.events(AccountLocked)
    assert (locked.lockout.rule, locked.flat_confirmed) == ("SELF", False)
    del run.broker.hanging[A]
    run.advance(60)

    assert run.held() == {}


def test_a_shorter_one_changes_nothing_and_the_answer_says_what_binds(run):
    """Nor does one of the same end: no event, no command, the old end."""
    first = lock(run, for_s=1800)
    events = len(run.stored())

    for how in ({"for_s": 60}, {"until": NOON + MINUTE}, {"until": first.lockout.until}):
        answer = lock(run, reason="let me out", **how)
        assert answer.lockout == first.lockout
        assert answer.asked_until <= first.lockout.until

    assert len(run.stored()) == events
    run.at(NOON + 29 * MINUTE)
    assert run.status().phase is Phase.LOCKED


def test_a_longer_one_takes_its_place_and_the_old_end_ends_nothing(run):
    """Also while the first is still being enforced."""
    run.order(A, "MNQ", 1)
    run.broker.hanging[A] = False
    lock(run, for_s=600)
    lock(run, for_s=1200)
    del run.broker.hanging[A]
    run.advance(60)
    run.advance(60)
    assert run.held() == {}
    assert [each.until for each in run.status().lockouts] == [NOON + 20 * MINUTE]

    lock(run, until=NOON + 60 * MINUTE)
    assert [each.until for each in run.status().lockouts] == [NOON + 60 * MINUTE]
    run.at(NOON + 59 * MINUTE)

    assert run.status().phase is Phase.LOCKED
    assert run.events(LockoutReleased) == []
    run.at(NOON + 60 * MINUTE)
    assert run.status().phase is Phase.OPEN


def test_no_reset_ends_it_before_its_time(run):
    """22:00 UTC passes; a lock of the day's loss would end there."""
    lock(run, until=NOON + 24 * 60 * MINUTE)

    run.at(NOON.replace(hour=22, minute=1))
    assert len(run.events(DayReset)) == 2
    assert [each.rule for each in run.status().lockouts] == ["SELF"]
    run.order(A, "MNQ", 1)
    assert run.held() == {}

    run.at(NOON + 24 * 60 * MINUTE)
    assert run.status().phase is Phase.OPEN


def test_it_joins_a_lock_that_is_in_force_and_outlives_it(run):
    """Each ends by itself: the day's loss at the reset, this one later."""
    run.fill(A, "-600")
    assert [each.rule for each in run.status().lockouts] == ["RULE-003"]

    lock(run, until=NOON + 12 * 60 * MINUTE)
    assert {each.rule for each in run.status().lockouts} == {"RULE-003", "SELF"}
    run.at(NOON.replace(hour=22, minute=1))

    assert [each.rule for each in run.status().lockouts] == ["SELF"]
    assert run.status().phase is Phase.LOCKED


def test_a_lock_of_a_rule_outlives_it_too(run):
    """Its end frees nobody who is locked for something else."""
    run.fill(A, "-600")
    lock(run, for_s=60)

    run.advance(61)

    assert [each.rule for each in run.status().lockouts] == ["RULE-003"]
    assert run.status().phase is Phase.LOCKED


def test_rules_are_judged_before_the_account_opens_again(run):
    """A loss the flattening realised counts the moment the lockout ends."""
    lock(run, for_s=60)
    run.fill(A, "-600")
    assert run.events(RuleBreached) == []
    before = len(run.events(AccountOpened))

    run.advance(61)

    assert len(run.events(AccountOpened)) == before
    assert [each.rule for each in run.status().lockouts] == ["RULE-003"]


def test_it_needs_no_stream(run):
    """STALE: what is there is read from the broker, closed and locked."""
    run.order(A, "MNQ", 2)
    run.do(lambda gateway: gateway.lose())
    assert run.status().health is Health.STALE

    lock(run, for_s=1800)

    assert run.held() == {}
    assert [each.rule for each in run.status().lockouts] == ["SELF"]


def test_it_needs_no_snapshot(rig):
    """An account that was never read is still STARTING: it is locked all the same, by the deadline."""
    broker = FakeBroker(VirtualClock(NOON), (A, B))
    broker.blind.add(A)
    run = rig(RULES, broker=broker)
    assert run.status().phase is Phase.STARTING

    lock(run, for_s=1800)
    run.advance(60)

    assert [each.rule for each in run.status().lockouts] == ["SELF"]
    assert run.events(FlatConfirmed) == []


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"for_s": 60, "account": 4711}, "4711 is not among the guarded accounts"),
        ({"for_s": 60, "account": "50K-4711"}, f"{A} (50K-{A})"),
        ({"for_s": 60, "account": ""}, "is not among the guarded accounts"),
        ({}, "say either how long"),
        ({"for_s": 60, "until": NOON + MINUTE}, "say either how long"),
        ({"until": NOON}, "is over already"),
        ({"until": NOON - MINUTE}, "is over already"),
        ({"until": datetime(1, 1, 1, tzinfo=UTC)}, "is over already"),
        ({"until": NOON + LONGEST + MINUTE}, "longer than 366 days"),
        ({"for_s": 10**30}, "longer than 366 days"),
        ({"for_s": 60, "reason": " "}, "the reason must be"),
        ({"for_s": 60, "reason": "x" * 201}, "the reason must be"),
        ({"for_s": 60, "reason": "one\ntwo"}, "the reason must be"),
        ({"for_s": 60, "reason": "\x1b[2J"}, "the reason must be"),
    ],
)
def test_what_is_no_lockout_of_a_guarded_account_is_refused_and_changes_nothing(run, how, says):
    """Each with what to say instead."""
    with pytest.raises(LockRefusedError) as refused:
        lock(run, **how)

    assert says in str(refused.value)
    assert run.events(LockoutAsked) == []
    assert run.status().phase is Phase.OPEN


def test_an_account_is_named_by_its_id_or_its_name(run):
    """As a number, as text, or as the broker calls it."""
    for account in (A, str(A), f"50K-{A}"):
        assert lock(run, account, for_s=60).account == A

    assert run.status(B).phase is Phase.OPEN


def test_a_name_that_two_accounts_have_locks_neither(rig):
    """Their ids are named."""
    broker = FakeBroker(VirtualClock(NOON), (A, B))
    for each in broker.exchange.accounts.values():
        each.name = "50K"
    run = rig(RULES, broker=broker)

    with pytest.raises(LockRefusedError) as refused:
        lock(run, "50K", for_s=60)

    assert f"{A}, {B}" in str(refused.value)
    assert {run.status(A).phase, run.status(B).phase} == {Phase.OPEN}
