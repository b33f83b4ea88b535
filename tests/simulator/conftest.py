"""A running simulator with two users, and raw clients of it."""

from decimal import Decimal

import pytest

from actors.runtime.clock import SystemClock, VirtualClock
from actors.simulator import SimAccount, Simulator, SimUser
from tests.simulator.support import AT, FOREIGN, A, B, Hub, Rest

USERS = (
    SimUser("trader", "key", (SimAccount(A, "50KTC-1"), SimAccount(B))),
    SimUser("other", "key2", (SimAccount(FOREIGN),)),
)


@pytest.fixture
def simulator():
    """Run a simulator without costs per fill."""
    with Simulator(clock=SystemClock(), users=USERS) as running:
        running.control.set_costs(Decimal(0), Decimal(0))
        yield running


@pytest.fixture
def clock():
    """Stop the clock of `timed` on a Friday in 2025."""
    return VirtualClock(AT)


@pytest.fixture
def timed(clock):
    """Run a simulator whose time only moves when the test moves it."""
    with Simulator(clock=clock, users=USERS, token_life_s=3600) as running:
        yield running


@pytest.fixture
def rest(simulator):
    """Log a raw REST client in."""
    client = Rest(simulator)
    yield client
    client.close()


@pytest.fixture
def hub(simulator, rest):
    """Connect a raw user hub client."""
    client = Hub(simulator, "user", rest.token)
    yield client
    client.close()


@pytest.fixture
def market(simulator, rest):
    """Connect a raw market hub client."""
    client = Hub(simulator, "market", rest.token)
    yield client
    client.close()
