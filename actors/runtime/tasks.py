"""The asyncio tasks an actor on a loop thread owns: one per awaitable a handler returned.

A task counts as in flight until it ends. Its result answers the ask; its exception goes to the asker,
or after a tell fails the actor. When the actor ends its tasks are cancelled. All of it runs on the loop.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import pykka
from pykka import ActorDeadError
from pykka._envelope import Envelope

from actors.runtime.dispatcher import InFlight


class TaskFailure(NamedTuple):
    """Told to the actor itself, ahead of all other messages: a task of a tell has failed."""

    error: BaseException
    """What it raised."""
    message: Any
    """The message whose handling it was."""


def is_async(reply: object) -> bool:
    """Tell whether a handler's reply has to run on the loop (pykka's futures are values, as in pykka)."""
    return inspect.isawaitable(reply) and not isinstance(reply, pykka.Future)


class OwnedTasks:
    """The running tasks of one actor instance."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        in_flight: InFlight | None,
        fail: Callable[[TaskFailure], None],
    ) -> None:
        self._loop = loop
        self._in_flight = in_flight
        self._fail = fail
        self._running: dict[asyncio.Future[Any], Envelope[Any] | None] = {}
        self._cancelled = False

    def run(self, awaitable: Awaitable[Any], envelope: Envelope[Any], name: str) -> None:
        """Run what a handler returned; the envelope's asker, if any, is answered when it ends."""
        if self._in_flight is not None:
            self._in_flight.entered()
        task = asyncio.ensure_future(awaitable, loop=self._loop)
        if isinstance(task, asyncio.Task):
            task.set_name(name)
        self._running[task] = envelope
        task.add_done_callback(self._ended)

    def keep(self, awaitable: Awaitable[Any]) -> None:
        """Run something as long as the actor lives; never in flight, or nothing would ever be idle."""
        task = asyncio.ensure_future(awaitable, loop=self._loop)
        self._running[task] = None
        task.add_done_callback(self._ended)

    def cancel(self) -> None:
        """Cancel all of them, once: what is run after that is the ending itself."""
        if self._cancelled:
            return
        self._cancelled = True
        for task in tuple(self._running):
            task.cancel()

    def ended(self) -> Awaitable[None] | None:
        """Return what ends when the last of them has, or None if none runs."""
        return _all_ended(tuple(self._running)) if self._running else None

    def _ended(self, task: asyncio.Future[Any]) -> None:
        envelope = self._running.pop(task)
        error = self._error_of(task)
        if envelope is None:
            if error is not None and not self._cancelled:
                self._fail(TaskFailure(error, None))
            return
        if error is None:
            if envelope.reply_to is not None:
                envelope.reply_to.set(task.result())
        else:
            self._failed(error, envelope)
        if self._in_flight is not None:
            self._in_flight.left(1)

    def _error_of(self, task: asyncio.Future[Any]) -> BaseException | None:
        if not task.cancelled():
            return task.exception()
        if self._cancelled:
            return ActorDeadError("the actor stopped before it had handled the message")
        return RuntimeError("a task was cancelled although its actor was not stopping")

    def _failed(self, error: BaseException, envelope: Envelope[Any]) -> None:
        answer = error if isinstance(error, Exception) else ActorDeadError(f"stopped by {error!r}")
        if envelope.reply_to is not None:
            envelope.reply_to.set_exception((type(answer), answer, answer.__traceback__))
        if envelope.reply_to is None or answer is not error:
            self._fail(TaskFailure(error, envelope.message))


async def _all_ended(tasks: tuple[asyncio.Future[Any], ...]) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)
