"""A restart takes up again what was in force until the reset, whatever the files say: I9, S-71."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from messages.events import RulesAdopted
from messages.values import Phase
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
