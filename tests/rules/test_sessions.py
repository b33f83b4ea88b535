"""RULE-009 alone: hours over midnights, weeks and changes of the clocks; several products at once."""

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.rules.hours import known, within
from actors.rules.session_block_outside import RULE, ProductHours, SessionBlockOutside
from messages.values import AlarmCode, Duty, FlatProduct, ReleaseOn
from tests.rules.calendars import chicago, daily, group, shipped
from tests.rules.pictures import CHICAGO, NOW, view

NEW_YORK, LONDON = ZoneInfo("America/New_York"), ZoneInfo("Europe/London")
WEEK = ProductHours(start="sun 18:00", end="fri 17:00")
PLAIN = SessionBlockOutside(start="09:00", end="14:00")


def resolved(**fields):
    parameters = SessionBlockOutside(**{"start": "09:00", "end": "14:00"} | fields)
    assert RULE.check(parameters) == []
    return RULE.resolve(parameters, shipped())


def evaluate(parameters, at, *held):
    return RULE.evaluate(view(at=at, positions=[(name, 1, "0") for name in held]), parameters)


def test_several_products_outside_are_one_breach_with_a_lock_and_a_target_each():
    """MNQ and RTY go together; ES has hours of its own, and the account is not locked."""
    breach = evaluate(
        resolved(products={"ES": WEEK}), chicago(2025, 10, 29, 14), "MNQ", "ES", "RTY"
    )

    assert breach.targets == (FlatProduct(product="MNQ"), FlatProduct(product="RTY"))
    assert [each.scope for each in breach.lockouts] == ["product:MNQ", "product:RTY"]
    for lock in breach.lockouts:
        assert lock.until == chicago(2025, 10, 30, 9)
        assert (lock.duty, lock.release_on) == (Duty.FLAT, ReleaseOn.SESSION_START)
    assert breach.value == 2
    assert "MNQ (next start: 2025-10-30T14:00:00+00:00), RTY (" in breach.reason


def test_each_product_is_locked_until_its_own_next_session():
    """One verdict, two ends."""
    parameters = resolved(
        products={
            "ES": ProductHours(start="sun 18:00", end="tue 12:00"),
            "CL": ProductHours(start="thu 08:00", end="thu 12:00"),
        }
    )

    breach = evaluate(parameters, chicago(2025, 10, 29, 10), "ES", "CL", "MNQ")

    assert {each.scope: each.until for each in breach.lockouts} == {
        "product:CL": chicago(2025, 10, 30, 8),
        "product:ES": chicago(2025, 11, 2, 18),
    }


def test_a_product_session_has_the_closures_of_its_own_group():
    """Thanksgiving 2026: stocks until 12:00, energy until 13:30, currencies as ever, no grains."""
    parameters = resolved(products=dict.fromkeys(("ES", "CL", "6E", "ZC"), WEEK))
    held = ("ES", "CL", "6E", "ZC")

    def outside(*wall):
        breach = evaluate(parameters, chicago(2026, 11, *wall), *held)
        return {each.product for each in breach.targets} if breach else set()

    assert outside(25, 13, 19, 59) == set()
    assert outside(25, 13, 20) == {"ZC"}
    assert outside(26, 11, 59, 59) == {"ZC"}
    assert outside(26, 12) == {"ES", "ZC"}
    assert outside(26, 13, 30) == {"ES", "CL", "ZC"}
    assert outside(26, 17) == {"ZC"}
    assert outside(27, 8, 30) == set()


def test_holidays_that_are_not_observed_close_nothing():
    """`holidays = false`: Thanksgiving is a Thursday like any other, and there is nothing to warn of."""
    parameters = resolved(holidays=False, products={"XYZ": WEEK})

    assert evaluate(parameters, chicago(2026, 11, 26, 13), "MNQ", "XYZ") is None
    assert RULE.caveats(parameters, chicago(2030, 1, 1)) == ()


def test_the_account_is_swept_at_the_table_that_is_configured():
    """Without `products` the configured table, stocks, holds for oil as well."""
    assert evaluate(resolved(), chicago(2026, 11, 26, 11, 59, 59), "CL") is None
    assert evaluate(resolved(), chicago(2026, 11, 26, 12), "CL").lockouts[0].scope == "account"


def test_the_clock_is_set_to_the_next_bell_of_all_hours():
    """With products of their own the next start or end of any of them, early closes included."""
    parameters = resolved(products=dict.fromkeys(("ES", "CL"), WEEK))

    def bell(*wall):
        return RULE.next_check(view(at=chicago(2026, 11, *wall)), parameters)

    assert bell(26, 9) == chicago(2026, 11, 26, 12)
    assert bell(26, 12) == chicago(2026, 11, 26, 13, 30)
    assert bell(26, 13, 30) == chicago(2026, 11, 26, 17)
    assert bell(27, 12, 15) == chicago(2026, 11, 27, 13, 45)


