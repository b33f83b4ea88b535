"""What a proof covers: the targets it was asked for, and nothing that joined meanwhile."""

from messages.commands import ApplyLockout
from messages.events import EnforcementFinished, EnforcementJoined, FlatConfirmed
from messages.journal import Appended
from tests.account.test_core_details import MNQ, recorded, step_until
from tests.account.world import World


def test_a_proof_that_left_before_the_joined_breach_came_does_not_cover_it():
    """The same, with the joined intent on disk before the proof is handled: found by tests/chaos."""
    world = World()
    world.drain()
    world.set_position(MNQ, 8)
    step_until(world, "account", ApplyLockout)
    proof = world.queues["account"].popleft()
    world.fill(-600)
    while not recorded(world, EnforcementJoined):
        world.step(next(each for each in world.pending() if each != "journal"))
    step_until(world, "account", Appended)
    world.step("account")

    world.queues["account"].appendleft(proof)
    world.step("account")
    assert recorded(world, EnforcementFinished) == []
    world.drain()

    assert world.held[MNQ] == 0
    confirmed = recorded(world, FlatConfirmed)[0]
    assert [type(target).__name__ for target in confirmed.targets] == ["FlatAccount"]
