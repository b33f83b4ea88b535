"""Moves a journal's oldest events into archives, and the journal's beginning behind them.

Run by `System` at an orderly start, before anything is replayed, and by `journal archive`; in small steps
by `ArchivistActor` while the system runs. Each step can be the last one before a power cut: the archive
is written and walked (1), the journal says so in one transaction (2), the rows leave in small
transactions that each move the base (3). What is found of 1 is finished or replaced, of 2 and 3 gone on
with. No step removes an event that is not on disk in a verified archive.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from pathlib import Path

from actors.journal.archive import Archive, place_of, read_archive, verifying, writing
from actors.journal.base import digest_of
from actors.journal.chain import row_of
from actors.journal.connection import refusing
from actors.journal.errors import StoreError
from actors.journal.needed import keep
from actors.journal.steps import Steps, at_once
from actors.journal.store import Store
from actors.runtime.clock import Clock
from messages.events import JournalArchived
from messages.journal import ArchiveReady

LARGEST = 50_000
"""Events in one archive at most: some 15 MB, one to three seconds."""
_SWEPT = 5_000  # rows that leave in one transaction, so that the log stays small


def archive_before(
    store: Store,
    day: date,
    *,
    clock: Clock,
    folder: Path | None = None,
    largest: int = LARGEST,
    enough: Callable[[], bool] = lambda: False,
) -> list[Archive]:
    """Archive what is older than a UTC day, beside the journal or in a folder; return what was made.

    Raises:
        StoreError: an archive cannot be written, or one of another history stands in its place.
        LeaseLostError: another process has taken the journal over.
    """
    made: list[Archive] = []
    with refusing(store.path):
        sweep(store)
        end = end_of(store, day)  # once: what this run itself journals is not its business
        while not enough() and (base := store.base().seq) < end:
            last = min(base + largest, end)
            ready = at_once(preparing(store, last, folder or store.path.parent))
            announce(store, ready, clock.now())
            made.append(read_archive(Path(ready.path)))
            sweep(store)
    return made


def preparing(store: Store, last: int, folder: Path) -> Steps[ArchiveReady]:
    """Bring the events up to a seq into an archive, in steps; the store is only read.

    What is journaled meanwhile makes none of the events needed that were not.

    Raises:
        StoreError: it cannot be written, or one of another history stands in its place.
    """
    identity, first = store.mark().store, store.base().seq + 1
    place = place_of(store.path, identity, first, folder)
    archive = (yield from _left_over(place, store, last)) or (
        yield from writing(place, store, last)
    )
    return _ready(store, archive)


def announce(store: Store, ready: ArchiveReady, now: datetime) -> JournalArchived:
    """Say in the chain what was archived, and write down what of it stays.

    Raises:
        StoreError: the journal does not hold what the archive does.
    """
    with store.writing() as connection:
        _refuse_other(store, ready)
        keep(connection, ready.kept)
        # What stayed for an earlier archive and is not needed any more.
        connection.execute(
            "DELETE FROM events WHERE seq <= ? AND seq NOT IN (SELECT seq FROM kept)",
            (store.base().seq,),
        )
        archived = JournalArchived(
            at=now,
            cause="archive",
            archive=Path(ready.path).name,
            first=ready.first,
            last=ready.last,
            last_hash=ready.last_hash,
            kept=len(ready.kept),
            kept_digest=ready.kept_digest,
        )
        store.insert([row_of(archived)])
    return archived


def sweep(store: Store) -> None:
    """Let what the chain says was archived leave the journal."""
    while sweep_some(store, _SWEPT):
        store.give_back()


def sweep_some(store: Store, most: int, *, give_back: int = 0) -> bool:
    """Let so many rows of it leave in one transaction, and so many pages; say whether there were any."""
    said = store.last_archived()
    if said is None or (base := store.base().seq) >= said.last:
        return False
    to = min(base + most, said.last)
    with store.writing() as connection:
        last_hash = store.rows(to, to)[0].hash
        moved = {"base": to, "base_hash": last_hash}
        connection.executemany("REPLACE INTO meta VALUES (?, ?)", moved.items())
        connection.execute(
            "DELETE FROM events WHERE seq > ? AND seq <= ? AND seq NOT IN (SELECT seq FROM kept)",
            (base, to),
        )
        if give_back:
            connection.execute(f"PRAGMA incremental_vacuum({give_back})").fetchall()
    return True


def _ready(store: Store, archive: Archive) -> ArchiveReady:
    kept = store.needed(archive.last)
    return ArchiveReady(
        path=str(archive.path),
        first=archive.first,
        before_hash=archive.before.hash.hex(),
        last=archive.last,
        last_hash=archive.last_hash.hex(),
        kept=tuple(row.seq for row in kept),
        kept_digest=digest_of(kept).hex(),
    )


def _left_over(place: Path, store: Store, last: int) -> Steps[Archive | None]:
    """Return what a run that was killed has finished; None where it is to be written (again).

    Raises:
        StoreError: it is whole, but not of this journal's history: the journal was rolled back.
    """
    if not place.exists():
        return None
    try:
        found = yield from verifying(place)
    except StoreError:
        return None  # damaged since: all that it held is still in the journal, which was walked
    _refuse_other(store, _ready(store, found))
    return found if found.last <= last else None


def _refuse_other(store: Store, ready: ArchiveReady) -> None:
    before, rows = store.base(), store.rows(ready.last, ready.last)
    its = ready.first - 1, ready.before_hash, ready.last_hash
    if not rows or its != (before.seq, before.hash.hex(), rows[0].hash.hex()):
        raise StoreError(
            f"it holds seq {ready.first} to {ready.last} of another history than {store.path}",
            where=Path(ready.path),
            fix="keep it as evidence, and move it away",
        )


def end_of(store: Store, day: date) -> int:
    """Return the last seq older than a day, or the base; the journal's last event always stays.

    Found by halving: the times of neighbours may be out of order by moments, which moves the end of an
    archive by as little.
    """
    border = datetime.combine(day, time(), UTC)
    low, high = store.base().seq, store.mark().seq - 1
    while low < high:
        middle = (low + high + 1) // 2
        if datetime.fromisoformat(store.rows(middle, middle)[0].at) < border:
            low = middle
        else:
            high = middle - 1
    return low
