"""Archives: what leaves the journal, what stays, and that the chain holds across both."""

import os
import sqlite3
import stat
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from actors.journal import (
    History,
    Store,
    StoreError,
    archive_before,
    export_lines,
    verify,
    verify_anchored,
    verify_archive,
    verify_history,
    verify_incident,
    write_incident,
)
from actors.journal.anchor import Anchor, default_anchor
from actors.runtime import VirtualClock
from messages.events import AnchorAccepted, Event, SessionOpened, SystemStarted, SystemStopped
from messages.values import AccountRecord
from tests.journal.conftest import NOW, moved, opened, reset
from tests.journal.test_anchoring import locked

DAYS = 12
GONE = 9
"""An account that is guarded on the first days only."""


def at(event: Event, day: float) -> Event:
    """Return an event as it would be some days later."""
    return structs.replace(event, at=NOW + timedelta(days=day))


def label(day: int) -> str:
    return (NOW + timedelta(days=day)).date().isoformat()


def record(name: str) -> AccountRecord:
    return AccountRecord(
        account=1, name=name, balance_usd=Decimal(50_000), can_trade=True, simulated=True
    )


def day_of(number: int) -> list[Event]:
    """Return what is journaled on one day."""
    day = float(number)
    records = (record(f"ONE-{number}"),)
    session = SessionOpened(at=NOW, cause="s", login="desk", accounts=records)
    started = SystemStarted(at=NOW, cause="start", version=str(number), config="00", rules=())
    accounts = (1, 2, GONE) if number < 2 else (1, 2)
    resets = [structs.replace(reset(each), trading_date=label(number)) for each in accounts]
    found = [at(started, day), at(session, day), *(at(each, day) for each in resets)]
    for each in accounts:
        found += [at(opened(each), day), at(moved(each, number), day), at(locked(each), day)]
    return [*found, at(SystemStopped(at=NOW, cause="stop", reason="night"), day)]


def fill(store: Store, clock: VirtualClock, days: int = DAYS) -> None:
    """Journal so many days, and let the clock stand on the last of them."""
    accepted = AnchorAccepted(at=NOW, cause="accept", refused="it was lost", events=0)
    store.append([accepted])
    for number in range(days):
        store.append(day_of(number))
    clock.set_wall(NOW + timedelta(days=days - 1))


def border(day: int) -> date:
    return (NOW + timedelta(days=day)).date()


def answers(store: Store) -> list[object]:
    """Return all that a start or `status` asks of a store."""
    return [
        store.accounts(),
        *(store.account_events(each) for each in store.accounts()),
        store.last_accepted(),
        store.last_sessions(),
        store.last_started(),
        store.was_cut_short(),
    ]


def history_of(path: Path) -> list[object]:
    """Return every event of a journal and its archives but those that say what was archived."""
    with History(path) as history:
        records = [each for each in history.records() if each.event.cause != "archive"]
        assert [each.seq for each in records] == sorted({each.seq for each in records})
    return [each.event for each in records]


@pytest.fixture
def filled(store: Store, clock: VirtualClock) -> Store:
    fill(store, clock)
    return store


@pytest.mark.parametrize("largest", [1, 7, 40, 100_000])
@pytest.mark.parametrize("before", [1, 5, DAYS - 1])
def test_a_start_is_answered_the_same_from_the_rest_as_from_the_whole(
    filled: Store, clock: VirtualClock, before: int, largest: int
):
    """And journal and archives together hold every event once, in one chain."""
    whole, everything = answers(filled), history_of(filled.path)

    made = archive_before(filled, border(before), clock=clock, largest=largest)

    assert made
    assert whole == answers(filled)
    assert everything == history_of(filled.path)
    filled.close()
    anchor = Anchor(default_anchor(filled.path))
    verified, parts = verify_history(filled.path, anchor, None)
    assert verified.archived == made[-1].last == parts[-1].last
    again = Store.open(filled.path, clock=clock)
    assert whole == answers(again)
    again.close()


