"""What people read of an event."""

from datetime import UTC, datetime

from actors.ops.narrator import narrate
from messages.events import AccountGuarded


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
