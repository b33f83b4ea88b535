"""The lease: the right to write one journal and to send commands for its accounts.

Taken by `Store.open`, asked by the gateway before each command leaves, given back by `Store.close` or,
however the process ends, by the system. It is an OS lock on `<journal>.lock` for the whole run, and a
fencing epoch in the store, which only grows and is on disk before anything else is written. SQLite's own
locks would let two writers take turns; two Locksteps would each send a close for the same position.

A lease can be lost: somebody deletes the lock's file, moves the store away, or another machine on a
shared disk does not see the lock. Whoever has lost it never gets it back, and may only end.
"""

import errno
import fcntl
import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import msgspec
import structlog

from actors import private
from actors.journal.errors import LeaseHeldError, LeaseLostError
from actors.journal.holder import Holder

LEASE = "lease"
"""What gives up, as an actor would, when the lease is lost."""
_CANNOT_TELL = frozenset({errno.EACCES, errno.EIO, errno.ENOMEM, errno.ENFILE, errno.EMFILE})
"""Errors that say nothing about the file: our lock on it stands, so it is not given up for them."""
_ADVICE = "leave the journal and its lock where they are while Lockstep runs"

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

_log = structlog.get_logger(actor="lease")

type FileId = tuple[int, int]


class Lease:
    """One process's hold on one journal; thread-safe."""

    def __init__(self, path: Path) -> None:
        """Take the lock beside `path`; never waits.

        Raises:
            LeaseHeldError: another process has it.
        """
        self.on_lost: Callable[[str], None] = lambda _reason: None
        """Told once why it is lost, on the thread that found out."""
        self._path = path
        self._lock_path = path.with_name(path.name + ".lock")
        self._watched = str(self._lock_path), str(self._path)
        # As text, not by `Path.stat`: the fence is asked before every command, at half the cost.
        self._file = _locked(self._lock_path, path)
        self._lock = _id(os.fstat(self._file))
        self._store: FileId | None = None
        self._written_at = 0
        self.before: Holder | None = None
        """Who entered the store last before us."""
        self._holder: Holder | None = None
        self._entry = ""
        self._lost = ""

    @property
    def holder(self) -> Holder:
        """This process, with its epoch; there is none before `enter`."""
        if self._holder is None:
            raise RuntimeError(f"the lease of {self._path} was not entered in the store")
        return self._holder

    def enter(self, connection: sqlite3.Connection, now: datetime) -> None:
        """Write the next epoch and this process into the store, in the caller's transaction.

        Raises:
            LeaseHeldError: the store's last holder lives and has another lock: its file was replaced.
        """
        self.before = before = _recorded(connection)
        if (
            before
            and before.lock != self._lock
            and before.is_running
            and not before.is_this_process
        ):
            raise _held(self._path, str(before), "its lock's file was deleted or replaced")
        last_seq = connection.execute("SELECT ifnull(max(seq), 0) FROM events").fetchone()[0]
        # Beyond every number of an event too, which earlier builds took for the number of a run, and
        # beyond what the lock's file says: the store may have been put back from an older copy.
        known = [each.epoch for each in (before, _read(self._lock_path)) if each]
        epoch = max(last_seq, *known, 0) + 1
        self._holder = Holder.of_this_process(epoch=epoch, since=now, lock=self._lock)
        self._entry = msgspec.json.encode(self._holder).decode()
        connection.execute("REPLACE INTO meta VALUES ('lease', ?)", (self._entry,))

    def begin(self) -> None:
        """Show in the lock's file who holds it, and watch both files; the epoch is on disk."""
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, self._entry.encode(), 0)
        self._written_at = os.fstat(self._file).st_mtime_ns
        self._store = _id(self._path.stat())

    def insist(self, connection: sqlite3.Connection) -> None:
        """Refuse to write where another has entered; within the transaction that is to write.

        Raises:
            LeaseLostError: the store's epoch is not ours.
        """
        if _entry(connection) != self._entry:
            self._lose(f"the store is in the hands of {_recorded(connection) or 'nobody'}")
            raise LeaseLostError(self._lost)

    def lost(self) -> str:
        """Return why this process may not act any more, or "" while it may; a few microseconds."""
        if not self._lost and (reason := self._changed()):
            self._lose(reason)
        return self._lost

    def release(self) -> None:
        """Let another process take it; the lock's file stays."""
        os.close(self._file)

    def _lose(self, reason: str) -> None:
        if not self._lost:
            self._lost = f"the lease of {self._path} is lost: {reason}; {_ADVICE}"
            self.on_lost(self._lost)  # first: a log may block
            _log.critical("lease_lost", reason=self._lost, epoch=self.holder.epoch)

    def _changed(self) -> str:
        try:
            return self._look()
        except OSError as error:
            if error.errno in _CANNOT_TELL:
                return ""
            return f"{error.filename} is not there ({error.strerror})"

    def _look(self) -> str:
        lock, store = os.stat(self._watched[0]), os.stat(self._watched[1])  # noqa: PTH116
        if _id(lock) != self._lock:
            return f"{self._lock_path} is another file than the one that was locked"
        if _id(store) != self._store:
            return f"{self._path} is another file than the one that was opened"
        if lock.st_mtime_ns != self._written_at:
            return self._rewritten(lock.st_mtime_ns)
        return ""

    def _rewritten(self, at: int) -> str:
        # On a shared disk whose locks another machine does not see, this is what its start shows.
        holder = _read(self._lock_path)
        if holder != self._holder:
            return f"{self._lock_path} names {holder or 'nobody'}"
        self._written_at = at
        return ""


def _locked(lock: Path, store: Path) -> int:
    """Return a descriptor of the locked file that stands at this path now."""
    while True:
        file = os.open(lock, _FLAGS, private.FILE_MODE)
        os.fchmod(file, private.FILE_MODE)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _stands_at(lock, file):
                return file
        except BlockingIOError:
            os.close(file)
            raise _held(store, _who(lock), "it has its lock") from None
        os.close(file)  # deleted between opening and locking: it locks nothing


def _stands_at(path: Path, file: int) -> bool:
    with suppress(FileNotFoundError):
        return _id(path.stat()) == _id(os.fstat(file))
    return False


def _who(lock: Path) -> str:
    holder = _read(lock)
    if holder is None:
        return "an unknown process"
    return (
        str(holder) if holder.is_running else f"an unknown process (not by {holder}: it has ended)"
    )


def _held(store: Path, who: str, how: str) -> LeaseHeldError:
    return LeaseHeldError(
        f"it is held by another running Lockstep: {who}; {how}",
        where=store,
        fix="stop that one first, stand by for its end with `run --standby`, "
        "or give this one a journal of its own",
    )


def _recorded(connection: sqlite3.Connection) -> Holder | None:
    return _decoded(_entry(connection))


def _entry(connection: sqlite3.Connection) -> str:
    row = connection.execute("SELECT value FROM meta WHERE name = 'lease'").fetchone()
    return str(row[0]) if row else ""


def _read(lock: Path) -> Holder | None:
    try:
        return _decoded(lock.read_bytes())
    except FileNotFoundError:
        return None


def _decoded(text: str | bytes) -> Holder | None:
    """Return the holder a text names; None if it names none, as those of earlier builds do."""
    try:
        return msgspec.json.decode(text, type=Holder)
    except msgspec.DecodeError:
        return None


def _id(stat: os.stat_result) -> FileId:
    return stat.st_dev, stat.st_ino
