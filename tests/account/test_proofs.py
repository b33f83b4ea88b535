"""What a report covers: what the enforcer had been asked for, and nothing that joined meanwhile."""

from messages.commands import ApplyLockout
from messages.events import (
    AccountLocked,
    DeadlinePassed,
    EnforcementFinished,
    EnforcementJoined,
    FlatConfirmed,
)
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


def test_a_deadline_that_passed_before_a_breach_joined_is_not_the_one_of_its_lock():
    """The cap's deadline is over as a loss joins, which has one of its own: found by tests/chaos."""
    world = World()
    world.drain()
    world.hanging = True
    world.set_position(MNQ, 8)
    world.drain()
    world.advance(5.0)
    step_until(world, "account", ApplyLockout)
    report = world.queues["account"].popleft()
    world.fill(-600)
    while not recorded(world, EnforcementJoined):
        world.step(next(each for each in world.pending() if each != "journal"))

    world.queues["account"].appendleft(report)
    world.step("account")
    world.drain()
    assert recorded(world, DeadlinePassed) == recorded(world, AccountLocked) == []

    world.advance(5.0)
    world.drain()

    assert len(recorded(world, DeadlinePassed)) == 1
    locked = recorded(world, AccountLocked)
    assert [each.lockout.rule for each in locked] == ["RULE-003", "RULE-007"]
    assert not any(each.flat_confirmed for each in locked)
