"""Where a journal begins: behind its base, the last event of those that only its archives still hold.

Up to the base nothing is left but the rows a start needs (`needed.py`), which the table `kept` names.
Both are checked by what the chain itself says: `JournalArchived`, journaled before the first row leaves.
Read by the walk and by the store; moved by `archiving.py` alone.
"""

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from actors.journal.chain import COLUMNS, GENESIS, ChainedRow, link, read_row


class Base(NamedTuple):
    """The last event that was archived."""

    seq: int
    """Its seq; 0 = none was."""
    hash: bytes
    """Its hash, which the first row of the journal is chained to."""


BEGINNING = Base(0, GENESIS)
"""Of a journal that holds all its events."""


def base_of(connection: sqlite3.Connection) -> Base:
    """Return behind which event this store begins.

    Raises:
        sqlite3.DatabaseError: it names none that could be.
    """
    query = "SELECT name, value FROM meta WHERE name IN ('base', 'base_hash')"
    said = dict(connection.execute(query))
    if not said and not _has_kept(connection):
        return BEGINNING  # of an earlier build, which kept everything
    seq, last_hash = said.get("base"), said.get("base_hash")
    if not isinstance(seq, int) or not isinstance(last_hash, bytes):
        raise sqlite3.DatabaseError("it does not say where it begins")
    return Base(seq, last_hash)


def is_archive(connection: sqlite3.Connection) -> bool:
    """Tell whether this file is an archive, to which nothing is ever added."""
    row = connection.execute("SELECT value FROM meta WHERE name = 'archive'").fetchone()
    return row is not None


def kept_rows(connection: sqlite3.Connection) -> list[ChainedRow]:
    """Return the rows that stay although they were archived, in order."""
    if not _has_kept(connection):
        return []
    query = f"SELECT {COLUMNS} FROM events JOIN kept USING (seq) ORDER BY seq"  # noqa: S608
    return [read_row(columns) for columns in connection.execute(query)]


def strays(connection: sqlite3.Connection, base: Base) -> int | None:
    """Return the first seq up to the base that is there but not kept, or kept but not there."""
    if not _has_kept(connection):
        return None
    query = """
        SELECT min(seq) FROM (
            SELECT seq FROM events WHERE seq <= ? AND seq NOT IN (SELECT seq FROM kept)
            UNION ALL SELECT seq FROM kept WHERE seq NOT IN (SELECT seq FROM events)
        )
    """
    (found,) = connection.execute(query, (base.seq,)).fetchone()
    return None if found is None else int(found)


def digest_of(rows: Iterable[ChainedRow]) -> bytes:
    """Return what tells these rows, in this order, from any others."""
    digest = GENESIS
    for row in rows:
        digest = link(digest, row)
    return digest


def _has_kept(connection: sqlite3.Connection) -> bool:
    # Asked of the file, not of its version: who reads an older journal does not migrate it.
    query = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'kept'"
    return connection.execute(query).fetchone() is not None
