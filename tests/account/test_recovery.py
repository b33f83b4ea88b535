"""A start that is not on disk yet: guarded, loud, said in the status, and not OPEN."""

import pytest

from messages.events import AccountOpened, AlarmRaised
from messages.values import AlarmCode, Phase
from tests.account.world import World


def deliver_all_but(world, party):
    """Deliver everything, but nothing to one party."""
    while others := [each for each in world.pending() if each != party]:
        world.step(others[0])


def opened(world):
    return [each for each in world.account_events() if isinstance(each, AccountOpened)]


def alarms(world):
    return [each.code for each in world.account_events() if isinstance(each, AlarmRaised)]


def test_an_account_opens_only_once_its_start_is_on_disk():
    """The snapshot is there and every rule is content; the reset is still on its way to the disk."""
    world = World()
    deliver_all_but(world, "journal")

    status = world.account.status(world.now)
    assert status.phase is Phase.STARTING
    assert status.starting == "the reset to 2025-10-29 is not on disk yet"
    world.drain()

    assert world.account.status(world.now).phase is Phase.OPEN
    assert world.account.status(world.now).starting is None
    assert len(opened(world)) == 1


def test_a_journal_that_does_not_answer_is_alarmed_and_the_account_stays_guarded():
    """Late is not lost: it is said, asked again ever more slowly, and the late answer counts."""
    world = World()
    deliver_all_but(world, "journal")
    world.advance(5)
    deliver_all_but(world, "journal")
    assert alarms(world) == [AlarmCode.JOURNAL_LATE]
    world.fill(-600)
    deliver_all_but(world, "journal")
    world.advance(1)
    deliver_all_but(world, "journal")
    assert {rule for rule, _ in world.account.state.lockouts} == {"RULE-003", "RULE-007"}
    assert opened(world) == []


@pytest.mark.parametrize("refusals", [1, 3])
def test_a_store_that_refuses_the_start_is_asked_again_until_it_takes_it(refusals):
    """Disk full at the start: STARTING with the reason; once there is room it opens by itself."""
    world = World()
    world.disk_full = True
    world.drain()
    for _ in range(refusals):
        assert world.account.status(world.now).starting == (
            "the reset to 2025-10-29 is not on disk yet (full)"
        )
        assert world.account.status(world.now).phase is Phase.STARTING
        world.advance(31)
        world.drain()
    assert AlarmCode.JOURNAL_FAILED in alarms(world)

    world.disk_full = False
    world.advance(31)
    world.drain()

    assert world.account.status(world.now).phase is Phase.OPEN
    assert len(opened(world)) == 1
