"""What a Supervisor is told about its children and about itself; OTP's words, and pure.

`SupervisorFlags` say what a failure of one child means for the others, and how much failing is too much;
a `ChildSpec` says how one child is made, replaced, stopped and found hanging.
"""

import zlib
from collections import deque
from collections.abc import Callable
from enum import StrEnum

import msgspec

from actors.runtime.actor import PooledActor


class Restart(StrEnum):
    """When a child that ended is replaced."""

    PERMANENT = "permanent"
    """Always."""
    TRANSIENT = "transient"
    """When it failed, not when it stopped."""
    TEMPORARY = "temporary"
    """Never."""


class Strategy(StrEnum):
    """Who is replaced with a child that failed."""

    ONE_FOR_ONE = "one_for_one"
    """Nobody else."""
    ONE_FOR_ALL = "one_for_all"
    """All others: they are stopped right to left, then all are started left to right."""
    REST_FOR_ONE = "rest_for_one"
    """Those started after it, likewise."""


class ChildSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What a Supervisor has to know to start, to replace and to stop a child."""

    address: str
    """Where it is reached, e.g. `account/13298777`."""
    factory: Callable[[], PooledActor]
    """Makes a new, unstarted instance; runs on the supervisor's thread, so every wait has a timeout."""
    restart: Restart = Restart.PERMANENT
    """When it is replaced."""
    start_s: float = 30.0
    """How long its `on_start` may take where the supervisor waits for it, in seconds."""
    shutdown_s: float | None = 5.0
    """How long its end is waited for before it is fenced, in seconds; None = a supervisor, for ever."""
    group: str = ""
    """Neighbours of one group need each other for nothing, so under one_for_one they are stopped side by
    side; "" = each alone."""
    hung_after_s: float | None = 5.0
    """How long it may be at one message before it counts as hung, in seconds; None = never."""
    replaceable: bool = True
    """False: nobody may take its place while its thread is stuck, so a hang is escalated at once."""


class SupervisorFlags(msgspec.Struct, frozen=True, kw_only=True):
    """How a Supervisor supervises."""

    strategy: Strategy = Strategy.ONE_FOR_ONE
    """Who is replaced with a child that failed."""
    intensity: int | None = 5
    """More restarts within the period, of all children together, and it gives up: it ends its children
    and fails itself. None = it never does: each child backs off alone, up to the ceiling."""
    period_s: float = 10.0
    """The period, in seconds; a child that has lived longer begins to count anew."""
    back_off_s: float = 0.1
    """Before the second restart in a row, in seconds; doubles from there. The first is immediate."""
    ceiling_s: float = 30.0
    """The longest back-off, in seconds."""
    seed: int = 0
    """Of the jitter."""

    def back_off(self, address: str, failures: int) -> float:
        """Return how long to wait before the restart after so many failures in a row, in seconds.

        The jitter takes up to half of it away, so that children which fail together return apart.
        """
        if failures <= 1:
            return 0.0
        # Capped before the power: an actor that fails for weeks must not overflow it.
        whole = min(self.ceiling_s, self.back_off_s * 2.0 ** min(failures - 2, 32))
        drawn = zlib.crc32(f"{self.seed}/{address}/{failures}".encode()) / 2**32
        return whole * (1 - drawn / 2)


class Intensity:
    """Counts a supervisor's restarts within its period."""

    def __init__(self, flags: SupervisorFlags) -> None:
        self._flags = flags
        self._at: deque[float] = deque()

    def exceeded(self, monotonic: float) -> bool:
        """Count one more restart; tell whether that is too many."""
        if self._flags.intensity is None:
            return False
        self._at.append(monotonic)
        while self._at[0] <= monotonic - self._flags.period_s:
            self._at.popleft()
        return len(self._at) > self._flags.intensity
