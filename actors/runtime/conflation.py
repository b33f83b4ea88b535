"""What waits in an inbox and may be replaced while it waits: of each key only the latest.

Part of an `Inbox`, for messages of which only the newest says anything, such as quotes: however many
come, no more wait than there are keys, in the order in which the keys came. Put from any thread, taken
by whoever owns the turn.
"""

import threading
from collections import deque
from collections.abc import Callable, Hashable
from typing import Any

from pykka._envelope import Envelope

type KeyOf = Callable[[Any], Hashable]
"""Gives a message's key: it replaces a waiting one of the same key; None = it waits like any other."""


class Latest:
    """The latest message by key."""

    __slots__ = ("_lock", "_waiting")

    def __init__(self) -> None:
        self._waiting: dict[Hashable, Envelope[Any]] = {}
        # To look for a key and to put it is not one step, and what is lost here is lost for good.
        self._lock = threading.Lock()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def put(self, key: Hashable, envelope: Envelope[Any]) -> bool:
        """Let a message wait; False if it took another one's place."""
        with self._lock:
            new = key not in self._waiting
            self._waiting[key] = envelope
        return new

    def take(self) -> Envelope[Any] | None:
        """Take the message that waited longest, as new as it is by now; None if there is none."""
        if not self._waiting:
            return None
        with self._lock:
            for key in self._waiting:
                return self._waiting.pop(key)
        return None

    def overtake(self, items: deque[Envelope[Any]]) -> None:
        """Put all that wait before other messages."""
        if self._waiting:
            with self._lock:
                items.extendleft(reversed(self._waiting.values()))
                self._waiting.clear()
