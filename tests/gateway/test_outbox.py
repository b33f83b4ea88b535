"""Stamps order what the stream told against what a read showed."""

from datetime import UTC, datetime, timedelta

from actors.gateway.outbox import Outbox
from actors.runtime import Directory, VirtualClock

START = datetime(2025, 10, 29, 17, tzinfo=UTC)


def test_stamps_always_grow():
    """Neither a clock that stands still nor one that is set back makes a later fact look older."""
    clock = VirtualClock(START)
    outbox = Outbox(login="desk", clock=clock, directory=Directory())
    first, second = outbox.stamp(), outbox.stamp()

    clock.set_wall(START - timedelta(hours=1))
    third = outbox.stamp()
    clock.set_wall(START + timedelta(hours=1))

    assert first < second < third < outbox.stamp()
    assert first == START
