"""What appears under a lock again and again: told when it begins, and when it has calmed. Pure."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from actors.ops.alerts.wording import Names, clean, span, until_of
from messages.alerts import Notice, Severity, Stage
from messages.events import ExposureUnderLock

CALM = timedelta(minutes=5)
"""So long without another one, and it is over."""


@dataclass(slots=True)
class _Episode:
    key: str
    began: datetime
    last: datetime
    count: int = 1


@dataclass(slots=True)
class Reentries:
    """The episodes of all accounts."""

    names: Names
    _open: dict[int, _Episode] = field(default_factory=dict)

    def note(self, event: ExposureUnderLock, now: datetime) -> list[Notice]:
        """Count what appeared; tell the first."""
        if (known := self._open.get(event.account)) is not None:
            known.last, known.count = now, known.count + 1
            return []
        key = f"reentry/{event.account}/{now:%Y%m%dT%H%M%S}"
        self._open[event.account] = _Episode(key, now, now)
        lock = event.lockout
        title = f"{self.names.of(event.account)}: {clean(event.appeared)} appeared under its lock"
        lines = (
            "it is closed or cancelled at once",
            f"locked by {lock.rule} until {until_of(lock)}: {clean(lock.reason)}",
        )
        return [self._notice(event.account, now, Stage.OPENED, title, lines)]

    def tick(self, now: datetime) -> list[Notice]:
        """Tell what has calmed."""
        said = []
        for account, each in tuple(self._open.items()):
            if now - each.last >= CALM:
                title = f"{self.names.of(account)}: nothing more appears under its lock"
                lasted = span((each.last - each.began).total_seconds())
                lines = (f"it happened {each.count} times in {lasted}; each was closed",)
                said.append(self._notice(account, now, Stage.CLOSED, title, lines))
                del self._open[account]
        return said

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
