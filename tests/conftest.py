"""Fixtures shared by all tests."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from actors.runtime import SystemClock
from actors.simulator import SimAccount, Simulator, SimUser
from tests.cli import Running, config_for
from tests.rig import TOKENS, A, B, Rig

# No test asserts how fast a machine is, and one that stands still for a while fails none.
settings.register_profile(
    "lockstep", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("lockstep")


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Callable[..., Rig]]:
    """Start whole systems on a virtual clock, and stop them after the test."""
    rigs: list[Rig] = []

    def start(config: str, **how: Any) -> Rig:
        rigs.append(Rig(how.pop("folder", tmp_path), config, **how))
        return rigs[-1]

    yield start
    for each in rigs:
        each.stop()


@pytest.fixture
def unread_log(monkeypatch):
    """Let the log of a module take nothing any more, as where nobody reads it."""

    class Unread:
        def critical(self, event: str, **_context: object) -> None:
            raise BlockingIOError(event)

    return lambda module: monkeypatch.setattr(f"{module}._log", Unread())


# --- main.py as a process -----------------------------------------------------------------------


@pytest.fixture
def broker():
    """Run a simulated broker on the machine's own time."""
    accounts = (SimAccount(A, "ONE"), SimAccount(B, "TWO"))
    user = SimUser(TOKENS["PROJECT_X_USERNAME"], TOKENS["PROJECT_X_API_KEY"], accounts)
    with Simulator(clock=SystemClock(), users=(user,), ping_every_s=0.2) as simulator:
        yield simulator


@pytest.fixture
def written(tmp_path):
    """Write a configuration and return its path."""

    def write(simulator=None, **parts):
        path = tmp_path / "lockstep.toml"
        path.write_text(config_for(simulator, tmp_path, **parts))
        return path

    return write


@pytest.fixture
def started():
    """Start commands that run until they are stopped; all of them end with the test."""
    running = []

    def start(*arguments, **env):
        # A watchdog that is killed leaves its guard behind, and that what it has inherited.
        ends_with = signal.SIGTERM if arguments[0] == "watchdog" else signal.SIGKILL
        running.append((Running(*arguments, **env), ends_with))
        return running[-1][0]

    yield start
    for each, ends_with in running:
        each.stop(ends_with)


@pytest.fixture
def guarding(started, written, broker):
    """Run the guard until both accounts are open; return it with its configuration."""
    config = written(broker)
    run = started("run", "--config", config)
    for account in (A, B):
        run.wait_line('"account_opened"', f'"account": {account}')
    return run, config
