"""The JournalActor commits what waits together, in order, and answers only after the disk has it."""

import sqlite3
from pathlib import Path

import pytest

from actors.journal import Store, verify
from actors.runtime import OwnThread, PooledActor, VirtualClock
from messages.events import DeadLettered
from messages.journal import Appended, AppendFailed, Committed, ReadAccount, Subscribe
from messages.queries import Ping
from tests.journal.conftest import NOW, Harness, moved, opened, reset


def count_commits(store: Store) -> list[str]:
    """Return a list that grows with every transaction of the store."""
    commits: list[str] = []
    store._connection.set_trace_callback(
        lambda statement: commits.append(statement) if statement == "COMMIT" else None
    )
    return commits


def subscribe(harness: Harness, address: str = "probe") -> None:
    harness.directory.tell("journal", Subscribe(at=NOW, cause="test", address=address))


def read(harness: Harness, account: int):
    return harness.journal.ask(ReadAccount(at=NOW, cause="test", account=account), timeout=60)


def test_an_append_is_answered_with_its_own_last_seq(harness: Harness):
    """Each asker learns where its own events stand."""
    let_go = harness.hold()
    harness.append(opened(1), opened(2), token="first")
    harness.append(opened(3), token="second")
    let_go()

    assert [(each.token, each.last_seq) for each in harness.settle()] == [
        ("first", 2),
        ("second", 3),
    ]


def test_everything_that_waits_goes_into_one_transaction(harness: Harness):
    """Group commit: three hundred actors wait for one fsync, not for three hundred."""
    commits = count_commits(harness.store)
    let_go = harness.hold()
    for account in range(300):
        harness.append(moved(account, 1), token=str(account))
    let_go()

    answers = harness.settle()

    assert [str(account) for account in range(300)] == [each.token for each in answers]
    assert len(commits) == 1
    assert list(range(300)) == [each.event.account for each in harness.store.records()]


def test_an_asker_is_answered_only_after_the_commit(harness: Harness, path: Path):
    """At the moment of the answer another process already sees the events."""
    seen: list[tuple[int, int]] = []

    class Witness(PooledActor):
        def on_receive(self, message: Appended) -> None:
            connection = sqlite3.connect(path)
            (count,) = connection.execute("SELECT max(seq) FROM events").fetchone()
            connection.close()
            seen.append((message.last_seq, count))

    thread = OwnThread("witness", harness.in_flight)
    witness = Witness.start(dispatcher=thread)
    harness.directory.register("witness", witness)
    for account in range(50):
        harness.append(opened(account), asker="witness")
    harness.settle()
    witness.stop()
    thread.stop()

    assert len(seen) == 50
    assert all(stored >= acknowledged for acknowledged, stored in seen)


@pytest.mark.parametrize("asks", ["append", "ping"])
def test_a_lingering_journal_answers_an_asker_at_once(store: Store, clock: VirtualClock, asks: str):
    """Facts gather, but what somebody waits for takes them along: one commit, without delay."""
    harness = Harness(store, clock, linger_s=60)
    harness.thread.hurry()
    harness.in_flight.wait_idle(100)
    commits = count_commits(store)
    harness.append(moved(1, 1), asker=None)

    if asks == "append":
        harness.append(opened(2))
        assert harness.hear().last_seq == 2
    else:
        harness.journal.ask(Ping(at=NOW, cause="test"), timeout=60)

    assert len(commits) == 1
    assert moved(1, 1) in [each.event for each in store.records()]
    harness.stop()


def test_whoever_asks_behind_more_than_a_turn_of_facts_is_answered_without_delay(
    store: Store, clock: VirtualClock
):
    """What a full turn leaves has gathered long enough: an intent may be in it."""
    harness = Harness(store, clock, linger_s=60)
    harness.thread.hurry()
    harness.in_flight.wait_idle(100)
    for account in range(1_500):
        harness.append(moved(account, 1), asker=None)

    harness.append(opened(2))

    assert [each.last_seq for each in harness.settle()] == [1_501]
    harness.stop()


