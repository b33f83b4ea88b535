"""A simulator and a gateway rig for each test; no test leaves a thread, a task or a socket behind."""

from decimal import Decimal

import pytest

from actors.runtime import OffsetClock, VirtualClock
from actors.simulator import SimAccount, Simulator, SimUser
from tests.gateway.support import AT, KEY, USER, A, B, Rig

USERS = (SimUser(USER, KEY, (SimAccount(A, "ONE"), SimAccount(B, "TWO"))),)


@pytest.fixture
def clock():
    """Run at real speed from a Friday in October 2026 on."""
    return OffsetClock(AT)


@pytest.fixture
def simulator(clock):
    """Run a simulator that pings often and costs nothing."""
    with Simulator(clock=clock, users=USERS, ping_every_s=0.2) as running:
        running.control.set_costs(Decimal(0), Decimal(0))
        yield running


@pytest.fixture
def rig(simulator, clock):
    """Build a gateway that is not started yet."""
    rig = Rig(simulator, clock)
    yield rig
    rig.stop()


@pytest.fixture
def still_clock():
    """Time that only moves when the test moves it."""
    return VirtualClock(AT)


@pytest.fixture
def still_rig(still_clock):
    """Build a gateway and a simulator whose tokens live for a day of a clock that stands still."""
    with Simulator(clock=still_clock, users=USERS, ping_every_s=0.2) as running:
        rig = Rig(running, still_clock)
        yield rig
        rig.stop()
