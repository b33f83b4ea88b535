"""After a SIGKILL at any instant the journal verifies and holds everything that was acknowledged."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from actors.journal import Store, verify
from actors.runtime import VirtualClock

ROOT = Path(__file__).parents[2]
WRITER = """
import sys
from pathlib import Path
from actors.journal import JournalActor, Store
from actors.runtime import Directory, OwnThread, PooledActor, SystemClock
from messages.journal import Append
from tests.journal.conftest import NOW, moved


class Trader(PooledActor):
    def on_receive(self, message):
        sys.stdout.write(f"{message.last_seq}\\n")
        sys.stdout.flush()
        say()


def say():
    events = tuple(moved(1, size) for size in range(7))
    append = Append(at=NOW, cause="t", events=events, asker="trader", token="t")
    directory.tell("journal", append)


clock, directory = SystemClock(), Directory()
store = Store.open(Path(sys.argv[1]), clock=clock)
thread = OwnThread("journal")
journal = JournalActor.start(store=store, clock=clock, directory=directory, dispatcher=thread)
directory.register("journal", journal)
directory.register("trader", Trader.start(dispatcher=OwnThread("trader")))
for _ in range(20):
    say()
sys.stdin.read()
"""


def write_until_killed(path: Path, acknowledgements: int) -> int:
    """Let a child append for ever, kill it in the middle, and return the last acknowledged seq."""
    command = [sys.executable, "-c", WRITER, str(path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, cwd=ROOT) as child:  # noqa: S603
        lines = [child.stdout.readline() for _ in range(acknowledgements)]
        child.send_signal(signal.SIGKILL)
        lines += child.stdout.readlines()
    assert child.returncode == -signal.SIGKILL
    return int([line for line in lines if line.endswith(b"\n")][-1])


@pytest.mark.parametrize("acknowledgements", [1, 50, 333])
def test_a_killed_writer_leaves_everything_it_acknowledged(
    path: Path, clock: VirtualClock, acknowledgements: int
):
    """And whole transactions only: no event of an `Append` without the others."""
    acknowledged = write_until_killed(path, acknowledgements)
    found = verify(path).events

    assert found >= acknowledged
    assert found % 7 == 0

    acknowledged_again = write_until_killed(path, acknowledgements)

    assert acknowledged_again >= found + 7
    store = Store.open(path, clock=clock)
    assert verify(path).events >= acknowledged_again
    store.close()
