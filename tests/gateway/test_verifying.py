"""What verifies an enforcement spends one time on its lane and the budget, not one on each."""

import asyncio

import pytest

from actors.gateway.client import BrokerClient
from actors.gateway.errors import NoBudgetError
from tests.jumping_loop import JumpingLoop

WITHIN_S = 0.5


def test_a_snapshot_that_has_waited_for_its_lane_does_not_wait_as_long_for_the_budget(still_rig):
    """Let out at its last moment its reads would leave, be counted, and be given up unanswered."""
    client = BrokerClient(still_rig.settings(), **still_rig.alone())
    budget, clock = client.budget, still_rig.clock

    async def verify():
        async with client.verifying(2, within_s=WITHIN_S, exposure_usd=None):
            pytest.fail("there is no room")

    async def scene():
        budget.charge(180)
        clock.advance(60.75)  # room in a quarter of a second: in time for who asks now
        async with asyncio.TaskGroup() as tasks:
            for _ in range(8):
                tasks.create_task(hold())
            await asyncio.sleep(0)
            with pytest.raises(NoBudgetError, match="requests used"):
                await verify()

    async def hold():
        async with client._lanes.verifying():
            await asyncio.sleep(0.2)

    asyncio.run(scene(), loop_factory=JumpingLoop)
