"""The store keeps what it is given: in order, private, append-only, on disk."""

import sqlite3
import stat
from pathlib import Path

import pytest

from actors.journal import Store, UnstorableEventError
from actors.runtime import VirtualClock
from messages.events import AlarmRaised, Event, SystemStarted
from messages.facts import QuoteChanged
from messages.values import AlarmCode, Quote
from tests.journal.conftest import NOW, moved, opened, reset


def started(version: str) -> Event:
    return SystemStarted(at=NOW, cause="start", version=version, config="00", rules=("RULE-003",))


def test_events_come_back_as_they_were_stored_with_seq_from_one(store: Store):
    """Every event has its place, without gaps, across transactions."""
    events = [moved(1, 2), opened(2), started("0.1.0")]

    assert store.append(events[:2]) == 2
    assert store.append(events[2:]) == 3

    assert [(1, events[0]), (2, events[1]), (3, events[2])] == [
        (each.seq, each.event) for each in store.records()
    ]


def test_records_can_be_read_after_a_seq(store: Store):
    """A reader goes on where it was."""
    store.append([moved(1, size) for size in range(5)])

    assert [each.seq for each in store.records(after=3)] == [4, 5]


def test_more_records_than_one_page_are_read_in_order(store: Store):
    """Reading in pages leaves nothing out at their edges."""
    store.append([moved(1, size) for size in range(2_001)])

    assert list(range(1, 2_002)) == [each.seq for each in store.records()]


def test_an_account_is_read_from_its_last_day_reset_on(store: Store):
    """Replay starts at the account's own last reset, which is included."""
    store.append([moved(1, 1), reset(1), moved(1, 2), reset(2), reset(1), moved(2, 9), moved(1, 3)])

    assert [each.seq for each in store.account_events(1)] == [5, 7]
    assert [each.seq for each in store.account_events(2)] == [4, 6]


def test_an_account_without_a_reset_is_read_from_its_beginning(store: Store):
    """Before its first reset everything counts."""
    store.append([moved(1, 1), moved(2, 1), moved(1, 2)])

    assert [each.seq for each in store.account_events(1)] == [1, 3]
    assert store.account_events(3) == ()


def test_accounts_lists_each_account_once(store: Store):
    """Alarms that name an account count for it; events of no account do not."""
    alarm = AlarmRaised(at=NOW, cause="x", account=7, code=AlarmCode.QUOTE_STALE, text="old")
    store.append([moved(9, 1), started("0.1.0"), moved(3, 1), moved(9, 0), alarm])

    assert store.accounts() == [3, 7, 9]


def test_the_latest_start_is_found(store: Store):
    """Of several starts the last one tells what is running."""
    assert store.last_started() is None

    store.append([started("0.1.0"), moved(1, 1), started("0.2.0"), moved(1, 2)])

    assert started("0.2.0") == store.last_started()


def test_a_reopened_store_goes_on_with_the_next_seq(store: Store, path: Path, clock: VirtualClock):
    """Nothing is lost or numbered twice over a restart."""
    store.append([opened(1), opened(2)])
    store.close()

    again = Store.open(path, clock=clock)

    assert again.append([opened(3)]) == 3
    again.close()


def test_folder_and_files_are_private(store: Store, path: Path):
    """A trader's journal is nobody else's business."""
    store.append([opened(1)])

    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert {0o600} == {stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}


def test_every_commit_is_synced(store: Store):
    """The write-ahead log is on, and each commit reaches the disk before it is acknowledged."""
    (mode,) = store._connection.execute("PRAGMA journal_mode").fetchone()
    (synchronous,) = store._connection.execute("PRAGMA synchronous").fetchone()

    assert (mode, synchronous) == ("wal", 2)


@pytest.mark.parametrize("change", ["UPDATE events SET account = 2", "DELETE FROM events"])
def test_stored_events_cannot_be_changed_or_deleted(store: Store, change: str):
    """The file itself refuses what is not an append."""
    store.append([opened(1)])

    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        store._connection.execute(change)


def test_an_event_that_could_not_be_read_back_is_refused_whole(store: Store):
    """A wrong type, a time without zone, and a kind the journal does not hold: none is stored."""
    quote = Quote(contract="CON.F.US.MNQ.Z25", last=None, bid=None, ask=None, at=NOW)
    bad = [
        opened("thirteen"),
        opened(2**70),
        opened(1, cause="\ud800"),
        opened(1, cause=object()),
        QuoteChanged(at=NOW, cause="x", quote=quote),
        SystemStarted(
            at=NOW.replace(tzinfo=None), cause="start", version="1", config="0", rules=()
        ),
    ]

    for event in bad:
        with pytest.raises(UnstorableEventError, match=type(event).__name__):
            store.append([opened(1), event])

    assert list(store.records()) == []


def test_a_failed_append_leaves_no_half_of_it(store: Store):
    """One transaction is stored whole or not at all, and the next one goes on with the chain."""
    store.append([opened(1)])
    store._connection.execute("PRAGMA query_only = ON")

    with pytest.raises(sqlite3.OperationalError):
        store.append([opened(2), opened(3)])

    store._connection.execute("PRAGMA query_only = OFF")
    assert store.append([opened(4)]) == 2


def test_textual_account_ids_of_an_older_store_are_read_as_numbers(
    store: Store, path: Path, clock: VirtualClock
):
    """S-92: a store whose accounts are text starts, and its accounts are found by number."""
    store.append([moved(13298777, 1), reset(13298777), moved(13298777, 2), moved(5, 1)])
    store.close()
    make_accounts_textual(path)

    older = Store.open(path, clock=clock)
    older.append([moved(13298777, 3)])

    assert [each.seq for each in older.account_events(13298777)] == [2, 3, 5]
    assert older.accounts() == [5, 13298777]
    older.close()
    Store.open(path, clock=clock).close()


def make_accounts_textual(path: Path) -> None:
    connection = sqlite3.connect(path)
    (schema,) = connection.execute("SELECT sql FROM sqlite_schema WHERE name = 'events'").fetchone()
    connection.execute("ALTER TABLE events RENAME TO numbered")
    connection.execute(schema.replace("account INTEGER", "account TEXT"))
    connection.execute("INSERT INTO events SELECT * FROM numbered")
    connection.execute("DROP TABLE numbered")
    connection.commit()
    assert connection.execute("SELECT DISTINCT typeof(account) FROM events").fetchall() == [
        ("text",)
    ]
    connection.close()
