"""Special days of a market, and the spans in which it is closed because of them.

Pure. **Days are labelled by trading date.** The session of trading date D (Monday to Friday) regularly
runs from `opens` on the evening before (on D itself where `opens` is earlier than `closes`) to `closes`
on D: Globex from 17:00 to 16:00 Chicago. Evening trade of D therefore belongs to the next trading date.

- a *holiday* D takes away the whole session of D;
- an *early close* ends the session of D at that time: Thanksgiving's 12:00 closes the market until the
  next session opens at 17:00 the same day, the day after's 12:15 until Sunday 17:00;
- a *late open* lets the session of D begin at that time on D, with no evening before.

A closure reaches from where the last session ended to where the next one opens, so a holiday begins with
the last close before it: Good Friday on Thursday 16:00. The daily halt and the weekend are no closures:
regular hours are what the session itself says.

The table is dated, sourced and expires. Past its last day every trading date ends at the earliest early
close any table knows (fail closed). A product that no table names is closed whenever any table is.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from actors.account.trading_day import local_instant

type Span = tuple[datetime, datetime]

_DAY = timedelta(days=1)
_MARGIN = timedelta(days=14)
# Longer than any closure: the last session before a span and the first one after it are found.
_SATURDAY = 5
_NOON = time(12)


@dataclass(frozen=True, slots=True)
class Calendar:
    """Special days of one market."""

    zone: ZoneInfo
    """Zone of all times."""
    holidays: frozenset[date]
    """Trading dates without any trading."""
    early_closes: Mapping[date, time]
    """Trading dates that end early, with the local time they end at."""
    expires: date
    """The last trading date the table covers."""
    source: str
    """Where the rows come from."""
    late_opens: Mapping[date, time] = field(default_factory=dict)
    """Trading dates that begin late, with the local time they begin at."""
    opens: time = time(17)
    """When a session regularly opens; not earlier than `closes` = on the evening before."""
    closes: time = time(16)
    """When a session regularly closes."""
    products: frozenset[str] = frozenset()
    """Products it speaks for, by the exchange's root; empty = for every product."""
    earliest_close: time | None = None
    """The earliest early close of any table; None = of this one."""

    def __hash__(self) -> int:
        return hash((self.source, self.expires, self.products))

    def expired(self, day: date) -> bool:
        """Say whether a trading date lies beyond the table."""
        return day > self.expires

    def closures(self, first: date, last: date) -> Iterator[Span]:
        """Yield the spans around some local dates that are closed out of the ordinary, UTC, in order."""
        first, last = first - _MARGIN, last + _MARGIN
        ended, special = local_instant(first, time(), self.zone), False
        for day in _trading_dates(first, last):
            session = self._session(day)
            if session is None:
                special = True
                continue
            if special or day in self.late_opens:
                yield ended, session[0]
            ended, special = session[1], self._early_close(day) is not None
        if special:  # no session follows: closed as far as was asked
            yield ended, local_instant(last, time(), self.zone)

    def _session(self, day: date) -> Span | None:
        """Return the session of a trading date; None where nothing of it is left."""
        if day in self.holidays:
            return None
        if day in self.late_opens:
            opens = local_instant(day, self.late_opens[day], self.zone)
        else:
            eve = day if self.opens < self.closes else day - _DAY
            opens = local_instant(eve, self.opens, self.zone)
        closes = local_instant(day, self._early_close(day) or self.closes, self.zone)
        return (opens, closes) if opens < closes else None

    def _early_close(self, day: date) -> time | None:
        if self.expired(day):
            return self.earliest_close or min(self.early_closes.values(), default=_NOON)
        return self.early_closes.get(day)


def _trading_dates(first: date, last: date) -> Iterator[date]:
    """Yield the dates from Monday to Friday."""
    days = (first + offset * _DAY for offset in range((last - first).days + 1))
    return (day for day in days if day.weekday() < _SATURDAY)


def is_listed(product: str, own: Calendar, groups: tuple[Calendar, ...]) -> bool:
    """Say whether some table speaks for a product: the configured one, or that of its group."""
    return not own.products or any(product in each.products for each in (own, *groups))


def tables_for(product: str, own: Calendar, groups: tuple[Calendar, ...]) -> tuple[Calendar, ...]:
    """Return the tables whose closures a product has.

    Args:
        product: The exchange's root.
        own: The configured table; it goes before the groups', and speaks for all if it names none.
        groups: One table per product group.
    """
    if not own.products:
        return (own,)
    for table in (own, *groups):
        if product in table.products:
            return (table,)
    return tuple(dict.fromkeys((own, *groups)))
