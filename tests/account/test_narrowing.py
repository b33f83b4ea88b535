"""What a lockout asked for ends with it, also where the broker has not done it yet."""

import pytest

from actors.account.narrowing import narrow
from actors.account.state import AccountState
from actors.account.turn import Turn
from messages.commands import ApplyLockout
from messages.events import (
    EnforcementJoined,
    EnforcementNarrowed,
    EnforcementStarted,
    ExposureUnderLock,
    LockoutReleased,
)
from messages.values import FlatAccount, Phase
from tests.account.world import ACCOUNT, DAY, START, World

MNQ, ES = "CON.F.US.MNQ.Z25", "CON.F.US.EP.Z25"


@pytest.fixture
def world():
    world = World()
    world.drain()
    return world


def pass_time(world, seconds, step=10.0):
    for _ in range(int(seconds / step)):
        world.advance(step)
        world.drain()


def recorded(world, kind):
    return [each for each in world.account_events() if isinstance(each, kind)]


def under_no_new_exposure(world):
    """Trade once too often: RULE-006 binds for 600 s, what is held may stay."""
    for _ in range(4):
        world.trade(MNQ, 1)
    world.drain()
    assert world.account.phase is Phase.LOCKED


def rebuilt(world):
    again = AccountState.new(ACCOUNT, DAY, gross=False)
    for event in world.account_events():
        again.evolve(event)
    return again


def step_until(world, parties, reached):
    while not reached():
        world.step(next(each for each in parties if world.queues[each]))


def test_orders_placed_after_the_lock_work_on(world):
    """A cancel that hung under the lock is not carried on against what is allowed again."""
    under_no_new_exposure(world)
    world.hanging = True
    world.new_order(MNQ, 1)
    world.drain()
    pass_time(world, 610)
    assert recorded(world, LockoutReleased)

    world.hanging = False
    world.new_order(ES, 1)
    world.drain()
    pass_time(world, 60)

    assert len(world.orders) == 2
    assert world.account.phase is Phase.OPEN
    assert world.account.state.enforcement is None


def test_the_journal_says_what_was_dropped_and_replay_agrees(world):
    """One event names what is left; a rebuilt account drops the same."""
    under_no_new_exposure(world)
    world.hanging = True
    world.new_order(MNQ, 1)
    world.drain()
    pass_time(world, 600)

    (narrowed,) = recorded(world, EnforcementNarrowed)

    assert (narrowed.targets, narrowed.lockouts) == ((), ())
    assert narrowed.enforcement_id == f"{ACCOUNT}/e2"
    assert rebuilt(world).enforcement == world.account.state.enforcement


def test_a_position_taken_after_the_lock_stays(world):
    """The cap that could not be kept ends with the lock as well."""
    under_no_new_exposure(world)
    world.hanging = True
    world.trade(MNQ, 1)
    world.drain()
    pass_time(world, 610)

    world.hanging = False
    world.trade(ES, 1)
    world.drain()
    pass_time(world, 60)

    assert (world.held[MNQ], world.held[ES]) == (5, 1)
    assert world.account.phase is Phase.OPEN


def test_what_another_breach_demands_is_reached_all_the_same(world):
    """RULE-003 joined while the cancel hung: flat stays demanded when RULE-006 ends."""
    under_no_new_exposure(world)
    world.hanging = True
    world.new_order(MNQ, 1)
    world.drain()
    world.fill(-600)
    world.drain()
    pass_time(world, 610)
    assert world.account.state.enforcement.targets == (FlatAccount(),)

    world.hanging = False
    pass_time(world, 60)

    assert not any(world.held.values())
    assert not world.orders


def test_what_appeared_under_a_flat_lock_is_closed_though_the_lock_has_ended(world):
    """I6: the cooldown is over before the broker takes the close; the position goes."""
    world.fill(-100)
    world.drain()
    assert world.account.phase is Phase.LOCKED
    world.hanging = True
    world.set_position(MNQ, 1)
    world.drain()
    pass_time(world, 310)
    assert recorded(world, LockoutReleased)

    world.hanging = False
    pass_time(world, 60)

    assert world.held[MNQ] == 0
    assert world.account.phase is Phase.OPEN


def test_a_second_lock_counts_its_own_attempts(world):
    """What was there when the first lock ended is no longer known: entered anew it is an attempt."""
    under_no_new_exposure(world)
    world.hanging = True
    world.trade(ES, 1)
    world.drain()
    pass_time(world, 610)
    world.hanging = False
    pass_time(world, 60)
    world.set_position(ES, 0)
    for size in (-1, -1, 1, 1):
        world.trade(MNQ, size)
    before = len(recorded(world, ExposureUnderLock))
    everyone = ("stream", "account", "rule", "journal", "gateway", "enforcer", "clock")
    step_until(world, everyone, lambda: world.account.state.enforcement)

    world.trade(ES, 1)
    step_until(world, (*everyone, "quotes"), lambda: not world.pending())
    pass_time(world, 20)

    assert world.held[ES] == 0
    assert len(recorded(world, ExposureUnderLock)) == before + 1


def test_a_proof_of_less_than_is_asked_by_now_proves_nothing(world):
    """I8: RULE-003 joined while the enforcer proved a cap, and was on disk just before the proof came."""
    world.set_position(MNQ, 7)
    everyone = ("stream", "clock", "account", "rule", "journal", "gateway", "enforcer")
    step_until(world, everyone, lambda: world.held[MNQ] == 6)
    step_until(world, everyone, lambda: world.clean_reads == 0)
    step_until(world, everyone, lambda: world.clean_reads == 1)
    step_until(world, everyone[:-1], lambda: len(world.queues["enforcer"]) == 1)
    world.fill(-600)
    step_until(world, everyone[:5], lambda: len(recorded(world, EnforcementJoined)) == 2)
    step_until(world, ("rule", "journal"), lambda: not world.queues["journal"])
    world.step("enforcer")
    assert isinstance(world.queues["account"][-1][1], ApplyLockout)
    world.drain()

    assert world.violations == []
    assert world.held[MNQ] == 0


@pytest.mark.parametrize("targets", [None, (FlatAccount(),)], ids=["none", "flat"])
def test_an_enforcement_that_asks_for_no_less_is_not_told_again(targets):
    """A lockout's end changes nothing where none is under way, or where all of it is still demanded."""
    state = AccountState.new(ACCOUNT, DAY, gross=False)
    if targets:
        state.evolve(
            EnforcementStarted(
                account=ACCOUNT,
                at=START,
                cause="test",
                enforcement_id="e1",
                breaches=(),
                targets=targets,
                lockouts=(),
                deadline_at=START,
            )
        )
    turn = Turn(state=state, now=START, cause="test", token="t")

    assert not narrow(turn)
    assert turn.sends() == []
