"""A disk that fails under a running store, by the kernel's own refusal: nothing of SQLite is replaced.

`NO_WRITE`: while a transaction is to fail, the descriptor of the store's log is one that may only read,
so every write to it is refused; before and after it is the log again. `NO_FSYNC`: from then on every
fsync of the journal's own thread is EIO, as a seccomp filter can have it, which ends only with the
thread: writes go well, and the commit is refused all the same.
"""

import ctypes
import os
import platform
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from actors.journal import Store


class How(StrEnum):
    """How it fails."""

    NO_WRITE = "no_write"
    NO_FSYNC = "no_fsync"


def _set() -> threading.Event:
    event = threading.Event()
    event.set()
    return event


@dataclass
class Disk:
    """Counts the transactions of every store, and lets some of them fail."""

    how: How = How.NO_WRITE
    fails: Callable[[int], bool] = lambda _number: False
    """Whether a transaction, counted from 1, meets a broken disk."""
    moves: threading.Event = field(default_factory=_set)
    """Cleared: every transaction hangs until it is set, as on a disk that takes seconds to sync."""
    written: list[int] = field(default_factory=list)
    """Rows of each transaction that was tried."""
    failed: list[int] = field(default_factory=list)
    """Numbers of those that failed."""

    def append_rows(self, store: Store, rows: Sequence[Any]) -> int:
        """Stand in for `Store.append_rows`, on the disk as it now is."""
        assert self.moves.wait(100)
        self.written.append(len(rows))
        number = len(self.written)
        if not self.fails(number):
            return _append_rows(store, rows)
        self.failed.append(number)
        if self.how is How.NO_FSYNC:
            refuse_fsync()
            return _append_rows(store, rows)
        with _read_only(f"{store.path.resolve()}-wal"):
            return _append_rows(store, rows)


_append_rows = Store.append_rows


# --- writes -------------------------------------------------------------------------------------


@contextmanager
def _read_only(log: str) -> Iterator[None]:
    spoilt = [int(each.name) for each in Path("/proc/self/fd").iterdir() if _is(each, log)]
    assert spoilt, "the store has no log yet"
    reader = os.open(log, os.O_RDONLY)
    kept = {each: os.dup(each) for each in spoilt}
    try:
        for each in spoilt:
            os.dup2(reader, each)
        yield
    finally:
        for each, log_again in kept.items():
            os.dup2(log_again, each)
            os.close(log_again)
        os.close(reader)


def _is(link: Path, path: str) -> bool:
    try:
        return str(link.readlink()) == path
    except FileNotFoundError:  # the descriptor this listing itself has used
        return False


# --- fsync --------------------------------------------------------------------------------------

_FSYNC = {"x86_64": (74, 75), "aarch64": (82, 83)}.get(platform.machine())
"""Numbers of fsync and fdatasync."""
_EIO = 5
_NO_NEW_PRIVS, _SECCOMP, _FILTER = 38, 22, 2
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000

CAN_FAIL = Path("/proc/self/fd").is_dir() and _FSYNC is not None
"""Whether this machine can be told to fail."""


def refuse_fsync() -> None:
    """Have every later fsync of the calling thread, and of no other, fail with EIO."""
    assert _FSYNC
    first, second = _FSYNC
    steps = [
        (_LOAD, 0, 0, 0),  # the number of the system call
        (_EQUAL, 1, 0, first),
        (_EQUAL, 0, 1, second),
        (_RETURN, 0, 0, _ERRNO | _EIO),
        (_RETURN, 0, 0, _ALLOW),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *each) for each in steps))
    program = struct.pack("HxxxxxxQ", len(steps), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    assert libc.prctl(_SECCOMP, _FILTER, ctypes.create_string_buffer(program)) == 0
