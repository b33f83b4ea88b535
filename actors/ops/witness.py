"""Witness: an actor that watches the journal, for whoever wants to wait until something has happened.

Started by the demo and by tests, at an address of its own. It keeps every committed event in order and
wakes those who wait; waiting is on a condition, never by sleeping.
"""

import threading
from collections.abc import Callable
from typing import Any

from actors.runtime import Clock, Directory, Dispatcher, PooledActor
from messages.base import Message
from messages.journal import Committed, Subscribe
from messages.queries import Ping


class Testimony:
    """Every event seen so far; thread-safe, outlives the actor."""

    def __init__(self, on_event: Callable[[Message], None] | None = None) -> None:
        self._on_event = on_event
        self._changed = threading.Condition()
        self._events: list[Message] = []

    def add(self, committed: Committed) -> None:
        """Take in what was committed."""
        with self._changed:
            for event in committed.records:
                self._events.append(event)
                if self._on_event:
                    self._on_event(event)
            self._changed.notify_all()

    def events(self) -> tuple[Message, ...]:
        """Return everything seen so far, in order."""
        with self._changed:
            return tuple(self._events)

    def wait_for[M: Message](
        self, kind: type[M], matches: Callable[[M], bool], timeout: float, *, count: int = 1
    ) -> M:
        """Return the `count`-th event of a kind that matches, waiting for it if need be.

        Raises:
            TimeoutError: it did not happen in `timeout` seconds; the message shows what did.
        """

        def found() -> list[M]:
            return [each for each in self._events if isinstance(each, kind) and matches(each)]

        with self._changed:
            if not self._changed.wait_for(lambda: len(found()) >= count, timeout):
                seen = "\n".join(map(repr, self._events[-12:]))
                raise TimeoutError(f"no {kind.__name__} within {timeout} s; last events:\n{seen}")
            return found()[count - 1]


class Witness(PooledActor):
    """Fills a testimony from the journal."""

    def __init__(
        self,
        *,
        address: str,
        testimony: Testimony,
        clock: Clock,
        directory: Directory,
        dispatcher: Dispatcher,
    ) -> None:
        super().__init__(dispatcher=dispatcher)
        self._address = address
        self._testimony = testimony
        self._clock = clock
        self._directory = directory

    def on_start(self) -> None:
        """Subscribe to the journal."""
        subscribe = Subscribe(at=self._clock.now(), cause="start", address=self._address)
        self._directory.tell("journal", subscribe)

    def on_receive(self, message: Any) -> Any:
        """Take in what was committed."""
        match message:
            case Committed():
                self._testimony.add(message)
                return None
            case Ping():
                return self._address
            case _:
                raise TypeError(f"{self._address} cannot be told {type(message).__name__}")
