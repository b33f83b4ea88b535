"""RULE-009 through the whole system: scenarios S-46 to S-52."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from messages.events import EnforcementFinished, LockoutReleased
from messages.values import Phase
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
