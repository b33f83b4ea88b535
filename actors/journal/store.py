"""The store: one SQLite file that only grows at its end, each row chained to the one before.

`main.py` opens it before anything else runs; the JournalActor is its only writer afterwards. Events go
in with one fsync per transaction and come out in the order they were stored. It never changes, drops or
repairs what is there (`archiving.py` moves its oldest rows): what it cannot trust, it refuses.
"""

import itertools
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Self

import msgspec

from actors.journal.anchor import (
    Anchor,
    Mark,
    default_anchor,
    mark_of,
    refuse_lost_file,
    refuse_other_history,
    refuse_other_store,
)
from actors.journal.base import BEGINNING, Base, base_of
from actors.journal.chain import COLUMNS, ChainedRow, Row, chained, read_row, row_of
from actors.journal.connection import (
    closing_on_error,
    connect_reader,
    connect_writer,
    keep_log,
    refusing,
)
from actors.journal.errors import StoreError
from actors.journal.files import gone, is_gone, make_folder
from actors.journal.lease import Lease
from actors.journal.migrations import migrate
from actors.journal.needed import SESSIONS, needed
from actors.journal.place import check_place
from actors.journal.verify import walk
from actors.runtime.clock import Clock
from messages import codec
from messages.base import SCHEMA_VERSION
from messages.events import (
    AnchorAccepted,
    DayReset,
    Event,
    JournalArchived,
    SessionOpened,
    SystemStarted,
)
from messages.journal import Recorded

_AT_ONCE = 64
"""Rows of one statement: after each the thread has to wait for the interpreter, which others hold."""
_PAGE = 1_000  # rows read at a time, so that a long export holds no transaction open


