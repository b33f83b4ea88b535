"""What may not be opened is refused in clear words, and left exactly as it was found."""

import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from actors.journal import NO_IDENTITY, Store, StoreError, verify
from actors.journal.migrations import MIGRATIONS
from actors.runtime import VirtualClock
from tests.journal.conftest import opened

NOBODY = 65534


def change(path: Path, *statements: str) -> None:
    """Do to a closed store what only an outsider would."""
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def refusal(path: Path, clock: VirtualClock) -> StoreError:
    """Return the error of opening this file for writing."""
    with pytest.raises(StoreError) as caught:
        Store.open(path, clock=clock)
    assert caught.value.where == path
    assert str(path) in str(caught.value)
    assert caught.value.fix in str(caught.value)
    return caught.value


@pytest.fixture
def closed(store: Store, path: Path) -> Path:
    """Return the file of a store that was written and closed."""
    store.append([opened(1), opened(2)])
    store.close()
    return path


@pytest.fixture
def unprivileged() -> Iterator[Path]:
    """Return a folder of an ordinary user, as whom the test runs from then on."""
    with tempfile.TemporaryDirectory() as folder:
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
            os.seteuid(NOBODY)
        yield Path(folder)
        os.seteuid(os.getuid())
        Path(folder).chmod(0o700)


@pytest.mark.parametrize("content", [b"not a database at all\n" * 300, b"x"])
def test_garbage_is_refused_and_left_alone(tmp_path: Path, clock: VirtualClock, content: bytes):
    """A file that is no database is not taken for a new journal."""
    path = tmp_path / "lockstep.db"
    path.write_bytes(content)

    assert "not a database" in refusal(path, clock).what
    assert content == path.read_bytes()


def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path, clock: VirtualClock):
    """A valid database without our application id is somebody else's."""
    path = tmp_path / "other.db"
    change(path, "CREATE TABLE theirs (x)")
    before = path.read_bytes()

    assert "no Lockstep journal" in refusal(path, clock).what
    assert before == path.read_bytes()


@pytest.mark.parametrize(
    "statement",
    [
        f"PRAGMA user_version = {len(MIGRATIONS) + 1}",
        "UPDATE meta SET value = 99 WHERE name = 'message_schema'",
    ],
)
def test_a_store_from_the_future_is_refused(closed: Path, clock: VirtualClock, statement: str):
    """A newer schema of the tables or of the messages is not guessed at."""
    change(closed, statement)

    assert "newer Lockstep" in refusal(closed, clock).what
    with pytest.raises(StoreError, match="newer Lockstep"):
        Store.open_read_only(closed)


def test_a_second_writer_is_refused_and_told_who_writes(store: Store, clock: VirtualClock):
    """Two running systems on one journal would both send closes."""
    assert f"process {os.getpid()}" in refusal(store.path, clock).what


def test_a_writer_that_ended_leaves_no_lock_behind(closed: Path, clock: VirtualClock):
    """The lock's file stays, the lock does not."""
    assert closed.with_name("lockstep.db.lock").exists()

    Store.open(closed, clock=clock).close()


def test_a_refused_store_can_be_opened_once_it_is_put_right(closed: Path, clock: VirtualClock):
    """A refusal does not keep the lock."""
    change(closed, "UPDATE meta SET value = 99 WHERE name = 'message_schema'")
    refusal(closed, clock)
    change(closed, "UPDATE meta SET value = 1 WHERE name = 'message_schema'")

    Store.open(closed, clock=clock).close()


