"""The journal's folder and files: private to their user, and written by one process at a time.

SQLite's own locks would let two writers take turns. A second Lockstep on the same journal would send
its own closes for the same positions, so the whole run holds `<journal>.lock`; the system frees it when
the process ends, however it ends.
"""

import fcntl
import os
from pathlib import Path

from actors import private
from actors.journal.errors import StoreError

_LOCK = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def make_folder(path: Path) -> None:
    """Make the folder of a journal where it is missing, open to its user only (0700)."""
    private.make_folder(path.parent)


def make_file(path: Path) -> None:
    """Make an empty journal where it is missing, open to its user only (0600).

    Raises:
        StoreError: it is missing or empty while its write-ahead log still holds events.
    """
    missing = not path.exists()
    if (missing or not path.stat().st_size) and has_log(path):
        # SQLite would delete the log of an empty database, and the committed events in it.
        raise StoreError(
            f"it is missing or empty, but its log {_beside(path, '-wal').name} holds events",
            where=path,
            fix="put the journal back beside its log, or move the log away to begin a new journal",
        )
    if missing:
        private.make_file(path)
        # What is acknowledged later must not vanish with the file's name in a power cut.
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)


def has_log(path: Path) -> bool:
    """Tell whether committed events may stand in the write-ahead log beside the file."""
    log = _beside(path, "-wal")
    return log.exists() and log.stat().st_size > 0


class WriterLock:
    """The right to write one journal; held from construction until `release`."""

    def __init__(self, path: Path) -> None:
        """Take the lock beside `path`; raises StoreError when another process has it."""
        self._file = os.open(_beside(path, ".lock"), _LOCK, private.FILE_MODE)
        os.fchmod(self._file, private.FILE_MODE)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(self._file, 20).decode(errors="replace").strip() or "unknown"
            os.close(self._file)
            raise StoreError(
                f"it is locked by another running Lockstep (process {holder})",
                where=path,
                fix="stop that one first, or give this one a journal of its own",
            ) from error
        os.ftruncate(self._file, 0)
        os.write(self._file, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Let another process write; the lock's file stays."""
        os.close(self._file)


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)
