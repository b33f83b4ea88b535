"""The journal as it lies there: whole, borne out by its anchor, its user's alone, and in whose hands.

Everything is read beside a running guard or without one. No lease is taken and none is tried: a try would
make a guard that starts at that moment end with exit code 75.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from actors import private
from actors.journal import Anchor, StoreError, verify_anchored
from actors.journal.holder import Holder
from actors.ops import exits
from actors.ops.doctor.finding import Check, Finding

STORE = Check("journal", "what is locked is known from it alone", exits.STORE)
MODES = Check("permissions", "whoever can change the journal can end every lock", exits.STORE)
LEASE = Check("lease", "one journal is guarded by one process")
_ENDS = ("", "-wal", "-shm", ".lock")
_OTHERS = 0o077


@dataclass(frozen=True, slots=True)
class StoreRead:
    """What stands at the journal's place."""

    path: Path
    """The journal."""
    events: int | None = None
    """Events it holds, archived ones included; None = there is no journal yet."""
    refused: str = ""
    """Why a start would refuse it."""
    fix: str = ""
    """The way out of that."""
    open_to_others: tuple[str, ...] = ()
    """Files of it that others than its user may read or change."""
    of_others: tuple[str, ...] = ()
    """Files of it that belong to another user."""
    open_folder: str = ""
    """The folder, where everybody may exchange its files."""


def read_store(path: Path, anchor: Path) -> StoreRead:
    """Walk the chain, compare it with its anchor, and look at the files."""
    try:
        read = _files_of(path, anchor)
        if not path.exists() and not anchor.exists():
            return read
        return replace(read, events=verify_anchored(path, Anchor(anchor)).events)
    except StoreError as error:
        return replace(read, refused=error.what, fix=error.fix)
    except OSError as error:
        fix = "let this user read the journal, its anchor and their folders"
        return StoreRead(path, refused=str(error), fix=fix)


def _files_of(path: Path, anchor: Path) -> StoreRead:
    files = [place for end in _ENDS if (place := path.with_name(path.name + end)).exists()]
    modes = {each.name: each.lstat() for each in (*files, *[anchor] * anchor.exists())}
    folder = next(each for each in path.absolute().parents if each.is_dir())
    return StoreRead(
        path,
        open_to_others=tuple(
            name for name, found in modes.items() if stat.S_IMODE(found.st_mode) & _OTHERS
        ),
        of_others=tuple(
            name for name, found in modes.items() if found.st_uid not in {0, os.geteuid()}
        ),
        open_folder=str(folder) if private.is_open_folder(folder) else "",
    )


def judge_store(read: StoreRead) -> Iterator[Finding]:
    """Judge whether a start would take it, and who else can change it."""
    about = str(read.path)
    if read.refused:
        yield STORE.critical(read.refused, fix=read.fix, about=about)
    elif read.events is None:
        yield STORE.ok("there is none yet; the first start makes it", about=about)
    else:
        what = f"{read.events} events, chain intact, as its anchor knows it"
        yield STORE.ok(what, about=about)
    if read.open_folder:
        fix = "`chmod o-w` that folder, or set [journal] path elsewhere"
        what = "everybody may exchange the files of this folder"
        yield MODES.critical(what, fix=fix, about=read.open_folder)
    if read.open_to_others:
        fix = "a start closes the journal's own files; see who has changed them, and `chmod 600`"
        what = f"others may read or change {', '.join(read.open_to_others)}"
        yield MODES.warning(what, fix=fix, about=about)
    if read.of_others:
        fix = "run doctor and guard as the user who owns the journal"
        what = f"another user owns {', '.join(read.of_others)}"
        yield MODES.warning(what, fix=fix, about=about)
    if not (read.open_folder or read.open_to_others or read.of_others):
        yield MODES.ok("its user's alone", about=about)


@dataclass(frozen=True, slots=True)
class LeaseRead:
    """What the lock beside the journal says."""

    holder: Holder | None
    """Who took the lease last; None = nobody ever did."""
    unreadable: str = ""
    """Why the lock's file could not be read."""


def read_lease(journal: Path) -> LeaseRead:
    """Read who took the lease last; the lock itself is not touched."""
    try:
        content = journal.with_name(journal.name + ".lock").read_bytes()
        return LeaseRead(msgspec.json.decode(content, type=Holder) if content else None)
    except FileNotFoundError:
        return LeaseRead(None)
    except (OSError, msgspec.DecodeError) as error:
        return LeaseRead(None, unreadable=str(error))


def judge_lease(read: LeaseRead, *, this_machine: str) -> Iterator[Finding]:
    """Judge who holds it: both nobody and a living guard are as they should be."""
    fix = "look whether a Lockstep runs with this journal, there or here"
    if read.unreadable:
        yield LEASE.unknown(f"its file cannot be read: {read.unreadable}", fix=fix)
    elif read.holder is None:
        yield LEASE.ok("nobody holds it")
    elif read.holder.machine != this_machine or read.holder.born is None:
        yield LEASE.unknown(f"taken last by {read.holder}: whether that runs is not told", fix=fix)
    elif read.holder.is_running:
        yield LEASE.ok(f"a guard runs: {read.holder}")
    else:
        yield LEASE.ok(f"nobody holds it; the last one was {read.holder}")
