"""The trading day: one reset time in one zone, for everything.

Pure. With a reset at 17:00 Chicago, Thursday 17:00 already belongs to Friday's trading day. Local wall
times are turned into UTC by the zone's own rules, so a day that changes to or from summer time has 23
or 25 hours. A day is where its start and the next one's put it, never what the wall clock reads: a reset
inside the hour that is skipped or repeated still happens once, and labels never go back. Where another
table takes over, the day that has begun ends as it was to, and the new table's first one begins there.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple, Self
from zoneinfo import ZoneInfo

_DAY, _SECOND = timedelta(days=1), timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class TradingDay:
    """When the trading day resets."""

    reset: time
    """Local wall time of the reset, e.g. 17:00."""
    zone: ZoneInfo
    """IANA zone of the reset, e.g. America/Chicago."""
    first: date | None = None
    """The first trading date of this table, where another one was in force before."""
    since: datetime | None = None
    """When that date began, UTC."""

    def label(self, at: datetime) -> date:
        """Return the trading date an instant belongs to."""
        label = self._label(at)
        if self.first is None or self.since is None:
            return label
        if at >= self.since:
            return max(label, self.first)
        # counted back from the day before, whose label may be another where the zones lie far apart
        return label - self._label(self.since - _SECOND) + self.first - _DAY

    def _label(self, at: datetime) -> date:
        label = at.astimezone(self.zone).date()
        while self._start(label) > at:
            label -= _DAY
        while self._start(label + _DAY) <= at:
            label += _DAY
        return label

    def start(self, label: date) -> datetime:
        """Return the instant at which a trading day begins, UTC: the reset of the day before."""
        return self.since if self.since and label == self.first else self._start(label)

    def _start(self, label: date) -> datetime:
        return local_instant(label - _DAY, self.reset, self.zone)

    def end(self, label: date) -> datetime:
        """Return the instant at which a trading day ends, UTC: the next one begins."""
        return self.start(label + _DAY)

    def next_reset(self, at: datetime) -> datetime:
        """Return the first reset after an instant, UTC; at a reset itself the following one."""
        return self.end(self.label(at))

    def follows_with(self, table: "TradingDay", closed: date) -> "TradingDay":
        """Return what counts once a trading date of this table is closed: another table from there on."""
        if (table.reset, table.zone) == (self.reset, self.zone):
            return table
        since = self.end(closed)
        return replace(table, first=max(table.label(since), closed + _DAY), since=since)


class Dated(NamedTuple):
    """One trading day of a table, worked out: asked several times with every fact."""

    table: TradingDay
    """The table it is of."""
    label: date
    """The trading date."""
    text: str
    """The same as ISO text."""
    start: datetime
    """When it begins, UTC."""
    end: datetime
    """When the next one does, UTC."""
    own: bool
    """It is one of the table's own, not of one before it."""

    @classmethod
    def of(cls, table: TradingDay, label: date) -> Self:
        """Work a trading date out."""
        own = table.first is None or label >= table.first
        return cls(table, label, label.isoformat(), table.start(label), table.end(label), own)

    def holds(self, at: datetime) -> bool:
        """Say whether an instant surely lies in this trading day."""
        return self.own and self.start <= at < self.end


@lru_cache(maxsize=4096)
def local_instant(day: date, wall: time, zone: ZoneInfo) -> datetime:
    """Return the UTC instant of a local wall time, never earlier for a later wall time.

    A wall time that occurs twice means its first occurrence; one that a clock change skips means the
    end of the gap, i.e. the instant of the change.
    """
    local = datetime.combine(day, wall, tzinfo=zone)
    instant = local.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return instant
    return _change_between(local.replace(fold=1).astimezone(UTC), instant, zone)


def _change_between(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the first second at which a zone's offset is no longer what it was."""
    old = before.astimezone(zone).utcoffset()
    while after - before > _SECOND:
        middle = before + ((after - before) // (2 * _SECOND)) * _SECOND
        if middle.astimezone(zone).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after
