"""Which archived events stay in the journal all the same: every answer `Store` gives a start.

An account is replayed from its last `day_reset`, however long ago that was: one not guarded now may
come back, and its lockouts with it. Of the system's own events these are the last sessions (names of
accounts), the last start and stop, and the last acceptance (lost history). Windows, allowances and the
terms of a day travel in `DayReset`. Whoever adds a query to `Store` that looks back further adds it here.
"""

import sqlite3
from collections.abc import Iterable, Iterator

from actors.journal.chain import COLUMNS, ChainedRow, read_row

SESSIONS = 50
"""How many of the last sessions names of accounts are compared with."""

_LAST_OF = {
    "session_opened": SESSIONS,
    "system_started": 1,
    "system_stopped": 1,
    "anchor_accepted": 1,
}


def needed(connection: sqlite3.Connection, last: int) -> list[ChainedRow]:
    """Return what stays of the events up to a seq; of what is journaled later, no more of them do."""
    found = {row.seq: row for each in (_of_accounts, _of_system) for row in each(connection, last)}
    return [found[seq] for seq in sorted(found)]


def keep(connection: sqlite3.Connection, seqs: Iterable[int]) -> None:
    """Write down anew which events stay, in the caller's transaction."""
    connection.execute("DELETE FROM kept")
    connection.executemany("INSERT INTO kept VALUES (?)", [(seq,) for seq in seqs])


def _of_accounts(connection: sqlite3.Connection, last: int) -> Iterator[ChainedRow]:
    everyone = "SELECT DISTINCT account FROM events WHERE account IS NOT NULL"
    resets = "SELECT account, max(seq) FROM events WHERE kind = 'day_reset' GROUP BY account"
    starts = dict.fromkeys((str(account) for (account,) in connection.execute(everyone)), 0)
    for account, seq in connection.execute(resets):
        starts[str(account)] = max(starts[str(account)], seq)
    for account in (each for each, start in starts.items() if start <= last):
        # A store may hold account ids as text; the store's own questions ask for either too.
        either = (account, int(account)) if account.lstrip("-").isdecimal() else (account, account)
        condition = "account IN (?, ?) AND seq BETWEEN ? AND ?"
        yield from _rows(connection, condition, *either, starts[account], last)


def _of_system(connection: sqlite3.Connection, last: int) -> Iterator[ChainedRow]:
    for kind, count in _LAST_OF.items():
        condition = "account IS NULL AND kind = ? ORDER BY seq DESC LIMIT ?"
        yield from (row for row in _rows(connection, condition, kind, count) if row.seq <= last)


def _rows(connection: sqlite3.Connection, condition: str, *values: object) -> list[ChainedRow]:
    query = f"SELECT {COLUMNS} FROM events WHERE {condition}"  # noqa: S608 - conditions are ours
    return [read_row(columns) for columns in connection.execute(query, values)]
