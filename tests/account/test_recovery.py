"""A start that is not on disk yet: guarded, said in the status, and not OPEN."""

from messages.events import AccountOpened
from messages.values import Phase
from tests.account.world import World

NOT_ON_DISK = "this start, the reset to 2025-10-29 or a lock's end is not on disk yet"


def deliver_all_but(world, party):
    """Deliver everything, but nothing to one party."""
    while others := [each for each in world.pending() if each != party]:
        world.step(others[0])


def opened(world):
    return [each for each in world.account_events() if isinstance(each, AccountOpened)]


def test_an_account_opens_only_once_its_start_is_on_disk():
    """The snapshot is there and every rule is content; the reset is still on its way to the disk."""
    world = World()
    deliver_all_but(world, "journal")

    assert world.account.status(world.now).phase is Phase.STARTING
    assert world.account.status(world.now).starting == NOT_ON_DISK
    world.drain()

    assert world.account.status(world.now).phase is Phase.OPEN
    assert world.account.status(world.now).starting is None
    assert len(opened(world)) == 1


def test_an_account_whose_start_is_not_on_disk_is_guarded_all_the_same():
    """The limit is reached while the journal is silent: flat and locked in memory, never OPEN."""
    world = World()
    deliver_all_but(world, "journal")
    world.fill(-600)
    deliver_all_but(world, "journal")
    world.advance(1)
    deliver_all_but(world, "journal")

    assert {rule for rule, _ in world.account.state.lockouts} == {"RULE-003", "RULE-007"}
    assert world.account.status(world.now).starting == NOT_ON_DISK
    assert opened(world) == []


def test_a_start_that_the_store_refused_opens_once_there_is_room():
    """Disk full at the start: STARTING, whatever else is known; then it opens by itself, once."""
    world = World()
    world.disk_full = True
    world.drain()
    world.advance(31)
    world.drain()
    assert world.account.status(world.now).phase is Phase.STARTING
    assert world.account.status(world.now).starting == NOT_ON_DISK

    world.disk_full = False
    world.advance(31)
    world.drain()

    assert (world.account.status(world.now).phase, len(opened(world))) == (Phase.OPEN, 1)


def test_an_account_opens_however_late_the_disk_answers():
    """Each answer comes after the next question: it still says that the start is on disk."""
    world = World()
    deliver_all_but(world, "journal")
    for _ in range(5):
        asked = len(world.queues["journal"])
        world.advance(1.2)
        deliver_all_but(world, "journal")
        for _ in range(asked):
            world.step("journal")
        deliver_all_but(world, "journal")

    assert (world.account.status(world.now).phase, len(opened(world))) == (Phase.OPEN, 1)
