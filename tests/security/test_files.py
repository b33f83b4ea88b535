"""What is written is its user's alone, whatever the umask; what is read nobody else can change."""

import os
import socket
import stat
from contextlib import contextmanager
from pathlib import Path

import pytest

import main
from actors import private
from actors.journal import Store, StoreError
from actors.runtime import SystemClock
from config import source
from config.errors import ConfigError
from config.loader import load
from messages.events import SystemStopped
from tests.config.texts import LOGIN, NOW

SEED = Path(__file__).parents[1] / "config" / "seed"
ROOT = Path(__file__).parents[2]


@contextmanager
def umask(value: int):
    """Run with another umask."""
    before = os.umask(value)
    try:
        yield
    finally:
        os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def stopped():
    return SystemStopped(at=NOW, cause="test", reason="x")


def opened(path: Path) -> Store:
    return Store.open(path, clock=SystemClock())


# --- what is written ----------------------------------------------------------------------------


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o377, 0o777], ids=oct)
def test_a_journal_and_everything_beside_it_is_0600_in_folders_that_are_0700(tmp_path, mask):
    """The log, its index and the lock too, while it runs and afterwards; made folders all the way up."""
    path = tmp_path / "data" / "deep" / "lockstep.db"
    with umask(mask):
        store = opened(path)
        store.append([stopped()])
        while_it_runs = {each.name: mode(each) for each in path.parent.iterdir()}
        store.close()

    assert set(while_it_runs) == {
        f"lockstep.db{end}" for end in ("", "-wal", "-shm", ".lock", ".anchor")
    }
    assert set(while_it_runs.values()) == {0o600}
    assert {mode(each) for each in path.parent.iterdir()} == {0o600}
    assert (mode(path.parent), mode(path.parent.parent)) == (0o700, 0o700)


def test_a_journal_that_was_left_open_to_others_is_closed_to_them(tmp_path):
    """As a copy or another build may have left it."""
    path = tmp_path / "lockstep.db"
    opened(path).close()
    for each in tmp_path.iterdir():
        each.chmod(0o666)

    store = opened(path)
    store.append([stopped()])

    assert {mode(each) for each in tmp_path.iterdir()} == {0o600}
    store.close()


@pytest.mark.parametrize("mask", [0o000, 0o377], ids=oct)
@pytest.mark.parametrize("there", [False, True], ids=["new", "replaced"])
def test_an_imported_configuration_is_0600(tmp_path, capsys, mask, there):
    """It may say more of its user than others should know; a link is replaced, not followed."""
    out, elsewhere = tmp_path / "mine.toml", tmp_path / "elsewhere"
    if there:
        elsewhere.write_text("untouched")
        out.symlink_to(elsewhere)
    with umask(mask):
        main.main(["import", *map(str, SEED.glob("*.yaml")), "--out", str(out), "--force"])

    assert "[[logins]]" in out.read_text()
    assert (mode(out), out.is_symlink()) == (0o600, False)
    assert not there or elsewhere.read_text() == "untouched"
    assert {each.name for each in tmp_path.iterdir()} <= {"mine.toml", "elsewhere"}
    capsys.readouterr()


def test_nothing_of_ours_writes_a_file_but_through_these_doors():
    """A file that is added later must be private too: every other way to make one is named here."""
    ways = (
        "write_bytes(",
        "write_text(",
        '"wb"',
        '"w"',
        "os.open(",
        "mkdir(",
        "O_CREAT",
        "mkstemp",
    )
    found = {
        str(path.relative_to(ROOT))
        for top in ("actors", "config", "messages")
        for path in (ROOT / top).rglob("*.py")
        if any(way in path.read_text() for way in ways)
    }

    assert found == {
        "actors/private.py",  # the door itself
        "actors/journal/archive.py",  # syncs what was written; the door made it
        "actors/journal/files.py",  # the lock, and the folder that is flushed
        "actors/journal/lease.py",  # the lock; 0600 whatever the umask
        "actors/ops/pulse.py",  # the names of our threads, in /proc
        "actors/journal/incident.py",  # into memory, and then through the door
        "actors/ops/terminal.py",  # /dev/null, for streams that were closed
        "actors/scenario/wire.py",  # a configuration in a folder that is thrown away
    }


def test_a_file_that_is_there_is_not_written_over(tmp_path):
    """Not even one that appears at the last moment."""
    path = tmp_path / "mine.toml"
    path.write_text("mine")

    with pytest.raises(FileExistsError):
        private.write_file(path, b"yours", replace=False)

    assert path.read_text() == "mine"


# --- where a journal may stand ------------------------------------------------------------------


def other_things(folder: Path) -> dict[str, Path]:
    """Return everything that is no file."""
    real = folder / "real"
    real.write_bytes(b"")
    things = {name: folder / name for name in ("folder", "link", "loop", "pipe", "socket")}
    things["folder"].mkdir()
    things["link"].symlink_to(real)
    things["loop"].symlink_to(things["loop"])
    os.mkfifo(things["pipe"])
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(things["socket"]))
    return things | {"device": Path("/dev/zero"), "nothing": Path("/dev/null")}


THINGS = ("folder", "link", "loop", "pipe", "socket", "device", "nothing")


