"""Trading hours that repeat every week, less what a market's special days take away.

Pure. Asked for every fact and every picture of an account, so the windows around a week are worked out
once and kept; an answer is then a search in a short tuple.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from actors.account.trading_day import local_instant
from actors.rules.calendar import Calendar, Span
from actors.rules.hours import Hours

type WallSpan = tuple[int, time, int, time]
"""(weekday of the start, 0 = Monday; start; days until the end; end)."""

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""Weekdays as parameters name them, Monday first."""

_WEEK = 7
_BEFORE = timedelta(days=_WEEK + 2)
# A session lasts up to a week, and a zone's date may be another than UTC's.
_AHEAD_DAYS = 4 * _WEEK


@dataclass(frozen=True, slots=True)
class WeeklySession(Hours):
    """Trading hours that repeat every week: [start, end) spans in local wall time."""

    zone: ZoneInfo
    """Zone of the wall times."""
    spans: tuple[WallSpan, ...]
    """The sessions of a week."""
    calendars: tuple[Calendar, ...]
    """Tables whose closures are cut out; none = special days are not observed."""

    def windows(self, at: datetime) -> tuple[Span, ...]:
        """Return the windows around an instant and four weeks ahead, in order."""
        return _windows(self, at.toordinal() // _WEEK)


def daily(
    start: str, end: str, days: Iterable[str], zone: ZoneInfo, calendars: tuple[Calendar, ...]
) -> WeeklySession:
    """Return hours on some weekdays, `09:30` to `16:00`; an end before the start is the next day's."""
    opens, closes = time.fromisoformat(start), time.fromisoformat(end)
    length = 0 if opens < closes else 1
    spans = tuple((DAYS.index(day), opens, length, closes) for day in days)
    return WeeklySession(zone=zone, spans=spans, calendars=calendars)


def weekly(start: str, end: str, zone: ZoneInfo, calendars: tuple[Calendar, ...]) -> WeeklySession:
    """Return one session a week, `sun 18:00` to `fri 17:00`."""
    (first, opens), (last, closes) = _week_wall(start), _week_wall(end)
    length = (last - first) % _WEEK
    if length == 0 and closes <= opens:
        length = _WEEK
    return WeeklySession(zone=zone, spans=((first, opens, length, closes),), calendars=calendars)


def _week_wall(text: str) -> tuple[int, time]:
    day, wall = text.split(" ")
    return DAYS.index(day), time.fromisoformat(wall)


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
