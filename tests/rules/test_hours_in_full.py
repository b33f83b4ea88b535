"""Hours and special days at their odd ends: mutants had got away with it beside the real days."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from actors.rules.calendar import Calendar
from actors.rules.session_block_outside import RULE, ProductHours, SessionBlockOutside
from messages.values import Duty, Lockout, ReleaseOn
from tests.rules.calendars import chicago, daily, shipped
from tests.rules.pictures import CHICAGO, view

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MONDAY = date(2026, 6, 1)
HOUR = timedelta(hours=1)
ORDINARY = Calendar(
    zone=CHICAGO, holidays=frozenset(), early_closes={}, expires=date(2027, 1, 1), source="test"
)


def resolved(**fields):
    parameters = SessionBlockOutside(
        **{"start": "09:00", "end": "14:00", "holidays": False} | fields
    )
    assert RULE.check(parameters) == []
    return RULE.resolve(parameters, shipped())


def blocked(parameters, at, *held, lockouts=()):
    """Return the products a picture at an instant is breached for; without products the account."""
    positions = [(name, 1, "0") for name in held]
    found = RULE.evaluate(view(at=at, positions=positions, lockouts=lockouts), parameters)
    return {each.scope for each in found.lockouts} if found else set()


def of_es(start, end):
    return resolved(products={"ES": ProductHours(start=start, end=end)})


# --- the rule's hours ---


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        ((2, 21, 59, 59), False),
        ((2, 22), True),
        ((3, 3, 59, 59), True),
        ((3, 4), False),
        ((3, 21, 59, 59), False),
    ],
)
def test_an_end_before_the_start_is_on_the_next_day(at, is_open):
    """22:00 to 04:00: one midnight, not two."""
    hours = resolved(start="22:00", end="04:00")

    assert (blocked(hours, chicago(2026, 6, *at)) == set()) is is_open


@pytest.mark.parametrize(
    ("start", "end", "inside", "outside"),
    [
        ("mon 08:00", "mon 12:00", [(1, 8), (1, 11)], [(1, 7), (1, 12), (2, 9)]),
        ("mon 08:00", "tue 07:00", [(1, 8), (2, 6)], [(1, 7), (2, 7), (3, 9)]),
        ("mon 08:00", "mon 07:00", [(1, 8), (7, 23), (8, 6), (8, 8)], [(1, 7), (8, 7)]),
        ("mon 08:00", "mon 08:00", [(1, 7), (1, 8), (4, 12), (8, 8)], []),
    ],
    ids=["a morning", "almost a day", "almost a week", "the whole week"],
)
def test_a_product_s_session_ends_at_the_first_such_moment_after_its_start(
    start, end, inside, outside
):
    """On the same day where that is later, else up to a week on."""
    hours = of_es(start, end)

    assert [at for at in inside if blocked(hours, chicago(2026, 6, *at), "ES")] == []
    assert [at for at in outside if not blocked(hours, chicago(2026, 6, *at), "ES")] == []


@pytest.mark.parametrize("first", range(7), ids=DAYS)
def test_a_session_of_all_but_an_hour_of_the_week_is_open_in_every_other_hour(first):
    """On whatever weekday it starts."""
    hours = of_es(f"{DAYS[first]} 08:00", f"{DAYS[first]} 07:00")
    hourly = [chicago(2026, 6, 1, 0, 30) + HOUR * count for count in range(7 * 24)]

    closed = [at for at in hourly if blocked(hours, at, "ES")]

    assert closed == [chicago(2026, 6, 1 + first, 7, 30)]


def test_a_product_this_rule_has_locked_is_not_found_again_but_another_s_lock_is_no_excuse():
    """RULE-011 may have locked it: the session is judged all the same."""
    at = chicago(2026, 6, 1, 20)
    hours = resolved(products={"ES": ProductHours(start="mon 08:00", end="mon 12:00")})

    def locked_by(rule):
        return Lockout(
            rule=rule,
            scope="product:ES",
            duty=Duty.FLAT,
            until=None,
            release_on=ReleaseOn.CONFIG,
            reason="test",
            breach_id="1/b1",
            locked_at=at,
        )

    assert blocked(hours, at, "ES", lockouts=(locked_by(RULE.id),)) == set()
    assert blocked(hours, at, "ES", lockouts=(locked_by("RULE-011"),)) == {"product:ES"}


def test_outside_nothing_is_allowed():
    """The limit is 0, and what is held is told."""
    found = RULE.evaluate(
        view(at=chicago(2026, 6, 1, 20), positions=[("ES", 1, "0"), ("MNQ", 3, "0")]), resolved()
    )

    assert (found.value, found.limit) == (2, 0)


def test_its_line_says_whose_hours_they_are():
    """Zone, special days, products: each only where it is so."""
    plain = RULE.describe(resolved())
    full = RULE.describe(
        resolved(
            timezone="Europe/London",
            holidays=True,
            products={"ES": ProductHours(start="sun 18:00", end="fri 17:00")},
        )
    )

    assert plain.startswith("outside 09:00 to 14:00 the trading day's zone on mon tue wed thu fri:")
    assert full.startswith(
        "outside 09:00 to 14:00 Europe/London on mon tue wed thu fri, holidays and early closes "
        "observed, own hours for ES:"
    )


# --- windows of a week ---


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_hours_are_the_same_in_the_zones_farthest_from_utc(zone):
    """A session of almost a week that starts on each day, asked just before it ends."""
    for first in range(7):
        hours = of_zone(ZoneInfo(zone), first)
        start = datetime.combine(MONDAY + timedelta(days=first), time(8), tzinfo=ZoneInfo(zone))
        start = start.astimezone(UTC)

        assert hours.is_open(start + timedelta(days=7) - 2 * HOUR)
        assert not hours.is_open(start + timedelta(days=7) - HOUR)


def of_zone(zone, first):
    """Return a session of a week less an hour."""
    hours = daily("08:00", "07:00", zone=zone, days=(first,), nights=7)
    assert hours.spans == ((first, time(8), 7, time(7)),)
    return hours


def test_a_start_is_found_almost_four_weeks_ahead():
    """Asked on a Saturday, closed until the Friday in four weeks."""
    asked, opens = date(2026, 6, 6), date(2026, 7, 3)
    closed = frozenset(asked + timedelta(days=count) for count in range((opens - asked).days))
    hours = daily("09:00", "14:00", replace(ORDINARY, holidays=closed))

    assert hours.next_start(chicago(2026, 6, 6, 12)) == chicago(2026, 7, 3, 9)
    assert hours.next_boundary(chicago(2026, 6, 6, 12)) == chicago(2026, 7, 3, 9)


def test_a_session_that_the_change_of_the_clocks_takes_away_does_not_start():
    """02:15 to 02:45 on the night the clocks go forward: the next one is a week later."""
    hours = daily("02:15", "02:45", days=(6,))

    assert hours.next_start(chicago(2026, 3, 7)) == chicago(2026, 3, 15, 2, 15)
    assert hours.next_boundary(chicago(2026, 3, 7)) == chicago(2026, 3, 15, 2, 15)


def test_sessions_that_touch_are_one():
    """Midnight to midnight from Monday on: the first bell is on Saturday."""
    hours = daily("00:00", "00:00", nights=1)

    assert hours.next_boundary(chicago(2026, 6, 1, 12)) == chicago(2026, 6, 6)
    assert hours.is_open(chicago(2026, 6, 3))


# --- special days ---


def spans(**special):
    """Return all closures of the first week of June 2026 and the four around it."""
    table = replace(ORDINARY, **special)
    return list(table.closures(MONDAY, MONDAY + timedelta(days=6)))


def test_a_table_without_special_days_closes_nothing():
    """The weekend and the daily halt are the session's own affair."""
    assert spans() == []