def test_a_database_locked_by_another_program_is_refused(closed: Path, clock: VirtualClock):
    """Somebody's open transaction is waited for only briefly."""
    other = sqlite3.connect(closed, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    error = refusal(closed, clock)

    assert "locked" in error.what
    assert "end the program" in error.fix
    other.close()


def test_a_missing_file_beside_a_log_with_events_is_refused(
    store: Store, path: Path, clock: VirtualClock, tmp_path: Path
):
    """Opening it would make SQLite delete the log, and the locks recorded in it."""
    store.append([opened(1)])
    orphan = tmp_path / "lockstep.db"
    log = tmp_path / "lockstep.db-wal"
    log.write_bytes(path.with_name("lockstep.db-wal").read_bytes())

    assert "log lockstep.db-wal holds events" in refusal(orphan, clock).what
    orphan.touch()
    assert "log lockstep.db-wal holds events" in refusal(orphan, clock).what
    assert log.stat().st_size > 0


@pytest.mark.parametrize("left", [b"", b"S"], ids=["nothing", "one byte"])
@pytest.mark.parametrize(
    "look",
    [
        lambda path, clock: Store.open(path, clock=clock),
        lambda path, clock: Store.open_unanchored(path, clock=clock),
        lambda path, _clock: Store.open_read_only(path),
        lambda path, _clock: verify(path),
    ],
    ids=["start", "accept", "read", "verify"],
)
def test_a_log_outlives_every_look_at_its_file_that_was_cut_to_nothing(
    store: Store, path: Path, clock: VirtualClock, tmp_path: Path, left: bytes, look
):
    """SQLite takes one byte for none too, and deletes the log of an empty file even to read."""
    store.append([opened(1)])
    cut, log = tmp_path / "lockstep.db", tmp_path / "lockstep.db-wal"
    log.write_bytes(path.with_name("lockstep.db-wal").read_bytes())
    cut.write_bytes(left)

    with pytest.raises(StoreError, match="it is missing or empty, but its log"):
        look(cut, clock)
    assert log.stat().st_size > 0
    assert left == cut.read_bytes()


def test_a_file_cut_short_is_refused(closed: Path, clock: VirtualClock):
    """Half a database is not half trusted."""
    closed.write_bytes(closed.read_bytes()[:-4096])

    refusal(closed, clock)


def test_what_sqlite_says_in_several_lines_is_said_in_one(closed: Path, clock: VirtualClock):
    """What a person sees of a refusal is its last line, and that must name the file and the way out."""
    intact = closed.read_bytes()
    closed.write_bytes(intact[:12288] + bytes(4096) + intact[16384:])

    assert "btreeInitPage" in (said := str(refusal(closed, clock)))
    assert "\n" not in said


def test_an_empty_file_and_a_blank_database_become_a_journal(tmp_path: Path, clock: VirtualClock):
    """A first start that was killed before its first commit is simply done again."""
    empty, blank = tmp_path / "empty.db", tmp_path / "blank.db"
    empty.touch()
    change(blank, "PRAGMA journal_mode = WAL")
    assert blank.stat().st_size > 0

    for path in (empty, blank):
        Store.open(path, clock=clock).close()
        assert verify(path).events == 0


def test_missing_folders_are_made(tmp_path: Path, clock: VirtualClock):
    """A fresh clone has no data folder; all that is made for it is private."""
    Store.open(tmp_path / "a" / "b c" / "100%?#.db", clock=clock).close()

    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o700


@pytest.mark.parametrize("left", ["nothing", "its folder", "an empty file"])
@pytest.mark.parametrize("identity", ["a1b2", NO_IDENTITY])
def test_a_journal_that_was_guarded_until_now_is_never_begun_anew(
    path: Path, clock: VirtualClock, left: str, identity: str
):
    """A disk that is not mounted any more, a folder that was moved: the locks went with it."""
    if left != "nothing":
        path.parent.mkdir(mode=0o700)
    if left == "an empty file":
        path.touch()

    with pytest.raises(StoreError, match="guarded until now and is gone") as caught:
        Store.open(path, clock=clock, continues=identity)

    assert "move its folder back" in caught.value.fix
    assert path.parent.exists() == (left != "nothing")
    assert not path.exists() or not path.stat().st_size


def test_only_the_journal_that_was_guarded_until_now_is_gone_on_with(
    closed: Path, clock: VirtualClock
):
    """One that stood there before a disk was mounted over it is sound, and knows none of the locks."""
    store = Store.open(closed, clock=clock)
    identity = store.mark().store
    store.close()

    with pytest.raises(StoreError, match="another journal") as caught:
        Store.open(closed, clock=clock, continues="a1b2")

    assert identity in caught.value.what
    for which in (identity, NO_IDENTITY):
        with closing(Store.open(closed, clock=clock, continues=which)) as continued:
            assert continued.mark().store == identity


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path, clock: VirtualClock):
    """The error names the path, not a stack of Python."""
    (tmp_path / "data").write_text("a file")

    assert "[journal] path" in refusal(tmp_path / "data" / "lockstep.db", clock).fix


def test_a_folder_that_cannot_be_written_is_refused(unprivileged: Path, clock: VirtualClock):
    """Nobody finds out only at the first breach that nothing can be stored."""
    unprivileged.chmod(0o500)

    assert "write" in refusal(unprivileged / "lockstep.db", clock).fix


def test_a_file_that_cannot_be_written_is_refused(unprivileged: Path, clock: VirtualClock):
    """A read-only journal does not start a system that could not record."""
    path = unprivileged / "lockstep.db"
    Store.open(path, clock=clock).close()
    path.chmod(0o400)

    assert "write" in refusal(path, clock).fix


def test_a_read_only_folder_can_still_be_read(unprivileged: Path, clock: VirtualClock):
    """`status`, `export` and `verify` need no right to write, and no log beside the file."""
    path = unprivileged / "lockstep.db"
    store = Store.open(path, clock=clock)
    store.append([opened(1)])
    store.close()
    path.chmod(0o400)
    unprivileged.chmod(0o500)

    reader = Store.open_read_only(path)

    assert [each.seq for each in reader.records()] == [1]
    reader.close()
    assert verify(path).events == 1


def test_a_living_writer_can_be_read_beside(store: Store, path: Path):
    """A reader sees what is committed, also what is committed after it began."""
    store.append([opened(1)])
    reader = Store.open_read_only(path)
    assert reader.accounts() == [1]

    store.append([opened(2)])

    assert reader.accounts() == [1, 2]
    assert verify(path).events == 2
    reader.close()


def test_a_reader_cannot_write(closed: Path):
    """What only asks can do no harm."""
    reader = Store.open_read_only(closed)

    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.append([opened(3)])
    reader.close()


def test_reading_what_does_not_exist_makes_nothing(path: Path):
    """Asking for the status before the first start leaves no empty journal behind."""
    with pytest.raises(StoreError, match="no such file"):
        Store.open_read_only(path)

    assert not path.exists()


def test_the_store_of_a_killed_writer_opens_with_everything_committed(
    path: Path, clock: VirtualClock
):
    """What was acknowledged is there, although nobody closed the file."""
    script = (
        "import os, signal, sys; from pathlib import Path; from actors.journal import Store; "
        "from actors.runtime import SystemClock; from tests.journal.conftest import opened; "
        "store = Store.open(Path(sys.argv[1]), clock=SystemClock()); "
        "store.append([opened(1), opened(2)]); os.kill(os.getpid(), signal.SIGKILL)"
    )
    command = [sys.executable, "-c", script, str(path)]
    done = subprocess.run(command, check=False, cwd=Path(__file__).parents[2])  # noqa: S603
    assert done.returncode == -9

    reader = Store.open_read_only(path)
    assert reader.accounts() == [1, 2]
    reader.close()
    store = Store.open(path, clock=clock)
    assert store.append([opened(3)]) == 3
    store.close()
