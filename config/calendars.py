"""Reads a table of special days strictly: every mistake at once, each with its key and line.

What is wrong is complained of and the table is not used at all: half a table would be another one.
"""

import re
from collections.abc import Iterator
from datetime import date, time
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from actors.rules.calendar import Calendar
from config import source, strict
from config.errors import ConfigError
from config.keys import leading, under
from config.lines import Lines, scan
from config.schema import CalendarFile
from messages.values import canonical_product

_WALL = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_SATURDAY = 5


def calendar_at(place: Path, complaints: list[str]) -> Calendar | None:
    """Return a table, or None after complaining of everything that is wrong with its file."""
    try:
        raw = source.read(place)
        written = source.parse(place, raw)
    except ConfigError as error:
        complaints += [f"calendar.file: {_placed(place, each)}" for each in error.complaints]
        return None
    found: list[str] = []
    file = strict.table(written, CalendarFile, "", found)
    calendar = None if file is None else _calendar_of(file, found)
    lines = Lines(scan(raw.decode()))
    numbered = [(lines.of(leading(each)) or 1, each) for each in dict.fromkeys(found)]
    complaints += [f"calendar.file: {place}:{line}: {each}" for line, each in sorted(numbered)]
    return None if found else calendar


def _placed(place: Path, complaint: str) -> str:
    return complaint if complaint.startswith(str(place)) else f"{place}: {complaint}"


def _calendar_of(file: CalendarFile, complaints: list[str]) -> Calendar | None:
    zone = zone_of(file.timezone, "timezone", complaints)
    expires = _day(file.expires, "expires", complaints)
    _day(file.checked, "checked", complaints)
    opens = wall_of(file.opens, "opens", complaints)
    closes = wall_of(file.closes, "closes", complaints)
    closed = _closed(file.holidays, complaints)
    early = _timed(file.early_closes, "early_closes", complaints)
    late = _timed(file.late_opens, "late_opens", complaints)
    rows = closed | {key: day for key, (day, _) in (early | late).items()}
    complaints += _doubtful(rows, frozenset(closed.values()), expires)
    if zone is None or expires is None or opens is None or closes is None:
        return None
    return Calendar(
        zone=zone,
        holidays=frozenset(closed.values()),
        early_closes=dict(early.values()),
        late_opens=dict(late.values()),
        opens=opens,
        closes=closes,
        products=frozenset(map(canonical_product, file.products)),
        expires=expires,
        source=f"{file.source} (checked {file.checked})",
    )


def _closed(days: tuple[str, ...], complaints: list[str]) -> dict[str, date]:
    """Return the days that are dates, by their keys."""
    found = {
        where: _day(text, where, complaints)
        for where, text in ((f"holidays[{n}]", text) for n, text in enumerate(days))
    }
    return {where: day for where, day in found.items() if day is not None}


def _timed(rows: dict[str, str], name: str, complaints: list[str]) -> dict[str, tuple[date, time]]:
    """Return the rows that can be read, by their keys."""
    found = {}
    for text, wall in rows.items():
        where = under(name, text)
        day, at = _day(text, where, complaints), wall_of(wall, where, complaints)
        if day is not None and at is not None:
            found[where] = (day, at)
    return found


def _doubtful(
    rows: dict[str, date], holidays: frozenset[date], expires: date | None
) -> Iterator[str]:
    """Yield complaints about rows that could never matter: they are meant for another day."""
    for where, day in rows.items():
        if day.weekday() >= _SATURDAY:
            yield f"{where}: {day} is no trading date: days are Mon-Fri"
        if day in holidays and not where.startswith("holidays["):
            yield f"{where}: {day} is a holiday and has hours"
        if expires is not None and day > expires:
            yield f"{where}: {day} is after expires = {expires}"


def _day(text: str, where: str, complaints: list[str]) -> date | None:
    why = ""
    if _DAY.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError as error:
            why = f" ({error})"
    complaints.append(f"{where}: {text!r} is no date{why}; write one like 2026-12-25")
    return None


def zone_of(name: str, where: str, complaints: list[str]) -> ZoneInfo | None:
    """Return a zone by its IANA name, or None after complaining."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        complaints.append(f"{where}: {name!r} is no IANA zone; write one like America/Chicago")
        return None


def wall_of(text: str, where: str, complaints: list[str]) -> time | None:
    """Return a local time, or None after complaining."""
    if not _WALL.fullmatch(text):
        complaints.append(f"{where}: must be a local time like 17:00, not {text!r}")
        return None
    return time.fromisoformat(text)
