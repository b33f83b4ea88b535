"""How a day is counted, as the journal keeps it, and how people are told what waits for the reset."""

from dataclasses import replace
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from actors.account.terms import day_of, terms_of, under, waiting
from actors.account.trading_day import TradingDay
from tests.account.world import DAY, SETTINGS

MOVED = TradingDay(
    reset=time(16, 30),
    zone=ZoneInfo("Europe/London"),
    first=date(2025, 10, 30),
    since=datetime(2025, 10, 29, 22, tzinfo=UTC),
)


@pytest.mark.parametrize("day", [DAY, MOVED])
def test_a_day_that_was_written_down_is_the_same_day(day):
    """A restart counts it as it began."""
    assert day_of(terms_of(SETTINGS, day)) == day


def test_a_begun_day_is_counted_as_it_began_whatever_the_file_says_now():
    """Gross P&L, another mark, older quotes: each may loosen."""
    file = replace(SETTINGS, gross=True, conservative_mark=True, quote_max_age_s=60.0)

    assert under(file, terms_of(SETTINGS, DAY)) == SETTINGS
    assert under(file, None) == file


def test_nothing_waits_where_the_file_says_what_counts():
    """Nor where it is not known what counts."""
    assert list(waiting(terms_of(SETTINGS, DAY), SETTINGS)) == []
    assert list(waiting(None, replace(SETTINGS, gross=True))) == []


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"gross": True}, "money.pnl net → gross at the reset"),
        ({"conservative_mark": True}, "money.mark last → conservative at the reset"),
        ({"quote_max_age_s": 7.5}, "money.quote_max_age_s 5 → 7.5 at the reset"),
        (
            {"day": MOVED},
            "trading_day 17:00 America/Chicago → 16:30 Europe/London at the reset",
        ),
    ],
)
def test_what_waits_is_said_as_the_file_would_write_it(change, line):
    """One line each, before and after; what has not changed is not mentioned."""
    assert list(waiting(terms_of(SETTINGS, DAY), replace(SETTINGS, **change))) == [line]
