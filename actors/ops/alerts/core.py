"""What becomes an alert: every event of the journal and every look at the system in, notices out.

Pure. A replayed past never gets here: only what is committed from now on is told, and of what was open
before, the first look says so once. Breaches, re-entries, alarms, limits, protection and summaries each
have their own part; what they call lesser waits for the digest.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from actors.ops.alerts.alarms import Alarms
from actors.ops.alerts.breaches import Breaches
from actors.ops.alerts.digest import Digest
from actors.ops.alerts.limits import Limits
from actors.ops.alerts.reentries import Reentries
from actors.ops.alerts.saying import Lesser, Said
from actors.ops.alerts.standing import Standing
from actors.ops.alerts.summary import Summary
from actors.ops.alerts.tiers import INFO, WARNING
from actors.ops.alerts.wording import Names, clean, until_of
from messages.alerts import Notice
from messages.base import Message
from messages.events import (
    AccountGuarded,
    AlarmRaised,
    DayReset,
    EnforcementNarrowed,
    ExposureUnderLock,
    FlatConfirmed,
    RuleBreached,
    SystemStopped,
)
from messages.queries import SystemStatus
from messages.values import Phase

FIRST_LOOK = timedelta(seconds=60)
"""What has not come up so long after the first look is told as it stands."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the configuration says."""

    warn_share: Decimal
    """From this part of a limit on it is warned of."""
    patience: timedelta
    """So long an account may be unprotected before it is told."""
    digest: timedelta
    """Lesser things are told so often."""
    summary: bool
    """Whether a day's result is told."""


@dataclass(slots=True)
class AlertCore:
    """All that was told and is not over; of this life of the actor."""

    terms: Terms
    names: Names = field(default_factory=Names)
    _breaches: Breaches = field(init=False)
    _reentries: Reentries = field(init=False)
    _alarms: Alarms = field(init=False)
    _standing: Standing = field(init=False)
    _limits: Limits = field(init=False)
    _summary: Summary = field(init=False)
    _digest: Digest = field(init=False)
    _first_look: datetime | None = None
    _begun: bool = False
    """The first notice, of how everything stands, is told."""

    def __post_init__(self) -> None:
        names, terms = self.names, self.terms
        self._breaches, self._reentries, self._alarms = (
            Breaches(names),
            Reentries(names),
            Alarms(names),
        )
        self._standing = Standing(names, terms.patience)
        self._limits = Limits(names, terms.warn_share)
        self._summary, self._digest = Summary(names), Digest(names, terms.digest)

    def note(self, event: Message, now: datetime) -> list[Notice]:
        """Take in a committed event; return what is to be told at once."""
        said: list[Said] = []
        match event:
            case AccountGuarded():
                self.names.note(event.account, event.name, shadow=event.shadow)
            case AlarmRaised():
                said += self._alarms.note(event, now)
            case ExposureUnderLock():
                said += self._reentries.note(event, now)
            case FlatConfirmed() | EnforcementNarrowed():
                self._reentries.settle(event)
            case DayReset():
                self._summarise(event, now)
            case SystemStopped():
                title = f"Lockstep stops ({clean(event.reason)}): nothing is guarded until it runs again"
                said.append(Notice(at=now, severity=WARNING, title=title))
            case _:
                if isinstance(event, RuleBreached):
                    self._summarise(event, now)
                said += self._breaches.note(event, now)
        return self._sort(said, now)

    def look(self, status: SystemStatus | None, now: datetime) -> list[Notice]:
        """Compare with how everything stands, and let what has waited be told."""
        accounts = status.accounts if status else ()
        for each in accounts:
            self.names.note(each.account, each.name, shadow=each.shadow)
        said: list[Said] = []
        if not self._begun and status:
            said += self._begin(status, now)
        for each in accounts:
            said += self._breaches.stand(each, now)
            said += self._reentries.stand(each, now)
        if self._begun:
            said += self._limits.look(accounts, now)
        said += self._standing.look(status, now)
        said += self._alarms.tick(now)
        said += self._summary.tick(now)
        return self._sort(said, now) + self._digest.tick(now)

    @property
    def well(self) -> str:
        """Return what may be said while nothing is wrong; empty = something is."""
        return self._standing.well

    @property
    def complaint(self) -> str:
        """Return what has been wrong for too long; empty = nothing has."""
        return self._standing.complaint

    def _summarise(self, event: RuleBreached | DayReset, now: datetime) -> None:
        if self.terms.summary:
            self._summary.note(event, now)

    def _sort(self, said: Iterable[Said], now: datetime) -> list[Notice]:
        notices = []
        for each in said:
            if isinstance(each, Lesser):
                self._digest.add(each, now)
            else:
                notices.append(each)
        return notices

    def _begin(self, status: SystemStatus, now: datetime) -> list[Notice]:
        """Tell once how everything stands, when all accounts have come up or should have."""
        self._first_look = self._first_look or now
        up = status.accounts and not status.unanswered
        up = up and all(each.phase is not Phase.STARTING for each in status.accounts)
        if not up and now - self._first_look < FIRST_LOOK:
            return []
        self._begun = True
        lines = [f"{self.names.of(each)} does not answer" for each in status.unanswered[:10]]
        locked = [(each, each.lockouts[0]) for each in status.accounts if each.lockouts]
        lines += [
            f"{self.names.of(each.account)} is locked by {lock.rule} until {until_of(lock)}"
            for each, lock in locked[:15]
        ]
        if (more := len(locked) - 15) > 0:
            lines.append(f"and {more} more are locked")
        near = self._limits.look(status.accounts, now)
        lines += [line for each in near for line in (each.title, *each.lines)]
        title = f"Lockstep {status.version} {_guarding(status)}"
        return [Notice(at=now, severity=INFO, title=title, lines=tuple(lines))]


def _guarding(status: SystemStatus) -> str:
    """Say how many accounts are guarded; what is only watched is not."""
    count = len(status.accounts) + len(status.unanswered)
    watched = sum(each.shadow for each in status.accounts)
    guarded = count - watched
    accounts = "1 account" if guarded == 1 else f"{guarded} accounts"
    said = f"guards {accounts}" if guarded else "GUARDS NO ACCOUNT"
    if not watched:
        return said
    are = "is" if watched == 1 else "are"
    return f"{said}; {watched} of {count} {are} only watched (SHADOW)"
