"""Who holds a lease: a process that no later one can be taken for.

A process number is used again sooner or later, so a process is known by its number together with the
machine, the boot and the instant it was born in. Only Linux tells the last two; elsewhere nobody's life
is vouched for, and the lock on the file alone decides.
"""

import os
import socket
from datetime import datetime
from pathlib import Path
from typing import Self

import msgspec

_PROC = Path("/proc")
_ENDED = ("Z", "X")  # dead, but not yet buried by its parent


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """The process a lease was given to; stands in the store and in the lock's file."""

    epoch: int
    """The fencing epoch it was given."""
    pid: int
    """Process number."""
    born: str | None
    """Boot id and start, in ticks since boot, of this process; None where the system does not tell."""
    machine: str
    """Name of the machine."""
    since: datetime
    """When the lease was taken, UTC."""
    lock: tuple[int, int]
    """Device and inode of the lock's file it was taken with."""

    @classmethod
    def of_this_process(cls, *, epoch: int, since: datetime, lock: tuple[int, int]) -> Self:
        """Return this process as the holder."""
        pid = os.getpid()
        machine = socket.gethostname()
        return cls(epoch=epoch, pid=pid, born=born(pid), machine=machine, since=since, lock=lock)

    def __str__(self) -> str:
        """Say who it is, for an error or a log."""
        since = f"{self.since:%Y-%m-%d %H:%M:%S} UTC"
        return f"process {self.pid} on {self.machine}, epoch {self.epoch}, since {since}"

    @property
    def is_running(self) -> bool:
        """Tell whether this very process certainly runs, not another one with its number."""
        return self.born is not None and self.born == born(self.pid)

    @property
    def is_this_process(self) -> bool:
        """Tell whether it is the one that asks."""
        return self.pid == os.getpid() and self.is_running


def born(pid: int) -> str | None:
    """Return what tells a living process from any other that ever has its number; None = none lives."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text()
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is the program's name in brackets and may hold anything, brackets too.
    state, *fields = stat.rpartition(")")[2].split()
    return None if state in _ENDED else f"{boot}/{fields[18]}"
