"""Futures that refuse to block a thread that other actors share.

A worker of `WorkerPool(blocking=False)` and an asyncio loop thread carry many actors: one handler that
waits there stops them all, and when the awaited actor is among them, for ever. Such a wait raises
`BlockingCallError` at once. Limit: the future of a plain `pykka.ThreadingActor` is pykka's own and is not
guarded; do not ask plain actors from pooled ones with `block=True`.
"""

import asyncio
import threading
from collections.abc import Mapping
from typing import Any

import pykka
import structlog

from actors.runtime.fence import acting

_log = structlog.get_logger(actor="asking")


class BlockingCallError(RuntimeError):
    """A handler tried to wait on a thread that must not wait."""


class _Here(threading.local):
    """What the guard knows about the running thread; thread-local, so nothing is shared."""

    shared_by: str | None = None


here = _Here()


def forbid_blocking(place: str) -> None:
    """Mark the running thread as one that must not wait; `place` names it in the error."""
    here.shared_by = place


def refuse_blocking(what: str) -> None:
    """Raise if the running thread must not wait.

    Raises:
        BlockingCallError: it carries other actors; says what waited, in which actor, and the way out.
    """
    if here.shared_by is not None:
        raise BlockingCallError(
            f"{what} would block {here.shared_by}, which other actors share (in {_who()}): "
            "use block=False and leave the future alone, or let the answer come as a message"
        )


def _who() -> str:
    if (actor := acting.get()) is not None:
        return str(actor)
    try:
        task = asyncio.current_task()
    except RuntimeError:
        task = None
    return "no actor" if task is None else task.get_name()


def answers_within[K](seconds: float, asked: Mapping[K, pykka.Future[Any]]) -> dict[K, Any]:
    """Wait for many answers at once, so long in all; leave out who is dead or did not answer.

    So is one that failed at its answer, which is logged: it takes none of the others away.
    """
    answers = {}
    for key, future in asked.items():
        try:
            answers[key] = future.get(timeout=seconds)
        except pykka.Timeout:
            seconds = 0.0  # the others have had the time too
        except pykka.ActorDeadError:
            continue
        except BlockingCallError:  # the fault of whoever asks
            raise
        except Exception as error:  # noqa: BLE001 - whatever one has answered with
            _log.error("answer_failed", by=key, error=repr(error))
    return answers


class GuardedFuture[T](pykka.ThreadingFuture[T]):
    """pykka's future, except that waiting for it where nobody may wait raises `BlockingCallError`."""

    def get(self, *, timeout: float | None = None) -> Any:
        """Return the value as pykka does; an unfinished one is refused on a shared thread."""
        # A future with a hook (map, join, stop…) waits for other futures, which are guarded themselves.
        if self._result is None and self._get_hook is None:
            refuse_blocking("waiting for an unfinished future")
        return super().get(timeout=timeout)