def test_subscribers_see_each_transaction_after_its_askers(harness: Harness):
    """What is published is durable, complete and in order."""
    subscribe(harness)
    let_go = harness.hold()
    harness.append(moved(1, 1), moved(1, 2))
    harness.append(moved(2, 1), asker=None)
    let_go()

    answer, committed = harness.settle()

    assert isinstance(answer, Appended)
    assert isinstance(committed, Committed)
    assert committed.durable
    assert (moved(1, 1), moved(1, 2), moved(2, 1)) == committed.records


def test_a_dead_subscriber_does_not_make_the_journal_write_for_ever(harness: Harness):
    """Its dead letters would be events, which would be published to it."""
    harness.directory.on_dead_letter(
        lambda address, message, error: harness.append(
            DeadLettered(at=NOW, cause="x", address=address, message=repr(message), error=error),
            asker=None,
        )
    )
    subscribe(harness, "nobody")

    harness.append(opened(1))

    assert len(harness.settle()) == 1
    assert verify(harness.store.path).events == 1


def test_reading_an_account_sees_everything_appended_before(harness: Harness):
    """A restarted account must not miss what it had said a moment ago."""
    let_go = harness.hold()
    harness.append(moved(1, 1), reset(1), moved(2, 1))
    harness.append(moved(1, 2))
    future = harness.journal.ask(ReadAccount(at=NOW, cause="test", account=1), block=False)
    harness.append(moved(1, 3))
    let_go()

    assert [(2, reset(1)), (4, moved(1, 2))] == [
        (each.seq, each.event) for each in future.get(timeout=60)
    ]


def test_a_ping_is_answered_after_what_came_before_it_is_durable(harness: Harness):
    """It is a barrier."""
    harness.append(opened(1), asker=None)

    assert harness.journal.ask(Ping(at=NOW, cause="test"), timeout=60) == "journal"
    assert verify(harness.store.path).events == 1


def test_one_event_that_cannot_be_stored_takes_no_other_with_it(harness: Harness):
    """Its asker is told, a dead letter stands in its place, everything else is stored."""
    let_go = harness.hold()
    harness.append(opened(1), token="before")
    harness.append(opened(2), opened(object()), opened(3), token="bad")
    harness.append(opened(4), token="after")
    let_go()

    before, bad, after = harness.settle()

    assert (before.token, before.last_seq) == ("before", 1)
    assert isinstance(bad, AppendFailed)
    assert "AccountOpened" in bad.reason
    assert (after.token, after.last_seq) == ("after", 5)
    stored = [each.event for each in harness.store.records()]
    assert [opened(1), opened(2), opened(3), opened(4)] == stored[:2] + stored[3:]
    assert isinstance(stored[2], DeadLettered)
    assert bad.reason == stored[2].error


@pytest.mark.parametrize("stranger", ["a string", 7, opened(1)])
def test_what_is_no_message_for_the_journal_is_recorded_and_survived(
    harness: Harness, stranger: object
):
    """The others' events in the same turn are stored all the same."""
    let_go = harness.hold()
    harness.append(opened(1))
    harness.directory.tell("journal", stranger)
    let_go()
    harness.settle()

    first, letter = (each.event for each in harness.store.records())
    assert opened(1) == first
    assert repr(stranger) == letter.message


def test_events_of_one_actor_keep_their_order_among_those_of_many(harness: Harness):
    """The order of the journal is the order in which the journal was told."""
    for size in range(200):
        harness.append(moved(size % 7, size), asker=None)
    harness.settle()

    assert list(range(200)) == [each.event.position.size for each in harness.store.records()]


def test_stopping_the_journal_stores_what_still_waits(harness: Harness):
    """It is stopped last; what the others said at their end is not lost."""
    let_go = harness.hold()
    harness.append(opened(1))
    stopped = harness.journal.stop(block=False)
    let_go()
    stopped.get(timeout=60)

    assert verify(harness.store.path).events == 1


def test_an_empty_append_is_answered(harness: Harness):
    """Whoever asks gets an answer."""
    harness.append()

    assert [each.last_seq for each in harness.settle()] == [0]
