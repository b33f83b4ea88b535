"""SIGKILL at every edge of the path, over the wire; then a restart must leave nothing undone or doubled.

Every case: A holds two contracts and a resting order, B holds one; A loses its limit, the child dies at
the edge, the trader re-enters while nobody guards, and the next child finds it all.
"""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from messages.events import (
    AccountLocked,
    AccountOpened,
    DayReset,
    EnforcementFinished,
    EnforcementStarted,
    LockoutReleased,
)
from messages.facts import PositionChanged
from messages.values import Phase
from tests.chaos.arena import Arena
from tests.chaos.rounds import play_round
from tests.rig import A, B, contract
from tests.wire_rig import CANCEL, CLOSE

LOSS = {"daily_realized_loss": {"max_loss_usd": 500, "include_open_loss": False}}
LIMIT = {"max_contracts": {"limit": 3}}
EDGES = (
    "before intent is durable",
    "inside the commit of intent",
    "after intent is durable",
    "before close_contract is sent",
    "before cancel_order is sent",
    "close_contract applied, answer unseen",
    "cancel_order applied, answer unseen",
    "before commands is durable",
    "inside the commit of commands",
    "after commands is durable",
    "after answers is durable",
    "before flat is durable",
    "inside the commit of flat",
    "after flat is durable",
    "before lock is durable",
    "inside the commit of lock",
    "after lock is durable",
)
RECOVERY = (
    "before start is durable",
    "inside the commit of start",
    "after start is durable",
    "inside the commit of recovery",
    "after recovery is durable",
    "before a read is sent",
    "read, answer unseen",
    "before close_contract is sent",
    "close_contract applied, answer unseen",
    "inside the commit of lock",
)
RESET = ("before", "inside the commit of", "after")
BEFORE_RESET = datetime(2025, 10, 29, 21, 59, 57, tzinfo=UTC)
SEED = os.environ.get("CHAOS_SEED", str(int.from_bytes(os.urandom(4))))


@pytest.fixture
def arena(tmp_path: Path) -> Iterator[Callable[..., Arena]]:
    """Make places with a broker, and close them after the test."""
    made: list[Arena] = []

    def make(**how: object) -> Arena:
        made.append(Arena(tmp_path, **how))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for each in made:
        each.close()


def exposed(run: Arena, edge: str | None = None, nth: int = 1) -> None:
    """Start a child; A holds two and an order, B holds one, and the child knows it."""
    run.live(edge, nth)
    for account in (A, B):
        run.wait_event(AccountOpened, account)
    run.buy(B, 1)
    run.rest(A)
    run.buy(A, 2)
    run.wait_event(PositionChanged, A)
    run.wait_event(PositionChanged, B)


def ends_well(run: Arena) -> None:
    """Assert that A ends flat and locked once, B untouched, and that nothing was doubled."""
    run.wait_phases(a=Phase.LOCKED, b=Phase.OPEN)
    assert run.held(A) == {}
    assert run.trader.working_orders(A) == []
    assert run.held(B) == {contract("MNQ"): 1}
    assert len(run.events(AccountLocked)) == 1
    assert run.violations() == []


@pytest.mark.parametrize("edge", EDGES)
def test_killed_at_an_edge_of_the_path_it_ends_flat_and_locked(arena, edge):
    """I5: whatever was on disk is finished, what was not is found again, what was done is not doubled."""
    run = arena(**LOSS)
    exposed(run, edge)
    run.lose(A, 500)
    run.dies()
    run.buy(A, 1)

    run.live()

    ends_well(run)


@pytest.mark.parametrize("edge", RECOVERY)
def test_killed_again_while_it_recovers_it_ends_flat_and_locked(arena, edge):
    """Start-up and recovery are one path: a second death anywhere on it changes nothing."""
    run = arena(**LOSS)
    exposed(run, "after intent is durable")
    run.lose(A, 500)
    run.dies()
    run.live(edge)
    run.dies()
    run.buy(A, 1)

    run.live()

    ends_well(run)


@pytest.mark.parametrize(("endpoint", "left"), [(CLOSE, 2), (CANCEL, 2)])
def test_killed_with_a_command_at_the_broker_that_takes_effect_later(arena, endpoint, left):
    """The old life's request is carried out while the new one closes: nothing is doubled or flipped."""
    run = arena(**LOSS)
    exposed(run)
    run.trader.fault("hang_before", endpoint, account=A, times=1)
    run.lose(A, 500)
    run.record.wait_for(
        lambda each: getattr(each, "endpoint", "") == endpoint and each.account == A, 10
    )
    run.kill()
    assert len(run.trader.positions(A)) <= left

    run.live()
    run.wait_event(EnforcementStarted)
    run.trader.release()

    ends_well(run)


@pytest.mark.parametrize("endpoint", [CLOSE, CANCEL])
def test_killed_after_the_broker_has_applied_what_it_never_answered(arena, endpoint):
    """Row 59: what was done is seen by reading, and only what is left is commanded."""
    run = arena(**LOSS)
    exposed(run)
    run.trader.fault("hang_after", endpoint, account=A, times=1)
    run.lose(A, 500)
    run.wait(lambda: run.applied(endpoint) == 1, "the command")
    run.kill()

    run.live()

    ends_well(run)


@pytest.mark.parametrize(
    "edge",
    [
        "before partial_close_contract is sent",
        "partial_close_contract applied, answer unseen",
        "after answers is durable",
        "before flat is durable",
        "inside the commit of flat",
    ],
)
def test_killed_while_it_reduces_it_ends_at_the_limit_and_not_below(arena, edge):
    """Five contracts, three allowed: exactly two are closed, whoever died in between."""
    run = arena(**LIMIT)
    run.live(edge)
    for account in (A, B):
        run.wait_event(AccountOpened, account)
    run.buy(A, 5)
    run.dies()

    run.live()
    run.wait_phases(a=Phase.OPEN, b=Phase.OPEN)

    assert run.held(A) == {contract("MNQ"): 3}
    assert run.violations() == []


@pytest.mark.parametrize("edge", RESET)
def test_killed_in_the_reset_the_day_ends_once(arena, edge):
    """Locked until 17:00; killed around the reset's transaction: released once, open, nothing lost."""
    run = arena(start=BEFORE_RESET, **LOSS)
    # the first start begins the first day too, for each account
    run.live(f"{edge} reset{'' if edge.startswith('inside') else ' is durable'}", 3)
    for account in (A, B):
        run.wait_event(AccountOpened, account)
    run.lose(A, 500)
    run.wait_event(EnforcementFinished)
    run.dies()
    run.buy(B, 1)

    run.live()
    run.wait_phases(a=Phase.OPEN, b=Phase.OPEN)

    assert len(run.events(LockoutReleased)) == 1
    assert [each.trading_date for each in run.events(DayReset)] == ["2025-10-29", "2025-10-30"]
    assert run.statuses()[A].realised_usd == 0
    assert run.violations() == []


@pytest.mark.parametrize("seed", ["fixed", SEED], ids=["fixed", "random"])
def test_killed_at_instants_and_edges_a_seed_draws(tmp_path, seed):
    """Several kills, from inside and from outside; CHAOS_SEED repeats the random one."""
    print(f"CHAOS_SEED={seed}")  # noqa: T201 - to be repeated
    for index in range(3):
        folder = tmp_path / str(index)
        folder.mkdir()

        played = play_round(seed, index, folder)

        assert played.deaths
        assert played.violations == [], played
