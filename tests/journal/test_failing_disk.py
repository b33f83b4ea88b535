"""S-100: while the store refuses, nothing is lost silently and nothing changes its order."""

import pytest

from actors.journal import Store, verify
from actors.runtime import VirtualClock
from messages.events import AlarmRaised, Event
from messages.journal import Appended, AppendFailed, Committed, ReadAccount, Subscribe
from messages.values import AlarmCode
from tests.journal.conftest import NOW, Harness, moved, opened, reset


@pytest.fixture
def watched(harness: Harness) -> Harness:
    """Return a harness whose probe is told of every transaction."""
    harness.directory.tell("journal", Subscribe(at=NOW, cause="test", address="probe"))
    harness.settle()
    return harness


def fill_disk(store: Store) -> None:
    """Let the file grow no further."""
    (pages,) = store._connection.execute("PRAGMA page_count").fetchone()
    store._connection.execute(f"PRAGMA max_page_count = {pages}")


def free_disk(store: Store) -> None:
    store._connection.execute("PRAGMA max_page_count = 1000000")


def forbid_writing(store: Store) -> None:
    store._connection.execute("PRAGMA query_only = ON")


def allow_writing(store: Store) -> None:
    store._connection.execute("PRAGMA query_only = OFF")


def stored(harness: Harness) -> list[Event]:
    """Return what is on disk, without the journal's own alarms."""
    events = [each.event for each in harness.store.records()]
    return [each for each in events if not isinstance(each, AlarmRaised)]


def alarms(events: tuple[Event, ...]) -> list[str]:
    return [each.text for each in events if isinstance(each, AlarmRaised)]


@pytest.mark.parametrize(
    ("break_it", "mend_it", "reason"),
    [(fill_disk, free_disk, "full"), (forbid_writing, allow_writing, "readonly")],
)
def test_a_refusal_is_told_at_once_and_made_good_later(watched: Harness, break_it, mend_it, reason):
    """The asker goes on unrecorded; within a second of the repair everything is on disk."""
    big = [moved(1, size) for size in range(500)]
    break_it(watched.store)
    watched.append(*big, token="refused")

    failed, refused = watched.settle()

    assert isinstance(failed, AppendFailed)
    assert reason in failed.reason
    assert not refused.durable
    assert tuple(big) == refused.records[:-1]
    assert refused.records[-1].code is AlarmCode.JOURNAL_FAILED
    assert str(watched.store.path) in refused.records[-1].text

    mend_it(watched.store)
    watched.clock.advance(1)
    (committed,) = watched.settle()

    assert isinstance(committed, Committed)
    assert committed.durable
    assert refused.records == committed.records
    assert big == stored(watched)
    assert verify(watched.store.path).events == 501


def test_order_across_accounts_survives_a_failure(watched: Harness):
    """What was refused stands before what came later."""
    forbid_writing(watched.store)
    for size in range(10):
        watched.append(moved(size % 3, size), asker=None)
        watched.settle()
    allow_writing(watched.store)
    watched.clock.advance(1)
    for size in range(10, 20):
        watched.append(moved(size % 3, size), asker=None)
    watched.settle()

    assert list(range(20)) == [each.position.size for each in stored(watched)]
    verify(watched.store.path)


def test_each_append_is_answered_exactly_once(watched: Harness):
    """After `AppendFailed` no `Appended` follows for the same token."""
    forbid_writing(watched.store)
    watched.append(opened(1), token="one")
    watched.append(opened(2), token="two")
    heard = watched.settle()
    allow_writing(watched.store)
    watched.clock.advance(1)
    heard += watched.settle()

    answers = [each for each in heard if isinstance(each, AppendFailed | Appended)]
    assert [("one", AppendFailed), ("two", AppendFailed)] == [
        (each.token, type(each)) for each in answers
    ]


