"""LookoutActor: asks every few seconds how everything stands, and tells the AlertActor.

Started last, on a thread of its own, which may wait: an account that hangs delays it alone. What it
cannot find out it says too, for unknown is not protected.
"""

from collections.abc import Callable
from typing import Any

import pykka
import structlog

from actors.ops.alerts.actor import ADDRESS as ALERTS
from actors.runtime import Clock, Directory, Dispatcher, PooledActor
from messages.alerts import NoteStanding
from messages.commands import WakeAfter, Woken
from messages.queries import Ping, SystemStatus

ADDRESS = "lookout"
LOOK_S = 5.0
"""How often it looks."""
_log = structlog.get_logger(actor=ADDRESS)
_UNKNOWN = (LookupError, pykka.Timeout, pykka.ActorDeadError)


class LookoutActor(PooledActor):
    """Looks, and tells what it sees."""

    def __init__(
        self,
        *,
        status: Callable[[], SystemStatus],
        clock: Clock,
        directory: Directory,
        dispatcher: Dispatcher,
    ) -> None:
        super().__init__(dispatcher=dispatcher)
        self._status = status
        self._clock = clock
        self._directory = directory

    def on_start(self) -> None:
        """Look as soon as it has begun; on its own thread."""
        self._wake_after(0.0)

    def on_receive(self, message: Any) -> Any:
        """Look, and be woken again; on its own thread, which may wait for the answers."""
        match message:
            case Woken():
                self._directory.tell(ALERTS, self._look())
                self._wake_after(LOOK_S)
                return None
            case Ping():
                return ADDRESS
            case _:
                raise TypeError(f"{ADDRESS} cannot be told {type(message).__name__}")

    def _look(self) -> NoteStanding:
        try:
            status = self._status()
        except _UNKNOWN as error:
            _log.error("status_unanswered", error=repr(error))
            status = None
        return NoteStanding(at=self._clock.now(), cause=ADDRESS, status=status)

    def _wake_after(self, seconds: float) -> None:
        wake = WakeAfter(
            at=self._clock.now(), cause=ADDRESS, to=ADDRESS, key="look", after_s=seconds
        )
        self._directory.tell("clock", wake)