def test_what_no_start_needs_has_left_the_journal(filled: Store, clock: VirtualClock):
    """Only the last day of the account that has gone, the sessions and the acceptance stay."""
    (made,) = archive_before(filled, border(5), clock=clock)

    connection = sqlite3.connect(filled.path)
    query = "SELECT account, kind FROM events WHERE seq <= ?"
    stay = connection.execute(query, (made.last,)).fetchall()
    connection.close()
    kinds = {kind for account, kind in stay if account is None}

    assert {account for account, _ in stay} == {None, GONE}
    assert kinds == {"session_opened", "anchor_accepted"}
    assert [kind for account, kind in stay if account == GONE] == [
        *("day_reset", "account_opened", "position_changed", "account_locked")
    ]


def test_an_archive_verifies_by_itself_and_is_its_users_alone(filled: Store, clock: VirtualClock):
    """It is a journal like any other, but for its beginning."""
    one, two = archive_before(filled, border(4), clock=clock, largest=30)

    assert verify_archive(one.path) == one
    assert verify_archive(two.path) == two
    assert (one.first, two.first, two.before.hash) == (1, one.last + 1, one.last_hash)
    assert stat.S_IMODE(one.path.stat().st_mode) == 0o600


def test_an_archive_is_never_gone_on_with_as_a_journal(filled: Store, clock: VirtualClock):
    """It would fork the history."""
    (made,) = archive_before(filled, border(4), clock=clock)

    with pytest.raises(StoreError, match="it is an archive of a journal"):
        Store.open(made.path, clock=clock)
    assert verify_archive(made.path) == made


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE events SET body = x'00' WHERE seq = 20",
        "DELETE FROM events WHERE seq = (SELECT max(seq) FROM events)",
        "DELETE FROM events WHERE seq = 1",
        "INSERT INTO events SELECT 0, account, kind, at, body, hash FROM events LIMIT 1",
        "UPDATE meta SET value = zeroblob(32) || x'00' WHERE name = 'base_hash'",
        "UPDATE meta SET value = 5 WHERE name = 'base'",
    ],
)
def test_damage_in_an_archive_is_found(filled: Store, clock: VirtualClock, edit: str):
    """By its own walk, and by that of the whole history."""
    (made,) = archive_before(filled, border(4), clock=clock)
    filled.close()
    connection = sqlite3.connect(made.path)
    connection.execute("DROP TRIGGER events_are_never_changed")
    connection.execute("DROP TRIGGER events_are_never_deleted")
    connection.execute(edit)
    connection.commit()
    connection.close()

    with pytest.raises(StoreError, match=str(made.path)):
        verify_archive(made.path)
    with pytest.raises(StoreError):
        verify_history(filled.path, Anchor(default_anchor(filled.path)), None)


def test_a_missing_archive_is_told(filled: Store, clock: VirtualClock, tmp_path: Path):
    """The journal itself verifies without it; its history does not."""
    one, two = archive_before(filled, border(4), clock=clock, largest=30)
    filled.close()
    anchor = Anchor(default_anchor(filled.path))
    one.path.unlink()

    assert verify_anchored(filled.path, anchor).archived == two.last
    with pytest.raises(StoreError, match=f"up to seq {one.last} are in archives"):
        verify_history(filled.path, anchor, None)
    two.path.unlink()
    with pytest.raises(StoreError, match=f"up to seq {two.last} are in archives"):
        verify_history(filled.path, anchor, tmp_path)


