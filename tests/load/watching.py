"""A testimony that keeps nothing: memory that is measured is the product's own."""

from collections.abc import Callable
from datetime import datetime

from actors.ops.witness import Testimony
from messages.base import Message
from messages.journal import Committed


class Watching(Testimony):
    """Hands every committed event on, and when it was on disk: it is told behind the log."""

    def __init__(self, on_event: Callable[[Message, datetime], None]) -> None:
        super().__init__()
        self._hand_on = on_event

    def add(self, committed: Committed) -> None:
        """Hand on what was committed; what the store refused is not."""
        if committed.durable:
            for event in committed.records:
                self._hand_on(event, committed.at)
