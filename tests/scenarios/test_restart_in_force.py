"""A restart takes up again what was in force until the reset, whatever the files say: I9, S-71."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from messages.events import DayReset, RulesAdopted
from messages.values import Health, Phase
from tests.rig import A, config_of, contract

CHICAGO = ZoneInfo("America/Chicago")
HOURS = {"start": "08:00", "end": "15:00"}
TABLE = """
source = "a table of ours"
checked = "2025-10-01"
expires = "2026-12-31"
timezone = "America/Chicago"
holidays = [{holidays}]
[early_closes]
{early_closes}
"""
OWN_TABLE = '\n[calendar]\nfile = "ours.toml"\n'


def chicago(*parts):
    return datetime(*parts, tzinfo=CHICAGO).astimezone(UTC)


def table(run_or_folder, early_closes="", holidays=""):
    (run_or_folder / "ours.toml").write_text(
        TABLE.format(early_closes=early_closes, holidays=holidays)
    )


def again(rig, run, text=None):
    """Stop the system and start it on the same journal and broker, perhaps with another file."""
    run.stop()
    text = text or (run.folder / "lockstep.toml").read_text()
    return rig(text, folder=run.folder, broker=run.broker)


# --- what a rule's parameters refer to ----------------------------------------------------------


def test_an_early_close_that_left_the_calendar_still_closes_today(rig, tmp_path):
    """12:15 was in force: deleting the row and starting again loosens nothing before the reset."""
    table(tmp_path, '2025-10-29 = "12:15"')
    run = rig(config_of(session_block_outside=HOURS) + OWN_TABLE)
    run.order(A, "MNQ", 1)

    table(tmp_path)
    run = again(rig, run)
    assert run.held() == {contract("MNQ"): 1}
    run.at(chicago(2025, 10, 29, 12, 15))

    assert run.held() == {}
    (lock,) = run.status().lockouts
    assert lock.until == chicago(2025, 10, 30, 8)


def test_a_second_restart_loosens_no_more_than_the_first(rig, tmp_path):
    """What is taken up again is written down again."""
    table(tmp_path, '2025-10-29 = "12:15"')
    run = rig(config_of(session_block_outside=HOURS) + OWN_TABLE)

    table(tmp_path)
    run = again(rig, again(rig, run))
    run.at(chicago(2025, 10, 29, 12, 15))

    assert [lock.rule for lock in run.status().lockouts] == ["RULE-009"]


def test_a_holiday_that_left_the_calendar_is_one_to_its_end(rig, tmp_path):
    """Locked for the day and, with the row gone, still; tomorrow counts by the table of tomorrow."""
    table(tmp_path, holidays='"2025-10-29", "2025-10-30"')
    run = rig(config_of(session_block_outside=HOURS) + OWN_TABLE, start=chicago(2025, 10, 29, 9))
    table(tmp_path)
    run = again(rig, run)

    assert run.status().queued == (
        "RULE-009 what its parameters refer to (trading day, calendar) at the reset",
    )
    run.order(A, "MNQ", 1)
    assert run.held() == {}


def test_a_row_that_is_new_in_the_calendar_counts_at_once(rig, tmp_path):
    """Tightening needs no reset, by a restart neither."""
    table(tmp_path)
    run = rig(config_of(session_block_outside=HOURS) + OWN_TABLE)
    table(tmp_path, '2025-10-29 = "12:15"')
    run = again(rig, run)

    assert run.status().queued == ()
    (adopted,) = run.events(RulesAdopted)
    assert adopted.applied == ("RULE-009 what its parameters refer to (trading day, calendar)",)
    run.order(A, "MNQ", 1)
    run.at(chicago(2025, 10, 29, 12, 15))
    assert run.held() == {}


def test_from_the_reset_on_only_the_new_calendar_counts(rig, tmp_path):
    """Thursday's early close is deleted on Wednesday: it is a whole session."""
    table(tmp_path, '2025-10-29 = "12:15"\n2025-10-30 = "12:15"')
    run = rig(config_of(session_block_outside=HOURS) + OWN_TABLE)
    table(tmp_path)
    run = again(rig, run)
    run.at(chicago(2025, 10, 30, 12, 15))

    assert run.status().phase is Phase.OPEN
    run.order(A, "MNQ", 1)
    run.at(chicago(2025, 10, 30, 15))
    assert run.held() == {}


