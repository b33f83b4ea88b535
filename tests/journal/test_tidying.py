"""What the journal's thread does of archiving: behind whoever waits for the disk, never in his way."""

from contextlib import closing
from datetime import timedelta

from msgspec import structs

from actors.journal import Store
from actors.journal.archiving import announce, preparing
from actors.journal.connection import connect_reader
from actors.journal.steps import at_once
from actors.journal.tidying import SWEPT
from messages.journal import AnnounceArchive, Appended, SweepArchived, Tidied, TidyFailed
from tests.journal.conftest import NOW, Harness, moved, reset
from tests.journal.test_failing_disk import fill_disk, free_disk

SWEEP = SweepArchived(at=NOW, cause="test", asker="probe")


def announced(store: Store, rows: int) -> None:
    """Bring so many events into an archive, so that they may leave."""
    store.append([*[moved(1, size) for size in range(rows)], reset(1)])
    announce(store, at_once(preparing(store, rows, store.path.parent)), NOW + timedelta(days=1))


def pages_of(store: Store) -> int:
    with closing(connect_reader(store.path)) as connection:
        return int(connection.execute("PRAGMA page_count").fetchone()[0])


def test_who_waits_for_the_disk_is_answered_first(harness: Harness):
    """An intent that comes in the same turn is on disk, and its asker knows it, before a row leaves."""
    announced(harness.store, SWEPT)
    let_go = harness.hold()
    harness.directory.tell("journal", SWEEP)
    harness.append(moved(1, 1))
    let_go()

    assert [type(each) for each in harness.settle()] == [Appended, Tidied]
    assert harness.store.base().seq == SWEPT


def test_each_step_lets_a_few_rows_leave_until_none_are_left(harness: Harness):
    """However many there are; and the disk gets back what they took."""
    announced(harness.store, 2 * SWEPT + 1)
    pages = pages_of(harness.store)
    found = []
    for _ in range(4):
        harness.directory.tell("journal", SWEEP)
        found += [(each.left, harness.store.base().seq) for each in harness.settle()]

    last = 2 * SWEPT + 1
    assert pages_of(harness.store) < pages - 2 * SWEPT // 20
    assert found == [(True, SWEPT), (True, 2 * SWEPT), (True, last), (False, last)]


def test_an_archive_of_another_history_is_refused(harness: Harness):
    """What the journal does not hold itself never lets anything leave."""
    store = harness.store
    store.append([moved(1, size) for size in range(9)])
    ready = at_once(preparing(store, 5, store.path.parent))
    wrong = structs.replace(ready, last_hash="00" * 32)
    harness.directory.tell(
        "journal", AnnounceArchive(at=NOW, cause="test", asker="probe", ready=wrong)
    )

    (answer,) = harness.settle()
    assert isinstance(answer, TidyFailed)
    assert store.last_archived() is None


def test_while_the_disk_refuses_nothing_leaves(harness: Harness):
    """First what was decided has to be on it."""
    announced(harness.store, SWEPT)
    fill_disk(harness.store)
    harness.append(*[moved(1, size) for size in range(2_000)])
    harness.settle()
    harness.directory.tell("journal", SWEEP)
    (answer,) = harness.settle()
    free_disk(harness.store)

    assert isinstance(answer, TidyFailed)
    assert harness.store.base().seq == 0
