"""FitnessActor: looks whether this machine is still fit to guard, once a start is over and from then on.

Started last by `System`, on a thread of its own that may wait for a disk: nobody waits for it. In: the
clock's wake-ups. Out: an alarm for each fault that is new, and all that there are for whoever shows how
the system stands. What is mended is a fault no more at the next look. It never touches an account.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from actors.runtime import Clock, Directory, Dispatcher, PooledActor
from messages.commands import WakeAfter, Woken
from messages.events import AlarmRaised
from messages.journal import Append
from messages.queries import MachineFault, Ping
from messages.values import AlarmCode

ADDRESS = "fitness"
FIRST_LOOK_S = 5.0
"""The first look comes so long after the start: until then everything else comes first."""
LOOK_S = 300.0
"""How often it looks."""

type Examine = Callable[[], tuple[MachineFault, ...]]


@dataclass(slots=True)
class Fitness:
    """What was found last; it outlives the actor, which alone writes it."""

    faults: tuple[MachineFault, ...] = ()
    """All that is critical; empty = nothing is, or nobody has looked yet."""


class FitnessActor(PooledActor):
    """Looks, remembers and alarms."""

    def __init__(
        self,
        *,
        examine: Examine,
        fitness: Fitness,
        clock: Clock,
        directory: Directory,
        dispatcher: Dispatcher,
    ) -> None:
        super().__init__(dispatcher=dispatcher)
        self._examine = examine
        self._fitness = fitness
        self._clock = clock
        self._directory = directory

    def on_start(self) -> None:
        """Look soon; on its own thread."""
        self._wake_after(FIRST_LOOK_S)

    def on_receive(self, message: Any) -> Any:
        """Look, and be woken again; on its own thread, which may wait."""
        match message:
            case Woken():
                self._wake_after(LOOK_S)
                self._look()
                return None
            case Ping():
                return ADDRESS
            case _:
                raise TypeError(f"{ADDRESS} cannot be told {type(message).__name__}")

    def _look(self) -> None:
        known = {(each.check, each.about) for each in self._fitness.faults}
        found = self._fitness.faults = self._examine()
        for each in found:
            if (each.check, each.about) not in known:
                self._alarm(f"{each.line}. It matters, for {each.why}. Mend it: {each.fix}")

    def _alarm(self, text: str) -> None:
        now = self._clock.now()
        code = AlarmCode.MACHINE_UNFIT
        alarm = AlarmRaised(at=now, cause=ADDRESS, account=None, code=code, text=text)
        append = Append(at=now, cause=ADDRESS, events=(alarm,), asker=None, token="")
        self._directory.tell("journal", append)

    def _wake_after(self, seconds: float) -> None:
        wake = WakeAfter(
            at=self._clock.now(), cause=ADDRESS, to=ADDRESS, key="look", after_s=seconds
        )
        self._directory.tell("clock", wake)
