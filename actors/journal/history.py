"""A journal with its archives, read as the one chain they are: for `journal verify` and `export`.

Archives are looked for beside the journal, or in the folder a person names. One that is missing is told,
never passed over: what it held cannot be read, and what was asked of it is refused. Events may leave the
journal for an archive while they are read (`ArchivistActor`): they are found there then.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple, Self

from actors.journal.anchor import Anchor, Mark, verify_anchored
from actors.journal.archive import Archive, archives_of, lined_up, verify_archive
from actors.journal.base import BEGINNING
from actors.journal.chain import GENESIS, ChainedRow
from actors.journal.errors import StoreError
from actors.journal.store import Store
from actors.journal.verify import Verified
from messages.journal import Recorded

_PAGE = 1_000


class Part(NamedTuple):
    """An archive, as far as it counts."""

    archive: Archive
    """What it holds."""
    store: Store
    """It, open."""
    last: int
    """The last seq that is read from it; what follows is still in the journal."""


class History:
    """A journal and those of its archives that are there, open for reading."""

    def __init__(self, path: Path, folder: Path | None = None) -> None:
        """Open the journal, and the archives in a folder (otherwise its own).

        Raises:
            StoreError: the journal or one of its archives cannot be read, or is of another history.
        """
        self._parts = ExitStack()
        self._opened = ExitStack()
        with ExitStack() as opened:
            self.store = Store.open_read_only(path)
            opened.callback(self.store.close)
            self.folder = folder or path.parent
            self._line_up()
            self._opened = opened.pop_all()

    def _line_up(self) -> None:
        """Find where the journal begins now, and the archives it goes on from."""
        self._parts.close()
        with ExitStack() as opened:
            self._base = self.store.base()
            archives = archives_of(self.path, self.store.mark().store, self.folder)
            self.parts: list[Part] = []
            for archive, last in lined_up(archives, self._base):
                part = Part(archive, Store.open_read_only(archive.path), last)
                opened.callback(part.store.close)
                self.parts.insert(0, part)
            self._parts = opened.pop_all()

    def _steady[T](self, read: Callable[[], T]) -> T:
        """Read from journal and archives as one: anew, if events went from one to the other meanwhile."""
        while True:
            found = read()
            if self.store.base() == self._base:
                return found
            self._line_up()

    def __enter__(self) -> Self:
        """Read it within a `with`, which closes it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the journal and its archives."""
        self._parts.close()
        self._opened.close()

    @property
    def path(self) -> Path:
        """The journal's file."""
        return self.store.path

    @property
    def missing(self) -> int:
        """Up to which seq its events are in archives that are not here; 0 = all are here."""
        before = self.parts[0].archive.before if self.parts else self._base
        return before.seq

    def refuse_missing(self, first: int) -> None:
        """Refuse to say anything of events from a seq on where an archive is missing.

        Raises:
            StoreError: it names up to where.
        """
        if first <= self.missing:
            raise StoreError(
                f"its events up to seq {self.missing} are in archives that are not in {self.folder}",
                where=self.path,
                fix="put them there, or name their folder with --archives",
            )

    def records(self) -> Iterator[Recorded]:
        """Read everything that is here, in order.

        Raises:
            StoreError: what was to come next went into an archive that is elsewhere.
        """
        after = self.missing
        while page := self._steady(partial(self._page, after)):
            yield from page
            after = page[-1].seq

    def _page(self, after: int) -> list[Recorded]:
        self.refuse_missing(after + 1)
        for part in self.parts:
            if after < part.last:
                page = islice(part.store.records(after), _PAGE)
                return [each for each in page if each.seq <= part.last]
        return list(islice(self.store.records(after), _PAGE))

    def rows(self, first: int, last: int) -> list[ChainedRow]:
        """Return the rows from one seq to another, both included, as far as there are such.

        Raises:
            StoreError: some are in an archive that is missing.
        """
        return self._steady(partial(self._rows, first, last))

    def _rows(self, first: int, last: int) -> list[ChainedRow]:
        self.refuse_missing(first)
        found: list[ChainedRow] = []
        for part in self.parts:
            found += part.store.rows(first, min(last, part.last))
        return found + self.store.rows(max(first, self._base.seq + 1), last)

    def told(self, account: int, first: int, last: int) -> Iterator[Recorded]:
        """Read what concerns an account, of no one account included, from one seq to another.

        Raises:
            StoreError: some are in an archive that is missing.
        """
        yield from self._steady(partial(self._told, account, first, last))

    def _told(self, account: int, first: int, last: int) -> list[Recorded]:
        self.refuse_missing(first)
        found: list[Recorded] = []
        for part in self.parts:
            found += part.store.told(account, first, min(last, part.last))
        return found + list(self.store.told(account, max(first, self._base.seq + 1), last))

    def hash_at(self, seq: int) -> bytes:
        """Return the hash of the event at a seq; of 0, what the first one is chained to."""
        if self.missing and seq == self.missing:
            return (self.parts[0].archive.before if self.parts else self._base).hash
        return self.rows(seq, seq)[0].hash if seq else GENESIS

    def day_resets(self, account: int) -> list[tuple[int, str]]:
        """Return the seq of each of an account's day resets, and the trading date it began."""
        read = lambda: {each for store in self._stores() for each in store.day_resets(account)}  # noqa: E731
        return sorted(self._steady(read))

    def accounts(self) -> list[int]:
        """Return the ids of all accounts that ever had an event, ascending."""
        read = lambda: {account for store in self._stores() for account in store.accounts()}  # noqa: E731
        return sorted(self._steady(read))

    def _stores(self) -> list[Store]:
        return [part.store for part in self.parts] + [self.store]

    def mark(self) -> Mark:
        """Return how far the journal has got."""
        return self.store.mark()

    def recorded(self, row: ChainedRow) -> Recorded:
        """Decode one row; raises StoreError if this build does not know its event."""
        return self.store.recorded(row)


def verify_history(path: Path, anchor: Anchor, folder: Path | None) -> tuple[Verified, list[Part]]:
    """Walk the journal, compare it with its anchor, and walk all its archives: one chain from seq 1 on.

    Raises:
        StoreError: what `verify_anchored` raises; or an archive is missing, damaged or of another
            history.
    """
    verified = verify_anchored(path, anchor)
    with History(path, folder) as history:
        history.refuse_missing(BEGINNING.seq + 1)
        for part in history.parts:
            verify_archive(part.archive.path)
        # Each was found by its place; that the one's last is what the next is chained to is `lined_up`.
        return verified, history.parts