@pytest.mark.timeout(20)
@pytest.mark.parametrize("thing", THINGS)
def test_a_journal_that_is_no_file_is_refused_in_one_line(tmp_path, thing):
    """Never waited for, never followed: a link would be a second name with a second lock."""
    place = other_things(tmp_path)[thing]

    with pytest.raises(StoreError, match="set \\[journal\\] path to a file of its own"):
        opened(place)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("end", ["-wal", "-shm", ".lock"])
@pytest.mark.parametrize("thing", ["link", "pipe"])
def test_nothing_may_stand_in_the_place_of_what_belongs_to_it(tmp_path, end, thing):
    """Else the journal would be written through it."""
    other_things(tmp_path)[thing].rename(tmp_path / f"lockstep.db{end}")

    with pytest.raises(StoreError, match=f"lockstep.db{end} is a"):
        opened(tmp_path / "lockstep.db")
    assert (tmp_path / "real").read_bytes() == b""


@pytest.mark.parametrize("below", ["", "new/folder"], ids=["itself", "above"])
def test_a_folder_that_everybody_may_change_holds_no_journal(tmp_path, below):
    """Whoever can exchange the file can end every lock; in a sticky folder like /tmp nobody can."""
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    path = folder / below / "lockstep.db"

    with pytest.raises(StoreError, match="everybody may exchange the files"):
        opened(path)
    assert list(folder.iterdir()) == []
    folder.chmod(0o1777)
    opened(path).close()


# --- which configuration is believed ------------------------------------------------------------


@pytest.fixture
def mine(tmp_path):
    """Return a configuration that is fine."""
    path = tmp_path / "mine.toml"
    path.write_text(LOGIN)
    path.chmod(0o600)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(ConfigError) as refused:
        load(path, now=NOW, environment={})
    return str(refused.value)


def test_a_configuration_that_everybody_may_change_is_refused(mine):
    """They would set its limits and say where the API key is sent."""
    mine.chmod(0o602)

    assert "everybody may change it" in refusal(mine)


@pytest.mark.parametrize("by", ["itself", "link"])
def test_a_configuration_that_everybody_may_exchange_is_refused(tmp_path, mine, by):
    """The folder of the file and that of a link to it."""
    folder = tmp_path / "open"
    folder.mkdir()
    path = folder / "mine.toml"
    if by == "itself":
        path.write_text(LOGIN)
    else:
        path.symlink_to(mine)
    folder.chmod(0o777)

    assert "everybody may exchange the files of" in refusal(path)
    folder.chmod(0o1777)
    assert load(path, now=NOW, environment={}).warnings == ()


def test_a_group_that_may_change_it_is_warned_of(mine):
    """Many systems give every user a group of one, so it is no error."""
    mine.chmod(0o660)

    (warning,) = load(mine, now=NOW, environment={}).warnings

    assert "its group may change it" in warning


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_another_owner_is_warned_of(mine):
    """Root's own files are everybody's usual."""
    os.chown(mine, 4711, -1)

    (warning,) = load(mine, now=NOW, environment={}).warnings

    assert "belongs to another user" in warning


def test_a_calendar_of_ones_own_is_looked_at_like_the_file_that_names_it(tmp_path, mine):
    """A holiday that somebody adds is a day without a session rule."""
    shipped = (ROOT / "config" / "calendar" / "cme_equity.toml").read_text()
    own = tmp_path / "own.toml"
    own.write_text(shipped)
    mine.write_text(LOGIN + '[calendar]\nfile = "own.toml"\n')
    own.chmod(0o646)

    assert "own.toml: everybody may change it" in refusal(mine)


def test_what_comes_with_lockstep_is_not_looked_at(monkeypatch, tmp_path):
    """A checkout with an odd umask still passes: who can change that can change the program."""
    shipped = tmp_path / "config"
    shipped.mkdir()
    monkeypatch.setattr(source, "__file__", str(shipped / "source.py"))
    path = shipped / "default.toml"
    path.write_text(LOGIN)
    path.chmod(0o666)

    assert load(path, now=NOW, environment={}).warnings == ()


@pytest.mark.timeout(20)
@pytest.mark.parametrize("thing", [each for each in THINGS if each != "link"])
def test_a_configuration_that_is_no_file_is_refused_in_one_line(tmp_path, thing):
    """Never waited for; an endless device is not read to its end."""
    said = refusal(other_things(tmp_path)[thing])

    assert "1 thing(s) to mend" in said
    assert "cannot be read" in said


@pytest.mark.timeout(20)
@pytest.mark.parametrize("thing", [each for each in THINGS if each != "link"])
def test_a_file_to_import_that_is_none_is_refused_in_one_line(tmp_path, capsys, thing):
    """Likewise."""
    assert main.main(["import", str(other_things(tmp_path)[thing])]) == 78

    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "cannot be read" in said


def test_a_configuration_larger_than_any_is_not_read_whole(mine):
    """A sparse file of a terabyte fits on any disk."""
    os.truncate(mine, 2**40)

    assert "larger than" in refusal(mine)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "command",
    ["check", "doctor", "run", "status", "reload", "journal verify", "journal export"],
)
def test_every_command_says_so_in_one_line(tmp_path, capsys, monkeypatch, command):
    """Whatever it was to do with it: exit 78, no traceback."""
    monkeypatch.setenv("LOCKSTEP_TOKEN", "x" * 20)
    pipe = other_things(tmp_path)["pipe"]

    assert main.main([*command.split(), "--config", str(pipe)]) == 78

    assert "it is a pipe" in capsys.readouterr().err