def test_an_archive_of_another_history_is_told(
    filled: Store, clock: VirtualClock, path: Path, tmp_path: Path
):
    """One that was made from other events, and given the name of the right one."""
    (made,) = archive_before(filled, border(4), clock=clock)
    filled.close()
    other = Store.open(tmp_path / "other" / path.name, clock=clock)
    connection = sqlite3.connect(other.path)
    connection.execute("UPDATE meta SET value = ? WHERE name = 'identity'", (made.store,))
    connection.commit()
    connection.close()
    other.append([moved(1, 1)])
    fill(other, clock)
    (forged,) = archive_before(other, border(4), clock=clock)
    other.close()
    forged.path.replace(made.path)

    assert verify_archive(made.path).store == made.store
    with pytest.raises(StoreError, match="another history"):
        verify_history(path, Anchor(default_anchor(path)), None)


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE events SET body = x'00' WHERE account = 9 AND kind = 'account_locked'",
        "DELETE FROM events WHERE account = 9 AND kind = 'account_locked'",
        "DELETE FROM kept WHERE seq IN (SELECT seq FROM events WHERE account = 9)",
        "INSERT INTO events SELECT 5, account, kind, at, body, hash FROM events LIMIT 1",
        "DELETE FROM kept",
        "UPDATE meta SET value = value + 1 WHERE name = 'base'",
        "UPDATE meta SET value = value - 1 WHERE name = 'base'",
        "UPDATE meta SET value = zeroblob(32) WHERE name = 'base_hash'",
        "UPDATE meta SET value = 0 WHERE name = 'base'",
    ],
)
def test_whatever_is_done_to_what_stayed_is_found(filled: Store, clock: VirtualClock, edit: str):
    """A lockout of an account that may come back is as safe there as in the chain."""
    archive_before(filled, border(5), clock=clock)
    filled.close()
    connection = sqlite3.connect(filled.path)
    connection.execute("DROP TRIGGER events_are_never_changed")
    connection.execute(edit)
    connection.commit()
    connection.close()

    with pytest.raises(StoreError):
        verify(filled.path)
    with pytest.raises(StoreError):
        Store.open(filled.path, clock=clock)


def test_events_behind_the_base_can_still_not_be_deleted(filled: Store, clock: VirtualClock):
    """The store's own guard stands for all that was not archived."""
    (made,) = archive_before(filled, border(5), clock=clock)
    connection = sqlite3.connect(filled.path)

    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute("DELETE FROM events WHERE seq = ?", (made.last + 1,))
    connection.close()


def test_a_day_that_is_in_an_archive_makes_the_same_bundle(
    filled: Store, clock: VirtualClock, tmp_path: Path
):
    """And one across the border of two archives; where one is missing there is no bundle."""
    mark, day = filled.mark(), border(1)
    with History(filled.path) as history:
        before = write_incident(history, 1, day, mark, tmp_path / "before.zip")
    lines = list(export_lines(filled, account=1))
    one, *_ = archive_before(filled, border(5), clock=clock, largest=before.first + 2)

    with History(filled.path) as history:
        after = write_incident(history, 1, day, mark, tmp_path / "after.zip")
        assert lines == list(export_lines(history, account=1))
    assert before == after
    assert verify_incident(tmp_path / "after.zip") == after
    one.path.rename(tmp_path / one.path.name)
    with (
        History(filled.path) as history,
        pytest.raises(StoreError, match=f"up to seq {one.last} are in archives"),
    ):
        write_incident(history, 1, day, mark, tmp_path / "no.zip")


def test_an_old_anchor_does_not_bear_out_a_journal_that_went_on_without_it(
    filled: Store, clock: VirtualClock
):
    """All it knows has left for an archive; that is refused, and said as it is."""
    anchor = Anchor(default_anchor(filled.path))
    anchor.write(structs.replace(filled.mark(), seq=2, hash=filled.rows(2, 2)[0].hash.hex()))
    archive_before(filled, border(5), clock=clock)
    old = anchor.read()
    filled.close()
    anchor.write(old)

    with pytest.raises(StoreError, match="is in an archive: an old anchor"):
        verify_anchored(filled.path, anchor)