def test_a_session_is_from_17_00_to_16_00_unless_its_table_says_otherwise():
    """Globex: a holiday reaches from the last close to the next open."""
    assert spans(holidays=frozenset({date(2026, 6, 3)})) == [
        (chicago(2026, 6, 2, 16), chicago(2026, 6, 3, 17))
    ]


def test_a_session_round_the_clock_begins_on_the_evening_before():
    """17:00 to 17:00: a holiday is one whole day."""
    assert spans(opens=time(17), closes=time(17), holidays=frozenset({date(2026, 6, 3)})) == [
        (chicago(2026, 6, 2, 17), chicago(2026, 6, 3, 17))
    ]


def test_a_day_that_closes_when_it_would_open_late_is_a_holiday():
    """Nothing is left of it: one span."""
    wednesday = date(2026, 6, 3)

    assert spans(late_opens={wednesday: time(12)}, early_closes={wednesday: time(12)}) == [
        (chicago(2026, 6, 2, 16), chicago(2026, 6, 3, 17))
    ]


def test_a_table_that_has_ended_without_an_early_close_ends_every_day_at_noon():
    """Somewhere it must be assumed."""
    hours = daily("09:00", "14:00", replace(ORDINARY, expires=date(2026, 5, 31)))

    assert hours.is_open(chicago(2026, 6, 2, 11, 59, 59))
    assert not hours.is_open(chicago(2026, 6, 2, 12))
