"""Tables of special days: until when each of them speaks, and which the rules in the file use."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from actors.ops import exits
from actors.ops.doctor.finding import Check, Finding
from actors.rules.calendar import Calendar
from config.loader import Config

CALENDAR = Check(
    "calendar",
    "behind its last day every session is taken to end at the earliest close there ever was",
    exits.CONFIG,
)
_NOTICE_DAYS = 60
"""Twice what a start insists on: there is to be time to get the next table."""


@dataclass(frozen=True, slots=True)
class TableRead:
    """One table of special days."""

    products: tuple[str, ...]
    """Products it speaks for; none = for all."""
    expires: date
    """The last trading date it covers."""
    in_use: bool
    """Whether the hours of some account observe it."""


def read_tables(config: Config) -> tuple[TableRead, ...]:
    """Return the tables there are, the configured one first."""
    used = {
        table
        for _, rules in config.groups()
        for setting in rules.settings
        for table in getattr(setting.parameters, "tables", ())
    }
    tables = dict.fromkeys((config.context.calendar, *config.context.groups))
    return tuple(_table(each, each in used) for each in tables)


def _table(calendar: Calendar, in_use: bool) -> TableRead:
    return TableRead(tuple(sorted(calendar.products)), calendar.expires, in_use)


def judge_tables(tables: tuple[TableRead, ...], now: datetime) -> Iterator[Finding]:
    """Judge each table by the days it still covers; only one that is in use can be critical."""
    for each in tables:
        left = (each.expires - now.date()).days
        about = ", ".join(each.products[:4]) + ", …" * (len(each.products) > 4) or "every product"  # noqa: PLR2004
        use = "in use" if each.in_use else "not in use"
        what = f"covers up to {each.expires} ({use})"
        fix = "take a newer table: config/calendar/README.md says how, and what to compare it with"
        if left < 0 and each.in_use:
            yield CALENDAR.critical(f"expired on {each.expires} ({use})", fix=fix, about=about)
        elif left < _NOTICE_DAYS:
            yield CALENDAR.warning(what, fix=fix, about=about)
        else:
            yield CALENDAR.ok(what, about=about)
