"""How long and until when, as people write it."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from actors.ops.lock_times import TimeError, instant_of, seconds_of

CHICAGO = ZoneInfo("America/Chicago")
NOON = datetime(2025, 10, 29, 17, tzinfo=UTC)
"""12:00 in Chicago, before it leaves summer time on 2025-11-02."""


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *(
            ("30m", 1800),
            ("2h", 7200),
            ("1h30m", 5400),
            ("45s", 45),
            ("1d", 86400),
            (" 90M ", 5400),
        ),
        ("1d2h3m4s", 93784),
    ],
)
def test_a_duration_is_its_parts_together(text, seconds):
    """From days to seconds, in this order."""
    assert seconds_of(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "30", "0m", "-30m", "m30", "30m2h", "1.5h", "30 m", "h", "30min", "1w"]
)
def test_what_is_no_duration_is_refused_with_how_to_write_one(text):
    """A bare number above all: thirty of what?"""
    with pytest.raises(TimeError, match="30m, 2h"):
        seconds_of(text)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("15:30", datetime(2025, 10, 29, 20, 30, tzinfo=UTC)),
        ("12:01", datetime(2025, 10, 29, 17, 1, tzinfo=UTC)),
        ("12:00", datetime(2025, 10, 30, 17, tzinfo=UTC)),
        ("9:05", datetime(2025, 10, 30, 14, 5, tzinfo=UTC)),
        ("2025-10-29T15:30", datetime(2025, 10, 29, 20, 30, tzinfo=UTC)),
        ("2025-11-03 15:30", datetime(2025, 11, 3, 21, 30, tzinfo=UTC)),
        ("2025-10-29T20:30Z", datetime(2025, 10, 29, 20, 30, tzinfo=UTC)),
        ("2025-10-29T20:30:15+02:00", datetime(2025, 10, 29, 18, 30, 15, tzinfo=UTC)),
    ],
)
def test_an_instant_without_an_offset_is_one_of_the_trading_days_zone(text, instant):
    """A wall time alone is its next occurrence; the zone's own rules count."""
    assert instant_of(text, CHICAGO, NOON) == instant


def test_a_wall_time_of_tomorrow_may_be_an_hour_off_by_the_clock_change():
    """Saturday noon, until 11:00: Sunday's, 24 hours later."""
    saturday = datetime(2025, 11, 1, 17, tzinfo=UTC)

    assert instant_of("11:00", CHICAGO, saturday) - saturday == timedelta(hours=24)


@pytest.mark.parametrize(
    "text",
    [
        *("", "soon", "24:00", "15", "1530", "15:60", "15:3", "2025-10-31", "20251031", "tomorrow"),
        *(
            "2025-13-01T10:00",
            "9999-12-31T23:59-12:00",
            "0001-01-01T00:00+14:00",
            "0001-01-01T00:00",
        ),
    ],
)
def test_what_is_no_instant_is_refused(text):
    """With how to write one, or that it is over."""
    with pytest.raises(TimeError, match=r"write 15:30 or|is over already"):
        instant_of(text, CHICAGO, NOON)


@pytest.mark.parametrize("text", ["2025-10-29T12:00", "2025-10-29T16:59:59Z", "2024-10-29T15:30"])
def test_an_instant_that_is_over_is_refused(text):
    """Now is over, too."""
    with pytest.raises(TimeError, match="is over already"):
        instant_of(text, CHICAGO, NOON)
