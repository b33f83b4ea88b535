"""A process that dies at any step of archiving loses nothing, doubles nothing, and is gone on with."""

import subprocess
import sys
from pathlib import Path

import pytest

from actors.journal import Store, archive_before, verify_archive, verify_history
from actors.journal.anchor import Anchor, default_anchor
from actors.runtime import VirtualClock
from tests.journal.test_archive import answers, border, fill, history_of

ROOT = Path(__file__).parents[2]
KILLED = 77
ARCHIVER = """
import os, sys
from pathlib import Path
from actors.journal import Store, archive, archiving
from actors.runtime import VirtualClock
from tests.journal.conftest import NOW
from tests.journal.test_archive import border

where, path = sys.argv[1], Path(sys.argv[2])
store = Store.open(path, clock=VirtualClock(NOW))
die = lambda *_: os._exit(77)


def dying(owner, name, *, after):
    intact = getattr(owner, name)

    def wrapped(*arguments, **named):
        if not after:
            os._exit(77)
        intact(*arguments, **named)
        os._exit(77)

    setattr(owner, name, wrapped)


archiving._SWEPT = 5
if where == "draft half written":
    archive._PAGE = 10
    calls = iter((1, 2))
    rows = store.rows
    store.rows = lambda *span: rows(*span) if span[0] == span[1] or next(calls, None) else die()
elif where == "draft written":
    dying(archive, "verifying", after=False)
elif where == "archive named":
    dying(archiving, "announce", after=False)
elif where == "in the transaction that says so":
    dying(store, "insert", after=True)
elif where == "said so":
    dying(archiving, "announce", after=True)
elif where == "in a sweep":
    trace = lambda text: os._exit(77) if text.startswith("DELETE FROM events WHERE seq >") else None
    store._connection.set_trace_callback(trace)
elif where == "after the first sweep":
    dying(store, "give_back", after=False)
elif where == "all swept":
    announce = archiving.announce

    def last_sweep(*arguments):
        announce(*arguments)
        dying(archiving, "sweep", after=True)

    archiving.announce = last_sweep
archiving.archive_before(store, border(5), clock=VirtualClock(NOW))
"""
STEPS = (
    "draft half written",
    "draft written",
    "archive named",
    "in the transaction that says so",
    "said so",
    "in a sweep",
    "after the first sweep",
    "all swept",
)


def die(where: str, path: Path) -> None:
    """Archive in a process of its own, which ends at a step as if it had been killed there."""
    command = [sys.executable, "-c", ARCHIVER, where, str(path)]
    child = subprocess.run(command, cwd=ROOT, check=False)  # noqa: S603
    assert child.returncode == KILLED


@pytest.mark.parametrize("where", STEPS)
def test_a_killed_archiving_is_gone_on_with(path: Path, clock: VirtualClock, where: str):
    """Right after it the journal opens, and answers as before; then it is finished."""
    store = Store.open(path, clock=clock)
    fill(store, clock)
    whole, everything = answers(store), history_of(path)
    store.close()

    die(where, path)

    assert everything == history_of(path)
    again = Store.open(path, clock=clock)
    assert whole == answers(again)
    archive_before(again, border(5), clock=clock)
    assert whole == answers(again)
    again.close()
    assert everything == history_of(path)
    (archive,) = path.parent.glob("*.archive")
    assert not list(path.parent.glob("*.new"))
    assert verify_archive(archive).first == 1
    verify_history(path, Anchor(default_anchor(path)), None)


def test_a_left_over_archive_that_was_damaged_is_replaced(path: Path, clock: VirtualClock):
    """All that it held is still in the journal."""
    store = Store.open(path, clock=clock)
    fill(store, clock)
    everything = history_of(path)
    store.close()
    die("archive named", path)
    (archive,) = path.parent.glob("*.archive")
    archive.write_bytes(archive.read_bytes()[:-5000])

    again = Store.open(path, clock=clock)
    archive_before(again, border(5), clock=clock)
    again.close()

    assert everything == history_of(path)
