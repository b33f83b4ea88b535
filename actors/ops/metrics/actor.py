"""MetricsActor: counts every committed event, on a thread of its own.

Started after the journal, subscribes to it, and nothing depends on it. What it has counted outlives it.
"""

from typing import Any

from actors.ops.metrics.counts import Counts
from actors.runtime import Clock, Directory, Dispatcher, PooledActor
from messages.journal import Committed, Subscribe
from messages.queries import Ping

ADDRESS = "metrics"


class MetricsActor(PooledActor):
    """Feeds the counts."""

    def __init__(
        self, *, counts: Counts, clock: Clock, directory: Directory, dispatcher: Dispatcher
    ) -> None:
        super().__init__(dispatcher=dispatcher)
        self._counts = counts
        self._clock = clock
        self._directory = directory

    def on_start(self) -> None:
        """Subscribe to the journal; runs on this actor's own thread."""
        subscribe = Subscribe(at=self._clock.now(), cause="start", address=ADDRESS)
        self._directory.tell("journal", subscribe)

    def on_receive(self, message: Any) -> Any:
        """Count what was committed; runs on this actor's own thread."""
        match message:
            case Committed():
                self._counts.take(message)
                return None
            case Ping():
                return ADDRESS
            case _:
                raise TypeError(f"{ADDRESS} cannot be told {type(message).__name__}")
