"""The times a scenario writes: local to the zone of its start. Pure."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def start(text: str) -> datetime:
    """Return the instant of `2025-10-29 12:00 America/Chicago`, in that zone.

    Raises:
        ValueError: it does not read so.
    """
    local, _, zone = text.rpartition(" ")
    try:
        return datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone))
    except (ValueError, ZoneInfoNotFoundError) as error:
        raise ValueError(f"{text!r} is not like 2025-10-29 12:00 America/Chicago") from error


def moment(text: str, now: datetime) -> datetime:
    """Return the next instant, from `now` on, at which its zone's wall clock reads so.

    Raises:
        ValueError: neither a time of day (12:00:10) nor a date with one (2025-10-30 09:00).
    """
    try:
        if " " in text:
            return datetime.fromisoformat(text).replace(tzinfo=now.tzinfo)
        of_day = time.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not like 12:00:10 or 2025-10-30 09:00") from error
    found = datetime.combine(now.date(), of_day, tzinfo=now.tzinfo)
    if found < now:
        found = datetime.combine(now.date() + timedelta(days=1), of_day, tzinfo=now.tzinfo)
    return found
