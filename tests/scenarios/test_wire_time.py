"""The broker's time over the wire: the `Date` of its answers against a clock that is wrong."""

from datetime import datetime, timedelta

import pytest

from messages.events import AlarmRaised, DayReset, EnforcementFinished
from messages.facts import SnapshotTaken
from messages.values import AlarmCode, Phase
from tests.rig import A, B
from tests.wire_rig import wire_config

LOSS_500 = wire_config(daily_realized_loss={"max_loss_usd": 500, "include_open_loss": False})
HOUR_S = 3600.0
DATE_STEP = timedelta(seconds=2)


def codes(run):
    return [each for each in run.alarms(None) if each.startswith("CLOCK")]


def off_broker(wire, run) -> timedelta:
    return abs(wire.now() - run.system.clock.now())


@pytest.mark.parametrize("ahead_s", [6 * HOUR_S, -3 * HOUR_S])
def test_the_brokers_time_is_taken_before_anything_is_judged(wire, ahead_s):
    """S-88 with a wrong clock: locked at noon; an hour later on a wrong clock it is still Wednesday."""
    first = wire(LOSS_500)
    first.fill(A, "-500")
    first.wait(EnforcementFinished)
    first.stop()
    up_at = first.clock.now() + timedelta(hours=1)

    run = wire(LOSS_500, at=up_at, ahead_s=ahead_s, open_accounts=(B,))
    run.wait(SnapshotTaken)

    assert AlarmCode.CLOCK_WRONG in codes(run)
    assert off_broker(wire, run) < DATE_STEP
    assert run.status().phase is Phase.LOCKED
    assert run.status().trading_date == "2025-10-29"
    assert run.events(DayReset) == []
    run.buy(A, "MNQ", 1)
    run.wait(EnforcementFinished)
    assert run.held(A) == {}


@pytest.mark.parametrize("ahead_s", [0.0, 20.0, -20.0])
def test_a_clock_that_is_right_or_nearly_so_is_left_alone(wire, ahead_s):
    """Within 30 s nothing is said and nothing is moved."""
    run = wire(LOSS_500, ahead_s=ahead_s)

    assert codes(run) == []
    difference = run.system.clock.now() - wire.now()
    assert abs(difference - timedelta(seconds=ahead_s)) < DATE_STEP


def test_a_broker_that_tells_no_time_is_said_and_the_clock_believed(wire):
    """A clock hours ahead cannot be known to be wrong then; the journal only bounds it from below."""
    wire.sim.control.date_answers(None)

    run = wire(LOSS_500, ahead_s=HOUR_S)

    (alarm,) = [each for each in run.events(AlarmRaised, None) if each.code.startswith("CLOCK")]
    assert alarm.code is AlarmCode.CLOCK_UNCONFIRMED
    assert timedelta(minutes=59) < off_broker(wire, run) < timedelta(minutes=61)


def test_a_broker_that_errs_in_the_middle_of_a_run_moves_nothing(wire):
    """One of their servers is six hours ahead: complained of, not believed; the day goes on."""
    run = wire(LOSS_500)
    wire.sim.control.date_answers(6 * HOUR_S)

    run.fill(A, "-500")
    run.wait(EnforcementFinished)
    run.wait(AlarmRaised, lambda each: each.code is AlarmCode.CLOCK_WRONG, account=None)

    assert run.status().phase is Phase.LOCKED
    assert run.status().trading_date == "2025-10-29"
    assert off_broker(wire, run) < DATE_STEP


def test_the_simulator_dates_its_answers_by_its_own_clock(wire):
    """Left to itself its HTTP server would tell the machine's time, a year off."""
    run = wire(LOSS_500)

    heard = run.wait(SnapshotTaken)

    assert codes(run) == []
    assert heard.at < datetime(2025, 10, 30, tzinfo=heard.at.tzinfo)
