"""Special days by trading date: what is closed, until when, and what is done beyond the table."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from actors.rules.calendar import Calendar, is_listed, tables_for
from tests.rules.calendars import chicago, daily, globex, group, shipped
from tests.rules.pictures import CHICAGO

YEARS = (2025, 2026, 2027)
PRODUCTS = (
    "ES NQ YM RTY MES MNQ MYM M2K NKD "
    "CL MCL NG QM QG RB HO GC MGC SI SIL HG MHG PL "
    "6E 6B 6J 6A 6C 6S 6N M6E M6A M6B E7 "
    "ZT ZF ZN ZB UB TN ZC ZS ZW ZM ZL HE LE MBT MET "
)


def closures(table, first, last):
    return [
        span
        for span in table.closures(date.fromisoformat(first), date.fromisoformat(last))
        if chicago(*map(int, first.split("-"))) <= span[1]
        and span[0] < chicago(*map(int, last.split("-")), 23)
    ]


@pytest.mark.parametrize(
    ("product", "around", "spans"),
    [
        # Thanksgiving: two sessions that end early, with an evening between them
        (
            "ES",
            ("2025-11-26", "2025-11-28"),
            [
                (chicago(2025, 11, 27, 12), chicago(2025, 11, 27, 17)),
                (chicago(2025, 11, 28, 12, 15), chicago(2025, 11, 30, 17)),
            ],
        ),
        # grains: shut from Wednesday's close to Friday's late open
        (
            "ZC",
            ("2025-11-26", "2025-11-28"),
            [
                (chicago(2025, 11, 26, 13, 20), chicago(2025, 11, 28, 8, 30)),
                (chicago(2025, 11, 28, 12, 0), chicago(2025, 11, 30, 19)),
            ],
        ),
        # Christmas: the evening of an early close belongs to the holiday
        (
            "ES",
            ("2025-12-24", "2025-12-25"),
            [(chicago(2025, 12, 24, 12, 15), chicago(2025, 12, 25, 17))],
        ),
        # a holiday begins with the last close before it
        (
            "ES",
            ("2025-04-17", "2025-04-18"),
            [(chicago(2025, 4, 17, 16), chicago(2025, 4, 20, 17))],
        ),
        (
            "HE",
            ("2025-04-17", "2025-04-18"),
            [(chicago(2025, 4, 17, 13, 5), chicago(2025, 4, 21, 8, 30))],
        ),
        # with an employment report Good Friday is a short session
        (
            "ES",
            ("2026-04-02", "2026-04-03"),
            [(chicago(2026, 4, 3, 8, 15), chicago(2026, 4, 5, 17))],
        ),
        (
            "ZN",
            ("2026-04-02", "2026-04-03"),
            [(chicago(2026, 4, 3, 10, 15), chicago(2026, 4, 5, 17))],
        ),
        ("CL", ("2026-04-02", "2026-04-03"), [(chicago(2026, 4, 2, 16), chicago(2026, 4, 5, 17))]),
        # the day of mourning: stocks, rates and farm goods only
        (
            "ES",
            ("2025-01-09", "2025-01-09"),
            [(chicago(2025, 1, 9, 8, 30), chicago(2025, 1, 9, 17))],
        ),
        (
            "ZN",
            ("2025-01-09", "2025-01-09"),
            [(chicago(2025, 1, 9, 12, 15), chicago(2025, 1, 9, 17))],
        ),
        ("CL", ("2025-01-09", "2025-01-09"), []),
        ("6E", ("2025-01-20", "2025-01-20"), []),
        ("ES", ("2026-07-03", "2026-07-03"), [(chicago(2026, 7, 3, 12), chicago(2026, 7, 5, 17))]),
        (
            "ES",
            ("2027-12-24", "2027-12-24"),
            [(chicago(2027, 12, 23, 16), chicago(2027, 12, 26, 17))],
        ),
    ],
)
def test_a_special_day_closes_from_the_last_close_to_the_next_open(product, around, spans):
    """Exact instants of the shipped tables."""
    assert closures(group(product), *around) == spans


def test_every_product_offered_is_in_exactly_one_table():
    """The products of TopstepX."""
    named = [product for each in shipped().groups for product in each.products]

    assert len(named) == len(set(named))
    assert set(named) >= set(PRODUCTS.split())


@pytest.mark.parametrize("table", shipped().groups, ids=lambda each: min(each.products))
def test_every_table_has_the_holidays_of_every_year(table):
    """New Year, Good Friday, Thanksgiving and Christmas are said for each year."""
    special = table.holidays | table.early_closes.keys()
    for day in (
        "01-01",
        "11-28|11-27|11-26",
        "12-25|12-24",
        "04-18|04-03|03-26",
    ):
        for year in YEARS:
            assert any(date.fromisoformat(f"{year}-{each}") in special for each in day.split("|"))
    assert table.expires == date(2027, 12, 31)
    assert "checked 2026-11-22" in table.source


def test_thanksgiving_reopens_in_the_evening():
    """The evening belongs to the next trading date, whose session ends at 12:15."""
    hours = globex("ES")

    for at, is_open in (
        (chicago(2025, 11, 27, 11, 59, 59), True),
        (chicago(2025, 11, 27, 12), False),
        (chicago(2025, 11, 27, 16, 59, 59), False),
        (chicago(2025, 11, 27, 17), True),
        (chicago(2025, 11, 28, 12, 14, 59), True),
        (chicago(2025, 11, 28, 12, 15), False),
    ):
        assert hours.is_open(at) is is_open, at
    assert hours.next_start(chicago(2025, 11, 27, 12)) == chicago(2025, 11, 27, 17)
    assert hours.next_start(chicago(2025, 11, 28, 12, 15)) == chicago(2025, 11, 30, 17)


def test_beyond_its_table_every_day_ends_at_the_earliest_close_of_any():
    """08:15, the earliest of all shipped tables, on each weekday after the expiry."""
    for product in ("ES", "CL", "6E"):
        hours = daily("07:00", "15:00", group(product))
        assert hours.is_open(chicago(2027, 12, 31, 14, 59))
        for day in (3, 4, 5, 6, 7):
            assert hours.is_open(chicago(2028, 1, day, 8, 14, 59))
            assert not hours.is_open(chicago(2028, 1, day, 8, 15))


def test_a_product_in_no_table_is_closed_whenever_any_market_is():
    """On the day after Thanksgiving at the noon of grains, the earliest close of that day."""
    context = shipped()

    tables = tables_for("XYZ", context.calendar, context.groups)
    hours = daily("08:30", "15:00", *tables)

    assert not is_listed("XYZ", context.calendar, context.groups)
    assert hours.is_open(chicago(2026, 11, 27, 11, 59, 59))
    assert not hours.is_open(chicago(2026, 11, 27, 12))
    assert not hours.is_open(chicago(2026, 1, 19, 9))
    assert hours.is_open(chicago(2026, 11, 24, 14, 59, 59))


def test_a_configured_table_that_names_no_product_speaks_for_all():
    """Who writes a table of their own means it."""
    own = Calendar(
        zone=CHICAGO,
        holidays=frozenset({date(2026, 11, 24)}),
        early_closes={},
        expires=date(2027, 1, 1),
        source="own",
    )

    assert tables_for("ES", own, shipped().groups) == (own,)
    assert is_listed("XYZ", own, shipped().groups)


def test_a_closed_span_follows_its_own_zone():
    """A table of New York and hours of Chicago: 13:00 there is 12:00 here."""
    table = Calendar(
        zone=ZoneInfo("America/New_York"),
        holidays=frozenset(),
        early_closes={date(2025, 11, 26): time(13)},
        expires=date(2026, 12, 31),
        source="test",
    )
    hours = daily("08:30", "15:00", table)

    assert hours.is_open(datetime(2025, 11, 26, 17, 59, 59, tzinfo=UTC))
    assert not hours.is_open(datetime(2025, 11, 26, 18, 0, tzinfo=UTC))


def test_an_early_close_before_the_open_leaves_nothing_of_the_day():
    """Expired livestock: 08:15 is before its 08:30, so the day is closed from the last close on."""
    hours = daily("09:00", "13:00", group("HE"))

    assert not hours.is_open(chicago(2028, 1, 4, 9, 0))
    assert hours.next_start(chicago(2028, 1, 4, 9, 0)) is None


def test_a_late_open_is_closed_until_then_on_any_day():
    """Without a holiday before it the evening is gone all the same."""
    table = Calendar(
        zone=CHICAGO,
        holidays=frozenset(),
        early_closes={},
        late_opens={date(2026, 11, 24): time(8, 30)},
        expires=date(2026, 12, 31),
        source="test",
    )

    assert closures(table, "2026-11-23", "2026-11-25") == [
        (chicago(2026, 11, 23, 16), chicago(2026, 11, 24, 8, 30))
    ]
