"""Walk the whole chain: the one check that decides whether a journal may be trusted.

`Store.open` walks before anything is replayed, `journal verify` beside a running system. Found is every
changed, missing, inserted or exchanged row, and rows cut off at the end; a chain that was computed
anew as a whole is not.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from actors.journal.chain import GENESIS, link, read_row
from actors.journal.connection import connect_reader, refusing
from actors.journal.errors import StoreError

COLUMNS = "seq, account, kind, at, body, hash"
"""The table's columns, in the order `read_row` takes them."""


class Verified(NamedTuple):
    """What a complete walk found."""

    events: int
    """Events in the journal."""
    last_hash: str
    """Hash of the last one, hex; of the empty journal, all zeros."""


def verify(path: Path) -> Verified:
    """Walk the journal in this file.

    Raises:
        StoreError: naming the first bad seq, or why the file cannot be read.
    """
    with refusing(path), closing(connect_reader(path)) as connection:
        connection.execute("BEGIN")  # one picture, whatever a living writer adds meanwhile
        return walk(connection, path)


def walk(connection: sqlite3.Connection, path: Path) -> Verified:
    """Walk the journal as a transaction of this connection sees it; raises like `verify`."""
    _check_structure(connection, path)
    count, last_hash = _walk_chain(connection, path)
    last_seq = connection.execute("SELECT value FROM meta WHERE name = 'last_seq'").fetchone()
    if last_seq != (count,):
        raise _broken(path, count + 1, f"it is missing at the end (meta says {last_seq})")
    return Verified(count, last_hash.hex())


def _walk_chain(connection: sqlite3.Connection, path: Path) -> tuple[int, bytes]:
    previous, seq = GENESIS, 0
    try:
        rows = connection.execute(f"SELECT {COLUMNS} FROM events ORDER BY seq")  # noqa: S608
        for seq, columns in enumerate(rows, start=1):
            row = read_row(columns)
            if row.seq != seq:
                raise _broken(path, seq, f"the next row found is seq {row.seq}")
            previous = link(previous, row[:-1])
            if previous != row.hash:
                raise _broken(path, seq, "its hash does not follow from it and the row before")
    except (sqlite3.DatabaseError, UnicodeError) as error:
        raise _broken(path, seq + 1, str(error)) from error
    return seq, previous


def _check_structure(connection: sqlite3.Connection, path: Path) -> None:
    # The chain covers the table; a damaged index would hide rows from those who read by account.
    (finding,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if finding != "ok":
        what = " ".join(finding.split())  # SQLite's own words, in several lines
        raise StoreError(f"its file is damaged: {what}", where=path, fix=_FIX)


def _broken(path: Path, seq: int, why: str) -> StoreError:
    return StoreError(f"the chain is broken at seq {seq}: {why}", where=path, fix=_FIX)


_FIX = "keep this file as evidence, and restore the last good backup or set [journal] path to a new one"