class Store:
    """An open journal; every method but `open…` may raise sqlite3.Error when the disk fails."""

    def __init__(
        self,
        path: Path,
        connection: sqlite3.Connection,
        lease: Lease | None,
        anchor: Anchor | None = None,
    ) -> None:
        self.path = path
        self.anchor = anchor
        """Where it is said, as this store opens and closes, how far it has got."""
        self._connection = connection
        self._lease = lease

    @classmethod
    def open(
        cls, path: Path, *, clock: Clock, anchor: Path | None = None, continues: str | None = None
    ) -> Self:
        """Open for writing, as the only one; verify the whole chain, and that it is the anchor's.

        `continues` is the identity of the store that was guarded until now, NO_IDENTITY if that cannot be
        told: it must be there, and that one. Without it (None) a journal is made where it is missing.

        Raises:
            LeaseHeldError: another process holds it.
            StoreError: the file is no journal, damaged, from a newer build, cannot be written, or is
                not (or no longer) what its anchor knows, or what it continues.
        """
        return cls._open(path, clock, Anchor(anchor or default_anchor(path)), continues)

    @classmethod
    def open_unanchored(cls, path: Path, *, clock: Clock) -> Self:
        """Open like `open`, but whatever the anchor says; the chain must hold all the same."""
        return cls._open(path, clock, None)

    @classmethod
    def _open(
        cls, path: Path, clock: Clock, anchor: Anchor | None, continues: str | None = None
    ) -> Self:
        with refusing(path):
            check_place(path)
            if continues is None:
                make_folder(path)
            elif not path.parent.exists():
                raise gone(path)
            lease = Lease(path)
            try:
                verified = _open_verified(path, clock, anchor, lease, continues)
                with closing_on_error(verified) as connection:
                    lease.begin()
            except BaseException:
                lease.release()
                raise
        return cls(path, connection, lease, anchor)

    @classmethod
    def open_read_only(cls, path: Path) -> Self:
        """Open for reading, beside a living writer or without one; the chain is not walked.

        Raises:
            StoreError: the file is missing, no journal, from a newer build, or cannot be read.
        """
        with refusing(path):
            return cls(path, connect_reader(path), None)

    def close(self) -> None:
        """Let the anchor catch up, close the file and let another process write it.

        Who has lost the lease says nothing any more about how far the store has got.
        """
        lease, self._lease = self._lease, None
        try:
            if self.anchor is not None and lease is not None and not lease.lost():
                with refusing(self.path):
                    self.anchor.write(self.mark())
        finally:
            self._connection.close()
            if lease is not None:
                lease.release()

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
        with self.writing():
            return self.insert(rows)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Open a transaction that commits as a whole, or not at all; raises like `append`."""
        with _transaction(self._connection):
            if self._lease is not None:
                self._lease.insist(self._connection)
            yield self._connection

    def insert(self, rows: Sequence[Row]) -> int:
        """Store encoded events in the open transaction and return the seq of the last."""
        placed = self.preview(rows)
        for part in itertools.batched(placed, _AT_ONCE):
            self._connection.execute(_inserting(len(part)), [*itertools.chain(*part)])
        last_seq = placed[-1].seq if placed else self._last()[0]
        self._connection.execute("UPDATE meta SET value = ? WHERE name = 'last_seq'", (last_seq,))
        return last_seq

    def needed(self, last: int) -> list[ChainedRow]:
        """Return which of the events up to a seq a start needs."""
        return needed(self._connection, last)

    def give_back(self) -> None:
        """Give the disk what deleted rows have left, as far as the file was made for that."""
        self._connection.execute("PRAGMA incremental_vacuum").fetchall()
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def rebuild(self) -> None:
        """Make the file anew, from then on fit for `give_back`; takes as long as to write it all."""
        if not self._connection.execute("PRAGMA auto_vacuum").fetchone()[0]:
            self._connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            self._connection.execute("VACUUM")
        self.give_back()

    def base(self) -> Base:
        """Return behind which event the journal begins; what went before is in archives."""
        return base_of(self._connection)

    def mark(self) -> Mark:
        """Return how far it has got, for the anchor; what is in it is on disk."""
        return mark_of(self._connection)

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
        """Read everything stored after a seq, in order; what is appended meanwhile is included.

        What was archived is not, even where a part of it is kept.
        """
        after = max(after, self.base().seq)
        while page := self._select("WHERE seq > ? ORDER BY seq LIMIT ?", after, _PAGE):
            for row in page:
                yield self.recorded(row)
            after = page[-1].seq

    def told(self, account: int, first: int, last: int) -> Iterator[Recorded]:
        """Read what concerns an account, of no one account included, from one seq to another."""
        rows = self._select(
            "WHERE (account IN (?, ?) OR account IS NULL) AND seq BETWEEN ? AND ? ORDER BY seq",
            *(account, str(account), first, last),
        )
        return map(self.recorded, rows)

    def page(self, account: int, after: int, most: int) -> list[Recorded]:
        """Return an account's next events after a seq, so many at most; for who reads aside."""
        rows = self._select(
            "WHERE account IN (?, ?) AND seq > ? ORDER BY seq LIMIT ?",
            *(account, str(account), after, most),
        )
        return [self.recorded(row) for row in rows]

    def latest(self, kinds: Sequence[str], *, most: int, within: int) -> list[Recorded]:
        """Return the last events of some kinds, newest first, looked for among so many rows only."""
        first = self._last()[0] - within
        marks = ", ".join("?" * len(kinds))
        rows = self._select(
            f"WHERE seq > ? AND kind IN ({marks}) ORDER BY seq DESC LIMIT ?", first, *kinds, most
        )
        return [self.recorded(row) for row in rows]

    def rows(self, first: int, last: int) -> list[ChainedRow]:
        """Return the rows from one seq to another, both included, as far as they are not archived."""
        first = max(first, self.base().seq + 1)
        return self._select("WHERE seq BETWEEN ? AND ? ORDER BY seq", first, last)

    def day_resets(self, account: int) -> list[tuple[int, str]]:
        """Return the seq of each of an account's day resets, and the trading date it began."""
        rows = self._select(
            "WHERE account IN (?, ?) AND kind = 'day_reset' ORDER BY seq", account, str(account)
        )
        events = [(row.seq, self.recorded(row).event) for row in rows]
        return [(seq, each.trading_date) for seq, each in events if isinstance(each, DayReset)]

    def last_reset(self, account: int) -> Recorded | None:
        """Return what began an account's present trading day, or None before the first."""
        rows = self._select(
            "WHERE account IN (?, ?) AND kind = 'day_reset' ORDER BY seq DESC LIMIT 1",
            *(account, str(account)),
        )
        return self.recorded(rows[0]) if rows else None

    def accounts(self) -> list[int]:
        """Return the ids of all accounts that ever had an event, ascending."""
        rows = self._connection.execute(
            "SELECT DISTINCT account FROM events WHERE account IS NOT NULL"
        ).fetchall()
        return sorted({int(account) for (account,) in rows})

    def has_guarded(self) -> bool:
        """Tell whether accounts were ever guarded under it; one whose past is lost counts as if."""
        query = (
            "SELECT 1 FROM events WHERE account IS NOT NULL "
            "AND kind IN ('account_guarded', 'day_reset') LIMIT 1"
        )
        found = self._connection.execute(query).fetchone()
        return found is not None or self.last_accepted() is not None

    def last_at(self) -> datetime | None:
        """Return the time of the last event, or None before the first."""
        rows = self._select("ORDER BY seq DESC LIMIT 1")
        return datetime.fromisoformat(rows[0].at) if rows else None

    def last_started(self) -> SystemStarted | None:
        """Return the latest start of the system, or None before the first."""
        last = self._last_of("system_started")
        return last if isinstance(last, SystemStarted) else None

    def last_accepted(self) -> AnchorAccepted | None:
        """Return the last time a person accepted it without its anchor's word, or None if never."""
        last = self._last_of("anchor_accepted")
        return last if isinstance(last, AnchorAccepted) else None

    def last_archived(self) -> JournalArchived | None:
        """Return what was archived last, or None if nothing was."""
        last = self._last_of("journal_archived")
        return last if isinstance(last, JournalArchived) else None

    def last_sessions(self) -> list[SessionOpened]:
        """Return the last sessions that were opened, oldest first; fifty at most."""
        rows = self._select(
            "WHERE account IS NULL AND kind = 'session_opened' ORDER BY seq DESC LIMIT ?", SESSIONS
        )
        events = [self.recorded(row).event for row in reversed(rows)]
        return [each for each in events if isinstance(each, SessionOpened)]

    def _last_of(self, kind: str) -> Event | None:
        """Return the last event of a kind that is of no one account."""
        rows = self._select("WHERE account IS NULL AND kind = ? ORDER BY seq DESC LIMIT 1", kind)
        return self.recorded(rows[0]).event if rows else None

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
        seq, last_hash = self._connection.execute(query).fetchone() or BEGINNING
        return seq, last_hash


