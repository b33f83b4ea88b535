"""Walk the whole chain: the one check that decides whether a journal may be trusted.

`Store.open` walks before anything is replayed, `journal verify` beside a running system. Found is every
changed, missing, inserted or exchanged row, and rows cut off at the end; a chain that was computed
anew as a whole is not.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from actors.journal.base import BEGINNING, Base, base_of, digest_of, is_archive, kept_rows, strays
from actors.journal.chain import COLUMNS, ChainedRow, link, read_row
from actors.journal.connection import connect_reader, refusing
from actors.journal.errors import StoreError
from actors.journal.steps import Steps, at_once
from messages import codec
from messages.events import JournalArchived

_STEP = 100
"""Rows walked before whoever walks in steps may pause: about a millisecond."""


class Verified(NamedTuple):
    """What a complete walk found."""

    events: int
    """Events from the first ever on: those of the journal and those in its archives."""
    last_hash: str
    """Hash of the last one, hex; of the empty journal, all zeros."""
    archived: int = 0
    """Of these the oldest, which stand in archives; the walk began behind them."""


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
    check_structure(connection, path)
    if is_archive(connection):
        what = "it is an archive of a journal"
        raise StoreError(what, where=path, fix="name the journal itself")
    chain = at_once(walking(connection, path))
    _check_base(connection, path, chain)
    return Verified(chain.seq, chain.hash.hex(), chain.base.seq)


class Chain(NamedTuple):
    """What was found from the base on."""

    base: Base
    """What it begins behind."""
    seq: int
    """Its last row's, or the base's."""
    hash: bytes
    """Likewise."""
    archived: ChainedRow | None
    """The last row that says what was archived."""


def walking(connection: sqlite3.Connection, path: Path) -> Steps[Chain]:
    """Walk every row behind the base, some a step; raises like `verify`."""
    base, archived = BEGINNING, None
    seq, previous = base
    try:
        base = base_of(connection)
        seq, previous = base
        query = f"SELECT {COLUMNS} FROM events WHERE seq > ? ORDER BY seq"  # noqa: S608
        for place, columns in enumerate(connection.execute(query, (base.seq,)), base.seq + 1):
            row = read_row(columns)
            if row.seq != place:
                raise _broken(path, place, f"the next row found is seq {row.seq}")
            previous = link(previous, row[:-1])
            if previous != row.hash:
                raise _broken(path, place, "its hash does not follow from it and the row before")
            seq = place
            archived = row if row.kind == "journal_archived" else archived
            if seq % _STEP == 0:
                yield
    except (sqlite3.DatabaseError, UnicodeError) as error:
        raise _broken(path, seq + 1, str(error)) from error
    last_seq = connection.execute("SELECT value FROM meta WHERE name = 'last_seq'").fetchone()
    if last_seq != (seq,):
        raise _broken(path, seq + 1, f"it is missing at the end (meta says {last_seq})")
    return Chain(base, seq, previous, archived)


def _check_base(connection: sqlite3.Connection, path: Path, chain: Chain) -> None:
    """Check what stands before the chain begins by what the chain itself says of it."""
    base, rows = chain.base, list(kept_rows(connection))
    if (stray := strays(connection, base)) is not None:
        raise _broken(path, stray, "it was archived, and not kept")
    said = codec.unpack(chain.archived.body) if chain.archived else None
    if not isinstance(said, JournalArchived):
        if base != BEGINNING or rows:
            raise _broken(path, base.seq, "nothing says that the events before were archived")
        return
    if base.seq > said.last or (base.seq == said.last and base.hash.hex() != said.last_hash):
        raise _broken(path, base.seq, f"archived was up to seq {said.last}, {said.last_hash}")
    if digest_of(rows).hex() != said.kept_digest or len(rows) != said.kept:
        raise StoreError(
            f"of the {said.kept} events up to seq {said.last} that were kept, some are not as they "
            "were",
            where=path,
            fix=_FIX,
        )


def check_structure(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a file that SQLite itself finds damaged."""
    # The chain covers the table; a damaged index would hide rows from those who read by account.
    (finding,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if path.stat().st_size % connection.execute("PRAGMA page_size").fetchone()[0]:
        finding = "it ends within a page"  # which SQLite takes for zeros
    if finding != "ok":
        what = " ".join(finding.split())  # SQLite's own words, in several lines
        raise StoreError(f"its file is damaged: {what}", where=path, fix=_FIX)


def _broken(path: Path, seq: int, why: str) -> StoreError:
    return StoreError(f"the chain is broken at seq {seq}: {why}", where=path, fix=_FIX)


_FIX = "keep this file as evidence, and restore the last good backup or set [journal] path to a new one"
