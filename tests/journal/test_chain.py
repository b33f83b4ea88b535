"""Whatever is done to a stored row behind the store's back, the walk finds it, and says where."""

import sqlite3
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.journal import Store, StoreError, verify
from actors.journal.chain import GENESIS, chained, link, row_of
from actors.runtime import VirtualClock
from tests.journal.conftest import moved

ROWS = 12


@pytest.fixture
def closed(store: Store, path: Path) -> Path:
    """Return the file of a store with a dozen events."""
    store.append([moved(account, 1) for account in range(1, ROWS + 1)])
    store.close()
    return path


def tamper(path: Path, *statements: str) -> None:
    """Do what the append-only triggers would not allow."""
    connection = sqlite3.connect(path)
    for name in ("events_are_never_changed", "events_are_never_deleted"):
        connection.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.mark.parametrize("seq", [1, 2, 7, ROWS])
@pytest.mark.parametrize(
    "edit",
    [
        "account = account + 1",
        "account = NULL",
        "account = 'someone'",
        "kind = 'position_change'",
        "kind = CAST(x'ff' AS TEXT)",
        "at = replace(at, '2025', '2024')",
        "body = CAST(replace(CAST(body AS TEXT), 'stream', 'Stream') AS BLOB)",
        "body = x''",
        "hash = x'00'",
        "hash = zeroblob(32)",
    ],
)
def test_every_edited_field_breaks_the_chain_at_its_row(closed: Path, seq: int, edit: str):
    """First, last and middle rows, each column."""
    tamper(closed, f"UPDATE events SET {edit} WHERE seq = {seq}")  # noqa: S608

    with pytest.raises(StoreError, match=f"broken at seq {seq}:"):
        verify(closed)


def test_every_changed_byte_of_a_body_breaks_the_chain_at_its_row(closed: Path):
    """No byte of an event is outside the chain."""
    connection = sqlite3.connect(closed)
    (body,) = connection.execute("SELECT body FROM events WHERE seq = 5").fetchone()
    connection.execute("DROP TRIGGER events_are_never_changed")
    for at in range(len(body)):
        changed = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
        connection.execute("UPDATE events SET body = ? WHERE seq = 5", (changed,))
        connection.commit()
        with pytest.raises(StoreError, match="broken at seq 5:"):
            verify(closed)
    connection.close()


@pytest.mark.parametrize(
    ("edit", "seq"),
    [
        ("DELETE FROM events WHERE seq = 4", 4),
        ("DELETE FROM events WHERE seq <= 2", 1),
        ("DELETE FROM events WHERE seq = 12", 12),
        ("DELETE FROM events WHERE seq > 3", 4),
        ("UPDATE events SET seq = -1 WHERE seq = 6", 6),
        ("INSERT INTO events SELECT 0, account, kind, at, body, hash FROM events LIMIT 1", 0),
        ("INSERT INTO kept VALUES (3)", 0),
        ("UPDATE meta SET value = 4 WHERE name = 'base'", 5),
        ("DELETE FROM meta WHERE name = 'base'", 1),
        ("UPDATE meta SET value = 'x' WHERE name = 'base_hash'", 1),
        ("UPDATE events SET seq = 17 WHERE seq = 12", 12),
        ("INSERT INTO events SELECT 13, account, kind, at, body, hash FROM events LIMIT 1", 13),
        ("UPDATE meta SET value = value + 1 WHERE name = 'last_seq'", ROWS + 1),
        ("DELETE FROM meta WHERE name = 'last_seq'", ROWS + 1),
    ],
)
def test_removed_moved_and_added_rows_are_found(closed: Path, edit: str, seq: int):
    """Rows cut off at the end are missed too."""
    tamper(closed, edit)

    with pytest.raises(StoreError, match=f"broken at seq {seq}:"):
        verify(closed)


def test_exchanged_rows_are_found(closed: Path):
    """Each row is bound to its place, not only to its content."""
    tamper(
        closed,
        "UPDATE events SET seq = -3 WHERE seq = 3",
        "UPDATE events SET seq = 3 WHERE seq = 4",
        "UPDATE events SET seq = 4 WHERE seq = -3",
    )

    with pytest.raises(StoreError, match="broken at seq 3:"):
        verify(closed)


def test_a_broken_chain_refuses_to_start_and_is_left_as_evidence(closed: Path, clock: VirtualClock):
    """Nothing starts on a history that was changed, and nothing repairs it quietly."""
    tamper(closed, "UPDATE events SET account = 99 WHERE seq = 7")
    before = closed.read_bytes()

    with pytest.raises(StoreError, match="broken at seq 7:"):
        Store.open(closed, clock=clock)

    assert before == closed.read_bytes()


def test_a_flipped_byte_anywhere_in_the_file_is_found_or_changes_nothing(
    closed: Path, tmp_path: Path
):
    """Damage of the disk under table, index or header never shows another history."""
    intact = closed.read_bytes()
    expected = everything(closed)
    copy = tmp_path / "copy.db"
    for at in range(0, len(intact), 101):
        copy.write_bytes(intact[:at] + bytes([intact[at] ^ 0x5A]) + intact[at + 1 :])
        try:
            verify(copy)
        except StoreError:
            continue
        assert expected == everything(copy), f"byte {at}"


def everything(path: Path) -> list[object]:
    store = Store.open_read_only(path)
    seen = [store.accounts(), *store.records(), *map(store.account_events, range(ROWS + 2))]
    store.close()
    return seen


def test_verify_counts_the_events_and_returns_the_last_hash(closed: Path):
    """The hash is the one the last record carries; it names the whole history."""
    store = Store.open_read_only(closed)
    *_, last = store.records()
    store.close()

    assert (ROWS, last.hash, 0) == verify(closed)


def test_an_empty_journal_verifies(store: Store):
    """Before the first event the chain ends in its origin."""
    assert (0, GENESIS.hex(), 0) == verify(store.path)


def test_the_chain_is_what_the_readme_says():
    """Another program can check a journal with SHA-256 and MessagePack alone."""
    columns = (1, 13298777, "k", "2025", b"\x80")
    array = bytes.fromhex("95 01 ce00caec59 a16b a432303235 c40180")

    assert sha256(GENESIS + array).digest() == link(GENESIS, columns)


@given(st.lists(st.integers(-50, 50), min_size=1), st.integers(0, 200))
def test_a_chain_can_be_built_in_any_number_of_transactions(sizes: list[int], cut: int):
    """Where one transaction ends and the next begins leaves no trace."""
    rows = [row_of(moved(1, size)) for size in sizes]
    cut %= len(rows)

    whole = list(chained(rows, last_seq=0, last_hash=GENESIS))
    first = list(chained(rows[:cut], last_seq=0, last_hash=GENESIS))
    last_hash = first[-1].hash if first else GENESIS
    second = list(chained(rows[cut:], last_seq=cut, last_hash=last_hash))

    assert whole == [*first, *second]
