"""From a breach to a lock, told step by step: the incidents of an account, as its journal has them. Pure.

An incident is one enforcement: what led to it, the intent, every command and answer, what showed that it
is flat, the locks. It is told from stored events alone, with the times these carry.
"""

from collections import deque
from datetime import datetime, timedelta
from typing import Any

import msgspec

from actors.ops.facts import say
from actors.ops.narrator import narrate
from messages import codec
from messages.events import (
    AccountLocked,
    BrokerCommandSent,
    DayReset,
    DeadlinePassed,
    EnforcementFinished,
    EnforcementJoined,
    EnforcementStarted,
    Event,
    ExposureUnderLock,
    FlatConfirmed,
    LockoutAsked,
    RuleBreached,
)
from messages.facts import Fact
from messages.journal import Recorded

MOST_STEPS = 400
"""Steps that are told of one incident; an account that is re-entered for hours has more."""


_FACTS = 32
"""Facts before a verdict among which the one that led to it is looked for."""
_PROMPT = timedelta(seconds=5)
"""What is decided longer after its fact was found by the clock: that is no latency."""


class Step(msgspec.Struct, frozen=True):
    """One event of an incident."""

    seq: int
    """Place in the journal."""
    at: datetime
    """When, UTC."""
    kind: str
    """Kind of the event."""
    level: str
    """As for the log: `info`, `warning`, `error`, `critical`."""
    text: str
    """What it says to people; several lines where it says more."""
    payload: dict[str, Any]
    """The event itself."""


class Latency(msgspec.Struct):
    """When each stage was reached; None = not (yet), or not in the journal."""

    event_at: datetime | None = None
    """The broker's fact came; None for quotes, which are not stored, and for what the clock found."""
    decided_at: datetime | None = None
    """The rule's verdict became an intent."""
    sent_at: datetime | None = None
    """The first command left."""
    flat_at: datetime | None = None
    """Two reads showed that every target is reached."""
    locked_at: datetime | None = None
    """The first lockout was in force."""


class Incident(msgspec.Struct):
    """One enforcement, from what led to it to its end."""

    account: int
    """Account id."""
    seq: int
    """Of its intent: what it is found by."""
    enforcement_id: str
    """E.g. `13298777/e4`."""
    at: datetime
    """When the intent was decided, UTC."""
    why: str
    """What led to it, in a line."""
    rules: tuple[str, ...]
    """Whose breach or lockout it is."""
    latency: Latency
    """How long each stage took."""
    steps: list[Step]
    """All that happened, in order."""
    left_out: int = 0
    """Steps that were too many to be told."""
    deadline_passed: bool = False
    """It was locked before flat was confirmed."""
    finished: bool = False
    """Every target is reached and its lockouts are in force."""
    shadow: bool = False
    """The account was only watched: what was decided was kept back."""


class Episodes:
    """Follows one account's events, in order; keeps its last incidents."""

    def __init__(self, most: int = 20) -> None:
        self.incidents: deque[Incident] = deque(maxlen=most)
        self._open: Incident | None = None
        self._facts: deque[Recorded] = deque(maxlen=_FACTS)
        self._leading: list[Recorded] = []

    @property
    def under_way(self) -> Incident | None:
        """Return the one that has not ended."""
        return self._open

    def take(self, record: Recorded) -> None:
        """Take the next event."""
        event = record.event
        if isinstance(event, EnforcementStarted):
            self._begin(record, event)
        elif isinstance(event, DayReset) and event.enforcement and self._open is None:
            self._begin(record, event.enforcement)  # of the day before, and under way still
        elif self._open is not None:
            self._go_on(self._open, record, event)
        elif isinstance(event, RuleBreached | LockoutAsked | ExposureUnderLock):
            self._lead(record)
        if isinstance(event, Fact.__value__) and self._open is None:
            self._facts.append(record)

    def _lead(self, record: Recorded) -> None:
        known = {each.seq for each in self._leading}
        told = [each for each in self._facts if each.event.cause == record.event.cause]
        self._leading += [each for each in told[-1:] if each.seq not in known]
        self._leading.append(record)

    def _begin(self, record: Recorded, event: EnforcementStarted) -> None:
        leading, self._leading = self._leading, []
        facts = [each.event.at for each in leading if isinstance(each.event, Fact.__value__)]
        prompt = next((at for at in facts if event.at - at < _PROMPT), None)
        rules = [*map(_rule, leading), *(lock.rule for lock in event.lockouts)]
        whys = [why for each in leading if (why := _why(each.event))]
        self._open = Incident(
            account=event.account,
            seq=record.seq,
            enforcement_id=event.enforcement_id,
            at=event.at,
            why="; ".join(whys) or "the duty of a lockout",
            rules=tuple(dict.fromkeys(filter(None, rules))),
            latency=Latency(event_at=prompt, decided_at=event.at),
            steps=[step_of(each, shadow=event.shadow) for each in (*leading, record)],
            shadow=event.shadow,
        )
        self.incidents.append(self._open)

    def _go_on(self, incident: Incident, record: Recorded, event: Event) -> None:
        if len(incident.steps) < MOST_STEPS:
            incident.steps.append(step_of(record, shadow=incident.shadow))
        else:
            incident.left_out += 1
        _note(incident, event)
        if incident.finished:
            self._open = None


def _note(incident: Incident, event: Event) -> None:
    latency = incident.latency
    match event:
        case EnforcementJoined():
            rules = (*incident.rules, *(lock.rule for lock in event.lockouts))
            incident.rules = tuple(dict.fromkeys(rules))
        case BrokerCommandSent():
            latency.sent_at = latency.sent_at or event.at
        case FlatConfirmed():
            latency.flat_at = event.at
        case DeadlinePassed():
            incident.deadline_passed = True
        case AccountLocked():
            latency.locked_at = latency.locked_at or event.at
        case EnforcementFinished():
            incident.finished = True


def step_of(record: Recorded, *, shadow: bool) -> Step:
    """Tell one event; of an account in shadow, what would have been done."""
    event = record.event
    lines = narrate(event, shadow=shadow) or say(event)
    return Step(
        seq=record.seq,
        at=event.at,
        kind=codec.kind(event),
        level=max((level for level, _ in lines), key=_LEVELS.index, default="info"),
        text="\n".join(text.strip() for _, text in lines),
        payload=codec.builtins(event),
    )


_LEVELS = ("debug", "info", "warning", "error", "critical")


def _why(event: Event) -> str:
    match event:
        case RuleBreached(breach=breach):
            return breach.reason
        case LockoutAsked(lockout=lock):
            return f"its trader asked for it: {lock.reason}"
        case ExposureUnderLock():
            return f"{event.appeared} appeared under lock"
        case _:
            return ""


def _rule(record: Recorded) -> str:
    match record.event:
        case RuleBreached(breach=breach):
            return breach.rule
        case LockoutAsked(lockout=lock) | ExposureUnderLock(lockout=lock):
            return lock.rule
        case _:
            return ""
