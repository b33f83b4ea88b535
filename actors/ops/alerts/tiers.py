"""How much what matters, and to whom it is told when. Two tables, pure.

An alarm or breach that is not in its table cannot exist: `tests/ops/alerts/test_tiers.py` compares them.
"""

from messages.alerts import Severity
from messages.values import AlarmCode, BreachCode

INFO, WARNING, CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL
RANK = {INFO: 0, WARNING: 1, CRITICAL: 2}

BREACHES: dict[BreachCode, Severity] = {
    BreachCode.DAILY_REALIZED_LOSS: CRITICAL,
    BreachCode.DAILY_LOSS_WITH_OPEN: CRITICAL,
    BreachCode.DAILY_UNREALIZED_LOSS: WARNING,
    BreachCode.MAX_CONTRACTS: WARNING,
    BreachCode.MAX_CONTRACTS_PER_INSTRUMENT: WARNING,
    BreachCode.UNKNOWN_INSTRUMENT: WARNING,
    BreachCode.TRADE_FREQUENCY_LIMIT: WARNING,
    BreachCode.COOLDOWN_AFTER_LOSS: WARNING,
    BreachCode.NO_STOP_LOSS: WARNING,
    BreachCode.SYMBOL_BLOCKED: WARNING,
    BreachCode.CANNOT_TRADE: CRITICAL,
    BreachCode.RULE_UNJUDGED: CRITICAL,
    BreachCode.MAX_UNREALIZED_PROFIT: INFO,
    BreachCode.DAILY_REALIZED_PROFIT: WARNING,
    BreachCode.OUTSIDE_SESSION: INFO,  # every evening, of every account
}
"""INFO waits for the digest. What is not flat in time is critical, whatever it began with."""

ALARMS: dict[AlarmCode, Severity | None] = {
    AlarmCode.BROKER_UNCERTAIN: INFO,
    AlarmCode.BROKER_REJECTED: WARNING,
    AlarmCode.FLAT_NOT_CONFIRMED: None,  # the deadline that passed with it is told
    AlarmCode.REENTRY_PATTERN: WARNING,
    AlarmCode.COPIER_SUSPECTED: WARNING,
    AlarmCode.JOURNAL_LATE: WARNING,
    AlarmCode.JOURNAL_FAILED: CRITICAL,
    AlarmCode.ANCHOR_FAILED: WARNING,
    AlarmCode.ARCHIVE_FAILED: WARNING,
    # What makes an account unprotected is told when it lasts, with how it stands.
    AlarmCode.STREAM_LOST: INFO,
    AlarmCode.SNAPSHOT_FAILED: INFO,
    AlarmCode.SNAPSHOT_DIFFERED: INFO,
    AlarmCode.QUOTE_STALE: INFO,
    AlarmCode.QUOTE_DOUBTED: INFO,
    AlarmCode.FACTS_LATE: INFO,
    AlarmCode.CAN_TRADE_UNKNOWN: INFO,
    AlarmCode.ACTOR_RESTARTED: INFO,
    AlarmCode.PAYLOAD_QUARANTINED: WARNING,
    AlarmCode.UNKNOWN_ACCOUNT: WARNING,
    AlarmCode.ACCOUNT_MISSING: CRITICAL,
    AlarmCode.ACCOUNT_RENAMED: WARNING,
    AlarmCode.ACCOUNT_UNGUARDED: CRITICAL,
    AlarmCode.UNKNOWN_CONTRACT: WARNING,
    AlarmCode.UNKNOWN_ORDER_STATUS: WARNING,
    AlarmCode.RULE_FAILED: WARNING,
    AlarmCode.RULE_SILENT: WARNING,
    AlarmCode.RULE_UNJUDGED: CRITICAL,
    AlarmCode.ACTOR_GAVE_UP: CRITICAL,
    AlarmCode.ACTOR_DOWN: CRITICAL,
    AlarmCode.ACTOR_HUNG: WARNING,
    AlarmCode.DEAD_LETTER: WARNING,
    AlarmCode.LOGIN_FAILED: CRITICAL,
    AlarmCode.LOGGED_OUT_BY_BROKER: CRITICAL,
    AlarmCode.BUDGET_EXHAUSTED: WARNING,
    AlarmCode.CALENDAR_EXPIRED: WARNING,
    AlarmCode.STOP_NOT_MOVED: WARNING,
    AlarmCode.CALENDAR_MISSING: WARNING,
    AlarmCode.CLOCK_JUMPED: WARNING,
    AlarmCode.CLOCK_WRONG: WARNING,
    AlarmCode.CLOCK_UNCONFIRMED: WARNING,
    AlarmCode.BALANCE_DIFFERED: WARNING,
    AlarmCode.RULE_NOT_RESTORED: WARNING,
    AlarmCode.LEASE_LOST: CRITICAL,
    AlarmCode.RUN_CUT_SHORT: WARNING,
    AlarmCode.WATCHDOG_GONE: WARNING,
    AlarmCode.TURNS_LATE: WARNING,
    AlarmCode.ALERT_CHANNEL_FAILED: WARNING,
    AlarmCode.MACHINE_UNFIT: CRITICAL,
}
"""None is told by something else already, INFO waits for the digest."""


def worst(severities: list[Severity]) -> Severity:
    """Return what matters most."""
    return max(severities, key=RANK.__getitem__)
