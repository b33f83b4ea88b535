"""The store: one SQLite file that only grows, each row chained to the one before.

`main.py` opens it before anything else runs; the JournalActor is its only writer afterwards. Events go
in with one fsync per transaction and come out in the order they were stored. It never changes, drops or
repairs what is there: what it cannot trust, it refuses.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import msgspec

from actors.journal.chain import GENESIS, ChainedRow, Row, chained, read_row, row_of
from actors.journal.connection import (
    closing_on_error,
    connect_reader,
    connect_writer,
    refusing,
)
from actors.journal.errors import StoreError
from actors.journal.files import make_folder
from actors.journal.lease import Lease
from actors.journal.migrations import migrate
from actors.journal.verify import COLUMNS, walk
from actors.runtime.clock import Clock
from messages import codec
from messages.base import SCHEMA_VERSION
from messages.events import Event, SystemStarted
from messages.journal import Recorded

_PAGE = 1_000  # rows read at a time, so that a long export holds no transaction open


class Store:
    """An open journal; every method but `open…` may raise sqlite3.Error when the disk fails."""

    def __init__(self, path: Path, connection: sqlite3.Connection, lease: Lease | None) -> None:
        self.path = path
        self._connection = connection
        self._lease = lease

    @classmethod
    def open(cls, path: Path, *, clock: Clock) -> Self:
        """Open for writing, as the only one, and verify the whole chain.

        Raises:
            LeaseHeldError: another process holds it.
            StoreError: the file is no journal, damaged, from a newer build, or cannot be written.
        """
        with refusing(path):
            make_folder(path)
            lease = Lease(path)
            try:
                with closing_on_error(_open_verified(path, clock, lease)) as connection:
                    lease.begin()
            except BaseException:
                lease.release()
                raise
        return cls(path, connection, lease)

    @classmethod
    def open_read_only(cls, path: Path) -> Self:
        """Open for reading, beside a living writer or without one; the chain is not walked.

        Raises:
            StoreError: the file is missing, no journal, from a newer build, or cannot be read.
        """
        with refusing(path):
            return cls(path, connect_reader(path), None)

    def close(self) -> None:
        """Close the file and let another process write it."""
        self._connection.close()
        if self._lease is not None:
            self._lease.release()
            self._lease = None

    @property
    def lease(self) -> Lease:
        """The lease it is written under; asking a store that may only be read for it is an error."""
        if self._lease is None:
            raise RuntimeError(f"journal {self.path} was not opened for writing, or is closed")
        return self._lease

    def append(self, events: Sequence[Event]) -> int:
        """Store events in one transaction and return the seq of the last; they are then on disk.

        Raises:
            UnstorableEventError: one of them cannot be encoded; none is stored.
            LeaseLostError: another process has taken the store over; none is stored.
        """
        return self.append_rows([row_of(event) for event in events])

    def append_rows(self, rows: Sequence[Row]) -> int:
        """Store encoded events in one transaction and return the seq of the last."""
        with _transaction(self._connection):
            if self._lease is not None:
                self._lease.insist(self._connection)
            placed = self.preview(rows)
            self._connection.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)", placed)
            last_seq = placed[-1].seq if placed else self._last()[0]
            self._connection.execute(
                "UPDATE meta SET value = ? WHERE name = 'last_seq'", (last_seq,)
            )
        return last_seq

    def preview(self, rows: Sequence[Row]) -> list[ChainedRow]:
        """Return rows as they would stand if they were stored now."""
        last_seq, last_hash = self._last()
        return list(chained(rows, last_seq=last_seq, last_hash=last_hash))

    def account_events(self, account: int) -> tuple[Recorded, ...]:
        """Return an account's events from its last `day_reset` on, or all if it had none."""
        # A store may hold account ids as text; a column of numbers compares equal to both.
        either = (account, str(account))
        (start,) = self._connection.execute(
            "SELECT max(seq) FROM events WHERE account IN (?, ?) AND kind = 'day_reset'", either
        ).fetchone()
        rows = self._select(
            "WHERE account IN (?, ?) AND seq >= ? ORDER BY seq", *either, start or 0
        )
        return tuple(self.recorded(row) for row in rows)

    def records(self, after: int = 0) -> Iterator[Recorded]:
        """Read everything stored after a seq, in order; what is appended meanwhile is included."""
        while page := self._select("WHERE seq > ? ORDER BY seq LIMIT ?", after, _PAGE):
            for row in page:
                yield self.recorded(row)
            after = page[-1].seq

    def accounts(self) -> list[int]:
        """Return the ids of all accounts that ever had an event, ascending."""
        rows = self._connection.execute(
            "SELECT DISTINCT account FROM events WHERE account IS NOT NULL"
        ).fetchall()
        return sorted({int(account) for (account,) in rows})

    def last_at(self) -> datetime | None:
        """Return the time of the last event, or None before the first."""
        rows = self._select("ORDER BY seq DESC LIMIT 1")
        return datetime.fromisoformat(rows[0].at) if rows else None

    def last_started(self) -> SystemStarted | None:
        """Return the latest start of the system, or None before the first."""
        rows = self._select(
            "WHERE account IS NULL AND kind = ? ORDER BY seq DESC LIMIT 1", "system_started"
        )
        events = [self.recorded(row).event for row in rows]
        return next((each for each in events if isinstance(each, SystemStarted)), None)

    def was_cut_short(self) -> bool:
        """Tell whether the last run began and did not stop in order."""
        kinds = ("system_started", "system_stopped")
        rows = self._select(
            "WHERE account IS NULL AND kind IN (?, ?) ORDER BY seq DESC LIMIT 1", *kinds
        )
        return bool(rows) and rows[0].kind == kinds[0]

    def recorded(self, row: ChainedRow) -> Recorded:
        """Decode one row; raises StoreError if this build does not know its event."""
        try:
            event = codec.unpack(row.body)
        except msgspec.ValidationError as error:
            raise StoreError(
                f"seq {row.seq} ({row.kind}) is no event of this build: {error}",
                where=self.path,
                fix="run the Lockstep that wrote it",
            ) from error
        return Recorded(seq=row.seq, event=event, hash=row.hash.hex())

    def _select(self, condition: str, *values: Any) -> list[ChainedRow]:
        query = f"SELECT {COLUMNS} FROM events {condition}"  # noqa: S608 - conditions are ours
        return [read_row(columns) for columns in self._connection.execute(query, values)]

    def _last(self) -> tuple[int, bytes]:
        # Read each time, never remembered: after a failed commit only the file knows how it ended.
        query = "SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1"
        seq, last_hash = self._connection.execute(query).fetchone() or (0, GENESIS)
        return seq, last_hash


def _open_verified(path: Path, clock: Clock, lease: Lease) -> sqlite3.Connection:
    with closing_on_error(connect_writer(path)) as connection, _transaction(connection):
        # In one transaction: a store that fails its verification is not migrated either.
        migrate(connection)
        connection.execute("REPLACE INTO meta VALUES ('message_schema', ?)", (SCHEMA_VERSION,))
        created_at = clock.now().isoformat()
        connection.execute("INSERT OR IGNORE INTO meta VALUES ('created_at', ?)", (created_at,))
        walk(connection, path)
        lease.enter(connection, clock.now())
    return connection


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite has rolled back by itself when the disk is full
            connection.rollback()
        raise
