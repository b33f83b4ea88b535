"""What a bite is, and what it is played on and looks at: the whole system on a virtual clock."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from config.loader import Config, load
from tests.rig import NOON, TOKENS, A, Rig, config_of

CHRISTMAS = datetime(2025, 12, 25, 17, tzinfo=UTC)


@dataclass(frozen=True)
class Stage:
    """What a bite is played on."""

    config: str
    """The text of the file."""
    folder: Path
    """A folder of its own."""
    rigs: Callable[..., Rig]
    """Starts the whole system on a virtual clock."""

    def run(self, **how: Any) -> Rig:
        """Start the whole system with the file."""
        return self.rigs(self.config, **how)

    def load(self, environment: dict[str, str] | None = None) -> Config:
        """Only load the file."""
        path = self.folder / "mine.toml"
        path.write_text(self.config)
        return load(path, now=NOON, environment=TOKENS if environment is None else environment)


@dataclass(frozen=True)
class Bite:
    """One key and what it changes."""

    files: tuple[str, str]
    """Two configurations."""
    play: Callable[[Stage], Any]
    """What is done, and what is seen then."""
    seen: tuple[Any, Any]
    """What must be seen with each of them."""
    and_then: str = ""
    """Test that shows the effect, where `play` only sees the value arrive: `path::name`."""


# --- what is seen ---


def sizes(run: Rig, account: int = A) -> dict[str, int]:
    """Return what the broker holds, by product."""
    return {name.split(".")[3]: size for name, size in run.held(account).items()}


def locked_s(run: Rig, account: int = A) -> list[float | None]:
    """Return for how long the account is locked, in seconds from noon."""
    return [
        None if lock.until is None else (lock.until - NOON).total_seconds()
        for lock in run.status(account).lockouts
    ]


def after(*trades: tuple[str, int]) -> Callable[[Stage], dict[str, int]]:
    """Return a play that trades and looks at what is left."""

    def play(stage: Stage) -> dict[str, int]:
        run = stage.run()
        for product, size in trades:
            run.order(A, product, size)
        return sizes(run)

    return play


def after_fill(pnl: str, fees: str = "0") -> Callable[[Stage], list[float | None]]:
    """Return a play that books one fill and looks at the lockouts."""

    def play(stage: Stage) -> list[float | None]:
        run = stage.run()
        run.fill(A, pnl, fees=fees)
        return locked_s(run)

    return play


def at_start(stage: Stage) -> list[float | None]:
    """Look at the lockouts as soon as the system runs."""
    return locked_s(stage.run())


def after_a_fall(stage: Stage) -> list[float | None]:
    """Hold 5 MNQ through a fall of 10 points: 100 dollars."""
    run = stage.run()
    run.price("MNQ", "21000")
    run.order(A, "MNQ", 5)
    run.price("MNQ", "20990")
    return locked_s(run)


RESET_S = 5 * 3600.0
"""From noon to the reset."""
NEXT_DAY_S = 20.5 * 3600
"""From noon to 08:30 of the next day."""


def rule(
    key: str, one: dict[str, Any], other: dict[str, Any], play: Callable[[Stage], Any], *seen: Any
) -> Bite:
    """Return a bite of one rule's parameter."""
    files = config_of(**{key: one}), config_of(**{key: other})
    return Bite(files, play, (seen[0], seen[1]))
