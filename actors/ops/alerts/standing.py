"""Who is not protected, and since when: told when it lasts, together, and again when it is over.

Pure, made from how the system stands every few seconds, so nothing is missed that no event tells: an
actor that hangs, a journal that falls behind. Flapping is one episode: it is over after a calm minute.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from actors.ops.alerts.tiers import CRITICAL, RANK, WARNING, worst
from actors.ops.alerts.wording import Names, clean, span
from actors.ops.protection import Hole, Kind, holes
from messages.alerts import Notice, Severity, Stage
from messages.queries import SystemStatus

CALM = timedelta(seconds=60)
"""Protected for so long, and the episode is over."""
STARTING = timedelta(seconds=60)
"""What only starts is given so long."""
UNREAD = Hole(Kind.UNKNOWN, None, "nobody can say how the accounts stand")
_GRAVE = frozenset({Kind.JOURNAL, Kind.UNANSWERED, Kind.NOT_RUNNING, Kind.NO_ACCOUNT})
_SHOWN = 15


@dataclass(slots=True)
class _Wrong:
    """One account (or None: all of them) that is, or was until a moment ago, not protected."""

    since: datetime
    text: str
    severity: Severity
    patience: timedelta
    told: Severity | None = None
    well_since: datetime | None = None


@dataclass(slots=True)
class Standing:
    """The episodes of all accounts."""

    names: Names
    patience: timedelta
    """So long something may be wrong before it is told."""
    _wrong: dict[int | None, _Wrong] = field(default_factory=dict)

    def look(self, status: SystemStatus | None, now: datetime) -> list[Notice]:
        """Compare with how everything stands now; return what is to be told."""
        found = self._found(status)
        for account, (severity, text, patience) in found.items():
            known = self._wrong.setdefault(account, _Wrong(now, text, severity, patience))
            known.severity, known.text, known.patience = severity, text, patience
            known.well_since = None
        for account, known in self._wrong.items():
            if account not in found and known.well_since is None:
                known.well_since = now
        return [*self._begun(now), *self._ended(now)]

    @property
    def all_well(self) -> bool:
        """Say whether nothing is wrong now."""
        return all(each.well_since is not None for each in self._wrong.values())

    @property
    def complaint(self) -> str:
        """Return what has been wrong for too long, in one line; empty = nothing has."""
        lasting = [
            text
            for text, each in ((self._line(key, each), each) for key, each in self._wrong.items())
            if each.told and each.well_since is None
        ]
        more = f" and {len(lasting) - 3} more" if len(lasting) > 3 else ""  # noqa: PLR2004
        return "; ".join(lasting[:3]) + more

    def _found(
        self, status: SystemStatus | None
    ) -> dict[int | None, tuple[Severity, str, timedelta]]:
        exposed = {each.account for each in status.accounts if each.positions} if status else set()
        found: dict[int | None, tuple[Severity, str, timedelta]] = {}
        for hole in holes(status) if status else (UNREAD,):
            grave = hole.kind in _GRAVE or hole.account is None or hole.account in exposed
            severity, text, patience = (
                CRITICAL if grave else WARNING,
                clean(hole.text),
                self.patience,
            )
            if hole.kind is Kind.STARTING:
                patience = max(patience, STARTING)
            if (before := found.get(hole.account)) is not None:
                text = clean(f"{before[1]}; {text}")
                severity, patience = worst([before[0], severity]), max(before[2], patience)
            found[hole.account] = severity, text, patience
        return found

    def _begun(self, now: datetime) -> list[Notice]:
        new = {
            account: each
            for account, each in self._wrong.items()
            if each.well_since is None
            and now - each.since >= each.patience
            and (each.told is None or RANK[each.severity] > RANK[each.told])
        }
        if not new:
            return []
        grew = all(each.told for each in new.values())
        for each in new.values():
            each.told = each.severity
        lines = [self._line(account, each) for account, each in new.items()]
        severity = worst([each.severity for each in new.values()])
        stage = Stage.GREW if grew else Stage.OPENED
        title = f"{self._who(list(new))} NOT PROTECTED"
        return [self._notice(now, severity, stage, title, lines)]

    def _ended(self, now: datetime) -> list[Notice]:
        over = {
            account: each
            for account, each in self._wrong.items()
            if each.well_since is not None and (each.told is None or now - each.well_since >= CALM)
        }
        for account in over:
            del self._wrong[account]
        told = {account: each for account, each in over.items() if each.told}
        if not told:
            return []
        lines = [
            f"{self._name(account)} after {span((each.well_since - each.since).total_seconds())}"
            for account, each in told.items()
            if each.well_since is not None
        ]
        severity = worst([each.told for each in told.values() if each.told])
        title = f"{self._who(list(told))} protected again"
        return [self._notice(now, severity, Stage.CLOSED, title, lines)]

    def _who(self, accounts: list[int | None]) -> str:
        if None in accounts:
            return "All accounts:"
        known = [each for each in accounts if each is not None]
        return f"{self.names.of(known[0])}:" if len(known) == 1 else f"{len(known)} accounts:"

    def _name(self, account: int | None) -> str:
        return "the whole" if account is None else self.names.of(account)

    def _line(self, account: int | None, each: _Wrong) -> str:
        return each.text if account is None else f"{self.names.of(account)} {each.text}"

    def _notice(
        self, now: datetime, severity: Severity, stage: Stage, title: str, lines: list[str]
    ) -> Notice:
        more = [f"and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
        shown = (*lines[:_SHOWN], *more)
        return Notice(
            at=now, severity=severity, stage=stage, title=title, lines=shown, episode="protection"
        )
