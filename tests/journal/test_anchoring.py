"""While the system runs: how far the anchor may be behind, and what happens when it cannot be written."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.journal import Anchor, AnchorActor, Store, StoreError, verify, verify_anchored
from actors.runtime import OwnThread, PooledRef, VirtualClock
from messages.events import AccountLocked, AlarmRaised
from messages.queries import Ping
from messages.values import ACCOUNT_SCOPE, AlarmCode, Duty, Lockout, ReleaseOn
from tests.journal.conftest import NOW, Harness, opened
from tests.journal.test_failing_disk import allow_writing, forbid_writing

ROOT = Path(__file__).parents[2]


def locked(account: int) -> AccountLocked:
    """Return the event a roll-back would be for."""
    lockout = Lockout(
        rule="RULE-003",
        scope=ACCOUNT_SCOPE,
        duty=Duty.FLAT,
        until=None,
        release_on=ReleaseOn.CAN_TRADE,
        reason="test",
        breach_id=f"{account}/b1",
        locked_at=NOW,
    )
    return AccountLocked(
        at=NOW, cause="t", account=account, enforcement_id="e", lockout=lockout, flat_confirmed=True
    )


def start(harness: Harness, thread: OwnThread) -> PooledRef[AnchorActor]:
    return AnchorActor.start(
        path=harness.store.path,
        fence=str,
        anchor=harness.store.anchor,
        clock=harness.clock,
        directory=harness.directory,
        dispatcher=thread,
    )


@pytest.fixture
def anchored(harness: Harness) -> Iterator[Harness]:
    """Run an anchor actor beside the journal."""
    thread = OwnThread("anchor", harness.in_flight)
    ref = start(harness, thread)
    harness.directory.register("anchor", ref)
    harness.settle()
    yield harness
    if ref.is_alive():
        ref.stop()
    thread.stop()


def known(harness: Harness) -> int:
    """Return how far the anchor says the journal had got."""
    harness.settle()
    return harness.store.anchor.read().seq


def advance(harness: Harness, seconds: float) -> int:
    harness.settle()
    harness.clock.advance(seconds)
    return known(harness)


def test_the_anchor_is_at_most_a_second_behind(anchored: Harness):
    """However much is stored in it, that is one write."""
    for account in range(1, 6):
        anchored.append(opened(account), asker=None)
        assert advance(anchored, 0.125) == 0

    assert advance(anchored, 0.25) == 0
    assert advance(anchored, 0.125) == 5
    assert verify_anchored(anchored.store.path, anchored.store.anchor).events == 5


def test_a_lock_is_in_the_anchor_within_a_tenth_of_a_second(anchored: Harness):
    """Also when something else is waited for already."""
    anchored.append(opened(1), asker=None)
    assert known(anchored) == 0
    anchored.append(locked(1), locked(2), asker=None)

    assert advance(anchored, 0.09) == 0
    assert advance(anchored, 0.02) == 3


def test_what_is_not_on_disk_is_not_in_the_anchor(anchored: Harness):
    """The journal may be ahead of its anchor, the anchor never of its journal."""
    forbid_writing(anchored.store)
    anchored.append(locked(1), asker=None)
    assert advance(anchored, 5) == 0

    allow_writing(anchored.store)
    advance(anchored, 1)

    assert advance(anchored, 1) == 2


def test_an_anchor_that_cannot_be_written_is_alarmed_once_and_tried_again(anchored: Harness):
    """The journal goes on meanwhile; when it can be written again it is level within a second."""
    obstacle = anchored.store.anchor.path.with_name("lockstep.db.anchor.new")
    obstacle.mkdir()
    anchored.append(locked(1), asker=None)
    for _ in range(5):
        assert advance(anchored, 1) == 0
    alarms = [
        each.event for each in anchored.store.records() if isinstance(each.event, AlarmRaised)
    ]
    assert [each.code for each in alarms] == [AlarmCode.ANCHOR_FAILED]
    assert str(anchored.store.anchor.path) in alarms[0].text

    obstacle.rmdir()

    assert advance(anchored, 1) == 2
    obstacle.mkdir()
    anchored.append(locked(2), asker=None)
    assert advance(anchored, 1) == 2
    obstacle.rmdir()
    assert advance(anchored, 1) == 4


def test_the_anchor_is_written_as_its_actor_stops(anchored: Harness):
    """In the orderly stop nothing is left to a deadline that does not come any more."""
    anchored.append(opened(1), asker=None)
    assert known(anchored) == 0

    anchored.directory.ref("anchor").stop()

    assert known(anchored) == 1


def test_a_successor_writes_what_its_predecessor_had_still_to_write(anchored: Harness):
    """A restart of this actor leaves nothing unanchored until the next event comes."""
    anchored.append(locked(1), asker=None)
    assert known(anchored) == 0
    anchored.directory.ref("anchor").tell("nonsense")
    anchored.settle()
    assert not anchored.directory.ref("anchor").is_alive()
    thread = OwnThread("anchor", anchored.in_flight)

    anchored.directory.register("anchor", start(anchored, thread))

    assert advance(anchored, 1) == 1
    anchored.directory.ref("anchor").stop()
    thread.stop()


def test_it_answers_a_ping_and_refuses_what_is_not_for_it(anchored: Harness):
    """Like every actor."""
    ref = anchored.directory.ref("anchor")
    assert ref.ask(Ping(at=NOW, cause="t"), timeout=60) == "anchor"

    with pytest.raises(TypeError):
        ref.ask(opened(1), timeout=60)


WRITER = """
import sys
from pathlib import Path
from actors.journal import Store
from actors.runtime import SystemClock
from tests.journal.test_anchoring import locked
store = Store.open(Path(sys.argv[1]), clock=SystemClock())
store.append([locked(1)])
store.anchor.write(store.mark())
store.append([locked(2)])
sys.stdout.write("ready\\n")
sys.stdout.flush()
sys.stdin.read()
"""


@pytest.fixture
def killed(path: Path) -> Path:
    """Return the store of a process that was killed: both its events are only in its log."""
    command = [sys.executable, "-c", WRITER, str(path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, cwd=ROOT) as child:  # noqa: S603
        assert child.stdout.readline() == b"ready\n"
        child.send_signal(signal.SIGKILL)
    return path


def test_after_a_kill_the_journal_is_ahead_and_starts(killed: Path, clock: VirtualClock):
    """Killed between a commit and its anchor: nothing is refused and nothing is missing."""
    assert Anchor(killed.with_name("lockstep.db.anchor")).read().seq == 1

    store = Store.open(killed, clock=clock)

    assert store.mark().seq == 2
    store.close()


BUSY = """
import sys, threading
from pathlib import Path
from actors.journal import Store
from actors.runtime import SystemClock
from tests.journal.conftest import moved
store = Store.open(Path(sys.argv[1]), clock=SystemClock())
reader = Store.open_read_only(store.path)

