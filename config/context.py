"""Trading day and calendar as the rules get them, read strictly from the configuration.

What is wrong is complained of and stands as its default, so that everything else can be checked too.
"""

import re
from datetime import date, time
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from actors.account.trading_day import TradingDay
from actors.rules.calendar import Calendar
from actors.rules.rule import RuleContext
from config import source, strict
from config.errors import ConfigError
from config.schema import CalendarFile, ConfigFile, TradingDayTable

_SHIPPED = Path(__file__).parent
_NO_CALENDAR = Calendar(
    zone=ZoneInfo("UTC"), holidays=frozenset(), early_closes={}, expires=date.max, source="none"
)
# Stands where the calendar's own complaint is already made, so that the rules can be checked too.


def context_of(path: Path, file: ConfigFile, complaints: list[str]) -> RuleContext:
    """Return trading day and calendar; what is wrong stands as its default, so that rules are checked."""
    zone = _zone(file.trading_day.timezone, "trading_day.timezone", complaints)
    reset = _wall(file.trading_day.reset, "trading_day.reset", complaints)
    calendar = _calendar(path, file.calendar.file, complaints)
    usual = TradingDayTable()
    return RuleContext(
        trading_day=TradingDay(
            reset=reset or time.fromisoformat(usual.reset), zone=zone or ZoneInfo(usual.timezone)
        ),
        calendar=calendar or _NO_CALENDAR,
    )


def _zone(name: str, where: str, complaints: list[str]) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        complaints.append(f"{where}: {name!r} is no IANA zone; write one like America/Chicago")
        return None


def _wall(text: str, where: str, complaints: list[str]) -> time | None:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text):
        complaints.append(f"{where}: must be a local time like 17:00, not {text!r}")
        return None
    return time.fromisoformat(text)


def _calendar(path: Path, name: str, complaints: list[str]) -> Calendar | None:
    place = next((base / name for base in (path.parent, _SHIPPED) if (base / name).is_file()), None)
    if place is None:
        complaints.append(f"calendar.file: {name!r} is not beside {path.name} and does not ship")
        return None
    found: list[str] = []
    calendar = None
    try:
        file = strict.table(
            source.parse(place, source.read(place)), CalendarFile, place.name, found
        )
        calendar = None if file is None else _calendar_of(file)
    except ConfigError as error:
        found += error.complaints
    except (ValueError, OSError, ZoneInfoNotFoundError) as error:
        found.append(str(error))
    complaints += [f"calendar.file: {place}: {each}" for each in found]
    return calendar


def _calendar_of(file: CalendarFile) -> Calendar:
    return Calendar(
        zone=ZoneInfo(file.timezone),
        holidays=frozenset(map(date.fromisoformat, file.holidays)),
        early_closes={
            date.fromisoformat(day): time.fromisoformat(close)
            for day, close in file.early_closes.items()
        },
        expires=date.fromisoformat(file.expires),
        source=f"{file.source} (checked {file.checked})",
    )
