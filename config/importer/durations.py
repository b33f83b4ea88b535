"""The original's durations: `60s`, `30m`, `1h`, and words that are none. Pure."""

import re
from typing import Any

from config.importer.section import Section

_UNITS = {"s": (1, 86_400), "m": (60, 1440), "h": (3600, 24)}


def seconds(section: Section, name: str) -> Any:
    """Return a duration in seconds; what is none stays as it is, so that our loader refuses it."""
    value = section.take(name)
    if value is None:
        return None
    found = re.fullmatch(r"(\d+)([smh])", value) if isinstance(value, str) else None
    if found:
        factor, longest = _UNITS[found[2]]
        if 1 <= int(found[1]) <= longest:
            return int(found[1]) * factor
    section.note(
        "decide",
        name,
        f"{value!r} is no duration like 60s, 30m or 1h; the original made 0 seconds of it. "
        "Write how many seconds are meant",
    )
    return value


def until(section: Section, name: str, ours: str, means: str) -> None:
    """Compare a word for an end with the only end our rule has, and tell where it differs."""
    value = section.take(name)
    if value is None or value == ours:
        return
    section.note("changed", name, f"{value!r} is not carried over: {means}")
