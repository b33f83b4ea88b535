"""The journal's folder and files: made where they are missing, private to their user.

Called when a store is opened for writing. Who may write it is the lease's business (`lease.py`).
"""

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


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)
