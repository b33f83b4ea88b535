"""The shipped calendars against two others, where they are installed (see tests/README.md).

Every trading date of three years is compared; where they differ, the row that was taken stands here too.
"""

from datetime import date, timedelta

import pytest

from tests.rules.calendars import group

mcal = pytest.importorskip("pandas_market_calendars", reason="oracles are not installed")
xcal = pytest.importorskip("exchange_calendars", reason="oracles are not installed")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # theirs, not ours to mend

FIRST, LAST = date(2025, 1, 1), date(2027, 12, 30)
ORACLES = {
    "ES": "CME Globex Equity",
    "6E": "CMEGlobex_FX",
    "CL": "CMEGlobex_EnergyAndMetals",
    "ZN": "CME Globex Fixed Income",
    "ZC": "CMEGlobex_Grains",
    "HE": "CMEGlobex_Livestock",
    "MBT": "CME Globex Crypto",
}
GOOD_FRIDAYS = {"2025-04-18": "closed", "2027-03-26": "closed"}
FRIDAYS = dict.fromkeys(("2025-07-04", "2026-06-19", "2026-07-03", "2027-06-18"), "12:00")
JUNETEENTHS = dict.fromkeys(("2025-06-19", "2026-06-19", "2027-06-18"), "closed")
TAKEN = {
    "ES": GOOD_FRIDAYS | {"2025-01-09": "08:30"},
    "6E": GOOD_FRIDAYS | FRIDAYS,
    "MBT": GOOD_FRIDAYS | FRIDAYS,
    "ZN": GOOD_FRIDAYS | {"2025-01-09": "12:15"},
    "CL": {"2025-07-04": "12:00", "2027-06-18": "12:00", "2025-12-24": "12:45"},
    "ZC": JUNETEENTHS
    | {"2025-01-09": "12:15", "2025-07-03": "12:00"}
    | dict.fromkeys(
        ("2025-11-28", "2025-12-24", "2026-11-27", "2026-12-24", "2027-11-26"), "12:00"
    ),
    "HE": JUNETEENTHS | {"2025-01-09": "12:15", "2025-07-03": "12:00"},
}
"""What our row says where the oracle of its group says something else."""


def trading_dates():
    days = (FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1))
    return [day for day in days if day.weekday() < 5]


def closes_of(calendar, first=FIRST, last=LAST):
    schedule = calendar.schedule(str(first), str(last))["market_close"]
    local = schedule.dt.tz_convert("America/Chicago").dt.strftime("%H:%M")
    return {day.date(): close for day, close in local.items()}


def ours(table, day):
    if day in table.holidays:
        return "closed"
    return f"{table.early_closes.get(day, table.closes):%H:%M}"


@pytest.mark.parametrize("product", ORACLES)
def test_every_day_is_the_oracles_but_where_another_row_was_taken(product):
    """Nothing differs unnoticed, and no exception stands here that is none."""
    table = group(product)
    theirs = closes_of(mcal.get_calendar(ORACLES[product]))

    differing = {
        str(day): ours(table, day)
        for day in trading_dates()
        if ours(table, day) != theirs.get(day, "closed")
    }

    assert differing == TAKEN[product]


def test_no_closure_of_the_second_oracle_is_missing():
    """CMES has one calendar for all of CME: no day it shortens is a whole day for stocks."""
    cmes = xcal.get_calendar("CMES", start="2024-12-30", end=str(LAST))
    table = group("ES")
    special = [
        day
        for day in trading_dates()
        if not cmes.is_session(str(day))
        or cmes.session_close(str(day)).tz_convert("America/Chicago").hour < 16
    ]

    assert special
    assert [day for day in special if ours(table, day) == "16:00"] == []
