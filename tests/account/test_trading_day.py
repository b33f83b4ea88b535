"""The trading day over every change of the clocks: labels, starts, resets, and local wall times."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.account.trading_day import Dated, TradingDay, local_instant

HOUR = timedelta(hours=1)
ZONES = (
    "America/Chicago",
    "America/New_York",
    "America/Sao_Paulo",
    "Europe/London",
    "Africa/Cairo",  # changes at midnight
    "Australia/Sydney",
    "Australia/Lord_Howe",  # changes by half an hour
    "Asia/Kolkata",  # half an hour off
    "Asia/Tokyo",
    "UTC",
)
# a usual one, midnight, and one inside the hour that Chicago, London, Cairo or Lord Howe skips or repeats
RESETS = (time(17), time(0), time(0, 30), time(1, 30), time(2, 15))
FIRST, LAST = datetime(2024, 1, 1, tzinfo=UTC), datetime(2029, 1, 1, tzinfo=UTC)
HOURS = [FIRST + n * HOUR for n in range((LAST - FIRST) // HOUR)]

zones = st.sampled_from(ZONES).map(ZoneInfo)
days = st.builds(TradingDay, reset=st.times().map(lambda t: t.replace(microsecond=0)), zone=zones)
instants = st.datetimes(datetime(2024, 1, 1), datetime(2029, 1, 1), timezones=st.just(UTC))


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("reset", RESETS, ids=str)
def test_every_hour_of_five_years_lies_in_one_day(zone, reset):
    """Labels never go back, a day begins where the last one ends, and lasts 23 to 25 hours."""
    day = TradingDay(reset=reset, zone=ZoneInfo(zone))
    label = day.label(HOURS[0])
    begins, ends = day.start(label), day.next_reset(HOURS[0])
    for at in HOURS:
        found = day.label(at)
        if found != label:
            assert found == label + timedelta(days=1)
            assert day.start(found) == ends
            label, begins, ends = found, ends, day.next_reset(at)
            assert 23 * HOUR <= ends - begins <= 25 * HOUR
        assert begins <= at < ends


@given(days, instants)
def test_a_day_holds_the_instants_it_is_asked_for(day, at):
    """Start and next reset enclose the instant, have their own labels, and follow each other."""
    label = day.label(at)
    start, following = day.start(label), day.next_reset(at)

    assert start <= at < following
    assert day.label(start) == label
    assert day.label(following - timedelta(seconds=1)) == label
    assert day.label(following) == label + timedelta(days=1)
    assert day.next_reset(start) == following
    assert 22 * HOUR < following - start < 26 * HOUR


@given(days, instants, instants)
def test_a_later_instant_never_has_an_earlier_label(day, one, other):
    """Monotone, also where the wall clock goes back."""
    earlier, later = sorted((one, other))

    assert day.label(earlier) <= day.label(later)


@given(zones, st.dates(date(2024, 1, 1), date(2028, 12, 31)), st.lists(st.times(), min_size=2))
def test_a_later_wall_time_is_never_an_earlier_instant(zone, day, walls):
    """A session whose end is after its start on the clock is never turned round."""
    found = [local_instant(day, wall, zone) for wall in sorted(walls)]

    assert all(earlier <= later for earlier, later in pairwise(found))


@pytest.mark.parametrize(
    ("zone", "day", "wall", "instant"),
    [
        ("America/Chicago", date(2026, 3, 8), time(1, 59), datetime(2026, 3, 8, 7, 59)),
        ("America/Chicago", date(2026, 3, 8), time(2, 30), datetime(2026, 3, 8, 8, 0)),
        ("America/Chicago", date(2026, 3, 8), time(3, 0), datetime(2026, 3, 8, 8, 0)),
        ("America/Chicago", date(2026, 11, 1), time(1, 30), datetime(2026, 11, 1, 6, 30)),
        ("America/Chicago", date(2026, 11, 1), time(2, 0), datetime(2026, 11, 1, 8, 0)),
        ("Australia/Lord_Howe", date(2026, 10, 4), time(2, 20), datetime(2026, 10, 3, 15, 30)),
        ("Africa/Cairo", date(2026, 4, 24), time(0, 0), datetime(2026, 4, 23, 22, 0)),
    ],
)
def test_a_skipped_wall_time_is_the_end_of_the_gap_and_a_repeated_one_the_first(
    zone, day, wall, instant
):
    """Exact instants at the changes of the clocks."""
    assert local_instant(day, wall, ZoneInfo(zone)) == instant.replace(tzinfo=UTC)


@given(days, days, instants, st.timedeltas(timedelta(days=-3), timedelta(days=3)))
def test_another_table_takes_over_where_a_day_ends(old, new, at, apart):
    """Before that all is of closed days; from there on every instant lies in one day."""
    closed = old.label(at)
    ends = old.end(closed)
    day = old.follows_with(new, closed)
    asked = ends + apart

    assert day.label(ends) > closed
    assert day.start(day.label(ends)) == ends or (old.reset, old.zone) == (new.reset, new.zone)
    if asked < ends:
        assert day.label(asked) < day.label(ends)
    else:
        assert day.start(day.label(asked)) <= asked < day.next_reset(asked)
        assert day.label(asked) >= new.label(asked)
    assert day.next_reset(ends) == new.end(day.label(ends))


@given(days, days, instants, st.timedeltas(timedelta(0), timedelta(days=3)))
def test_a_clock_set_back_over_a_change_of_tables_is_one_day_back(old, new, at, back):
    """As over any reset: further back than by a day, the day that has begun would be given up."""
    closed = old.label(at)
    ends = old.end(closed)
    day = old.follows_with(new, closed)
    just_before = ends - timedelta(seconds=1)

    assert day.label(just_before) == day.label(ends) - timedelta(days=1)
    assert day.label(just_before - back) <= day.label(just_before)


def test_a_table_whose_own_reset_falls_on_the_change_counts_back_from_the_day_before():
    """17:00 in Chicago is 18:00 in New York: the second before it is of the day that was closed."""
    chicago = TradingDay(reset=time(17), zone=ZoneInfo("America/Chicago"))
    new_york = TradingDay(reset=time(18), zone=ZoneInfo("America/New_York"))
    day = chicago.follows_with(new_york, date(2025, 10, 29))
    ends = datetime(2025, 10, 29, 22, tzinfo=UTC)

    assert day.label(ends) == date(2025, 10, 30)
    assert day.label(ends - timedelta(seconds=1)) == date(2025, 10, 29)
    assert day.label(ends - timedelta(days=1, seconds=1)) == date(2025, 10, 28)


def test_the_same_table_needs_no_taking_over():
    """The first date of a changed table is remembered for that day alone."""
    day = TradingDay(reset=time(17), zone=ZoneInfo("America/Chicago"))
    other = TradingDay(reset=time(13), zone=ZoneInfo("America/Chicago"))
    changed = day.follows_with(other, date(2025, 10, 29))

    assert (changed.first, changed.since) == (
        date(2025, 10, 30),
        datetime(2025, 10, 29, 22, tzinfo=UTC),
    )
    assert changed.follows_with(other, date(2025, 10, 30)) == other


@given(
    at=st.datetimes(datetime(2025, 10, 20), datetime(2025, 11, 10), timezones=st.just(UTC)),
    closed=st.dates(date(2025, 10, 28), date(2025, 11, 4)),
    zones=st.permutations(["America/Chicago", "Asia/Tokyo", "Pacific/Auckland"]),
    near=st.integers(-2, 2),
)
def test_what_is_said_to_lie_within_a_day_has_its_label(at, closed, zones, near):
    """Also where another table has taken over."""
    before, after = (TradingDay(time(17), ZoneInfo(name)) for name in zones[:2])
    table = before.follows_with(after, closed)

    label = table.label(at) + timedelta(days=near)

    assert not Dated.of(table, label).holds(at) or label == table.label(at)
    assert Dated.of(before, before.label(at)).holds(at)
