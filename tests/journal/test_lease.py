"""The lease: one process at a time, whatever happens to the files it rests on."""

import fcntl
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest

from actors.journal import LeaseHeldError, LeaseLostError, Store, verify
from actors.journal.holder import Holder, born
from actors.runtime import VirtualClock
from tests.journal.conftest import NOW, opened
from tests.journal.contender import Contender

RACES = 20


@pytest.fixture
def contender(path: Path) -> Iterator[Callable[[], Contender]]:
    """Start processes that contend for the journal; all are killed after the test."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(Contender(path))


@pytest.fixture
def lock(path: Path) -> Path:
    return path.with_name("lockstep.db.lock")


def epoch_of(answer: str) -> int:
    word, _, number = answer.partition(" ")
    assert word == "epoch", answer
    return int(number)


# --- the epoch ------------------------------------------------------------------------------------


def test_epochs_only_grow(path: Path, clock: VirtualClock):
    """Also if nothing was written in between, and always beyond the number of every event."""
    epochs = []
    for events in (0, 3, 0, 1):
        store = Store.open(path, clock=clock)
        epochs.append(store.lease.holder.epoch)
        store.append([opened(1)] * events)
        store.close()

    assert epochs == [1, 2, 4, 5]


def test_a_store_put_back_from_an_older_copy_does_not_give_an_epoch_twice(
    path: Path, clock: VirtualClock
):
    """The lock's file beside it remembers the last one."""
    Store.open(path, clock=clock).close()
    copy = shutil.copy(path, path.with_name("copy.db"))
    for _ in range(3):
        Store.open(path, clock=clock).close()
    Path(copy).replace(path)

    store = Store.open(path, clock=clock)

    assert store.lease.holder.epoch == 5
    store.close()


def test_the_epoch_is_on_disk_when_the_process_is_killed_at_once(contender, path: Path):
    """It was given before anything was written: no later run gets it again."""
    epochs = []
    for _ in range(3):
        first = contender()
        epochs.append(epoch_of(first.ask("open")))
        first.kill()

    assert epochs == [1, 2, 3]
    assert verify(path).events == 0


# --- who holds it -----------------------------------------------------------------------------------


def test_of_two_that_start_at_once_exactly_one_wins(contender):
    """Twenty races of two processes: one epoch, one refusal that names the winner."""
    rivals = contender(), contender()
    winners, epochs = [], []
    for _ in range(RACES):
        for each in rivals:
            each.tell("open")
        answers = [each.hear() for each in rivals]
        won = [n for n, answer in enumerate(answers) if answer.startswith("epoch")]
        assert len(won) == 1, answers
        assert "held by another running Lockstep" in answers[1 - won[0]]
        winners += won
        epochs.append(epoch_of(answers[won[0]]))
        for each in rivals:
            each.ask("close")

    assert epochs == list(range(1, RACES + 1))


def test_a_refusal_names_the_process_its_epoch_and_since_when(contender, clock, path: Path):
    """Enough to find it and to end it."""
    first = contender()
    first.ask("open")

    with pytest.raises(LeaseHeldError) as refused:
        Store.open(path, clock=clock)

    assert f"process {first.pid} on {os.uname().nodename}, epoch 1, since 20" in refused.value.what
    assert "--standby" in refused.value.fix


def test_a_lock_file_that_names_a_living_stranger_holds_nothing(
    path: Path, lock: Path, clock: VirtualClock
):
    """PID reuse: the number of a dead holder belongs to another process now, which has no lock."""
    Store.open(path, clock=clock).close()
    holder = msgspec.json.decode(lock.read_bytes(), type=Holder)
    stranger = msgspec.structs.replace(holder, pid=os.getppid())
    lock.write_bytes(msgspec.json.encode(stranger))

    store = Store.open(path, clock=clock)

    assert born(os.getppid()) is not None
    assert not stranger.is_running
    assert store.lease.lost() == ""
    store.close()


def test_a_lock_held_by_who_does_not_say_so_is_respected(path: Path, lock: Path, clock):
    """The lock decides, not the name in it: a file of an earlier build names a number only."""
    path.parent.mkdir()
    lock.write_text("4711\n")
    with lock.open() as theirs:
        fcntl.flock(theirs, fcntl.LOCK_EX)

        with pytest.raises(LeaseHeldError, match="an unknown process"):
            Store.open(path, clock=clock)


def test_a_stopped_process_keeps_its_lease(contender):
    """SIGSTOP: it may go on at any instant, so nobody takes over before it is dead."""
    first, second = contender(), contender()
    first.ask("open")
    first.process.send_signal(signal.SIGSTOP)
    os.waitpid(first.pid, os.WUNTRACED)

    stopped = second.ask("open")
    first.kill()

    assert "held by another" in stopped
    assert epoch_of(second.ask("open")) == 2


def test_a_lock_file_deleted_while_it_is_being_locked_is_not_taken_for_a_lock(
    path: Path, lock: Path, clock: VirtualClock
):
    """Between opening and locking anything may happen; what is locked must be what stands there."""
    victims = [lock]

    def delete_at_the_worst_moment(event: str, _arguments: object) -> None:
        if event == "fcntl.flock" and victims:
            victims.pop().unlink()

    sys.addaudithook(delete_at_the_worst_moment)  # called before the lock; it cannot be removed
    store = Store.open(path, clock=clock)

    assert victims == []
    assert store.lease.lost() == ""
    store.close()


