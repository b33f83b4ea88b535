"""Rows and the hash chain: what the journal stores of an event, and what makes a change visible.

Each row's hash is SHA-256 over the previous row's hash and the row's own columns, as one MessagePack
array (lengths included, so no byte can move from one column to its neighbour unseen). Pure: no I/O.
"""

from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec

from actors.journal.errors import UnstorableEventError
from messages import codec
from messages.events import Event

GENESIS = bytes(32)
"""What the first row is chained to."""

COLUMNS = "seq, account, kind, at, body, hash"
"""The table's columns, in the order `read_row` takes them."""

_columns = msgspec.msgpack.Encoder()


class Row(NamedTuple):
    """An event as columns, before it has its place."""

    account: int | None
    kind: str
    at: str
    body: bytes


class ChainedRow(NamedTuple):
    """A row with its place in the journal, in the order of the table's columns."""

    seq: int
    account: int | None
    kind: str
    at: str
    body: bytes
    hash: bytes


def row_of(event: Event) -> Row:
    """Turn an event into its row, and prove that it can be read back.

    Raises:
        UnstorableEventError: it cannot be encoded or decoded, or its time has no zone.
    """
    try:
        body = codec.pack(event)
        stored = codec.unpack(body)
    except (msgspec.MsgspecError, TypeError, ValueError, OverflowError) as error:
        raise UnstorableEventError(f"{type(event).__name__}: {error}") from error
    if stored.at.tzinfo is None:
        raise UnstorableEventError(f"{type(event).__name__}: at {stored.at} has no time zone")
    return Row(getattr(stored, "account", None), codec.kind(stored), stored.at.isoformat(), body)


def link(previous: bytes, columns: tuple[Any, ...]) -> bytes:
    """Return a row's hash: of (seq, account, kind, at, body), after a row with the hash `previous`."""
    return sha256(previous + _columns.encode(columns)).digest()


def read_row(columns: tuple[Any, ...]) -> ChainedRow:
    """Give names to a stored row; an account that an older store kept as text becomes a number."""
    account = columns[1]
    if isinstance(account, str) and account.isdecimal():
        columns = (columns[0], int(account), *columns[2:])
    return ChainedRow._make(columns)


def chained(rows: Iterable[Row], *, last_seq: int, last_hash: bytes) -> Iterator[ChainedRow]:
    """Give rows their places after the last one."""
    previous = last_hash
    for seq, row in enumerate(rows, start=last_seq + 1):
        columns = (seq, *row)
        previous = link(previous, columns)
        yield ChainedRow(*columns, previous)
