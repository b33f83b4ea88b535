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


class Listening(Directory):
    """Keeps what is told the clock."""

    def __init__(self):
        super().__init__()
        self.heard = []

    def tell(self, address, message):
        assert address == "clock"
        self.heard.append(message)


def shown(directory):
    """Return the instants that were reported, as seconds after the start."""
    return [(each.earliest - START).total_seconds() for each in directory.heard]


def test_the_brokers_time_is_reported_once_a_second():
    """However many fills and answers show it; of each kind the first at once."""
    clock, directory = VirtualClock(START), Listening()
    outbox = Outbox(login="desk", clock=clock, directory=directory)
    for _ in range(3):
        outbox.report_time(clock.now())
        outbox.report_time(clock.now(), clock.now() + timedelta(seconds=1))
        clock.advance(0.6)

    assert shown(directory) == [0, 0, 1.2, 1.2]


def test_another_time_is_reported_at_once():
    """The broker's clock jumps, forwards or back: what bounds ours must not wait."""
    clock, directory = VirtualClock(START), Listening()
    outbox = Outbox(login="desk", clock=clock, directory=directory)
    for ahead_s in (0, -1, 5, 0, 60):
        outbox.report_time(START + timedelta(seconds=ahead_s), START + timedelta(seconds=61))

    assert shown(directory) == [0, 5, 0, 60]