# --- when the files it rests on are touched ---------------------------------------------------------


def test_whose_lock_file_is_deleted_has_lost_the_lease_for_good(
    path: Path, lock: Path, clock: VirtualClock
):
    """Told once, and putting a file there again gives nothing back."""
    store, told = Store.open(path, clock=clock), []
    store.lease.on_lost = told.append
    assert store.lease.lost() == ""

    lock.unlink()

    assert "is not there" in store.lease.lost()
    lock.touch()
    assert "is not there" in store.lease.lost()
    assert told == [store.lease.lost()]
    store.close()


def test_that_it_is_lost_is_told_before_it_is_logged(
    path: Path, lock: Path, clock: VirtualClock, unread_log: Callable[[str], None]
):
    """A log that nobody reads must not keep the process from its end."""
    store, told = Store.open(path, clock=clock), []
    store.lease.on_lost = told.append
    unread_log("actors.journal.lease")

    lock.unlink()

    with pytest.raises(BlockingIOError):
        store.lease.lost()
    assert told == [store.lease.lost()]
    store.close()


def test_a_replaced_lock_file_or_store_is_noticed(path: Path, lock: Path, clock: VirtualClock):
    """Same name, same content, another file: whoever opens it now has a lock of his own."""
    for victim in (lock, path):
        store = Store.open(path, clock=clock)
        copy = Path(shutil.copy(victim, victim.with_name("copy")))
        copy.replace(victim)

        assert f"{victim} is another file" in store.lease.lost()
        store.close()


def test_a_store_that_is_moved_away_is_noticed(path: Path, clock: VirtualClock):
    """With its whole folder, as somebody does who wants to begin anew."""
    store = Store.open(path, clock=clock)

    path.parent.rename(path.parent.with_name("old"))

    assert "is not there" in store.lease.lost()
    store.close()


def test_a_touched_lock_file_is_still_ours(path: Path, lock: Path, clock: VirtualClock):
    """A new time on it means nothing as long as it names us."""
    store = Store.open(path, clock=clock)

    os.utime(lock, (0, 0))

    assert store.lease.lost() == ""
    assert store.lease.lost() == ""
    store.close()


def test_another_machine_on_a_shared_disk_shows_in_the_lock_file(
    path: Path, lock: Path, clock: VirtualClock
):
    """Where locks are not shared, the newcomer writes its name into the same file."""
    store = Store.open(path, clock=clock)
    ours = msgspec.json.decode(lock.read_bytes(), type=Holder)
    theirs = msgspec.structs.replace(ours, machine="elsewhere", epoch=2)

    lock.write_bytes(msgspec.json.encode(theirs))

    assert "process" in store.lease.lost()
    assert "elsewhere, epoch 2" in store.lease.lost()
    store.close()


def test_a_folder_that_may_not_be_read_for_a_while_costs_no_lease(
    tmp_path: Path, clock: VirtualClock
):
    """It says nothing about the file, and our lock on it stands."""
    tmp_path.chmod(0o755)
    folder = tmp_path / "data"
    store = Store.open(folder / "lockstep.db", clock=clock)
    folder.chmod(0o000)
    if os.geteuid() == 0:
        os.seteuid(65534)
    try:
        assert store.lease.lost() == ""
    finally:
        os.seteuid(os.getuid())
        folder.chmod(0o700)
    store.close()


def test_beside_a_living_holder_whose_lock_file_was_deleted_nobody_starts(contender, lock: Path):
    """The store names the holder, and that very process lives: even a new lock is not enough."""
    first, second = contender(), contender()
    first.ask("open")
    lock.unlink()

    refused = second.ask("open")

    assert f"process {first.pid} on" in refused
    assert "was deleted or replaced" in refused
    assert "is not there" not in first.ask("append")
    first.kill()
    assert epoch_of(second.ask("open")) == 2


def test_who_was_overtaken_cannot_write_a_line_more(path: Path, lock: Path, clock: VirtualClock):
    """The store itself refuses the older epoch, in the transaction that would write it."""
    old = Store.open(path, clock=clock)
    old.append([opened(1)])
    lock.unlink()
    new = Store.open(path, clock=clock)  # of the same process: only another one is refused

    with pytest.raises(LeaseLostError, match=f"process {os.getpid()} .*epoch 2"):
        old.append([opened(2)])

    assert "epoch 2" in old.lease.lost()
    assert new.append([opened(3)]) == 2
    assert new.lease.lost() == ""
    assert [each.event.account for each in new.records()] == [1, 3]
    new.close()
    old.close()


def test_a_dead_process_is_not_running_before_it_is_buried(contender):
    """A zombie still has its number; it holds nothing."""
    first = contender()
    first.ask("open")
    assert born(first.pid) is not None

    first.process.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, first.pid, os.WEXITED | os.WNOWAIT)

    assert born(first.pid) is None


def test_holders_of_other_boots_and_births_are_told_apart():
    """The same number after a reboot, or later in the same boot, is somebody else."""
    me = Holder.of_this_process(epoch=1, since=NOW, lock=(1, 2))
    boot, _, ticks = me.born.partition("/")

    assert me.is_running
    assert me.is_this_process
    later = msgspec.structs.replace(me, born=f"{boot}/{int(ticks) + 1}")
    rebooted = msgspec.structs.replace(me, born=f"x{boot}/{ticks}")
    nameless = msgspec.structs.replace(me, born=None)
    assert not any(each.is_running for each in (later, rebooted, nameless))
