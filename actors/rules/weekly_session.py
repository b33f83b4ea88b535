"""Trading hours that repeat every week, less what a market's special days take away.

Pure. Asked for every fact and every picture of an account, so the windows around a week are worked out
once and kept; an answer is then a search in a short tuple.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from actors.account.trading_day import local_instant
from actors.rules.calendar import Calendar, Span

type WallSpan = tuple[int, time, int, time]
"""(weekday of the start, 0 = Monday; start; days until the end; end)."""

_WEEK = 7
_BEFORE = timedelta(days=_WEEK + 2)
# A session lasts up to a week, and a zone's date may be another than UTC's.
_AHEAD_DAYS = 4 * _WEEK


@dataclass(frozen=True, slots=True)
class WeeklySession:
    """Trading hours that repeat every week: [start, end) spans in local wall time."""

    zone: ZoneInfo
    """Zone of the wall times."""
    spans: tuple[WallSpan, ...]
    """The sessions of a week."""
    calendars: tuple[Calendar, ...]
    """Tables whose closures are cut out; none = special days are not observed."""

    def is_open(self, at: datetime) -> bool:
        """Say whether an instant lies inside a session; its start is inside, its end outside."""
        windows = self._windows(at)
        index = bisect_right(windows, at, key=_start) - 1
        return index >= 0 and at < windows[index][1]

    def next_start(self, at: datetime) -> datetime | None:
        """Return the first start of a session after an instant, UTC; None within four weeks."""
        windows = self._windows(at)
        index = bisect_right(windows, at, key=_start)
        return windows[index][0] if index < len(windows) else None

    def next_boundary(self, at: datetime) -> datetime | None:
        """Return the first start or end of a session after an instant, UTC; None within four weeks."""
        windows = self._windows(at)
        index = bisect_right(windows, at, key=_end)
        if index == len(windows):
            return None
        start, end = windows[index]
        return start if start > at else end

    def _windows(self, at: datetime) -> tuple[Span, ...]:
        return _windows(self, at.toordinal() // _WEEK)


def _start(window: Span) -> datetime:
    return window[0]


def _end(window: Span) -> datetime:
    return window[1]


@lru_cache(maxsize=512)
def _windows(session: WeeklySession, week: int) -> tuple[Span, ...]:
    """Return the windows around a week (counted from the year 1) and four more ahead, in order."""
    first = date.fromordinal(week * _WEEK) - _BEFORE
    days = [first + timedelta(days=n) for n in range(_BEFORE.days + _WEEK + _AHEAD_DAYS)]
    closed = [span for each in session.calendars for span in each.closures(days[0], days[-1])]
    whole = (
        (
            local_instant(day, start, session.zone),
            local_instant(day + timedelta(days=length), end, session.zone),
        )
        for day in days
        for weekday, start, length, end in session.spans
        if day.weekday() == weekday
    )
    pieces = (piece for window in whole for piece in _without(window, closed))
    return tuple(_joined(sorted(pieces)))


def _without(window: Span, closed: Iterable[Span]) -> list[Span]:
    """Return what is left of a window."""
    pieces = [window]
    for closed_from, closed_to in closed:
        pieces = [
            piece
            for start, end in pieces
            for piece in ((start, min(end, closed_from)), (max(start, closed_to), end))
            if piece[0] < piece[1]
        ]
    return [piece for piece in pieces if piece[0] < piece[1]]


def _joined(windows: Iterable[Span]) -> Iterator[Span]:
    """Yield windows in order, those that touch or overlap as one."""
    current: Span | None = None
    for window in windows:
        if current and window[0] <= current[1]:
            current = (current[0], max(current[1], window[1]))
            continue
        if current:
            yield current
        current = window
    if current:
        yield current
