"""How long, or until when, as people write it on the command line. Pure."""

import re
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from actors.account.trading_day import local_instant

_DURATION = re.compile(r"(?:(\d{1,3})d)?(?:(\d{1,4})h)?(?:(\d{1,5})m)?(?:(\d{1,7})s)?")
_WALL = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


class TimeError(ValueError):
    """What was written is no duration, or no instant; it says how to write one."""


def seconds_of(text: str) -> int:
    """Return the seconds of `30m`, `2h`, `1h30m`, `1d`.

    Raises:
        TimeError: it is none, or nothing.
    """
    found = _DURATION.fullmatch(text.strip().lower())
    days, hours, minutes, seconds = (
        (int(each or 0) for each in found.groups()) if found else (0,) * 4
    )
    total = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    if not total:
        raise TimeError(f"--for {text!r}: write how long as 30m, 2h, 1h30m or 1d")
    return int(total.total_seconds())


def instant_of(text: str, zone: ZoneInfo, now: datetime) -> datetime:
    """Return the instant of `15:30` (the next one in the zone) or of an ISO time, UTC.

    An ISO time without an offset is one of the zone, too.

    Raises:
        TimeError: it is none, or it is over.
    """
    text = text.strip()
    if wall := _WALL.fullmatch(text):
        return _next(time(int(wall[1]), int(wall[2])), zone, now)
    try:
        instant = _iso(text, zone)
    except (ValueError, OverflowError):
        how = f"write 15:30 or 2025-10-31T15:30 ({zone.key}), or 2025-10-31T20:30Z"
        raise TimeError(f"--until {text!r}: {how}") from None
    if instant <= now:
        raise TimeError(f"--until {text!r} is over already; name a later end")
    return instant


def _iso(text: str, zone: ZoneInfo) -> datetime:
    """Return the instant of an ISO date and time; a date alone is none."""
    written = datetime.fromisoformat(text)
    if not re.search("[T ]", text):
        raise ValueError(text)
    if written.tzinfo is None:
        return local_instant(written.date(), written.time(), zone)
    return written.astimezone(UTC)


def _next(wall: time, zone: ZoneInfo, now: datetime) -> datetime:
    today = now.astimezone(zone).date()
    instant = local_instant(today, wall, zone)
    return instant if instant > now else local_instant(today + timedelta(days=1), wall, zone)
