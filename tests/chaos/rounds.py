"""Rounds over the wire: a child process that is really killed, several times, at edges a seed draws.

The same play as the kill matrix (two contracts, a limit order, a loss beyond the limit), with kills from
inside at an edge and from outside at any instant, and re-entries while nobody guards. Used by
`./run chaos` and, with a fixed and a random seed, by the tests.
"""

import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from messages.events import AccountOpened
from messages.facts import PositionChanged
from messages.values import Phase
from tests.chaos.arena import Arena
from tests.chaos.walk import Violation
from tests.rig import A, B

_EDGES = (
    "before intent is durable",
    "inside the commit of intent",
    "after intent is durable",
    "close_contract",
    "cancel_order",
    "applied, answer unseen",
    "before lock is durable",
    "inside the commit of lock",
    "after lock is durable",
)
RULES = {"daily_realized_loss": {"max_loss_usd": 500, "include_open_loss": False}}


@dataclass
class Round:
    """What came of one round."""

    seed: str
    index: int
    deaths: list[str] = field(default_factory=list)
    guarded_s: list[float] = field(default_factory=list)
    """From a kill to the successor's accounts at rest, in seconds."""
    violations: list[Violation] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [f"round {self.seed}/{self.index} over the wire", *self.deaths]
        return "\n  ".join([*lines, *(f"VIOLATION {each}" for each in self.violations)])


def play_round(seed: str, index: int, folder: Path | None = None) -> Round:
    """Play one round and check what it leaves behind."""
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="chaos-") as name:
            return play_round(seed, index, Path(name))
    round_ = Round(seed, index)
    run = Arena(folder, **RULES)
    try:
        _play(run, Random(f"{seed}/{index}"), round_)  # noqa: S311 - to be repeated
        round_.violations = run.violations()
    except (AssertionError, TimeoutError) as error:  # what must come has not come
        round_.violations = [Violation("I5", None, None, str(error)[:600])]
    finally:
        run.close()
    return round_


def _play(run: Arena, random: Random, round_: Round) -> None:
    edge = random.choice((None, *_EDGES))
    run.live(edge)
    for account in (A, B):
        run.wait_event(AccountOpened, account)
    run.rest(A)
    run.buy(A, 2)
    run.wait_event(PositionChanged)
    run.lose(A, 500)
    for _ in range(random.randint(1, 3)):
        if edge is None:
            _kill_from_outside(run, random)
        else:
            run.dies()
        round_.deaths.append(f"wire: {edge or 'from outside'}")
        killed = time.monotonic()
        if random.random() < 0.7:
            run.buy(A, random.choice((1, -1, 2)))
        # from outside only: an edge that this recovery does not come to would never end it
        edge = None
        run.live()
    run.wait_phases(a=Phase.LOCKED, b=Phase.OPEN)
    round_.guarded_s.append(time.monotonic() - killed)


def _kill_from_outside(run: Arena, random: Random) -> None:
    begun, entries = run.record.last_seq, random.randint(0, 12)
    with suppress(
        TimeoutError
    ):  # a machine that stands still says so few things; any instant will do
        run.record.wait_until(lambda: run.record.last_seq >= begun + entries, 20)
    run.kill()
