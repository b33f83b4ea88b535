"""Moves a journal's oldest events into archives, and the journal's beginning behind them.

Run by `System` at an orderly start, before anything is replayed, and by `journal archive`; never beside
actors, for it holds the store. Each step can be the last one before a power cut: the archive is written
and walked (1), the journal says so in one transaction (2), the rows leave in small transactions that each
move the base (3). What is found of 1 is finished or replaced, of 2 and 3 gone on with. No step removes an
event that is not on disk in a verified archive.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from pathlib import Path

from actors.journal.archive import Archive, place_of, verify_archive, write_archive
from actors.journal.base import digest_of
from actors.journal.chain import row_of
from actors.journal.connection import refusing
from actors.journal.errors import StoreError
from actors.journal.needed import keep
from actors.journal.store import Store
from actors.runtime.clock import Clock
from messages.events import JournalArchived

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
        end = _end_of(store, day)  # once: what this run itself journals is not its business
        while not enough() and (base := store.base().seq) < end:
            last = min(base + largest, end)
            made.append(_archive(store, last, folder or store.path.parent))
            announce(store, made[-1], clock.now())
            sweep(store)
    return made


def announce(store: Store, archive: Archive, now: datetime) -> None:
    """Say in the chain what was archived, and write down what of it stays."""
    with store.writing() as connection:
        kept = keep(connection, archive.last)
        # What stayed for an earlier archive and is not needed any more.
        connection.execute(
            "DELETE FROM events WHERE seq <= ? AND seq NOT IN (SELECT seq FROM kept)",
            (store.base().seq,),
        )
        archived = JournalArchived(
            at=now,
            cause="archive",
            archive=archive.path.name,
            first=archive.first,
            last=archive.last,
            last_hash=archive.last_hash.hex(),
            kept=len(kept),
            kept_digest=digest_of(kept).hex(),
        )
        store.insert([row_of(archived)])


def sweep(store: Store) -> None:
    """Let what the chain says was archived leave the journal."""
    said = store.last_archived()
    while said is not None and (base := store.base().seq) < said.last:
        to = min(base + _SWEPT, said.last)
        with store.writing() as connection:
            last_hash = store.rows(to, to)[0].hash
            moved = {"base": to, "base_hash": last_hash}
            connection.executemany("REPLACE INTO meta VALUES (?, ?)", moved.items())
            connection.execute(
                "DELETE FROM events WHERE seq > ? AND seq <= ? "
                "AND seq NOT IN (SELECT seq FROM kept)",
                (base, to),
            )
        store.give_back()


def _archive(store: Store, last: int, folder: Path) -> Archive:
    identity, first = store.mark().store, store.base().seq + 1
    place = place_of(store.path, identity, first, folder)
    return _left_over(place, store, last) or write_archive(place, store, last)


def _left_over(place: Path, store: Store, last: int) -> Archive | None:
    """Return what a run that was killed has finished; None where it is to be written (again).

    Raises:
        StoreError: it is whole, but not of this journal's history: the journal was rolled back.
    """
    if not place.exists():
        return None
    try:
        found = verify_archive(place)
    except StoreError:
        return None  # damaged since: all that it held is still in the journal, which was walked
    rows = store.rows(found.last, found.last)
    if found.before != store.base() or not rows or rows[0].hash != found.last_hash:
        raise StoreError(
            f"it holds seq {found.first} to {found.last} of another history than {store.path}",
            where=place,
            fix="keep it as evidence, and move it away",
        )
    return found if found.last <= last else None


def _end_of(store: Store, day: date) -> int:
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
