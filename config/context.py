"""Trading day and calendars as the rules get them, read strictly from the configuration.

What is wrong is complained of and stands as its default, so that everything else can be checked too.
"""

from dataclasses import replace
from datetime import date, time
from pathlib import Path
from zoneinfo import ZoneInfo

from actors.account.trading_day import TradingDay
from actors.rules.calendar import Calendar
from actors.rules.rule import RuleContext
from config.calendars import calendar_at, wall_of, zone_of
from config.schema import ConfigFile, TradingDayTable

_SHIPPED = Path(__file__).parent
_NO_CALENDAR = Calendar(
    zone=ZoneInfo("UTC"), holidays=frozenset(), early_closes={}, expires=date.max, source="none"
)
# Stands where the calendar's own complaint is already made, so that the rules can be checked too.


def context_of(path: Path, file: ConfigFile, complaints: list[str]) -> RuleContext:
    """Return trading day and calendars; what is wrong stands as its default, so rules are checked."""
    zone = zone_of(file.trading_day.timezone, "trading_day.timezone", complaints)
    reset = wall_of(file.trading_day.reset, "trading_day.reset", complaints)
    own = _configured(path, file.calendar.file, complaints)
    shipped = sorted((_SHIPPED / "calendar").glob("*.toml"))
    groups = [table for each in shipped if (table := calendar_at(each, complaints))]
    usual = TradingDayTable()
    return RuleContext(
        trading_day=TradingDay(
            reset=reset or time.fromisoformat(usual.reset), zone=zone or ZoneInfo(usual.timezone)
        ),
        calendar=_knowing_all(own or _NO_CALENDAR, groups),
        groups=tuple(_knowing_all(each, groups) for each in groups),
    )


def _configured(path: Path, name: str, complaints: list[str]) -> Calendar | None:
    try:
        bases = (path.parent, _SHIPPED)
        place = next((base / name for base in bases if (base / name).is_file()), None)
    except OSError as error:  # a name that no file can have
        complaints.append(f"calendar.file: {name[:60]!r}…: {error.strerror}")
        return None
    if place is None:
        complaints.append(f"calendar.file: {name!r} is not beside {path.name} and does not ship")
        return None
    return calendar_at(place, complaints)


def _knowing_all(calendar: Calendar, groups: list[Calendar]) -> Calendar:
    """Return a table that falls back, once expired, to the earliest close any table of its zone knows."""
    tables = [calendar, *(each for each in groups if each.zone.key == calendar.zone.key)]
    closes = [close for each in tables for close in each.early_closes.values()]
    return replace(calendar, earliest_close=min(closes, default=None))