def test_an_archive_of_a_rolled_back_journal_is_not_written_over(
    filled: Store, clock: VirtualClock
):
    """What it holds may be the only proof of what was cut off."""
    (made,) = archive_before(filled, border(5), clock=clock)
    evidence = made.path.read_bytes()
    filled.close()
    filled.path.unlink()
    default_anchor(filled.path).unlink()
    other = Store.open(filled.path, clock=clock)
    connection = sqlite3.connect(other.path)
    connection.execute("UPDATE meta SET value = ? WHERE name = 'identity'", (made.store,))
    connection.commit()
    connection.close()
    other.append([moved(1, 1)])
    fill(other, clock)

    with pytest.raises(StoreError, match="of another history"):
        archive_before(other, border(5), clock=clock)
    assert evidence == made.path.read_bytes()
    other.close()


def test_the_space_is_given_back_and_growth_is_bounded(store: Store, clock: VirtualClock):
    """Eight weeks with a start every week: the journal stays as large as what it keeps."""
    sizes = []
    for number in range(56):
        store.append(day_of(number) * 40)
        if number % 7 == 6:
            clock.set_wall(NOW + timedelta(days=number))
            archive_before(store, border(number - 7), clock=clock)
            sizes.append(sum(os.stat(f"{store.path}{end}").st_size for end in ("", "-wal")))  # noqa: PTH116

    assert max(sizes[2:]) < 1.1 * sizes[1]
    assert len(list(store.path.parent.glob("*.archive"))) == 7


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=st.lists(st.tuples(st.integers(0, DAYS), st.integers(1, 60)), min_size=1, max_size=4))
def test_however_often_it_is_archived_nothing_is_lost_or_doubled(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int]]
):
    """Any borders in any order, with days in between."""
    clock = VirtualClock(NOW)
    path = tmp_path_factory.mktemp("j") / "d" / "lockstep.db"
    store = Store.open(path, clock=clock)
    twin = Store.open(path.parent.parent / "twin" / "lockstep.db", clock=clock)
    for each in (store, twin):
        fill(each, clock)
    for number, (before, largest) in enumerate(steps):
        archive_before(store, border(before), clock=clock, largest=largest)
        for each in (store, twin):
            each.append(day_of(DAYS + number))
    events = lambda found: [[each.event for each in part] for part in found]  # noqa: E731
    accounts = store.accounts()

    assert accounts == twin.accounts()
    assert events(map(store.account_events, accounts)) == events(map(twin.account_events, accounts))
    assert store.last_sessions() == twin.last_sessions()
    assert store.last_accepted() == twin.last_accepted()
    assert history_of(path) == [each.event for each in twin.records()]
    store.close()
    twin.close()
    verify_history(path, Anchor(default_anchor(path)), None)


def test_a_journal_of_an_earlier_build_is_archived_all_the_same(
    store: Store, clock: VirtualClock, path: Path
):
    """It is migrated when it is opened; its file gives space back once it was made anew."""
    fill(store, clock)
    store.close()
    connection = sqlite3.connect(path)
    connection.executescript(
        "DROP TABLE kept; DELETE FROM meta WHERE name IN ('base', 'base_hash');"
        "DROP TRIGGER events_are_never_deleted; PRAGMA auto_vacuum = NONE; PRAGMA user_version = 1;"
        "CREATE TRIGGER events_are_never_deleted BEFORE DELETE ON events"
        " BEGIN SELECT raise(ABORT, 'the journal is append-only'); END;"
        "PRAGMA journal_mode = DELETE; VACUUM;"
    )
    connection.close()
    assert verify(path).archived == 0

    again = Store.open(path, clock=clock)
    (made,) = archive_before(again, border(5), clock=clock)
    before = path.stat().st_size
    again.rebuild()

    assert path.stat().st_size < before
    assert answers(again)
    again.close()
    assert verify(path).archived == made.last


def test_times_are_compared_as_times(filled: Store, clock: VirtualClock):
    """Nothing is archived that is not older than the day, and the last event never is."""
    (made,) = archive_before(filled, border(3), clock=clock)
    with History(filled.path) as history:
        times = [each.event.at for each in history.records() if each.seq <= made.last]

    assert max(times) < datetime.combine(border(3), datetime.min.time(), NOW.tzinfo)
    assert archive_before(filled, border(3), clock=clock) == []
