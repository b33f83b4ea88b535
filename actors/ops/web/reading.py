"""Reading the journal for the page, so that it can never harm who guards: in turn, in small pages, apart.

Each question opens the store for reading only, on a thread of its own, one question at a time, whoever
asks. Between two pages it holds no transaction, which would keep SQLite's log from being emptied, and
leaves the processor to the others for a moment.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from starlette.concurrency import run_in_threadpool

from actors.journal import Store
from messages.journal import Recorded

PAGE = 250
"""Events read at a time: a few milliseconds of work."""
PAUSE_S = 0.004
"""Between two pages."""
_FOREVER = threading.Event()

UNREADABLE = (sqlite3.Error, OSError)
"""What a disk may answer; a StoreError says more."""


class Reading:
    """One journal, read beside its writer."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._turn = asyncio.Semaphore(1)

    async def ask[T](self, question: Callable[[Store], T]) -> T:
        """Return what a question finds in the store.

        Raises:
            StoreError, sqlite3.Error, OSError: the journal cannot be read.
        """
        async with self._turn:
            return await run_in_threadpool(self._asked, question)

    def _asked[T](self, question: Callable[[Store], T]) -> T:
        with closing(Store.open_read_only(self._path)) as store:
            return question(store)


def events_after(store: Store, account: int, seq: int, *, most: int) -> Iterator[Recorded]:
    """Yield an account's events after a seq, oldest first, so many at most."""
    left = most
    while left > 0 and (page := store.page(account, seq, min(PAGE, left))):
        yield from page
        seq, left = page[-1].seq, left - len(page)
        _FOREVER.wait(PAUSE_S)  # nothing ever sets it
