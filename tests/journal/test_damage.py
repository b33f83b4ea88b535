"""Every byte of the store, its log, its index and its anchor: cut there, or one bit of it turned.

Each case ends in exactly the events that were stored, or in a refusal that leaves every file as it was;
never in another history, and never in an error that is not a refusal. `./run test` plays a sample from
the seed it prints; `LOCKSTEP_DAMAGE=all` plays every byte (some minutes), `LOCKSTEP_DAMAGE=<seed>` the
sample of a seed.
"""

import os
import random
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.journal import Store, StoreError
from actors.runtime import VirtualClock
from tests.journal.conftest import NOW, moved, reset
from tests.journal.test_anchoring import locked

ACCOUNTS = range(1, 4)
HEADER = 100
"""Bytes of the header of an SQLite file: page size, versions, free pages, counters."""
SAMPLE = 250
"""Cases of each file in `./run test`, beside its first bytes."""
MODE = os.environ.get("LOCKSTEP_DAMAGE", "")
SEED = MODE if MODE not in ("", "all") else secrets.token_hex(4)

type Case = tuple[str, int, int | None]
"""A file, a place in it, and the bit that is turned there (None = it is cut there)."""


def history() -> list[object]:
    return [
        *(moved(account, size) for size in range(3) for account in ACCOUNTS),
        reset(1),
        *(locked(account) for account in ACCOUNTS),
    ]


@pytest.fixture
def path() -> Iterator[Path]:
    """Return a place in memory, where there is one: thousands of starts would wear out a disk."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder) / "data" / "lockstep.db"


@pytest.fixture
def closed(path: Path) -> Path:
    """Return the folder of a store that was closed in order."""
    store = Store.open(path, clock=VirtualClock(NOW))
    for event in history():
        store.append([event])
    store.close()
    return path.parent


@pytest.fixture
def killed(path: Path) -> Path:
    """Return the folder of one that was not: half of it is only in its log, and its anchor is level."""
    events = history()
    store = Store.open(path, clock=VirtualClock(NOW))
    store.append(events[:4])
    store.close()
    store = Store.open(path, clock=VirtualClock(NOW))
    for event in events[4:]:
        store.append([event])
        if event is events[6]:
            shutil.copy(path.with_name("lockstep.db-wal"), path.parent.with_name("older-wal"))
    store.anchor.write(store.mark())
    folder = path.parent.with_name("killed")
    shutil.copytree(path.parent, folder)
    store.close()
    return folder


def cases(size: int, name: str, first: int = 0) -> Iterator[Case]:
    """Yield where a file is cut and which bits of it are turned."""
    if MODE == "all":
        yield from ((name, at, None) for at in range(size))
        yield from ((name, at, at % 8) for at in range(size))
        return
    dice = random.Random(f"{SEED} {name}")  # noqa: S311 - a sample, no secret
    yield from ((name, at, dice.randrange(8)) for at in range(min(first, size)))
    for at in dice.sample(range(size), min(SAMPLE, size)):
        yield name, at, dice.randrange(8)
    for at in dice.sample(range(size), min(SAMPLE // 4, size)):
        yield name, at, None


def spoil(folder: Path, case: Case) -> None:
    name, at, bit = case
    place = folder / name
    intact = place.read_bytes()
    turned = b"" if bit is None else bytes([intact[at] ^ (1 << bit)]) + intact[at + 1 :]
    place.write_bytes(intact[:at] + turned)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        each.name: each.read_bytes()
        for each in folder.iterdir()
        if not each.name.endswith(("-shm", ".lock")) and each.stat().st_size
    }


def everything(store: Store) -> list[object]:
    return [store.accounts(), *store.records(), *map(store.account_events, ACCOUNTS)]


def survives(
    original: Path, case: Case | None, expected: list[object] | None
) -> list[object] | None:
    """Open a spoilt copy; return what it holds, or None when it was refused and left alone."""
    folder = original.with_name("copy")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(original, folder)
    if case:
        spoil(folder, case)
    before = contents(folder)
    try:
        store = Store.open(folder / "lockstep.db", clock=VirtualClock(NOW))
    except StoreError:
        assert before == contents(folder), f"{case}: refused, but not left as it was found"
        return None
    try:
        found = everything(store)
    finally:
        store.close()
    assert expected in (None, found), f"{case}: another history"
    return found


def refused(original: Path, spoilt: Iterator[Case]) -> set[Case]:
    """Play every case; return those that were refused."""
    print(f"LOCKSTEP_DAMAGE={SEED}")  # noqa: T201 - how a failure is played again
    expected = survives(original, None, None)
    assert expected
    return {case for case in spoilt if survives(original, case, expected) is None}


def sizes(folder: Path) -> dict[str, int]:
    return {each.name: each.stat().st_size for each in folder.iterdir()}


def test_a_store_damaged_at_any_byte_is_whole_or_refused(closed: Path):
    """Header, schema, table, index, free bytes; a cut is always refused."""
    size = sizes(closed)["lockstep.db"]
    played = set(cases(size, "lockstep.db", first=HEADER))

    found = refused(closed, iter(played))

    assert {case for case in played if case[2] is None} <= found
    assert found != played  # bytes nobody uses


def test_a_log_damaged_at_any_byte_is_whole_or_refused(killed: Path):
    """What it held was acknowledged, so SQLite's way of dropping a torn tail is a refusal here."""
    size = sizes(killed)["lockstep.db-wal"]
    played = set(cases(size, "lockstep.db-wal", first=32 + 24))

    found = refused(killed, iter(played))

    assert len(found) > len(played) * 0.9
    assert {case for case in played if case[2] is None} <= found


def test_a_store_beside_its_log_damaged_at_any_byte_is_whole_or_refused(killed: Path):
    """Pages that the log has anew may be spoilt in the file; all others may not."""
    size = sizes(killed)["lockstep.db"]

    refused(killed, cases(size, "lockstep.db", first=HEADER))


def test_an_index_of_the_log_damaged_at_any_byte_changes_nothing(killed: Path):
    """It is made anew from the log by who comes first."""
    size = sizes(killed)["lockstep.db-shm"]

    assert refused(killed, cases(size, "lockstep.db-shm", first=136)) == set()


def test_an_anchor_damaged_at_any_byte_is_refused(closed: Path):
    """Each bit of it says something but the end of the line."""
    size = sizes(closed)["lockstep.db.anchor"]
    played = {("lockstep.db.anchor", at, bit) for at in range(size) for bit in (None, at % 8)}

    found = refused(closed, iter(played))

    assert {case for case in played - found if case[1] < size - 1} == set()


@pytest.mark.parametrize("gone", [("-wal",), ("-wal", "-shm"), ("-shm",)])
def test_a_log_that_is_gone_is_refused_and_its_index_is_not_missed(killed: Path, gone):
    """Without the log acknowledged events are missing; the index is only its index."""
    for suffix in gone:
        (killed / f"lockstep.db{suffix}").unlink()

    assert (survives(killed, None, None) is None) == ("-wal" in gone)


def test_a_log_of_an_older_time_is_refused(killed: Path):
    """A roll-back needs no more than the log's own old copy."""
    shutil.copy(killed.with_name("older-wal"), killed / "lockstep.db-wal")

    assert survives(killed, None, None) is None
