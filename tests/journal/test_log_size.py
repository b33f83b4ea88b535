"""The log (`-wal`): who reads for long lets it grow, and afterwards it is cut again."""

from contextlib import closing
from pathlib import Path

from actors.journal import Store, connection
from actors.journal.connection import connect_reader
from actors.runtime import VirtualClock
from tests.journal.conftest import moved

LIMIT = 200_000


def write(store: Store, path: Path) -> int:
    """Commit a good deal, and return how long the log is."""
    for _ in range(40):
        store.append([moved(1, size) for size in range(100)])
    return path.with_name(f"{path.name}-wal").stat().st_size


def test_a_log_that_a_long_reader_let_grow_is_cut_when_he_has_gone(
    path: Path, clock: VirtualClock, monkeypatch
):
    """He sees one picture all the while, as a walk of the chain must."""
    monkeypatch.setattr(connection, "LOG_BYTES", LIMIT)
    store = Store.open(path, clock=clock)
    write(store, path)
    count = "SELECT count(*) FROM events"
    with closing(connect_reader(path)) as reader:
        reader.execute("BEGIN")
        seen = reader.execute(count).fetchone()
        lengths = [write(store, path) for _ in range(6)]
        assert reader.execute(count).fetchone() == seen
    assert lengths[-1] > 5_000_000

    # what the next checkpoint copies fits in the log's beginning: one commit starts it anew
    store.append([moved(1, 1)])
    store.append([moved(1, 2)])

    assert path.with_name(f"{path.name}-wal").stat().st_size <= LIMIT
    store.close()
