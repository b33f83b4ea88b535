"""The journal's disk: is there room, and how long does it take until something is on it?

The one thing the doctor writes: a small file of its own in the journal's folder (or, where that is still
to be made, in the nearest folder above), synced some times and removed.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from actors import private
from actors.ops import exits
from actors.ops.doctor.finding import Check, Finding
from actors.runtime import Clock

ROOM = Check("disk room", "a full disk records nothing; enforcement goes on in memory", exits.STORE)
SYNC = Check("disk sync", "an intent is on disk before the first close is sent", exits.STORE)
ROUNDS = 30
ENOUGH_S = 5.0
"""No further sync is begun after so long: a disk that slow is known by then."""
_PAGE = b"\0" * 4096
_MIB = 2**20
_LITTLE, _TOO_LITTLE = 1024 * _MIB, 64 * _MIB


@dataclass(frozen=True, slots=True)
class DiskRead:
    """What was measured."""

    folder: Path
    """Where."""
    free: int | None = None
    """Bytes this user may still write; None = not told."""
    syncs_s: tuple[float, ...] = ()
    """Seconds each sync of a page took, ascending; none = it could not be written."""
    refused: str = ""
    """Why nothing could be written there."""

    def share(self, of: float) -> float:
        """Return the time within which such a share of the syncs was done."""
        return self.syncs_s[ceil(of * len(self.syncs_s)) - 1]


def read_disk(journal: Path, clock: Clock) -> DiskRead:
    """Write, sync, measure and remove."""
    folder = next(each for each in journal.absolute().parents if each.is_dir())
    probe = folder / f".lockstep-doctor-{os.getpid()}"
    try:
        found = os.statvfs(folder)
        free = found.f_bavail * found.f_frsize
        private.make_file(probe)
        try:
            syncs = sorted(_syncs(probe, clock))
        finally:
            probe.unlink()
    except OSError as error:
        return DiskRead(folder, refused=f"{error.strerror or error}")
    return DiskRead(folder, free=free, syncs_s=tuple(syncs))


def _syncs(probe: Path, clock: Clock) -> Iterator[float]:
    until = clock.monotonic() + ENOUGH_S
    with probe.open("r+b", buffering=0) as file:
        for _ in range(ROUNDS):
            begun = clock.monotonic()
            file.write(_PAGE)
            os.fsync(file.fileno())
            yield clock.monotonic() - begun
            if clock.monotonic() > until:
                return


def judge_disk(read: DiskRead, deadline_s: float) -> Iterator[Finding]:
    """Judge room, and syncing by the time an enforcement waits for the journal (`deadline_s`)."""
    about = str(read.folder)
    if read.refused or read.free is None:
        fix = "let this user write in that folder, or set [journal] path elsewhere"
        yield ROOM.critical(f"cannot write there: {read.refused}", fix=fix, about=about)
        return
    room, free = f"{read.free / _MIB:,.0f} MiB free", "free some space, or move the journal"
    if read.free < _TOO_LITTLE:
        yield ROOM.critical(room, fix=free, about=about)
    elif read.free < _LITTLE:
        yield ROOM.warning(room, fix=free, about=about)
    else:
        yield ROOM.ok(room, about=about)
    half, most = read.share(0.5), read.share(0.99)
    times = f"p50 {half * 1000:.1f} ms, p99 {most * 1000:.1f} ms of {len(read.syncs_s)}"
    fix = "put the journal on a local SSD; a longer [enforcement] journal_deadline_s delays closes"
    if half > deadline_s:
        yield SYNC.critical(f"{times}: over {deadline_s * 1000:g} ms", fix=fix, about=about)
    elif most > deadline_s:
        yield SYNC.warning(f"{times}: over {deadline_s * 1000:g} ms", fix=fix, about=about)
    else:
        yield SYNC.ok(times, about=about)
