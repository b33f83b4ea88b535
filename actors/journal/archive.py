"""An archive: a file with a stretch of a journal's oldest events, which verifies by itself.

It is a store that was closed for good: the same table, the same chain, a base of its own, so that what
reads a journal reads an archive. Written as a draft, walked, on the disk as a whole before it gets its
name (`<journal>.<identity>.<first seq>.archive`, 0600); under that name it never changes.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from glob import escape
from pathlib import Path
from typing import NamedTuple

from actors import private
from actors.journal.anchor import mark_of
from actors.journal.base import Base, base_of, is_archive
from actors.journal.connection import connect_draft, connect_reader, refusing
from actors.journal.errors import StoreError
from actors.journal.migrations import migrate
from actors.journal.steps import Steps, at_once
from actors.journal.store import Store
from actors.journal.verify import check_structure, walking
from messages.base import SCHEMA_VERSION

_PAGE = 100
"""Rows copied in one step: about a millisecond."""
_NAMED = "{:012}.archive"
_FIX = "keep it as evidence, and put a backup of it in its place"


class Archive(NamedTuple):
    """What an archive holds."""

    path: Path
    """Its file."""
    store: str
    """Identity of the journal it is of."""
    before: Base
    """The event its first one is chained to."""
    last: int
    """Seq of its last event."""
    last_hash: bytes
    """Hash of that one."""

    @property
    def first(self) -> int:
        """Seq of its first event."""
        return self.before.seq + 1


def place_of(journal: Path, store: str, first: int, folder: Path) -> Path:
    """Return where the archive that begins with this event belongs."""
    return folder / (f"{journal.name}.{store[:8]}." + _NAMED.format(first))


def is_archive_file(path: Path) -> bool:
    """Tell whether a store's file is an archive; raises StoreError if it is no store at all."""
    with refusing(path), closing(connect_reader(path)) as connection:
        return is_archive(connection)


def read_archive(path: Path) -> Archive:
    """Return what an archive says it holds, without walking it.

    Raises:
        StoreError: it is no archive, or cannot be read.
    """
    with refusing(path), closing(connect_reader(path)) as connection:
        return _read(connection, path)


def verify_archive(path: Path) -> Archive:
    """Walk an archive from its first event to its last.

    Raises:
        StoreError: naming the first bad seq, or why it cannot be read.
    """
    return at_once(verifying(path))


def verifying(path: Path) -> Steps[Archive]:
    """Walk an archive in steps; raises like `verify_archive`."""
    with refusing(path), closing(connect_reader(path)) as connection:
        check_structure(connection, path)
        archive = _read(connection, path)
        yield from walking(connection, path)
        below = "SELECT count(*) FROM events WHERE seq <= ?"
        if connection.execute(below, (archive.before.seq,)).fetchone() != (0,):
            raise StoreError("it holds events from before it begins", where=path, fix=_FIX)
    return archive


def archives_of(journal: Path, store: str, folder: Path) -> list[Archive]:
    """Return the archives of a journal in a folder, by their first events.

    Raises:
        StoreError: one of them cannot be read, or is not what its name says.
    """
    stem = place_of(journal, store, 0, folder).name.removesuffix(_NAMED.format(0))
    found = [read_archive(path) for path in sorted(folder.glob(f"{escape(stem)}*.archive"))]
    for each in found:
        if place_of(journal, each.store, each.first, folder) != each.path:
            what = f"it is not what its name says: it begins with seq {each.first} of {each.store}"
            raise StoreError(what, where=each.path, fix=_FIX)
    return found


def writing(place: Path, store: Store, last: int) -> Steps[Archive]:
    """Copy a store's events up to a seq into an archive, in steps; it is on the disk, and was walked.

    Raises:
        StoreError: it cannot be written, or what was written is not what was read.
    """
    draft = place.with_name(f"{place.name}.new")
    try:
        with refusing(draft):
            draft.unlink(missing_ok=True)  # what a crash has left
            private.make_folder(place.parent)
            private.make_file(draft)
            with closing(connect_draft(draft)) as connection:
                yield from _filling(connection, store, last)
            _sync(draft)
            written = yield from verifying(draft)
            draft.replace(place)
            _sync(place.parent)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return written._replace(path=place)


def _filling(connection: sqlite3.Connection, store: Store, last: int) -> Steps[None]:
    base = store.base()
    connection.execute("BEGIN")
    migrate(connection)
    said = {
        "message_schema": SCHEMA_VERSION,
        "identity": store.mark().store,
        "archive": 1,
        "base": base.seq,
        "base_hash": base.hash,
        "last_seq": last,
    }
    connection.executemany("REPLACE INTO meta VALUES (?, ?)", said.items())
    for first in range(base.seq + 1, last + 1, _PAGE):
        rows = store.rows(first, min(first + _PAGE - 1, last))
        connection.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)", rows)
        yield
    connection.execute("COMMIT")


def _read(connection: sqlite3.Connection, path: Path) -> Archive:
    if not is_archive(connection):
        raise StoreError("it is no archive", where=path, fix=_FIX)
    mark = mark_of(connection)
    return Archive(path, mark.store, base_of(connection), mark.seq, bytes.fromhex(mark.hash))


def _sync(path: Path) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def hash_in(archive: Archive, seq: int) -> bytes | None:
    """Return the hash an archive has at a seq, or of what it begins behind; None = it ends before."""
    if seq == archive.before.seq:
        return archive.before.hash
    with closing(Store.open_read_only(archive.path)) as store:
        rows = store.rows(seq, seq)
    return rows[0].hash if rows else None


def lined_up(archives: list[Archive], base: Base) -> Iterator[tuple[Archive, int]]:
    """Yield the archives a journal goes on from, the newest first, each with how far it counts.

    An archive that was finished while its events had not all left the journal counts up to the base.

    Raises:
        StoreError: one of them is of another history than what follows it.
    """
    while base.seq:
        own = [each for each in archives if each.before.seq < base.seq <= each.last]
        if not own:
            return
        archive = own[-1]
        if hash_in(archive, base.seq) != base.hash:
            raise StoreError(
                f"what follows seq {base.seq} is not chained to it: it is of another history",
                where=archive.path,
                fix=_FIX,
            )
        yield archive, base.seq
        base = archive.before
