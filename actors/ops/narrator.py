"""What an event says to people: lines with a level, the seed's own words where it had them.

Pure. Every line is made from a journaled event alone, so the log can never say what the journal does not.
"""

from messages.base import Message
from messages.events import (
    AccountGuarded,
    AccountLocked,
    AccountOpened,
    ActorRestarted,
    AlarmRaised,
    AnchorAccepted,
    BrokerCommandAnswered,
    BrokerCommandSent,
    DayReset,
    DeadLettered,
    DeadlinePassed,
    EnforcementFinished,
    EnforcementNarrowed,
    EnforcementStarted,
    EnforcementUnrecorded,
    EnforcementWithheld,
    ExposureUnderLock,
    FlatConfirmed,
    HealthChanged,
    JournalArchived,
    LockoutAsked,
    LockoutReleased,
    RuleBreached,
    RulesAdopted,
    StopMoved,
    StopNotMoved,
)
from messages.values import (
    Done,
    Duty,
    FlatAccount,
    Lockout,
    NoOpeningOrders,
    NotSent,
    Outcome,
    Rejected,
    ReleaseOn,
    Uncertain,
    Withheld,
)

type Line = tuple[str, str]
"""(level, text); levels are those of logging, in small letters."""


def narrate(  # noqa: C901, PLR0911, PLR0912 - a table, one line per event
    event: Message, *, shadow: bool = False
) -> list[Line]:
    """Return what an event says, possibly nothing; of an account in shadow nothing was done in truth."""
    match event:
        case AccountGuarded():
            return _guarded(event)
        case RulesAdopted():
            return _adopted(event)
        case AccountOpened():
            return [("info", f"Account {event.account} OPEN: every rule judged it clean")]
        case RuleBreached():
            return _breached(event, shadow=shadow)
        case LockoutAsked(lockout=lock):
            who = f"Account {event.account}: its trader locks it until {_until(lock)}"
            flatten = f"Flattening all positions of account {event.account}"
            return [("warning", f"{who}: {lock.reason}"), ("warning", flatten)]
        case EnforcementStarted(shadow=True):
            what = "positions or orders would be closed or cancelled, and are not"
            return [("warning", f"Account {event.account} is only watched: {what}")]
        case EnforcementStarted() if event.breaches and FlatAccount() in event.targets:
            return [("warning", f"Flattening all positions of account {event.account}")]
        case EnforcementStarted() if event.breaches and NoOpeningOrders() in event.targets:
            return [("warning", _kept(event))]
        case BrokerCommandSent():
            return [("warning", _sent(event, shadow=shadow))]
        case BrokerCommandAnswered(outcome=outcome) if unusual := _unusual(outcome):
            return [("warning", f"Account {event.account}: {event.command_id} {unusual}")]
        case StopMoved() | StopNotMoved():
            return [_stop(event)]
        case FlatConfirmed():
            return [
                ("info", f"Account {event.account} verified by two complete reads of the broker")
            ]
        case DeadlinePassed():
            return [("critical", f"Account {event.account}: enforcement deadline passed, not flat")]
        case EnforcementUnrecorded():
            return [("critical", f"Account {event.account}: intent not on disk ({event.reason})")]
        case EnforcementWithheld():
            what = "what would have been closed or cancelled is still there"
            return [("warning", f"Account {event.account} is only watched: {what}")]
        case AccountLocked(lockout=lock) if lock.shadow:
            would = "would be locked" if lock.duty is Duty.FLAT else "would have no new exposure"
            return [
                ("warning", f"Account {event.account} {would} until {_until(lock)}: {lock.reason}")
            ]
        case AccountLocked(lockout=lock) if lock.duty is Duty.NO_NEW_EXPOSURE:
            text = f"Account {event.account}: no new exposure until {_until(lock)}"
            return [("warning", f"{text}: {lock.reason}")]
        case AccountLocked(lockout=lock):
            return [
                (
                    "warning",
                    f"Account {event.account} locked until {_until(lock)}: {lock.reason}",
                )
            ]
        case ExposureUnderLock():
            return _under_lock(event)
        case EnforcementNarrowed():
            what = "a lockout has ended, what only it asked for is dropped"
            return [("info", f"Enforcement {event.enforcement_id}: {what}")]
        case EnforcementFinished():
            return [("info", f"Enforcement {event.enforcement_id} finished")]
        case LockoutReleased():
            return [
                (
                    "info",
                    f"Account {event.account}: lockout of {event.rule} ended by {event.released_by}",
                )
            ]
        case DayReset():
            return [("info", f"Account {event.account}: trading day {event.trading_date} begins")]
        case HealthChanged():
            level = "info" if event.health == "live" else "warning"
            return [(level, f"Account {event.account} {event.health.upper()}: {event.reason}")]
        case AlarmRaised():
            where = f"Account {event.account}: " if event.account else ""
            return [("error", f"ALARM {event.code}: {where}{event.text}")]
        case AnchorAccepted():
            return [("critical", f"Accepted without its anchor's word: {event.refused}")]
        case JournalArchived():
            return [("info", f"Seq {event.first} to {event.last} archived in {event.archive}")]
        case DeadLettered():
            return [("error", f"{event.address}: {event.error}")]
        case ActorRestarted():
            down = "" if event.down_s is None else f", down for {event.down_s:.3f} s"
            return [("error", f"{event.address} restarted{down}: {event.error}")]
        case _:
            return []


