"""What the journal's thread does of archiving while the system runs: two kinds of short transactions.

Asked by `ArchivistActor`, done by `JournalActor` behind what waits for the disk. A step takes some
milliseconds; whatever comes meanwhile waits no longer than that.
"""

import sqlite3

from actors.journal.archiving import announce, sweep_some
from actors.journal.batch import ADDRESS
from actors.journal.errors import LeaseLostError, StoreError
from actors.journal.store import Store
from actors.runtime.clock import Clock
from messages.events import JournalArchived
from messages.journal import AnnounceArchive, SweepArchived, Tidied, TidyFailed

SWEPT = 100
"""Rows that leave in one step."""
_GIVEN_BACK = 64
"""Pages given back to the disk in one step: more than those rows can have filled."""


def tidy(
    store: Store, asked: AnnounceArchive | SweepArchived, clock: Clock
) -> tuple[Tidied | TidyFailed, JournalArchived | None]:
    """Do one step; return what its asker is told, and what was journaled."""
    archived, left = None, True
    try:
        match asked:
            case AnnounceArchive(ready=ready):
                archived = announce(store, ready, clock.now())
            case SweepArchived():
                left = sweep_some(store, SWEPT, give_back=_GIVEN_BACK)
    except (sqlite3.Error, StoreError, LeaseLostError) as error:
        return TidyFailed(at=clock.now(), cause=ADDRESS, reason=str(error)), None
    return Tidied(at=clock.now(), cause=ADDRESS, left=left), archived