def test_without_any_session_in_sight_the_lock_lasts_to_the_reset():
    """After the table 09:00 is past every close: judged again each day, so that a new table helps."""
    at = chicago(2028, 1, 4, 10)
    picture = view(at=at, next_reset=chicago(2028, 1, 4, 17))

    breach = RULE.evaluate(picture, resolved())

    assert breach.lockouts[0].until == picture.next_reset
    assert "judged again at the reset" in breach.reason
    assert RULE.next_check(picture, resolved()) == picture.next_reset


def test_what_no_table_covers_is_said():
    """An expired table and a product in none, each with its own code."""
    parameters = resolved(products={"XYZ": WEEK, "ES": WEEK})

    before = RULE.caveats(parameters, chicago(2027, 12, 31, 12))
    after = RULE.caveats(parameters, chicago(2028, 1, 1, 12))

    assert [code for code, _ in before] == [AlarmCode.CALENDAR_MISSING]
    assert "XYZ" in before[0][1]
    assert [code for code, _ in after][-1] == AlarmCode.CALENDAR_MISSING
    assert {code for code, _ in after[:-1]} == {AlarmCode.CALENDAR_EXPIRED}
    assert len(after) == 1 + len(shipped().groups)
    assert RULE.caveats(resolved(), chicago(2027, 12, 31, 12)) == ()


def test_unresolved_parameters_are_refused():
    """A rule that was given no calendar fails loudly instead of judging without one."""
    with pytest.raises(TypeError, match="resolved"):
        RULE.evaluate(view(), PLAIN)


@pytest.mark.parametrize(
    ("zone", "wall", "summer", "winter"),
    [
        (CHICAGO, "09:00", 14, 15),
        (NEW_YORK, "09:00", 13, 14),
        (LONDON, "09:00", 8, 9),
    ],
)
def test_a_session_keeps_its_wall_time_over_the_change_of_the_clocks(zone, wall, summer, winter):
    """The week in autumn in which London has changed and America has not is in here too."""
    hours = daily(wall, "14:00", zone=zone)

    for day, hour in ((datetime(2026, 7, 1), summer), (datetime(2026, 12, 1), winter)):
        opens = day.replace(hour=hour, tzinfo=UTC)
        assert hours.next_start(opens - timedelta(hours=1)) == opens
        assert not hours.is_open(opens - timedelta(seconds=1))
        assert hours.is_open(opens)


@pytest.mark.parametrize(
    ("opens", "closes", "length_s"),
    [
        (datetime(2026, 3, 7, 22), datetime(2026, 3, 8, 4), 5 * 3600),
        (datetime(2026, 10, 31, 22), datetime(2026, 11, 1, 4), 7 * 3600),
    ],
)
def test_a_night_in_which_the_clocks_change_is_an_hour_shorter_or_longer(opens, closes, length_s):
    """Saturday 22:00 to Sunday 04:00 Chicago."""
    hours = daily("22:00", "04:00", days=(5,), nights=1)
    first = opens.replace(tzinfo=CHICAGO).astimezone(UTC)
    last = closes.replace(tzinfo=CHICAGO).astimezone(UTC)

    assert (last - first).total_seconds() == length_s
    assert hours.next_start(first - timedelta(seconds=1)) == first
    assert hours.next_boundary(first) == last


def test_a_session_inside_the_skipped_hour_does_not_turn_round():
    """02:30 to 03:15 on the night the clocks go forward is 03:00 to 03:15."""
    hours = daily("02:30", "03:15", days=(6,))

    assert hours.next_start(chicago(2026, 3, 8, 1)) == chicago(2026, 3, 8, 3)
    assert hours.next_boundary(chicago(2026, 3, 8, 3)) == chicago(2026, 3, 8, 3, 15)


def test_a_week_that_starts_on_a_holiday_starts_when_the_market_does():
    """Monday 08:00 to Friday: on Martin Luther King's day grains open in the evening."""
    parameters = resolved(products={"ZC": ProductHours(start="mon 08:00", end="fri 13:00")})

    breach = evaluate(parameters, chicago(2026, 1, 19, 9), "ZC")

    assert breach.lockouts[0].until == chicago(2026, 1, 19, 19)


