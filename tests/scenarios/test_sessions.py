"""RULE-009 through the whole system: scenarios S-46 to S-52."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from messages.events import (
    AlarmRaised,
    EnforcementFinished,
    EnforcementStarted,
    LockoutReleased,
    RuleBreached,
)
from messages.values import AlarmCode, Phase
from tests.rig import A, B, config_of, contract

CHICAGO, NEW_YORK = ZoneInfo("America/Chicago"), ZoneInfo("America/New_York")
MORNING = config_of(session_block_outside={"start": "09:00", "end": "14:00"})
STOCKS = config_of(
    session_block_outside={"start": "09:30", "end": "16:00", "timezone": "America/New_York"}
)
SEED_CALENDAR = """
source = "the seed's own table"
checked = "2025-10-31"
expires = "2026-12-31"
timezone = "America/New_York"
holidays = ["2025-11-27", "2025-12-25"]
[early_closes]
2025-11-26 = "13:00"
"""


def utc(*parts, zone=CHICAGO):
    return datetime(*parts, tzinfo=zone).astimezone(UTC)


@pytest.mark.parametrize(
    ("wall", "phase"),
    [
        ((8, 59, 59), Phase.LOCKED),
        ((9, 0, 0), Phase.OPEN),
        ((13, 59, 59), Phase.OPEN),
        ((14, 0, 0), Phase.LOCKED),
    ],
)
def test_a_session_includes_its_start_and_excludes_its_end(rig, wall, phase):
    """S-46: 09:00 to 14:00 Chicago."""
    run = rig(MORNING, start=utc(2025, 10, 29, *wall))

    assert run.status().phase is phase


@pytest.mark.parametrize(
    ("start", "until"),
    [
        (utc(2025, 10, 29, 8, 0, zone=NEW_YORK), datetime(2025, 10, 29, 13, 30, tzinfo=UTC)),
        (utc(2025, 10, 29, 16, 0, zone=NEW_YORK), datetime(2025, 10, 30, 13, 30, tzinfo=UTC)),
        (utc(2025, 10, 31, 18, 0, zone=NEW_YORK), datetime(2025, 11, 3, 14, 30, tzinfo=UTC)),
    ],
)
def test_outside_the_session_the_lock_ends_at_the_next_start(rig, start, until):
    """S-47: the same day, the next day, and over a weekend on which the clocks change."""
    run = rig(STOCKS, start=start)

    (lock,) = run.status().lockouts

    assert lock.until == until
    assert run.status().phase is Phase.LOCKED


def test_a_position_opened_outside_the_session_is_closed(rig):
    """S-47: what is opened under the session's lock goes at once."""
    run = rig(STOCKS, start=utc(2025, 10, 29, 8, 0, zone=NEW_YORK))

    run.order(A, "MNQ", 1)

    assert run.held() == {}


def test_the_bell_sweeps_with_no_traffic(rig):
    """S-49: a position open at 15:59 is flat and locked at 16:00:00 by the clock alone."""
    run = rig(STOCKS, start=utc(2025, 10, 29, 15, 59, zone=NEW_YORK))
    run.order(A, "MNQ", 2)

    run.advance(59.999)
    assert run.held() == {contract("MNQ"): 2}
    run.advance(0.001)

    assert run.held() == {}
    assert run.status().phase is Phase.LOCKED


def test_the_next_session_opens_by_the_clock_alone(rig):
    """S-70: released within the second, judged once more, open."""
    run = rig(STOCKS, start=utc(2025, 10, 29, 16, 0, zone=NEW_YORK))

    run.at(datetime(2025, 10, 30, 13, 30, tzinfo=UTC))

    assert run.status().phase is Phase.OPEN
    assert [each.released_by for each in run.events(LockoutReleased)] == ["session_start"]


