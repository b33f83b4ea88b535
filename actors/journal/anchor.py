"""The anchor: a small file kept apart from the journal that knows how far the journal had got.

The chain shows what was changed inside the store; it cannot show that its end is gone, that an old copy
was put back, or that all of it was computed anew. The anchor names the store, the last event it held and
that event's hash. The store may be ahead of it (a crash, the moment between two writes), never behind it
and never with another hash at that place: then nothing starts. Written by `AnchorActor` while the system
runs, and by the store as it opens and closes; never on the way of a decision.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec

from actors import private
from actors.journal.base import base_of
from actors.journal.chain import GENESIS
from actors.journal.connection import connect_reader, refusing
from actors.journal.errors import StoreError
from actors.journal.files import make_folder
from actors.journal.verify import Verified, walk

NO_IDENTITY = ""
"""Of a store that no build with anchors has opened yet."""

_ACCEPT = (
    "put the journal back as it was, or, knowingly, run `journal anchor --accept` to go on with it"
)
_PERMIT = "let this user read and write it and its folder, or set [journal] anchor elsewhere"


class Mark(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far a store had got."""

    store: str
    """Identity of the store, made with it, hex."""
    seq: int
    """The last event it held; 0 = none yet."""
    hash: str
    """That event's hash, hex; of the empty journal, all zeros."""


class Anchor:
    """The file; made where it is missing, open to its user only (0600), replaced as a whole."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Mark | None:
        """Return what it says, or None where there is no such file.

        Raises:
            StoreError: it is damaged, or cannot be read.
        """
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=Mark)
        except FileNotFoundError:
            return None
        except OSError as error:
            what = f"this anchor cannot be read: {error}"
            raise StoreError(what, where=self.path, fix=_PERMIT) from error
        except (msgspec.DecodeError, UnicodeError) as error:
            what = f"this anchor is damaged: {error}"
            raise StoreError(what, where=self.path, fix=_ACCEPT) from error

    def write(self, mark: Mark) -> None:
        """Replace it; whoever reads sees the old one or the new one, after a power cut too.

        Raises:
            StoreError: it cannot be written; the old one stands.
        """
        try:
            make_folder(self.path)
            private.write_file(self.path, msgspec.json.encode(mark) + b"\n", replace=True)
        except OSError as error:
            raise StoreError(
                f"this anchor cannot be written: {error}", where=self.path, fix=_PERMIT
            ) from error


def default_anchor(path: Path) -> Path:
    """Return where a journal's anchor is unless the configuration puts it elsewhere."""
    return path.with_name(path.name + ".anchor")


def mark_of(connection: sqlite3.Connection) -> Mark:
    """Return how far the store has got, as this connection sees it."""
    identity = connection.execute("SELECT value FROM meta WHERE name = 'identity'").fetchone()
    last = connection.execute("SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1").fetchone()
    seq, last_hash = last or (0, GENESIS)
    return Mark(store=identity[0] if identity else NO_IDENTITY, seq=seq, hash=last_hash.hex())


def refuse_lost_file(anchor: Anchor, known: Mark | None, path: Path) -> None:
    """Refuse a journal that is gone, before a new one is made in its place."""
    if known is not None and not (path.exists() and path.stat().st_size):
        raise StoreError(
            f"it is missing or empty, but its anchor {anchor.path} knows {known.seq} events",
            where=path,
            fix=_ACCEPT,
        )


def refuse_other_store(identity: str, connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a journal that is not the one that was guarded until now, as one below a disk's mount is."""
    if (found := mark_of(connection).store) != identity:
        raise StoreError(
            f"it is another journal ({found}) than the one that was guarded until now ({identity})",
            where=path,
            fix="put that one back, or start Lockstep anew to go on, knowingly, with this one",
        )


def refuse_other_history(
    anchor: Anchor, known: Mark | None, connection: sqlite3.Connection, path: Path
) -> None:
    """Refuse a verified journal whose past is not the one its anchor knows."""
    found = mark_of(connection)
    there = _hash_at(connection, known)
    why = (
        _difference(anchor, known, found, there)
        if there
        else f"all its anchor {anchor.path} knows is in an archive: an old anchor was put back"
    )
    if why:
        raise StoreError(why, where=path, fix=_ACCEPT)


def verify_anchored(path: Path, anchor: Anchor) -> Verified:
    """Walk the journal in this file, and compare it with its anchor.

    Raises:
        StoreError: what `verify` raises, or it is not (or no longer) what its anchor knows.
    """
    known = anchor.read()  # before the journal: beside a living writer only the journal is ahead
    refuse_lost_file(anchor, known, path)
    with refusing(path), closing(connect_reader(path)) as connection:
        connection.execute("BEGIN")
        verified = walk(connection, path)
        refuse_other_history(anchor, known, connection, path)
    return verified


def _hash_at(connection: sqlite3.Connection, known: Mark | None) -> str:
    """Return the hash where the anchor knows one; "" when that event has left for an archive."""
    place, base = known.seq if known else 0, base_of(connection)
    if place == base.seq:
        return base.hash.hex()
    query = "SELECT hash FROM events WHERE seq = ?"
    (found,) = connection.execute(query, (place,)).fetchone() or (GENESIS,)
    return "" if known and place < base.seq and found == GENESIS else bytes(found).hex()


def _difference(anchor: Anchor, known: Mark | None, found: Mark, hash_there: str) -> str | None:
    its = f"its anchor {anchor.path}"
    match known:
        case None:
            why = (
                f"it holds {found.seq} events, but there is no anchor {anchor.path}: that was "
                "deleted, or this journal is older than anchors are"
            )
            return why if found.seq else None
        case Mark(seq=seq) if seq and not found.seq:
            return (
                f"it holds no event, but {its} knows {seq}: another was put in its place, or its log "
                "(-wal) is gone"
            )
        case Mark(store=store) if store != found.store:
            return f"{its} is that of another journal"
        case Mark(seq=seq) if seq > found.seq:
            return (
                f"it ends at seq {found.seq}, but {its} knows {seq} events: it was cut off or rolled "
                "back to an old copy, or its log (-wal) is gone"
            )
        case Mark(seq=seq, hash=there) if there != hash_there:
            return f"seq {seq} is not what {its} knows: its history was written anew"
        case _:
            return None
