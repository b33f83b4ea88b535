"""How far the picture of the broker can be trusted: only a complete, fresh read makes it so."""

from datetime import UTC, datetime, timedelta

import pytest

from actors.account.sync import Sync
from messages.values import Health

NOW = datetime(2025, 10, 29, 17, tzinfo=UTC)
LATER = NOW + timedelta(seconds=1)


def live():
    sync = Sync()
    sync.connected(NOW, 1)
    sync.asked("r1")
    assert sync.taken(NOW) is False
    return sync


def health(sync, *stale):
    return sync.health(stale)[0]


def test_it_begins_with_nothing_known():
    """No stream, no read, nothing awaited."""
    sync = Sync()

    assert health(sync) is Health.STALE
    assert (sync.synced, sync.snapshot_seen, sync.again, sync.waiting) == (False,) * 4
    assert sync.read_at is None
    assert sync.failed("HTTP 500") == 1


def test_a_stream_and_a_complete_read_make_it_live():
    """In this order; a read without the stream is seen, and no more."""
    assert health(live()) is Health.LIVE
    assert live().synced

    early = Sync()
    early.taken(NOW)
    assert (early.snapshot_seen, early.synced) == (True, False)
    assert health(early) is Health.STALE


def test_neither_a_lost_stream_nor_a_new_one_is_believed_before_a_read():
    """Absence of news clears nothing."""
    sync = live()
    sync.lost()
    assert (health(sync), sync.synced) == (Health.STALE, False)

    sync.taken(LATER)
    assert (health(sync), sync.synced) == (Health.STALE, False)

    sync.connected(LATER, 1)
    assert (health(sync), sync.synced, sync.read_at) == (Health.STALE, False, None)

    sync.taken(LATER)
    assert (health(sync), sync.synced, sync.read_at) == (Health.LIVE, True, LATER)


def test_a_failed_read_is_unknown_until_a_complete_one():
    """Whatever the stream says meanwhile."""
    sync = live()
    sync.failed("HTTP 500")
    assert health(sync) is Health.UNKNOWN

    sync.connected(LATER, 1)
    assert health(sync) is Health.UNKNOWN

    sync.taken(LATER)
    assert health(sync) is Health.LIVE


def test_reads_that_fail_are_repeated_more_and_more_slowly():
    """1, 2, 4 … at most 30 seconds, and from 1 again after a success."""
    sync = live()

    assert [sync.failed("HTTP 500") for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]
    sync.taken(LATER)
    assert sync.failed("HTTP 500") == 1


def test_old_quotes_are_stale_and_named():
    """What is older than its limit is said."""
    state, why = live().health(("MNQ", "ES"))

    assert state is Health.STALE
    assert "MNQ, ES" in why


def test_only_the_answer_that_is_awaited_counts():
    """A later question makes the earlier answer void."""
    sync = Sync()
    sync.asked("r1")
    sync.asked("r2")

    assert sync.waiting
    assert (sync.answers("r1"), sync.answers("r2")) == (False, True)
    sync.taken(NOW)
    assert (sync.waiting, sync.answers("r2")) == (False, False)

    sync.asked("r3")
    sync.failed("HTTP 500")
    assert not sync.waiting


def test_another_read_is_wanted_once():
    """The wish ends with the answer that grants it."""
    sync = live()
    sync.again = True

    assert sync.taken(LATER) is True
    assert sync.taken(LATER) is False


@pytest.mark.parametrize(("asked_s", "counts"), [(-0.001, False), (0, True), (0.001, True)])
def test_a_read_that_was_asked_for_before_the_stream_is_old(asked_s, counts):
    """At the very instant it counts."""
    sync = Sync()
    sync.connected(NOW, 1)
    at = NOW + timedelta(seconds=asked_s)

    sync.read(at)

    assert sync.read_at == (at if counts else None)


def test_of_several_reads_the_latest_counts():
    """An answer that was overtaken takes nothing back."""
    sync = Sync()
    sync.read(LATER)
    sync.read(NOW)

    assert sync.read_at == LATER


def test_patience_is_the_gateways_deadline_and_a_second():
    """It always answers by then, if it lives."""
    assert Sync().patience_s(2.5) == 3.5
