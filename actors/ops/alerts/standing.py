"""Who is not protected, and since when: told when it lasts, together, and again when it is over.

Pure, made from how the system stands every few seconds, so nothing is missed that no event tells: an
actor that hangs, a journal that falls behind. Flapping is one episode: it is over after a calm minute.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple, Self

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
_GRAVE = frozenset({Kind.JOURNAL, Kind.UNANSWERED, Kind.NOT_RUNNING, Kind.NO_ACCOUNT, Kind.DOWN})
_SILENT = frozenset({Kind.EXPOSED, Kind.CALENDAR})
"""What an episode of a breach, or an alarm, tells; here it only keeps the whole from being well."""
_SHOWN, _FEW = 15, 3


class _Place(NamedTuple):
    """What is an episode by itself, so that one hides no other."""

    account: int | None
    """Account id; None when it concerns more than one."""
    kind: Kind | None = None
    """None = all of an account that is to be told: one loss of protection, whatever it is made of."""

    @classmethod
    def of(cls, hole: Hole) -> Self:
        """Return the place of a hole."""
        shared = hole.account is not None and hole.kind not in _SILENT
        return cls(hole.account, None if shared else hole.kind)


_WATCHED = _Place(None, Kind.SHADOW)
_WELL = "every account is protected"


@dataclass(slots=True)
class _Wrong:
    """One place that is, or was just now, not protected."""

    since: datetime
    text: str = ""
    severity: Severity = WARNING
    patience: timedelta = timedelta(0)
    told: Severity | None = None
    well_since: datetime | None = None

    def add(self, hole: Hole, severity: Severity, patience: timedelta) -> None:
        """Take in one more thing that is wrong."""
        text = clean(hole.text)
        self.text = clean(f"{self.text}; {text}") if self.text else text
        self.severity = worst([self.severity, severity])
        self.patience = max(self.patience, patience)

    def has_lasted(self, now: datetime) -> bool:
        """Say whether it is wrong now, and has been for too long."""
        return self.well_since is None and now - self.since >= self.patience


@dataclass(slots=True)
class Standing:
    """The episodes of all accounts."""

    names: Names
    patience: timedelta
    """So long something may be wrong before it is told."""
    well: str = ""
    """What may be said of the last look; empty = something was wrong. To be only watched is what
    somebody chose: said, but not wrong, or the switch could tell nothing else for as long as it lasts."""
    complaint: str = ""
    """What had been wrong for too long then, in one line; empty = nothing."""
    _wrong: dict[_Place, _Wrong] = field(default_factory=dict)

    def look(self, status: SystemStatus | None, now: datetime) -> list[Notice]:
        """Compare with how everything stands now; return what is to be told."""
        found = self._found(status, now)
        for place, each in found.items():
            if (known := self._wrong.get(place)) is not None:
                each.since, each.told = known.since, known.told
            self._wrong[place] = each
        for place, each in self._wrong.items():
            if status and place not in found and each.well_since is None:
                each.well_since = now
        self.well = "" if found.keys() - {_WATCHED} else self._well(found.get(_WATCHED))
        lasting = [
            self._line(place, each)
            for place, each in self._wrong.items()
            if place != _WATCHED and each.has_lasted(now)
        ]
        more = f" and {len(lasting) - _FEW} more" if len(lasting) > _FEW else ""
        self.complaint = "; ".join(lasting[:_FEW]) + more
        return [*self._begun(now), *self._ended(now)]

    @staticmethod
    def _well(watched: _Wrong | None) -> str:
        return f"all else is well; {watched.text}" if watched else _WELL

    def _found(self, status: SystemStatus | None, now: datetime) -> dict[_Place, _Wrong]:
        held = {each.account for each in status.accounts if each.positions} if status else set()
        found: dict[_Place, _Wrong] = {}
        for hole in holes(status) if status else (UNREAD,):
            grave = hole.kind in _GRAVE or hole.account is None or hole.account in held
            slow = hole.kind is Kind.STARTING
            patience = max(self.patience, STARTING) if slow else self.patience
            wrong = found.setdefault(_Place.of(hole), _Wrong(now))
            wrong.add(hole, CRITICAL if grave else WARNING, patience)
        return found

    def _begun(self, now: datetime) -> list[Notice]:
        new = {
            place: each
            for place, each in self._wrong.items()
            if each.has_lasted(now)
            and place.kind not in _SILENT
            and (each.told is None or RANK[each.severity] > RANK[each.told])
        }
        if not new:
            return []
        grew = all(each.told for each in new.values())
        for each in new.values():
            each.told = each.severity
        lines = [self._line(*each) for each in new.items()]
        severity = worst([each.severity for each in new.values()])
        stage = Stage.GREW if grew else Stage.OPENED
        title = f"{self._who(list(new))} NOT PROTECTED"
        return [self._notice(now, severity, stage, title, lines)]

    def _ended(self, now: datetime) -> list[Notice]:
        over = {
            place: each
            for place, each in self._wrong.items()
            if each.well_since is not None and (each.told is None or now - each.well_since >= CALM)
        }
        for place in over:
            del self._wrong[place]
        told = {place: each for place, each in over.items() if each.told}
        if not told:
            return []
        lines = [
            f"{self._name(place)} after {span((each.well_since - each.since).total_seconds())}"
            for place, each in told.items()
            if each.well_since is not None
        ]
        severity = worst([each.told for each in told.values() if each.told])
        left = self._left({None, *(place.account for place in told)})
        lines += [f"still: {self._line(*each)}" for each in left.items()]
        still = "the system is still" if any(each.account is None for each in left) else "still"
        end = f"over, but {still} NOT PROTECTED" if left else "protected again"
        title = f"{self._who(list(told))} {end}"
        return [self._notice(now, severity, Stage.CLOSED, title, lines)]

    def _left(self, accounts: set[int | None]) -> dict[_Place, _Wrong]:
        """Return what is still wrong with these, told here or not."""
        return {
            place: each
            for place, each in self._wrong.items()
            if each.well_since is None and place.account in accounts
        }

    def _who(self, places: list[_Place]) -> str:
        known = [each.account for each in places if each.account is not None]
        if len(known) < len(places):
            return "System:"
        return f"{self.names.of(known[0])}:" if len(known) == 1 else f"{len(known)} accounts:"

    def _name(self, place: _Place) -> str:
        known = place.account
        return f"the system ({place.kind})" if known is None else self.names.of(known)

    def _line(self, place: _Place, each: _Wrong) -> str:
        known = place.account
        return each.text if known is None else f"{self.names.of(known)} {each.text}"

    def _notice(
        self, now: datetime, severity: Severity, stage: Stage, title: str, lines: list[str]
    ) -> Notice:
        more = [f"and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
        shown = (*lines[:_SHOWN], *more)
        return Notice(
            at=now, severity=severity, stage=stage, title=title, lines=shown, episode="protection"
        )