def test_one_failure_raises_one_alarm_and_a_second_one_another(watched: Harness):
    """People are told when it begins, not with every event."""
    for episode in range(2):
        forbid_writing(watched.store)
        for account in range(5):
            watched.append(opened(account), asker=None)
            watched.settle()
        watched.clock.advance(1)
        watched.settle()
        allow_writing(watched.store)
        watched.clock.advance(1)
        (committed,) = watched.settle()
        assert len(alarms(committed.records)) == 1, f"episode {episode}"


def test_between_tries_new_events_are_refused_without_touching_the_disk(watched: Harness):
    """A full disk does not make every message slow."""
    forbid_writing(watched.store)
    watched.append(opened(1))
    watched.settle()
    statements: list[str] = []
    watched.store._connection.set_trace_callback(statements.append)

    watched.append(opened(2), token="second")
    failed, refused = watched.settle()

    assert failed.token == "second"
    assert (opened(2),) == refused.records
    assert statements == []


def test_reading_an_account_includes_what_the_store_refused(watched: Harness):
    """An account that restarts while the disk is full still knows its locks."""
    watched.append(moved(1, 1), moved(1, 2), asker=None)
    watched.settle()
    fill_disk(watched.store)
    forbid_writing(watched.store)
    watched.append(moved(1, 3), moved(2, 1), asker=None)

    read = ReadAccount(at=NOW, cause="test", account=1)
    assert [each.event.position.size for each in watched.journal.ask(read, timeout=60)] == [1, 2, 3]
    watched.append(reset(1), moved(1, 4), asker=None)
    during = watched.journal.ask(read, timeout=60)
    assert [reset(1), moved(1, 4)] == [each.event for each in during]

    allow_writing(watched.store)
    free_disk(watched.store)
    watched.clock.advance(1)
    watched.settle()
    assert during == watched.journal.ask(read, timeout=60)


def test_past_its_bound_the_memory_says_how_much_it_lost(store: Store, clock: VirtualClock):
    """The gap stands in the journal, at its place, with its size."""
    harness = Harness(store, clock)
    harness.memory._limit = 3
    harness.directory.tell("journal", Subscribe(at=NOW, cause="test", address="probe"))
    forbid_writing(store)
    for account in range(6):
        harness.append(opened(account), asker=None)
        harness.settle()
    harness.append(opened(6), asker=None)
    (refused,) = harness.settle()
    assert (opened(6),) == refused.records
    allow_writing(store)
    clock.advance(1)
    harness.settle()
    harness.append(opened(7), asker=None)
    harness.settle()

    events = [each.event for each in store.records()]
    assert [opened(0), opened(1), opened(7)] == [events[0], events[2], events[4]]
    assert "the store refuses" in events[1].text
    assert "5 events were lost" in events[3].text
    harness.stop()


def test_a_successor_goes_on_with_what_its_predecessor_could_not_store(watched: Harness):
    """A restart of the journal itself loses neither events nor subscribers."""
    forbid_writing(watched.store)
    watched.append(opened(1), token="refused")
    watched.settle()
    watched.journal.stop()
    allow_writing(watched.store)
    watched.start_journal()
    watched.append(opened(2), token="next")

    appended, committed = watched.settle()

    assert (appended.token, appended.last_seq) == ("next", 3)
    assert [opened(1), opened(2)] == stored(watched)
    assert opened(2) == committed.records[-1]


def test_an_unexpected_failure_is_told_to_those_who_wait(watched: Harness):
    """Even a fault of the journal itself answers every asker and keeps the events."""
    watched.store.append_rows = lambda _rows: 1 / 0
    watched.append(opened(1), token="unlucky")

    failed, refused = watched.settle()

    assert "ZeroDivisionError" in failed.reason
    assert not refused.durable
    del watched.store.append_rows
    watched.start_journal()
    watched.append(opened(2))
    watched.settle()
    assert [opened(1), opened(2)] == stored(watched)


def test_the_last_try_is_at_the_stop(watched: Harness):
    """A disk that is free again at the end gets everything, without waiting for the second."""
    forbid_writing(watched.store)
    watched.append(opened(1), asker=None)
    watched.settle()
    allow_writing(watched.store)

    watched.journal.stop()

    assert [opened(1)] == stored(watched)