def test_hours_of_a_product_are_kept_likewise(rig, tmp_path):
    """ES has its own session, cut short by the table: without the row it still is."""
    week = {"ES": {"start": "sun 17:00", "end": "fri 16:00"}}
    table(tmp_path, '2025-10-29 = "12:15"')
    run = rig(config_of(session_block_outside=HOURS | {"products": week}) + OWN_TABLE)
    run.order(A, "ES", 1)
    table(tmp_path)
    run = again(rig, run)
    run.at(chicago(2025, 10, 29, 12, 15))

    assert run.held() == {}
    assert [lock.scope for lock in run.status().lockouts] == ["product:ES"]


def test_a_restart_that_changes_nothing_says_so(rig, tmp_path):
    """The hours of the journal and those of the file come to the same: once in force, nothing queued."""
    table(tmp_path, '2025-10-29 = "12:15"')
    run = rig(config_of(session_block_outside=HOURS) + OWN_TABLE)
    run = again(rig, run)

    (adopted,) = run.events(RulesAdopted)
    assert (len(adopted.rules), adopted.applied, adopted.queued) == (1, (), ())


def test_the_journal_keeps_the_hours_of_the_day_and_no_table(rig):
    """A thousand accounts write them at every start."""
    run = rig(config_of(session_block_outside=HOURS))
    (adopted,) = run.events(RulesAdopted)

    assert [len(each.resolved) < 400 for each in adopted.rules] == [True]


def test_hours_by_the_zone_of_the_trading_day_keep_that_zone(rig):
    """08:00 to 15:00 meant Chicago; [trading_day] moves to New York, whose 15:00 comes earlier."""
    run = rig(config_of(session_block_outside=HOURS))
    zone = '\n[trading_day]\nreset = "18:00"\ntimezone = "America/Los_Angeles"\n'
    run = again(rig, run, config_of(session_block_outside=HOURS) + zone)
    run.order(A, "MNQ", 1)
    run.at(chicago(2025, 10, 29, 15))

    assert run.held() == {}


# --- the trading day and how it is counted ------------------------------------------------------


LOSS = config_of(daily_realized_loss={"max_loss_usd": 500})
RESET = chicago(2025, 10, 29, 17)


def day(reset, zone="America/Chicago"):
    return f'\n[trading_day]\nreset = "{reset}"\ntimezone = "{zone}"\n'


@pytest.mark.parametrize(
    "moved", [day("13:00"), day("20:00"), day("17:00", "Europe/London"), day("17:00", "Asia/Tokyo")]
)
def test_a_day_that_has_begun_ends_when_it_was_to_end(rig, moved):
    """-400 at noon, another reset by a restart: until 17:00 Chicago -100 more are 500, and no sooner."""
    run = rig(LOSS)
    run.fill(A, "-400")
    run = again(rig, run, LOSS + moved)
    assert run.status().realised_usd == -400
    run.at(RESET - timedelta(milliseconds=1))
    assert run.status().realised_usd == -400
    run.fill(A, "-100")

    assert [lock.until for lock in run.status().lockouts] == [RESET]
    run.at(RESET)
    assert run.status().lockouts == ()
    assert (run.status().realised_usd, run.status().trading_date) == (0, "2025-10-30")


@pytest.mark.parametrize(
    ("moved", "ends"),
    [
        (day("13:00"), chicago(2025, 10, 30, 13)),
        (day("20:00"), chicago(2025, 10, 30, 20)),
        (day("17:00", "America/New_York"), chicago(2025, 10, 30, 16)),
    ],
)
def test_the_day_after_ends_by_the_new_table(rig, moved, ends):
    """It begins where the old one ended; then every day is by the new table."""
    run = again(rig, rig(LOSS), LOSS + moved)
    run.at(RESET)
    run.fill(A, "-500")
    assert [lock.until for lock in run.status().lockouts] == [ends]
    run.at(ends)
    assert run.status().lockouts == ()
    assert run.status().trading_date == "2025-10-31"
    run.fill(A, "-500")
    assert [lock.until for lock in run.status().lockouts] == [ends + timedelta(days=1)]


def test_what_was_booked_before_the_old_reset_is_not_booked_again_after_it(rig):
    """A fill of 14:00 is of Wednesday; by the new table alone (13:00) it would be Thursday's too."""
    run = again(rig, rig(LOSS), LOSS + day("13:00"))
    run.at(chicago(2025, 10, 29, 14))
    run.fill(A, "-400")
    run.at(RESET + timedelta(hours=1))
    run = again(rig, run)

    assert run.status().realised_usd == 0
    run.do(lambda gateway: gateway.reconnect())
    assert run.status().realised_usd == 0