def test_holidays_are_skipped_and_early_closes_sweep(rig, tmp_path):
    """S-50, on the seed's own table: early close at 13:00, Thanksgiving skipped."""
    (tmp_path / "seed.toml").write_text(SEED_CALENDAR)
    config = STOCKS + '\n[calendar]\nfile = "seed.toml"\n'
    run = rig(config, start=utc(2025, 11, 26, 12, 59, 59, zone=NEW_YORK))
    run.order(A, "MNQ", 1)
    assert run.status().phase is Phase.OPEN

    run.advance(1)

    assert run.held() == {}
    assert run.status().lockouts[0].until == datetime(2025, 11, 28, 14, 30, tzinfo=UTC)


def test_christmas_is_blocked_until_the_day_after(rig, tmp_path):
    """S-50: Thursday 2025-12-25 10:00 ET is locked until Friday 14:30Z."""
    (tmp_path / "seed.toml").write_text(SEED_CALENDAR)
    config = STOCKS + '\n[calendar]\nfile = "seed.toml"\n'

    run = rig(config, start=utc(2025, 12, 25, 10, 0, zone=NEW_YORK))

    assert run.status().lockouts[0].until == datetime(2025, 12, 26, 14, 30, tzinfo=UTC)


def test_a_weekday_that_is_not_allowed_is_blocked(rig):
    """S-52: without Wednesday, Wednesday 10:00 is locked until Thursday's start."""
    config = config_of(
        session_block_outside={
            "start": "09:00",
            "end": "14:00",
            "days": ["mon", "tue", "thu", "fri"],
        }
    )

    run = rig(config, start=utc(2025, 10, 29, 10, 0))

    assert run.status().lockouts[0].until == utc(2025, 10, 30, 9, 0)


def test_a_session_may_cross_midnight(rig):
    """17:00 to 16:00 the next day: 02:00 is inside, 16:30 is outside until 17:00."""
    config = config_of(
        session_block_outside={
            "start": "17:00",
            "end": "16:00",
            "days": ["sun", "mon", "tue", "wed", "thu"],
        }
    )
    run = rig(config, start=utc(2025, 10, 29, 2, 0))
    assert run.status().phase is Phase.OPEN

    run.at(utc(2025, 10, 29, 16, 0))

    assert run.status().lockouts[0].until == utc(2025, 10, 29, 17, 0)


def test_products_with_hours_of_their_own_are_locked_alone(rig):
    """Outside 09:00-14:00 MNQ goes, ES stays: it has Sunday 18:00 to Friday 17:00."""
    hours = {"ES": {"start": "sun 18:00", "end": "fri 17:00"}}
    config = config_of(session_block_outside={"start": "09:00", "end": "14:00", "products": hours})
    run = rig(config, start=utc(2025, 10, 29, 13, 59))
    for product in ("MNQ", "ES", "RTY"):
        run.order(A, product, 1)

    run.advance(60)

    assert run.held() == {contract("ES"): 1}
    assert {lock.scope for lock in run.status().lockouts} == {"product:MNQ", "product:RTY"}
    assert run.status().phase is Phase.OPEN
    run.order(A, "MNQ", 1)
    assert run.held() == {contract("ES"): 1}
    assert run.status(B).lockouts == ()
    assert len(run.events(EnforcementFinished)) >= 2


WEEK = {"start": "sun 17:00", "end": "fri 16:00"}


def products_of(*names, **fields):
    """Return hours of 09:00 to 14:00, and the whole week for some products."""
    hours = {"start": "09:00", "end": "14:00"} | fields
    return config_of(session_block_outside=hours | {"products": dict.fromkeys(names, WEEK)})


def alarms(run, code):
    return [each for each in run.events(AlarmRaised) if each.code is code]


