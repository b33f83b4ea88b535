"""A testimony that keeps nothing: memory that is measured is the product's own."""

from collections.abc import Callable

from actors.ops.witness import Testimony
from messages.base import Message


class Watching(Testimony):
    """Hands every committed event on."""

    def __init__(self, on_event: Callable[[Message], None]) -> None:
        super().__init__(on_event)
        self._hand_on = on_event

    def add(self, events: tuple[Message, ...]) -> None:
        """Hand on what was committed."""
        for event in events:
            self._hand_on(event)
