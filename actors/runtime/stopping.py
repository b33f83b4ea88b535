"""How a Supervisor ends children for good: right to left, and side by side those that are independent.

OTP ends the children of a `simple_one_for_one` at once; here a child's spec names its group. A child is
asked behind what it was told before, so all of that is handled first. The time that a spec gives counts
from when the last of those asked with it ended: nobody is fenced because the others have much to do. Who
is at something by then hangs; the others may have waited for its thread, and get a fresh one.
"""

import queue
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any, NamedTuple

import pykka

from actors.runtime.blocking import refuse_blocking
from actors.runtime.child import Child, HungError
from actors.runtime.fence import refuse_fenced
from actors.runtime.spec import Strategy


class Stopped(NamedTuple):
    """A child that is no more."""

    child: Child
    in_time: bool
    """False: it had to be fenced."""


class _Answer(pykka.Future[None]):
    """To one stop; all are waited for in one place."""

    def __init__(self, child: Child, answers: "queue.SimpleQueue[Child]") -> None:
        super().__init__()
        self._child = child
        self._answers = answers

    def set(self, _value: Any = None) -> None:
        """Let whoever waits know that it has ended."""
        self._answers.put(self._child)

    def set_exception(self, _exc_info: Any = None) -> None:
        """Likewise, however it ended."""
        self._answers.put(self._child)


def stopping_order(children: Iterable[Child], strategy: Strategy) -> Iterator[tuple[Child, ...]]:
    """Return who is stopped with whom, from right to left.

    Only under one_for_one a neighbour of the same group is independent: elsewhere one needs the other.
    """
    for group, neighbours in groupby(reversed(tuple(children)), lambda each: each.spec.group):
        if group and strategy is Strategy.ONE_FOR_ONE:
            yield tuple(neighbours)
        else:
            yield from ((child,) for child in neighbours)


def stop_together(children: Iterable[Child]) -> Iterator[Stopped]:
    """Ask all to stop, and return each when it has, or when it had to be fenced.

    Raises:
        BlockingCallError: this thread must not wait; nobody was asked.
        FencedError: whoever asks has been replaced.
    """
    refuse_fenced()
    refuse_blocking("stopping children")
    children = tuple(children)
    answers: queue.SimpleQueue[Child] = queue.SimpleQueue()
    waiting = dict.fromkeys(
        [child for child in children if child.ask_to_stop(_Answer(child, answers))]
    )
    yield from (Stopped(child, in_time=True) for child in children if child not in waiting)
    patience_s = _patience_s(waiting)
    while waiting:
        try:
            ended = [Stopped(answers.get(timeout=patience_s), in_time=True)]
        except queue.Empty:
            ended = _fence_hanging(waiting)
        for each in ended:
            if each.child in waiting:  # one that was fenced may still have answered
                del waiting[each.child]
                yield each


def _patience_s(children: Iterable[Child]) -> float | None:
    """Return how long nobody may end before somebody hangs; None = for ever."""
    allowed = [child.spec.shutdown_s for child in children]
    known = [each for each in allowed if each is not None]
    return max(known) if known and len(known) == len(allowed) else None


def _fence_hanging(waiting: Iterable[Child]) -> list[Stopped]:
    hanging = [child for child in waiting if child.is_at_work] or list(waiting)
    for child in hanging:
        child.fence(HungError(f"it did not stop in {child.spec.shutdown_s} s"))
    return [Stopped(child, in_time=False) for child in hanging]
