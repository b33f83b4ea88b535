"""Lanes: closes leave before what verifies others, and nobody waits for one that hangs."""

import asyncio

import pytest

from actors.gateway.budget import Priority
from actors.gateway.lanes import Lanes
from tests.jumping_loop import JumpingLoop

WAIT_S = 5


async def verify(lanes, log, name="verified"):
    """Stand for one snapshot that verifies an enforcement."""
    async with lanes.verifying():
        log.append(name)


def run(scene):
    return asyncio.run(asyncio.wait_for(scene(), WAIT_S), loop_factory=JumpingLoop)


@pytest.mark.parametrize("priority", [Priority.CLOSE, Priority.CANCEL])
def test_what_verifies_waits_for_the_closes_that_are_leaving(priority):
    """The second close began after the read asked; both are answered before it goes."""

    async def scene():
        lanes, log = Lanes(), []

        async def close(name, seconds):
            async with lanes.of(priority):
                await asyncio.sleep(seconds)
                log.append(name)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(close("first", 0.02))
            await asyncio.sleep(0)
            tasks.create_task(verify(lanes, log))
            await asyncio.sleep(0.01)
            tasks.create_task(close("second", 0.03))
        return log

    assert run(scene) == ["first", "second", "verified"]


def test_it_does_not_wait_for_a_close_that_hangs():
    """No account waits for another."""

    async def scene():
        lanes, log = Lanes(), []
        async with lanes.of(Priority.CLOSE):
            await verify(lanes, log)
        return log

    assert run(scene) == ["verified"]


def test_closes_without_end_do_not_keep_it_waiting_for_ever():
    """One begins while the one before is under way, again and again."""

    async def scene():
        lanes, log, over = Lanes(), [], asyncio.Event()

        async def closes():
            while not over.is_set():
                async with lanes.of(Priority.CLOSE):
                    await asyncio.sleep(0.02)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(closes())
            await asyncio.sleep(0.01)
            tasks.create_task(closes())
            await verify(lanes, log)
            over.set()
        return log

    assert run(scene) == ["verified"]


def test_ordinary_commands_and_reads_hold_nothing_up():
    """A stop that is moved, or a read, is no close."""

    async def scene():
        lanes, log = Lanes(), []
        async with lanes.of(Priority.MUTATION), lanes.of(Priority.READ):
            async with asyncio.timeout(None):
                await verify(lanes, log)
        return log

    assert run(scene) == ["verified"]


def test_eight_snapshots_verify_at_once_and_commands_pass_them():
    """The ninth waits for a lane; a close needs none."""

    async def scene():
        lanes, log, release = Lanes(), [], asyncio.Event()

        async def hold():
            async with lanes.verifying():
                await release.wait()

        async with asyncio.TaskGroup() as tasks:
            for _ in range(8):
                tasks.create_task(hold())
            await asyncio.sleep(0)
            tasks.create_task(verify(lanes, log, "ninth"))
            await asyncio.sleep(0)
            async with lanes.of(Priority.CLOSE):
                log.append("close")
            release.set()
        return log

    assert run(scene) == ["close", "ninth"]
