"""The trading day: one reset time in one zone, for everything.

Pure. The label of an instant is the date of (local wall time + 24 h - reset): with a reset at 17:00
Chicago, Thursday 17:00 already belongs to Friday's trading day. Local wall times are turned into
UTC by the zone's own rules, so a day that changes to or from summer time has 23 or 25 hours.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class TradingDay:
    """When the trading day resets."""

    reset: time
    """Local wall time of the reset, e.g. 17:00."""
    zone: ZoneInfo
    """IANA zone of the reset, e.g. America/Chicago."""

    def label(self, at: datetime) -> date:
        """Return the trading date an instant belongs to."""
        local = at.astimezone(self.zone)
        return local.date() if local.time() < self.reset else local.date() + timedelta(days=1)

    def start(self, label: date) -> datetime:
        """Return the instant at which a trading day begins, UTC: the reset of the day before."""
        return local_instant(label - timedelta(days=1), self.reset, self.zone)

    def end(self, label: date) -> datetime:
        """Return the instant at which a trading day ends, UTC: the next one begins."""
        return self.start(label + timedelta(days=1))

    def next_reset(self, at: datetime) -> datetime:
        """Return the first reset after an instant, UTC; at a reset itself the following one."""
        return self.end(self.label(at))


def local_instant(day: date, wall: time, zone: ZoneInfo) -> datetime:
    """Return the UTC instant of a local wall time.

    A wall time that occurs twice means its first occurrence; one that a clock change skips is read
    with the offset before the change, so it falls just after the gap.
    """
    return datetime.combine(day, wall, tzinfo=zone).astimezone(UTC)