@pytest.mark.parametrize("product", ["MNQ", "RTY"])
def test_one_verdict_locks_every_product_that_is_outside(rig, product):
    """Two products, one breach, one enforcement, two lockouts: neither waits for another fact."""
    run = rig(products_of("ES"), start=utc(2025, 10, 29, 13, 59))
    run.order(A, "MNQ", 1)
    run.order(A, "RTY", -2)
    run.order(A, "ES", 1)

    run.advance(60)

    assert run.held() == {contract("ES"): 1}
    assert len(run.events(RuleBreached)) == 1
    assert len(run.events(EnforcementStarted)) == 1
    locks = {each.scope: each for each in run.status().lockouts}
    assert locks[f"product:{product}"].until == utc(2025, 10, 30, 9)


def test_each_product_is_swept_at_its_own_early_close_by_the_clock_alone(rig):
    """Thanksgiving: stocks at 12:00, energy at 13:30, reopened at 17:00; no traffic in between."""
    run = rig(products_of("ES", "CL"), start=utc(2025, 11, 27, 11, 59))
    run.order(A, "ES", 1)
    run.order(A, "CLE", 1)

    run.advance(59.999)
    assert len(run.held()) == 2
    run.advance(0.001)
    assert run.held() == {contract("CLE"): 1}
    run.at(utc(2025, 11, 27, 13, 29, 59))
    assert run.held() == {contract("CLE"): 1}
    run.advance(1)
    assert run.held() == {}
    assert {each.until for each in run.status().lockouts} == {utc(2025, 11, 27, 17)}
    assert run.status().phase is Phase.OPEN

    run.at(utc(2025, 11, 27, 17))

    assert run.status().lockouts == ()
    run.order(A, "ES", 1)
    assert run.held() == {contract("ES"): 1}
    run.at(utc(2025, 11, 28, 12, 15))
    assert run.held() == {}
    assert run.status().lockouts[0].until == utc(2025, 11, 30, 17)


def test_an_overnight_session_ends_at_the_early_close_and_goes_on_in_the_evening(rig):
    """17:00 to 16:00: Thursday's session ends at noon, Friday's begins at 17:00."""
    hours = {"start": "17:00", "end": "16:00", "days": ["sun", "mon", "tue", "wed", "thu"]}
    run = rig(config_of(session_block_outside=hours), start=utc(2025, 11, 27, 2, 0))
    run.order(A, "MNQ", 1)

    run.at(utc(2025, 11, 27, 12))

    assert run.held() == {}
    assert run.status().lockouts[0].until == utc(2025, 11, 27, 17)
    run.at(utc(2025, 11, 27, 17))
    assert run.status().phase is Phase.OPEN


def test_christmas_eve_is_locked_over_the_holiday_until_its_evening(rig):
    """Early close on the 24th, closed on the 25th until 17:00, when the 26th begins."""
    hours = {"start": "17:00", "end": "16:00", "days": ["sun", "mon", "tue", "wed", "thu"]}
    run = rig(config_of(session_block_outside=hours), start=utc(2025, 12, 24, 12, 14, 59))
    assert run.status().phase is Phase.OPEN

    run.advance(1)

    assert run.status().lockouts[0].until == utc(2025, 12, 25, 17)


def test_a_session_whose_start_falls_into_a_holiday_begins_after_it(rig):
    """Good Friday: Thursday 17:00 opens nothing; the next start is Sunday's."""
    hours = {"start": "17:00", "end": "16:00", "days": ["sun", "mon", "tue", "wed", "thu"]}
    run = rig(config_of(session_block_outside=hours), start=utc(2025, 4, 17, 15, 59, 59))
    assert run.status().phase is Phase.OPEN

    run.advance(1)
    run.at(utc(2025, 4, 17, 17, 0, 1))

    assert run.status().phase is Phase.LOCKED
    assert run.status().lockouts[0].until == utc(2025, 4, 20, 17)


def test_the_bell_follows_new_york_while_the_desk_lives_in_chicago(rig):
    """S-47: over the night the clocks change the session keeps 09:30 New York."""
    run = rig(STOCKS, start=utc(2026, 3, 6, 16, 0, zone=NEW_YORK))
    assert run.status().lockouts[0].until == datetime(2026, 3, 9, 13, 30, tzinfo=UTC)

    run.at(datetime(2026, 3, 9, 13, 29, 59, tzinfo=UTC))
    assert run.status().phase is Phase.LOCKED
    run.advance(1)

    assert run.status().phase is Phase.OPEN


