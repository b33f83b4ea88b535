"""The end of a lock judges the day anew; what has lasted its time is not set again by that."""

import pytest

from messages.commands import Woken
from messages.events import RuleBreached
from messages.values import Phase
from tests.account.world import World


@pytest.fixture
def cooled():
    """A world whose account has lost 150 and cools for 300 s."""
    world = World()
    world.drain()
    world.fill(-150)
    world.drain()
    return world


def end(world, rule):
    """Signal the end of a lock, which is measured in real time, and let the world come to rest."""
    (lock,) = [each for each in world.account.state.lockouts.values() if each.rule == rule]
    key = f"lockout {lock.rule} {lock.breach_id} {lock.scope}"
    world.queues["account"].append(("clock", Woken(at=world.now, cause="wake", key=key)))
    world.drain()


@pytest.mark.parametrize("lag_s", [0.001, 3600.0], ids=["it lags a little", "it was set back"])
def test_a_wall_clock_that_lags_begins_no_cooldown_anew(cooled, lag_s):
    """300 s have passed, though the wall clock does not say so."""
    cooled.advance(300 - lag_s)
    end(cooled, "RULE-007")

    assert cooled.account.phase is Phase.OPEN
    assert len([each for each in cooled.recorded if isinstance(each, RuleBreached)]) == 1


def test_a_longer_one_than_was_served_is_set(cooled):
    """Another loss, whose cooldown ends later."""
    cooled.advance(299.999)
    end(cooled, "RULE-007")
    cooled.fill(-200)
    cooled.drain()

    assert cooled.account.phase is Phase.LOCKED


def test_the_lock_of_another_rule_serves_nothing(cooled):
    """SELF ends first; the cooldown stays what it was."""
    cooled.lock_out(60)
    cooled.drain()
    cooled.advance(60)
    cooled.drain()

    assert {each.rule for each in cooled.account.state.lockouts.values()} == {"RULE-007"}
    assert cooled.account.phase is Phase.LOCKED
