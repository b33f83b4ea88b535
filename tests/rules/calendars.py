"""The calendars that ship, as the configuration reads them, and sessions in Chicago time."""

from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from actors.rules.calendar import Calendar
from actors.rules.rule import RuleContext
from actors.rules.weekly_session import WeeklySession
from config.context import context_of
from config.schema import ConfigFile
from tests.rules.pictures import CHICAGO

WEEKDAYS = tuple(range(5))


def shipped() -> RuleContext:
    """Return the context of a configuration that says nothing of calendars."""
    complaints: list[str] = []
    context = context_of(Path("lockstep.toml"), ConfigFile(logins=()), complaints)
    assert complaints == []
    return context


def group(product: str) -> Calendar:
    """Return the shipped table that names a product."""
    (table,) = (each for each in shipped().groups if product in each.products)
    return table


def chicago(*parts: int) -> datetime:
    """Return a Chicago wall time as UTC."""
    return datetime(*parts, tzinfo=CHICAGO).astimezone(UTC)


def daily(
    start: str, end: str, *tables: Calendar, zone=CHICAGO, days=WEEKDAYS, nights=0
) -> WeeklySession:
    """Return the same hours on some weekdays; `nights` = midnights between start and end."""
    walls = time.fromisoformat(start), time.fromisoformat(end)
    spans = tuple((day, walls[0], nights, walls[1]) for day in days)
    return WeeklySession(zone=zone, spans=spans, calendars=tables)


def globex(product: str) -> WeeklySession:
    """Return 17:00 to 16:00 of every trading date, less the closures of a product."""
    return daily("17:00", "16:00", group(product), days=(6, 0, 1, 2, 3), nights=1)


def seconds(count: int) -> timedelta:
    """Return some seconds."""
    return timedelta(seconds=count)