def _open_verified(
    path: Path, clock: Clock, anchor: Anchor | None, lease: Lease, continues: str | None
) -> sqlite3.Connection:
    # Only under the lock: who has just taken it may be about to make the file.
    if continues is not None and is_gone(path):
        raise gone(path)
    known = anchor.read() if anchor else None
    if anchor:
        refuse_lost_file(anchor, known, path)
    with closing_on_error(connect_writer(path)) as connection:
        with _transaction(connection):
            # In one transaction: a store that fails its verification is not migrated either.
            migrate(connection)
            connection.execute("REPLACE INTO meta VALUES ('message_schema', ?)", (SCHEMA_VERSION,))
            born = {"created_at": clock.now().isoformat(), "identity": secrets.token_hex(16)}
            connection.executemany("INSERT OR IGNORE INTO meta VALUES (?, ?)", born.items())
            walk(connection, path)
            if continues:
                refuse_other_store(continues, connection, path)
            if anchor:
                refuse_other_history(anchor, known, connection, path)
            lease.enter(connection, clock.now())
        if anchor:
            anchor.write(mark_of(connection))
        keep_log(connection, kept=False)
    return connection


@cache
def _inserting(count: int) -> str:
    """Return the statement that stores so many rows."""
    return f"INSERT INTO events VALUES {', '.join(['(?, ?, ?, ?, ?, ?)'] * count)}"  # noqa: S608


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