def test_an_expired_calendar_ends_every_day_early_and_says_so_once_a_day(rig, tmp_path):
    """S-50: 13:00 is the earliest close known; the journal has one alarm for each trading day."""
    table = SEED_CALENDAR.replace('"America/New_York"', '"America/New_York"\nproducts = ["MNQ"]')
    (tmp_path / "seed.toml").write_text(table)
    config = (
        STOCKS + '\n[calendar]\nfile = "seed.toml"\n[checks]\nallow = ["calendar_expires_soon"]\n'
    )
    run = rig(config, start=utc(2027, 1, 5, 12, 59, 59, zone=NEW_YORK))
    run.order(A, "MNQ", 1, expiry="Z26")
    assert len(alarms(run, AlarmCode.CALENDAR_EXPIRED)) == 1
    assert "2026-12-31" in alarms(run, AlarmCode.CALENDAR_EXPIRED)[0].text

    run.advance(1)

    assert run.held() == {}
    assert run.status().lockouts[0].until == utc(2027, 1, 6, 9, 30, zone=NEW_YORK)
    run.at(utc(2027, 1, 5, 17, 0, 1))
    run.at(utc(2027, 1, 6, 12))
    run.at(utc(2027, 1, 6, 17, 0, 1))
    assert len(alarms(run, AlarmCode.CALENDAR_EXPIRED)) == 3


def test_with_no_session_left_the_account_stays_shut_and_heals_with_a_new_table(rig, tmp_path):
    """The lock is renewed at each reset, never without an end."""
    table = SEED_CALENDAR.replace('"13:00"', '"08:00"')
    (tmp_path / "seed.toml").write_text(table)
    config = (
        STOCKS + '\n[calendar]\nfile = "seed.toml"\n[checks]\nallow = ["calendar_expires_soon"]\n'
    )
    run = rig(config, start=utc(2027, 1, 5, 12, 0))
    assert run.status().lockouts[0].until == utc(2027, 1, 5, 17)

    run.at(utc(2027, 1, 5, 17, 0, 1))

    assert run.status().phase is Phase.LOCKED
    assert run.status().lockouts[0].until == utc(2027, 1, 6, 17)


def test_a_product_in_no_calendar_has_the_closures_of_all_and_is_named(rig):
    """Grains' noon on the day after Thanksgiving holds for what nobody listed."""
    run = rig(products_of("MNQ", "XYZ"), start=utc(2025, 11, 28, 11, 0))
    (alarm,) = alarms(run, AlarmCode.CALENDAR_MISSING)

    assert "XYZ" in alarm.text
    assert alarms(run, AlarmCode.CALENDAR_EXPIRED) == []


def test_a_calendar_that_is_complete_raises_no_alarm(rig):
    """Silence means that every day and product is covered."""
    run = rig(products_of("ES", "CL"), start=utc(2025, 11, 26, 10, 0))
    run.at(utc(2025, 11, 28, 10, 0))

    assert [each for each in run.events(AlarmRaised) if "CALENDAR" in each.code] == []


def test_a_restart_inside_a_closure_keeps_the_lock_and_its_end(rig):
    """The journal has it; the calendar says the same."""
    run = rig(products_of("ES"), start=utc(2025, 11, 27, 11, 59))
    run.order(A, "ES", 1)
    run.advance(60)
    until = run.status().lockouts[0].until

    run.system.directory.tell(f"account/{A}", "nonsense")
    run.settle()
    run.advance(1)

    assert [each.until for each in run.status().lockouts] == [until] == [utc(2025, 11, 27, 17)]
    run.order(A, "ES", 1)
    assert run.held() == {}
