"""What people read of an event."""

from datetime import UTC, datetime

import msgspec

from actors.ops.narrator import narrate
from messages.events import AccountGuarded, ActorRestarted


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
