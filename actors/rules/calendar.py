"""Holidays and early closes, and the trading windows that are left of a weekly session.

Pure. The table is dated, sourced and expires; past its last day every answer says so through
`Calendar.expired`, and each weekday then ends at the earliest early close the table knows (fail closed).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from actors.account.trading_day import local_instant

_LOOK_AHEAD_DAYS = 21


@dataclass(frozen=True, slots=True)
class Calendar:
    """Special days of one market."""

    zone: ZoneInfo
    """Zone of the early closes."""
    holidays: frozenset[date]
    """Days without any trading."""
    early_closes: dict[date, time]
    """Days that end early, with the local time they end at."""
    expires: date
    """The last day the table covers."""
    source: str
    """Where the rows come from."""

    def expired(self, day: date) -> bool:
        """Say whether a day lies beyond the table."""
        return day > self.expires

    def closed_spans(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        """Yield the spans of a local date in which nothing may be traded, UTC."""
        midnight = local_instant(day + timedelta(days=1), time(0), self.zone)
        if day in self.holidays:
            yield local_instant(day, time(0), self.zone), midnight
        elif close := self._early_close(day):
            yield local_instant(day, close, self.zone), midnight

    def _early_close(self, day: date) -> time | None:
        if self.expired(day):
            return min(self.early_closes.values(), default=time(12))
        return self.early_closes.get(day)


@dataclass(frozen=True, slots=True)
class WeeklySession:
    """Trading hours that repeat every week: [start, end) spans in local wall time."""

    zone: ZoneInfo
    """Zone of the wall times."""
    spans: tuple[tuple[int, time, int, time], ...]
    """(weekday of the start 0 = Monday, start, days until the end, end)."""
    calendar: Calendar | None
    """Special days that are cut out; None = holidays are not observed."""

    def is_open(self, at: datetime) -> bool:
        """Say whether an instant lies inside a session; its start is inside, its end outside."""
        return any(start <= at < end for start, end in self._windows(at))

    def next_start(self, at: datetime) -> datetime | None:
        """Return the first start of a session after an instant, UTC; None within three weeks."""
        return min((start for start, _ in self._windows(at) if start > at), default=None)

    def next_boundary(self, at: datetime) -> datetime | None:
        """Return the first start or end of a session after an instant, UTC."""
        edges = (edge for window in self._windows(at) for edge in window)
        return min((edge for edge in edges if edge > at), default=None)

    def _windows(self, at: datetime) -> Iterator[tuple[datetime, datetime]]:
        first = at.astimezone(self.zone).date() - timedelta(days=8)
        for offset in range(8 + _LOOK_AHEAD_DAYS):
            day = first + timedelta(days=offset)
            for weekday, start, days, end in self.spans:
                if day.weekday() == weekday:
                    opens = local_instant(day, start, self.zone)
                    closes = local_instant(day + timedelta(days=days), end, self.zone)
                    yield from self._cut(opens, closes)

    def _cut(self, opens: datetime, closes: datetime) -> Iterator[tuple[datetime, datetime]]:
        pieces = [(opens, closes)]
        for closed_from, closed_to in self._closed_between(opens, closes):
            pieces = [
                piece
                for start, end in pieces
                for piece in ((start, min(end, closed_from)), (max(start, closed_to), end))
                if piece[0] < piece[1]
            ]
        yield from pieces

    def _closed_between(
        self, opens: datetime, closes: datetime
    ) -> Iterator[tuple[datetime, datetime]]:
        if self.calendar is None:
            return
        day = opens.astimezone(self.calendar.zone).date()
        last = closes.astimezone(self.calendar.zone).date()
        while day <= last:
            yield from self.calendar.closed_spans(day)
            day += timedelta(days=1)


NEVER = datetime.max.replace(tzinfo=UTC)
"""Stands for "no session start in sight" where an instant is needed for a message."""
