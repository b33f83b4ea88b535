"""Trading day and calendars as the rules get them, read strictly from the configuration.

What is wrong is complained of and stands as its default, so that everything else can be checked too.
"""

import re
from dataclasses import replace
from datetime import date, time
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from actors.account.trading_day import TradingDay
from actors.rules.calendar import Calendar
from actors.rules.rule import RuleContext
from config import source, strict
from config.errors import ConfigError
from config.schema import CalendarFile, ConfigFile, TradingDayTable
from messages.values import canonical_product

_SHIPPED = Path(__file__).parent
_WALL = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_SATURDAY = 5
_NO_CALENDAR = Calendar(
    zone=ZoneInfo("UTC"), holidays=frozenset(), early_closes={}, expires=date.max, source="none"
)
# Stands where the calendar's own complaint is already made, so that the rules can be checked too.


def context_of(path: Path, file: ConfigFile, complaints: list[str]) -> RuleContext:
    """Return trading day and calendars; what is wrong stands as its default, so rules are checked."""
    zone = _zone(file.trading_day.timezone, "trading_day.timezone", complaints)
    reset = _wall(file.trading_day.reset, "trading_day.reset", complaints)
    own = _configured(path, file.calendar.file, complaints)
    shipped = sorted((_SHIPPED / "calendar").glob("*.toml"))
    groups = [table for each in shipped if (table := _calendar(each, complaints))]
    usual = TradingDayTable()
    return RuleContext(
        trading_day=TradingDay(
            reset=reset or time.fromisoformat(usual.reset), zone=zone or ZoneInfo(usual.timezone)
        ),
        calendar=_knowing_all(own or _NO_CALENDAR, groups),
        groups=tuple(_knowing_all(each, groups) for each in groups),
    )


def _zone(name: str, where: str, complaints: list[str]) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        complaints.append(f"{where}: {name!r} is no IANA zone; write one like America/Chicago")
        return None


def _wall(text: str, where: str, complaints: list[str]) -> time | None:
    if not _WALL.fullmatch(text):
        complaints.append(f"{where}: must be a local time like 17:00, not {text!r}")
        return None
    return time.fromisoformat(text)


def _configured(path: Path, name: str, complaints: list[str]) -> Calendar | None:
    place = next((base / name for base in (path.parent, _SHIPPED) if (base / name).is_file()), None)
    if place is None:
        complaints.append(f"calendar.file: {name!r} is not beside {path.name} and does not ship")
        return None
    return _calendar(place, complaints)


def _calendar(place: Path, complaints: list[str]) -> Calendar | None:
    found: list[str] = []
    calendar = None
    try:
        file = strict.table(
            source.parse(place, source.read(place)), CalendarFile, place.name, found
        )
        calendar = None if file is None else _calendar_of(file, found)
    except ConfigError as error:
        found += error.complaints
    except (ValueError, OSError, ZoneInfoNotFoundError) as error:
        found.append(str(error))
    complaints += [f"calendar.file: {place}: {each}" for each in found]
    return None if found else calendar


def _calendar_of(file: CalendarFile, complaints: list[str]) -> Calendar:
    calendar = Calendar(
        zone=ZoneInfo(file.timezone),
        holidays=frozenset(map(date.fromisoformat, file.holidays)),
        early_closes=_rows(file.early_closes, "early_closes", complaints),
        late_opens=_rows(file.late_opens, "late_opens", complaints),
        opens=_wall(file.opens, "opens", complaints) or time(),
        closes=_wall(file.closes, "closes", complaints) or time(),
        products=frozenset(map(canonical_product, file.products)),
        expires=date.fromisoformat(file.expires),
        source=f"{file.source} (checked {file.checked})",
    )
    complaints += _doubtful(calendar)
    return calendar


def _rows(rows: dict[str, str], where: str, complaints: list[str]) -> dict[date, time]:
    walls = {day: _wall(wall, f"{where}.{day}", complaints) for day, wall in rows.items()}
    return {date.fromisoformat(day): wall for day, wall in walls.items() if wall is not None}


def _doubtful(calendar: Calendar) -> list[str]:
    """Return complaints about rows that could never matter: they are meant for another day."""
    timed = {**calendar.early_closes, **calendar.late_opens}
    days = sorted(calendar.holidays | timed.keys())
    return [
        *(
            f"{day} is no trading date: days are Mon-Fri"
            for day in days
            if day.weekday() >= _SATURDAY
        ),
        *(f"{day} is a holiday and has hours" for day in sorted(calendar.holidays & timed.keys())),
        *(f"{day} is after expires = {calendar.expires}" for day in days if calendar.expired(day)),
    ]


def _knowing_all(calendar: Calendar, groups: list[Calendar]) -> Calendar:
    """Return a table that falls back, once expired, to the earliest close any table of its zone knows."""
    tables = [calendar, *(each for each in groups if each.zone.key == calendar.zone.key)]
    closes = [close for each in tables for close in each.early_closes.values()]
    return replace(calendar, earliest_close=min(closes, default=None))
