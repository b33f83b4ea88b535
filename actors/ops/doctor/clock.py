"""Time: how far our clock is from the broker's, and what is known of time zones."""

import importlib.metadata
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import TZPATH, ZoneInfo, ZoneInfoNotFoundError

from actors.ops import exits
from actors.ops.doctor.finding import Check, Finding
from actors.ops.doctor.login import LoginRead
from actors.runtime.trust import FAR, NEAR

CLOCK = Check("clock", "resets, sessions and the ends of lockouts go by the time that is believed")
ZONES = Check("zones", "resets and sessions are wall times of a zone", exits.CONFIG)
_RELEASE = re.compile(r"# version (\d{4}[a-z]+)")
_OLD_YEARS = 2
"""Rules of daylight saving change somewhere every year; those of two years ago are not today's."""


def judge_clock(reads: tuple[LoginRead, ...]) -> Iterator[Finding]:
    """Judge our clock by the broker's, as each login saw it.

    One that is far off is not critical: a start takes the broker's time (`actors/runtime/trust.py`).
    """
    for read in reads:
        near, far = NEAR.total_seconds(), FAR.total_seconds()
        ahead_s, about = read.ahead_s, read.login
        fix = "let the system keep its clock by NTP, then look again"
        if ahead_s is None:
            look = "compare the clock with another one"
            yield CLOCK.unknown("the broker did not tell the time", fix=look, about=about)
        elif abs(ahead_s) <= near:
            what = f"within {near:g} s of the broker's"
            yield CLOCK.ok(what, about=about)
        elif abs(ahead_s) <= far:
            yield CLOCK.warning(_difference(ahead_s), fix=fix, about=about)
        else:
            what = f"{_difference(ahead_s)}: a start goes by the broker's, and alarms CLOCK_WRONG"
            yield CLOCK.warning(what, fix=fix, about=about)


def _difference(ahead_s: float) -> str:
    side = "ahead of" if ahead_s > 0 else "behind"
    return f"at least {abs(ahead_s):.1f} s {side} the broker's"


@dataclass(frozen=True, slots=True)
class ZonesRead:
    """What this machine knows of time zones."""

    missing: tuple[str, ...]
    """Zones the configuration names and nothing knows."""
    system: str | None
    """Release of the system's own table, which goes first, e.g. `2025b`; None = it has none."""
    package: str | None
    """Release of the `tzdata` package; None = not installed."""


def read_zones(names: tuple[str, ...]) -> ZonesRead:
    """Look at both tables, and for every zone that is named."""
    return ZonesRead(
        missing=tuple(name for name in names if not _is_known(name)),
        system=next((found for path in TZPATH if (found := _release(Path(path)))), None),
        package=_package(),
    )


def _is_known(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _release(folder: Path) -> str | None:
    """Return the release a folder of zones is of; `unknown` where it has zones and does not say."""
    try:
        head = (folder / "tzdata.zi").read_text(errors="replace")[:80]
    except OSError:
        return "unknown" if (folder / "UTC").is_file() else None
    found = _RELEASE.match(head)
    return found[1] if found else "unknown"


def _package() -> str | None:
    try:
        return importlib.metadata.version("tzdata")
    except importlib.metadata.PackageNotFoundError:
        return None


def judge_zones(read: ZonesRead, now: datetime) -> Iterator[Finding]:
    """Judge whether every zone is known, by rules that are not too old."""
    both = f"system {read.system or 'none'}, package tzdata {read.package or 'none'}"
    fix = "install the operating system's tzdata, or the package tzdata"
    for name in read.missing:
        yield ZONES.critical(f"no rules for {name} ({both})", fix=fix)
    if read.missing:
        return
    used = read.system or read.package
    if used is None:
        yield ZONES.critical(f"no table of zones is there ({both})", fix=fix)
    elif not used[:4].isdecimal():
        look = "look which release of tzdata the system has"
        yield ZONES.unknown(f"the table in use does not say how old it is ({both})", fix=look)
    elif now.year - int(used[:4]) >= _OLD_YEARS:
        yield ZONES.warning(f"the table in use is of {used[:4]} ({both})", fix=fix)
    else:
        yield ZONES.ok(both)
