"""The store's schema, as numbered steps that are only ever added to.

Step n takes a store from `user_version` n to n + 1. A step that has been released never changes; a new
build applies what is missing, all of it in one transaction, and refuses a store from the future.
"""

import sqlite3

APPLICATION_ID = 0x4C4B5354
"""`LKST`, in the header of every store."""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        f"PRAGMA application_id = {APPLICATION_ID}",
        "CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID",
        """
        CREATE TABLE events (
            seq INTEGER PRIMARY KEY,
            account INTEGER NULL,
            kind TEXT NOT NULL,
            at TEXT NOT NULL,
            body BLOB NOT NULL,
            hash BLOB NOT NULL
        )
        """,
        # An index ends in the rowid, which is seq: the first reads one account in order, the second
        # finds its last day_reset without reading what went before.
        "CREATE INDEX events_by_account ON events (account)",
        "CREATE INDEX day_resets ON events (account) WHERE kind = 'day_reset'",
        """
        CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
        BEGIN SELECT raise(ABORT, 'the journal is append-only'); END
        """,
        """
        CREATE TRIGGER events_are_never_deleted BEFORE DELETE ON events
        BEGIN SELECT raise(ABORT, 'the journal is append-only'); END
        """,
        "INSERT INTO meta VALUES ('last_seq', 0)",
    ),
    (
        # What the oldest events became: archived up to and with `base`, but for what `kept` names.
        "INSERT INTO meta VALUES ('base', 0)",
        "INSERT INTO meta VALUES ('base_hash', zeroblob(32))",
        "CREATE TABLE kept (seq INTEGER PRIMARY KEY)",
        "DROP TRIGGER events_are_never_deleted",
        """
        CREATE TRIGGER events_are_never_deleted BEFORE DELETE ON events
        WHEN OLD.seq > ifnull((SELECT value FROM meta WHERE name = 'base'), 0)
        BEGIN SELECT raise(ABORT, 'the journal is append-only'); END
        """,
    ),
)


def version_of(connection: sqlite3.Connection) -> int:
    """Return the number of steps the store has been through."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection) -> None:
    """Apply the missing steps; the caller holds a write transaction and commits it."""
    for step in MIGRATIONS[version_of(connection) :]:
        for statement in step:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