def test_a_day_that_ended_while_it_was_down_ended_by_its_own_table(rig):
    """Down from noon to 18:00: the day is Thursday's, begun at 17:00 and not at 13:00."""
    run = rig(LOSS)
    run.fill(A, "-400")
    run.stop()
    run.clock.advance(6 * 3600)
    run = again(rig, run, LOSS + day("13:00"))

    assert (run.status().realised_usd, run.status().trading_date) == (0, "2025-10-30")
    (reset,) = run.events(DayReset)
    assert (reset.closed_date, reset.realised_usd) == ("2025-10-29", -400)
    run.at(chicago(2025, 10, 30, 13))
    assert run.status().trading_date == "2025-10-31"


def test_of_two_changes_before_the_reset_the_last_one_counts_from_there_on(rig):
    """17:00, then 13:00, then 20:00, all on one day: it ends at 17:00, the next one at 20:00."""
    run = rig(LOSS)
    run.fill(A, "-400")
    run = again(rig, again(rig, run, LOSS + day("13:00")), LOSS + day("20:00"))
    run.at(RESET - timedelta(milliseconds=1))
    assert run.status().realised_usd == -400
    run.at(RESET)
    run.fill(A, "-500")

    assert [lock.until for lock in run.status().lockouts] == [chicago(2025, 10, 30, 20)]


def test_a_lockout_of_before_ends_when_it_was_to_end(rig):
    """Locked until 17:00 at noon; neither an earlier nor a later reset moves that, nor the profit's."""
    profit = config_of(daily_realized_profit={"target_usd": 100})
    run = rig(profit)
    run.fill(A, "100")
    for moved in (day("13:00"), day("20:00")):
        run = again(rig, run, profit + moved)
        assert [lock.until for lock in run.status().lockouts] == [RESET]
    run.at(RESET - timedelta(milliseconds=1))
    assert run.status().phase is Phase.LOCKED
    run.at(RESET)

    assert run.status().phase is Phase.OPEN


def test_a_changed_reset_is_shown_as_queued(rig):
    """Who has edited the table sees from when on it counts."""
    run = again(rig, rig(LOSS), LOSS + day("13:00"))

    assert run.status().queued == (
        "trading_day 17:00 America/Chicago → 13:00 America/Chicago at the reset",
    )
    run.at(RESET)
    assert run.status().queued == ()


def test_an_account_that_is_rebuilt_in_a_run_keeps_its_day_too(rig):
    """The actor fails after the restart: it is the same journal."""
    run = again(rig, rig(LOSS), LOSS + day("13:00"))
    run.fill(A, "-400")
    run.system.directory.tell(f"account/{A}", object())
    run.settle()
    run.at(chicago(2025, 10, 29, 13))

    assert run.status().realised_usd == -400


@pytest.mark.parametrize(
    ("before", "after"), [("net", "gross"), ("gross", "net")], ids=["to gross", "to net"]
)
def test_how_profit_and_loss_is_counted_waits_for_the_reset(rig, before, after):
    """-450 with costs of 60: net it is over 500, gross it is not; the day is counted as it began."""
    pnl = '\n[money]\npnl = "{}"\n'
    run = rig(LOSS + pnl.format(before))
    run.fill(A, "-400", fees="60")
    run = again(rig, run, LOSS + pnl.format(after))
    assert run.status().queued == (f"money.pnl {before} → {after} at the reset",)
    run.fill(A, "-50")
    assert bool(run.status().lockouts) is (before == "net")

    run.at(RESET)
    run.fill(A, "-450", fees="60")
    assert bool(run.status().lockouts) is (after == "net")


def test_how_positions_are_valued_waits_for_the_reset(rig):
    """A quote of 20 s values nothing by the 5 s of before, and does by the 60 s of the new file."""
    age = "\n[money]\nquote_max_age_s = {}\n"
    run = rig(LOSS + age.format(5))
    run = again(rig, run, LOSS + age.format(60))
    run.order(A, "MNQ", 1)
    run.price("MNQ", "26000")
    run.advance(20)
    assert run.status().health is Health.STALE

    run.at(RESET)
    run.price("MNQ", "26000")
    run.advance(20)
    assert run.status().health is Health.LIVE
