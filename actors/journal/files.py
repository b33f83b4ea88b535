"""The journal's folder and files: made where they are missing, private to their user.

Called when a store is opened for writing. Who may write it is the lease's business (`lease.py`).
"""

import os
from pathlib import Path

from actors import private
from actors.journal.errors import StoreError

_SHORTEST = 2
"""Bytes from which on SQLite takes a file for more than an empty one."""


def make_folder(path: Path) -> None:
    """Make the folder of a journal where it is missing, open to its user only (0700)."""
    private.make_folder(path.parent)


def make_file(path: Path) -> None:
    """Make an empty journal where it is missing, open to its user only (0600).

    Raises:
        StoreError: as `refuse_widowed_log`.
    """
    refuse_widowed_log(path)
    if not path.exists():
        private.make_file(path)
        # What is acknowledged later must not vanish with the file's name in a power cut.
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)


def is_gone(path: Path) -> bool:
    """Tell whether a journal is missing or empty."""
    return not path.exists() or path.stat().st_size < _SHORTEST


def gone(path: Path) -> StoreError:
    """Return the refusal of a journal that was guarded until now and is gone."""
    return StoreError(
        "it was guarded until now and is gone; a new one would know of no lock",
        where=path,
        fix="mount its disk or move its folder back, then start again",
    )


def refuse_widowed_log(path: Path) -> None:
    """Refuse a journal that is gone from beside its log; before SQLite sees it, even to read only.

    It deletes the log of an empty database, and the committed events in it.

    Raises:
        StoreError: it is missing or empty while its write-ahead log still holds events.
    """
    if is_gone(path) and has_log(path):
        raise StoreError(
            f"it is missing or empty, but its log {_beside(path, '-wal').name} holds events",
            where=path,
            fix="put the journal back beside its log, or move the log away to begin a new journal",
        )


def has_log(path: Path) -> bool:
    """Tell whether committed events may stand in the write-ahead log beside the file."""
    log = _beside(path, "-wal")
    return log.exists() and log.stat().st_size > 0


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)
