"""Which archived events stay in the journal all the same: every answer `Store` gives a start.

An account is replayed from its last `day_reset`, however long ago that was: one not guarded now may
come back, and its lockouts with it. Of the system's own events these are the last sessions (names of
accounts), the last start and stop, and the last acceptance (lost history). Windows, allowances and the
terms of a day travel in `DayReset`. Whoever adds a query to `Store` that looks back further adds it here.
"""

import sqlite3
from collections.abc import Iterator

from actors.journal.base import kept_rows
from actors.journal.chain import ChainedRow

SESSIONS = 50
"""How many of the last sessions names of accounts are compared with."""

_LAST_OF = {
    "session_opened": SESSIONS,
    "system_started": 1,
    "system_stopped": 1,
    "anchor_accepted": 1,
}


def keep(connection: sqlite3.Connection, last: int) -> list[ChainedRow]:
    """Write down anew what stays of the events up to a seq, in the caller's transaction."""
    connection.execute("DELETE FROM kept")
    seqs = {seq for each in (_of_accounts, _of_system) for seq in each(connection, last)}
    connection.executemany("INSERT INTO kept VALUES (?)", [(seq,) for seq in sorted(seqs)])
    return kept_rows(connection)


def _of_accounts(connection: sqlite3.Connection, last: int) -> Iterator[int]:
    query = "SELECT DISTINCT account FROM events WHERE account IS NOT NULL"
    for account in {str(each) for (each,) in connection.execute(query).fetchall()}:
        # A store may hold account ids as text; the store's own questions ask for either too.
        either = (account, int(account)) if account.lstrip("-").isdecimal() else (account, account)
        (start,) = connection.execute(
            "SELECT max(seq) FROM events WHERE account IN (?, ?) AND kind = 'day_reset'", either
        ).fetchone()
        rows = connection.execute(
            "SELECT seq FROM events WHERE account IN (?, ?) AND seq BETWEEN ? AND ?",
            (*either, start or 0, last),
        )
        yield from (seq for (seq,) in rows.fetchall())


def _of_system(connection: sqlite3.Connection, last: int) -> Iterator[int]:
    for kind, count in _LAST_OF.items():
        rows = connection.execute(
            "SELECT seq FROM events WHERE account IS NULL AND kind = ? ORDER BY seq DESC LIMIT ?",
            (kind, count),
        )
        yield from (seq for (seq,) in rows.fetchall() if seq <= last)
