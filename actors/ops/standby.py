"""Standing by: waiting for the lease of a journal that another process holds, ready to take over.

The lock on the journal is the only word on whether the other is gone: it falls when that process ends,
however it ends, and not before. A process that stands still keeps it, so nobody takes over by a mere
timeout and both act; a watchdog kills such a process first.

What was seen held must be there when it is free: a journal whose folder was moved away, or whose disk is
not mounted any more, is never replaced by a new one, which would know of no lock.
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path

import structlog

from actors.journal import NO_IDENTITY, LeaseHeldError, Store, StoreError
from actors.ops.notify import BEAT, Notifier
from actors.runtime import Clock
from config.errors import ConfigError
from config.loader import Config, load

LOOK_EVERY_S = 0.1
"""How often the lock is tried: three system calls."""
_TELL_EVERY_S = 1.0
_START_TAKES_S = 120

_log = structlog.get_logger(actor="stand-by")


def stand_by(
    path: Path,
    anchor: Path | None,
    *,
    clock: Clock,
    notifier: Notifier,
    ended: Callable[[float], bool],
    continues: str | None = None,
) -> Store | None:
    """Return the store once no other process holds it; None if it was told to end before.

    `ended` waits so many seconds and says whether to end; `continues` is what `Store.open` takes, until
    a holder is seen.

    Raises:
        StoreError: it is free, but cannot be used, or is not there any more.
    """
    said, told_at = "", clock.monotonic() - _TELL_EVERY_S
    while True:
        try:
            store = Store.open(path, clock=clock, anchor=anchor, continues=continues)
        except LeaseHeldError as error:
            held = error.what
        else:
            _log.warning(
                "takes_over", epoch=store.lease.holder.epoch, before=str(store.lease.before)
            )
            return store
        if held != said:
            said = held
            continues = _identity(path) or continues or NO_IDENTITY
            _log.info("stands_by", journal=str(path), why=held)
        if clock.monotonic() - told_at >= _TELL_EVERY_S:
            told_at = clock.monotonic()
            # Not ready, and not late either: what waits to be needed is in good health.
            notifier.tell(
                BEAT,
                f"EXTEND_TIMEOUT_USEC={_START_TAKES_S * 1_000_000}",
                f"STATUS=standing by: {held}",
            )
        if ended(LOOK_EVERY_S):
            return None


def _identity(path: Path) -> str:
    """Return which store is held, as far as it can be read now."""
    try:
        with closing(Store.open_read_only(path)) as store:
            return store.mark().store
    except (StoreError, sqlite3.Error):  # as while its holder has yet to make it
        return NO_IDENTITY


def newest(loaded: Config, *, now: datetime) -> Config:
    """Return the configuration as its file stands now, or the one loaded if that is not valid any more.

    Nobody guards at this moment: what was valid when the wait began is better than nothing.
    """
    try:
        fresh = load(loaded.path, now=now)
    except ConfigError as error:
        complaints = error.complaints
    else:
        if fresh.file.journal == loaded.file.journal:
            return fresh
        complaints = ("journal: has changed; restart to change it",)
    _log.critical("changed_file_refused", config=str(loaded.path), complaints=complaints)
    return loaded
