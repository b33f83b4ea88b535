"""The book of deadlines: pure, no clock inside; the times come with each call.

Two kinds: monotonic seconds (durations) and the wall clock (instants). One deadline per (address, key): a
new one replaces the old. `due` is level-triggered: it yields everything whose time has come, the longest
due first, each once. Replaced and cancelled deadlines stay in the heaps until they surface or are swept.
"""

import heapq
import itertools
from datetime import datetime
from typing import NamedTuple

_SWEEP_FROM = 64


class Deadline(NamedTuple):
    """One wake-up that was asked for."""

    to: str
    """Address that is woken."""
    key: str
    """Names the deadline within its owner."""
    cause: str
    """What led to it."""


class _Entry(NamedTuple):
    due: float
    number: int
    deadline: Deadline


class Deadlines:
    """All deadlines that are still to come."""

    def __init__(self) -> None:
        self._durations: list[_Entry] = []
        self._instants: list[_Entry] = []
        self._current: dict[tuple[str, str], _Entry] = {}
        self._numbers = itertools.count()

    def after(self, deadline: Deadline, due: float) -> None:
        """Add a deadline that is due at `due` monotonic seconds.

        Raises:
            ValueError: not a finite number of seconds.
        """
        if not abs(due) < float("inf"):
            raise ValueError(f"{deadline} is due at {due} s: give a finite number of seconds")
        self._add(self._durations, deadline, due)

    def at(self, deadline: Deadline, due: datetime) -> None:
        """Add a deadline that is due when the wall clock reads `due`.

        Raises:
            ValueError: `due` has no time zone.
        """
        if due.tzinfo is None:
            raise ValueError(f"{deadline} is due at {due}: give an aware UTC time")
        self._add(self._instants, deadline, due.timestamp())

    def _add(self, heap: list[_Entry], deadline: Deadline, due: float) -> None:
        entry = _Entry(due, next(self._numbers), deadline)
        self._current[deadline.to, deadline.key] = entry
        heapq.heappush(heap, entry)
        if len(heap) > _SWEEP_FROM + 2 * len(self._current):
            heap[:] = [each for each in heap if self._is_current(each)]
            heapq.heapify(heap)

    def cancel(self, to: str, key: str) -> None:
        """Forget a deadline; an unknown one is no error."""
        self._current.pop((to, key), None)

    def pop_due(self, monotonic: float, now: datetime) -> list[Deadline]:
        """Take out everything due, the longest due first."""
        wall = now.timestamp()
        late = [(entry.due - monotonic, entry) for entry in self._pop(self._durations, monotonic)]
        late += [(entry.due - wall, entry) for entry in self._pop(self._instants, wall)]
        return [entry.deadline for _, entry in sorted(late, key=lambda each: each[0])]

    def _pop(self, heap: list[_Entry], time: float) -> list[_Entry]:
        popped = []
        while (due := self._next(heap)) is not None and due <= time:
            entry = heapq.heappop(heap)
            del self._current[entry.deadline.to, entry.deadline.key]
            popped.append(entry)
        return popped

    def next_duration(self) -> float | None:
        """Return when the next monotonic deadline is due, in monotonic seconds."""
        return self._next(self._durations)

    def next_instant(self) -> float | None:
        """Return when the next wall deadline is due, in seconds since the epoch."""
        return self._next(self._instants)

    def _next(self, heap: list[_Entry]) -> float | None:
        while heap and not self._is_current(heap[0]):
            heapq.heappop(heap)
        return heap[0].due if heap else None

    def _is_current(self, entry: _Entry) -> bool:
        return self._current.get((entry.deadline.to, entry.deadline.key)) is entry