def _guarded(event: AccountGuarded) -> list[Line]:
    # until the reset a rule may stand twice, as it was and as it is to be
    rules = {line.partition(" ")[0] for line in event.rules}
    if event.shadow:
        what = "NOTHING is closed, cancelled or locked"
        head = f"SHADOW: account {event.account} ({event.name}) only watched: {what}"
    else:
        head = f"Account {event.account} ({event.name}) guarded by {_rules(len(rules))}"
    return [
        ("warning" if event.shadow else "info", head),
        *(("info", f"   {rule}") for rule in event.rules),
    ]


def _adopted(event: RulesAdopted) -> list[Line]:
    where = f"Account {event.account}"
    return [
        *(("warning", f"{where} rules changed: {each}") for each in event.applied),
        *(("warning", f"{where} rules queued: {each}") for each in event.queued),
    ]


def _rules(count: int) -> str:
    return f"{count} rule" if count == 1 else f"{count} rules"


def _breached(event: RuleBreached, *, shadow: bool) -> list[Line]:
    breach, does = event.breach, "WOULD ENFORCE" if shadow else "ENFORCING"
    return [
        ("info", f"Account {event.account} {breach.measure}"),
        ("critical", f"VIOLATION: {breach.rule} - {breach.reason}"),
        ("critical", f"{does} {breach.rule}: Account {event.account} {breach.measure}"),
    ]


def _sent(event: BrokerCommandSent, *, shadow: bool) -> str:
    match event.command:
        case "close_contract":
            what = f"closing {event.contract}"
        case "partial_close_contract":
            what = f"closing {event.size} of {event.contract}"
        case "cancel_order":
            what = f"cancelling order {event.order_id}"
        case "modify_order":
            what = f"moving stop order {event.order_id} of {event.contract} to {event.stop_price}"
        case other:
            what = f"{other} {event.order_id or event.contract}"
    would = "would be " if shadow else ""
    return f"Account {event.account}: {would}{what}"


def _stop(event: StopMoved | StopNotMoved) -> Line:
    what = f"Account {event.account}: stop order {event.order_id} of {event.contract}"
    if isinstance(event, StopMoved):
        return (
            "info",
            f"{what} moved from {event.from_price} to {event.stop_price}: {event.reason}",
        )
    return (
        "warning",
        f"{what} stays at {event.from_price}, again in {event.again_in_s:g} s: {event.reason}",
    )


def _unusual(outcome: Outcome) -> str:
    """Say what a person should know of an answer; nothing when it went as it should."""
    match outcome:
        case Done():
            return ""
        case Rejected():
            return f"was rejected by the broker: {outcome.text} ({outcome.code})"
        case NotSent():
            return f"was not sent: {outcome.reason}"
        case Withheld():
            return "was kept back: the account is only watched, nothing was sent"
        case Uncertain():
            return f"is of unknown fate, the broker is read next: {outcome.reason}"


def _kept(event: EnforcementStarted) -> str:
    held = ", ".join(f"{each.contract} {each.size}" for each in event.allowances or ())
    what = f"Cancelling opening orders of account {event.account}"
    return f"{what}; what is held may stay: {held or 'nothing'}"


def _under_lock(event: ExposureUnderLock) -> list[Line]:
    if event.lockout.shadow:
        would = f"would be closed or cancelled: {event.lockout.reason}"
        return [("critical", f"PRE-CHECK: {event.appeared} in account {event.account} {would}")]
    if event.lockout.duty is Duty.NO_NEW_EXPOSURE:
        return [
            ("critical", f"PRE-CHECK: {event.appeared} is new exposure in account {event.account}"),
            ("critical", f"   Reason: {event.lockout.reason}"),
            ("critical", f"   Until: {_until(event.lockout)}"),
            ("critical", f"   Attempt {event.attempt}: closed back; the rules go on judging"),
        ]
    return [
        ("critical", f"PRE-CHECK: {event.appeared} appeared in locked account {event.account}"),
        ("critical", "HARD LOCKOUT ACTIVE"),
        ("critical", f"   Reason: {event.lockout.reason}"),
        ("critical", f"   Until: {_until(event.lockout)}"),
        ("critical", f"   Skipping ALL {event.rules_skipped} rules (account locked)"),
    ]


_ENDS = {
    ReleaseOn.CAN_TRADE: "the firm lets it trade again",
    ReleaseOn.CONFIG: "the configuration no longer asks for it",
}


def _until(lock: Lockout) -> str:
    return lock.until.isoformat() if lock.until else awaited(lock)


def awaited(lock: Lockout) -> str:
    """Say what ends a lockout that has no time to end at."""
    return _ENDS.get(lock.release_on, lock.release_on)
