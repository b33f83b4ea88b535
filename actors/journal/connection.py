"""How a store's file is opened: looked at before it is touched, and refused in clear words.

Called by `Store` and `verify`. A file that is not ours, is from a newer build, is damaged, locked or
cannot be written ends in a StoreError; it is neither changed, nor moved, nor deleted.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from actors.journal.errors import StoreError
from actors.journal.files import has_log, make_file, refuse_widowed_log
from actors.journal.migrations import APPLICATION_ID, MIGRATIONS, version_of
from messages.base import SCHEMA_VERSION

BUSY_S = 1.0
"""Seconds a statement waits for another program's lock before it fails."""
LOG_BYTES = 64 * 2**20
"""What the log is cut to when it begins anew. It grows as long as somebody reads in one transaction, as a
walk of the chain does; SQLite reuses it afterwards, but would leave it as long as it had become."""

_PERMIT = "let this user read and write the file and its folder, or set [journal] path elsewhere"
_NOT_OURS = "set [journal] path to Lockstep's own file, or move this one away"
_UNKNOWN = "keep a copy of it, and look at its folder and its disk"
_ADVICE = {
    sqlite3.SQLITE_NOTADB: _NOT_OURS,
    sqlite3.SQLITE_CORRUPT: "keep a copy of it and restore the last good backup",
    sqlite3.SQLITE_BUSY: "end the program that has it open",
    sqlite3.SQLITE_FULL: "free some space on its disk",
    sqlite3.SQLITE_READONLY: _PERMIT,
    sqlite3.SQLITE_CANTOPEN: _PERMIT,
}
_PRIMARY_CODE = 0xFF  # SQLite's extended result codes keep the primary one in their low byte


@contextmanager
def refusing(path: Path) -> Iterator[None]:
    """Turn what SQLite or the system refuses into a StoreError about this file."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE
        fix = _ADVICE.get(code, _UNKNOWN)
        raise StoreError(str(error), where=path, fix=fix) from error
    except UnicodeError as error:  # of a name in the schema, or of SQLite's own words about it
        what = f"its file is damaged: {error}"
        raise StoreError(what, where=path, fix=_ADVICE[sqlite3.SQLITE_CORRUPT]) from error
    except OSError as error:
        raise StoreError(str(error), where=path, fix=_PERMIT) from error


@contextmanager
def closing_on_error(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Keep a connection open only if what is done with it succeeds."""
    try:
        yield connection
    except BaseException:
        connection.close()
        raise


def connect_writer(path: Path) -> sqlite3.Connection:
    """Open the file for its one writer; it is made where it is missing."""
    make_file(path)
    blank = _is_blank(path)
    if not blank:
        connect_reader(path).close()
    with closing_on_error(_connect(path, "rw")) as connection:
        keep_log(connection, kept=True)
        if blank:
            # Only a new file can be told: what leaves it for an archive is given back to the disk.
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA journal_size_limit = {LOG_BYTES}")
    return connection


def connect_draft(path: Path) -> sqlite3.Connection:
    """Open an empty file for what is thrown away unless it becomes complete; without log or fsync."""
    with closing_on_error(_connect(path, "rw")) as connection:
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
    return connection


def keep_log(connection: sqlite3.Connection, *, kept: bool) -> None:
    """Let the last one who closes leave the log as it is, or move it into the file and delete it.

    The log of a store that is refused is evidence: moved, what stands behind its first damage is lost.
    """
    connection.setconfig(sqlite3.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, kept)


def connect_reader(path: Path) -> sqlite3.Connection:
    """Open the file for reading, beside a living writer or without one."""
    if not path.is_file():
        raise StoreError("there is no such file", where=path, fix="start Lockstep once to make it")
    refuse_widowed_log(path)
    try:
        return _checked(path, "ro")
    except sqlite3.OperationalError:
        if has_log(path):
            raise
        # Where this user may not write, SQLite cannot make the log's index. Without a log there is
        # nothing to read but the file itself.
        return _checked(path, "ro&immutable=1")


def _is_blank(path: Path) -> bool:
    # Blank too is what a first start leaves when it is killed before its first commit.
    with closing(_connect(path, "ro")) as connection:
        blank = not connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
    if path.stat().st_size and not pages:
        # SQLite takes a file shorter than its header for an empty one, and would write over it.
        raise StoreError("file is not a database", where=path, fix=_NOT_OURS)
    return blank


def _checked(path: Path, mode: str) -> sqlite3.Connection:
    with closing_on_error(_connect(path, mode)) as connection:
        _check_identity(connection, path)
    return connection


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_S,
        isolation_level=None,  # transactions begin and end where the code says so
        check_same_thread=False,  # opened at start-up, used by the journal's own thread from then on
    )


def _check_identity(connection: sqlite3.Connection, path: Path) -> None:
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise StoreError("it is a database, but no Lockstep journal", where=path, fix=_NOT_OURS)
    schema = version_of(connection)
    stored = connection.execute("SELECT value FROM meta WHERE name = 'message_schema'").fetchone()
    messages = stored[0] if stored else 0
    if schema > len(MIGRATIONS) or messages > SCHEMA_VERSION:
        raise StoreError(
            f"it was written by a newer Lockstep (schema {schema}, messages {messages}; "
            f"this one knows {len(MIGRATIONS)} and {SCHEMA_VERSION})",
            where=path,
            fix="run the newer Lockstep, or set [journal] path to another file",
        )