@given(
    st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 1), timezones=st.just(UTC)),
    st.times(),
    st.times(),
    st.sampled_from([CHICAGO, NEW_YORK, LONDON, ZoneInfo("Australia/Lord_Howe")]),
    st.sampled_from(["ES", "ZC", "HE"]),
)
def test_whatever_the_hours_the_bell_is_where_open_and_closed_meet(at, start, end, zone, product):
    """Between two bells nothing changes, at each it does, and the next start is the first open bell."""
    start, end = (each.replace(second=0, microsecond=0) for each in (start, end))
    nights = 0 if start < end else 1
    hours = daily(f"{start:%H:%M}", f"{end:%H:%M}", group(product), zone=zone, nights=nights)

    bells = [at]
    for _ in range(6):
        if bell := hours.next_boundary(bells[-1]):
            bells.append(bell)

    second = timedelta(seconds=1)
    for last, bell in pairwise(bells):
        assert last < bell
        assert hours.is_open(bell) is not hours.is_open(bell - second)
        assert hours.is_open(last) is hours.is_open(bell - second)
    opening = [bell for bell in bells[1:] if hours.is_open(bell)]
    if opening:
        assert hours.next_start(at) == opening[0]


def test_sessions_worked_out_twice_are_equal():
    """Settings of two readings of one file can be compared."""
    assert resolved() == resolved()
    assert resolved(products={"ES": WEEK}) != resolved()
    assert hash(shipped().calendar) == hash(shipped().calendar)
    assert msgspec.structs.asdict(PLAIN)["start"] == time(9).isoformat("minutes")


def test_a_session_of_almost_a_week_is_open_to_its_last_day():
    """Thursday 08:00 to Wednesday 12:00, asked on each day of the week."""
    parameters = resolved(products={"ES": ProductHours(start="thu 08:00", end="wed 12:00")})

    for day in range(6, 11):
        assert evaluate(parameters, chicago(2026, 11, day, 9), "ES") is None
    assert evaluate(parameters, chicago(2026, 11, 11, 11, 59, 59), "ES") is None
    assert evaluate(parameters, chicago(2026, 11, 11, 12), "ES") is not None


def test_hours_written_down_reach_to_the_first_start_after_the_day():
    """What can still matter: today's rest, and the start a lockout of today may last until."""
    hours = resolved().everywhere
    noon, reset = chicago(2025, 10, 29, 12), chicago(2025, 10, 29, 17)
    kept = known(hours, noon, reset)

    assert [start for start, _ in kept.spans] == [
        chicago(2025, 10, 29, 9),
        chicago(2025, 10, 30, 9),
    ]
    assert (kept.since, kept.until) == (noon, chicago(2025, 10, 30, 9))
    assert known(kept, noon, reset) == kept
    assert known(hours, chicago(2025, 10, 29, 14), reset).spans == kept.spans[1:]


def test_a_session_that_begins_with_the_next_day_is_the_last_that_is_written_down():
    """17:00 to 16:00 with the reset at 17:00: it begins in the instant the day ends, once."""
    hours = daily("17:00", "16:00", nights=1)
    kept = known(hours, chicago(2025, 10, 29, 12), chicago(2025, 10, 29, 17))

    assert kept.spans == (
        (chicago(2025, 10, 28, 17), chicago(2025, 10, 29, 16)),
        (chicago(2025, 10, 29, 17), chicago(2025, 10, 30, 16)),
    )
    assert kept.until == chicago(2025, 10, 29, 17)


def test_a_session_that_lasts_over_the_reset_is_written_down_once():
    """It has begun today; what is looked for after the day is a start."""
    hours = daily("12:00", "20:00")
    kept = known(hours, chicago(2025, 10, 29, 13), chicago(2025, 10, 29, 17))

    assert kept.spans == (
        (chicago(2025, 10, 29, 12), chicago(2025, 10, 29, 20)),
        (chicago(2025, 10, 30, 12), chicago(2025, 10, 30, 20)),
    )
    assert kept.until == chicago(2025, 10, 30, 12)


@pytest.mark.parametrize(
    ("start", "end", "tighter", "looser"),
    [
        ("09:00", "14:00", True, True),
        ("09:00", "13:59", True, False),
        ("09:00", "14:01", False, True),
        ("09:01", "14:00", True, True),  # by Thursday 09:00 the new hours count alone
        ("08:59", "14:00", False, True),  # but today's lockouts must last until then
        ("12:30", "14:30", False, False),
    ],
)
def test_hours_are_compared_as_far_as_they_were_written_down(start, end, tighter, looser):
    """From Wednesday noon to Thursday 09:00: open nowhere that was closed, or the other way round."""
    kept = known(daily("09:00", "14:00"), chicago(2025, 10, 29, 12), chicago(2025, 10, 29, 17))
    new = daily(start, end)

    assert (within(new, kept), within(kept, new)) == (tighter, looser)


def test_without_any_session_in_sight_nothing_is_known_but_that():
    """To the end of the day it is closed; whoever opens within it is looser."""
    never = known(daily("09:00", "14:00", days=()), NOW, NOW + timedelta(hours=5))

    assert never.spans == ()
    assert within(never, daily("09:00", "14:00"))
    assert not within(daily("09:00", "14:00"), never)
    assert within(daily("09:00", "10:00"), never)