def follow():
    while True:
        store.anchor.write(reader.mark())

threading.Thread(target=follow, daemon=True).start()
while True:
    sys.stdout.write(f"{store.append([moved(1, 1)])}\\n")
    sys.stdout.flush()
"""


def test_no_kill_leaves_an_anchor_ahead_of_its_journal(path: Path, clock: VirtualClock):
    """Commits and anchors as fast as they go, killed at any instant, again and again."""
    for acknowledged in (1, 40, 7):
        command = [sys.executable, "-c", BUSY, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as child:  # noqa: S603
            for _ in range(acknowledged):
                assert child.stdout.readline()
            child.kill()
        before = Anchor(path.with_name("lockstep.db.anchor")).read()

        store = Store.open(path, clock=clock)

        assert store.mark().seq >= before.seq
        store.close()


def test_a_log_that_is_lost_after_a_kill_is_found(killed: Path, clock: VirtualClock):
    """SQLite opens such a store without a word: its committed locks were in the log alone."""
    killed.with_name("lockstep.db-wal").unlink()
    killed.with_name("lockstep.db-shm").unlink()

    with pytest.raises(StoreError):
        Store.open(killed, clock=clock)


def test_a_log_cut_after_what_the_anchor_knows_leaves_what_it_knows(killed: Path):
    """A commit the anchor had not heard of can vanish with the log's end; that much it may be behind."""
    log = killed.with_name("lockstep.db-wal")
    log.write_bytes(log.read_bytes()[:-1])
    killed.with_name("lockstep.db-shm").unlink()

    assert verify(killed).events == 1
    assert verify_anchored(killed, Anchor(killed.with_name("lockstep.db.anchor"))).events == 1
