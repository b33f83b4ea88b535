"""What people read of an event."""

from datetime import UTC, datetime

import msgspec
import pytest

from actors.ops.narrator import narrate
from messages.events import (
    AccountGuarded,
    AccountLocked,
    ActorRestarted,
    EnforcementNarrowed,
    LockoutAsked,
)
from messages.values import Duty, Lockout, ReleaseOn

NOON = datetime(2025, 10, 29, 17, tzinfo=UTC)
HEAD = {"account": 1, "at": NOON, "cause": "test"}


def test_a_rule_that_stands_twice_is_one_rule():
    """Until the reset it may stand as it was and as it is to be."""
    guarded = AccountGuarded(
        account=1,
        at=datetime(2025, 10, 29, 17, tzinfo=UTC),
        cause="start",
        name="50K",
        login="desk",
        rules=("RULE-001 MaxContracts: 5 net", "RULE-001 MaxContracts: 4 gross", "RULE-003 x: y"),
    )

    assert narrate(guarded)[0][1] == "Account 1 (50K) guarded by 2 rules"


@pytest.mark.parametrize(
    ("release_on", "until", "says"),
    [
        (ReleaseOn.CONFIG, None, "until the configuration no longer asks for it"),
        (ReleaseOn.CAN_TRADE, None, "until the firm lets it trade again"),
        (ReleaseOn.RESET, NOON, "until 2025-10-29T17:00:00+00:00"),
    ],
)
def test_a_lock_says_what_ends_it(release_on, until, says):
    """Only the firm's own flag is up to the broker."""
    lock = Lockout(
        rule="RULE-011",
        scope="product:RTY",
        duty=Duty.FLAT,
        until=until,
        release_on=release_on,
        reason="RTY is blocked",
        breach_id="1/b1",
        locked_at=NOON,
    )
    locked = AccountLocked(**HEAD, enforcement_id="1/e1", lockout=lock, flat_confirmed=True)

    assert narrate(locked) == [("warning", f"Account 1 locked {says}: RTY is blocked")]


def test_a_lockout_somebody_asked_for_is_said_as_that():
    """No rule is violated; the flattening and the lock follow in the words of every other."""
    lock = Lockout(
        rule="SELF",
        scope="account",
        duty=Duty.FLAT,
        until=NOON,
        release_on=ReleaseOn.TIME,
        reason="a walk",
        breach_id="self/1",
        locked_at=NOON,
    )

    assert narrate(LockoutAsked(**HEAD, lockout=lock)) == [
        ("warning", "Account 1: its trader locks it until 2025-10-29T17:00:00+00:00: a walk"),
        ("warning", "Flattening all positions of account 1"),
    ]


def test_what_is_no_longer_enforced_is_said():
    """People see why the cancelling stopped."""
    event = EnforcementNarrowed(**HEAD, enforcement_id="1/e2", targets=(), lockouts=())

    assert narrate(event) == [
        ("info", "Enforcement 1/e2: a lockout has ended, what only it asked for is dropped")
    ]


def test_a_restart_is_told_with_its_duration():
    """How long nobody did the work; an older journal does not say."""
    restarted = ActorRestarted(
        at=datetime(2025, 10, 29, 17, tzinfo=UTC),
        cause="accounts/desk",
        address="account/1",
        error="ValueError('x')",
        restarts=1,
        down_s=0.0123,
    )

    assert narrate(restarted) == [
        ("error", "account/1 restarted, down for 0.012 s: ValueError('x')")
    ]
    older = msgspec.structs.replace(restarted, down_s=None)
    assert narrate(older) == [("error", "account/1 restarted: ValueError('x')")]
