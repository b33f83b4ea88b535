"""What appears under a lock again and again: told when it begins, and when it has calmed. Pure.

It has calmed only if nothing is being closed any more and the account is seen live: silence alone may be
that of a broker that does not close. That it was closed is said only if the broker's own answer shows it.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from actors.ops.alerts.wording import Names, clean, span, until_of
from messages.alerts import Notice, Severity, Stage
from messages.events import EnforcementNarrowed, ExposureUnderLock, FlatConfirmed
from messages.queries import AccountStatus
from messages.values import Health

CALM = timedelta(minutes=5)
"""So long without another one, and it is over."""


@dataclass(slots=True)
class _Episode:
    key: str
    shadow: bool
    """The account is only watched: nothing is closed, whatever appears."""
    began: datetime
    last: datetime
    count: int = 1
    gone: bool | None = None
    """Whether the broker's own answer shows that it is; None = that is awaited, False = its lock ended
    before, and nothing asked for it any more."""


@dataclass(slots=True)
class Reentries:
    """The episodes of all accounts."""

    names: Names
    _open: dict[int, _Episode] = field(default_factory=dict)

    def note(self, event: ExposureUnderLock, now: datetime) -> list[Notice]:
        """Count what appeared; tell the first."""
        if (known := self._open.get(event.account)) is not None:
            known.last, known.count = now, known.count + 1
            known.gone = None if known.gone else known.gone
            return []
        key = f"reentry/{event.account}/{now:%Y%m%dT%H%M%S}"
        lock = event.lockout
        known = self._open[event.account] = _Episode(key, lock.shadow, now, now)
        title = f"{self.names.of(event.account)}: {clean(event.appeared)} appeared {_under(known)}"
        done, locked = "it is closed or cancelled at once", "locked"
        if lock.shadow:
            done, locked = "NOTHING is closed or cancelled", "would be locked"
        until = f"{locked} by {lock.rule} until {until_of(lock)}: {clean(lock.reason)}"
        return [self._notice(event.account, now, Stage.OPENED, title, (done, until))]

    def settle(self, event: FlatConfirmed | EnforcementNarrowed) -> None:
        """Note what became of what appeared: each joins the one enforcement that ends with this."""
        if (known := self._open.get(event.account)) is not None and known.gone is None:
            known.gone = isinstance(event, FlatConfirmed)

    def stand(self, status: AccountStatus, now: datetime) -> list[Notice]:
        """Compare with how an account stands; tell what has calmed."""
        account, settled = status.account, status.health is Health.LIVE and not status.enforcement
        known = self._open.get(account)
        if known is None or not settled or now - known.last < CALM:
            return []
        title = f"{self.names.of(account)}: nothing more appears {_under(known)}"
        lasted = span((known.last - known.began).total_seconds())
        lines = (f"it happened {known.count} times in {lasted}; {_became(known)}",)
        notice = self._notice(account, now, Stage.CLOSED, title, lines)
        del self._open[account]
        return [notice]

    def _notice(
        self, account: int, now: datetime, stage: Stage, title: str, lines: tuple[str, ...]
    ) -> Notice:
        return Notice(
            at=now,
            severity=Severity.CRITICAL,
            stage=stage,
            title=title,
            lines=lines,
            account=account,
            episode=self._open[account].key,
        )


def _under(known: _Episode) -> str:
    """Say under what it appeared."""
    return "under a lock that is not in force" if known.shadow else "under its lock"


def _became(known: _Episode) -> str:
    """Say what became of what appeared."""
    if known.shadow:
        return "NOTHING was closed or cancelled"
    if known.gone:
        return "each was closed or cancelled, as the broker confirms"
    return "NOT confirmed that each was closed or cancelled: look at what the account holds"
