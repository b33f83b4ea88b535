"""How a control verb runs: from any thread, on the simulator's loop, under one name everywhere.

`Verbs` is the base of the classes that together make `Control`; a method marked `@verb` is also served
as `POST /sim/<name>`. While nothing runs (before start, after stop) a verb runs on the caller's thread.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial, wraps
from typing import Any, Concatenate, cast

from actors.simulator.broker import Broker


class Verbs:
    """Verbs acting on one broker."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: int | None = None

    def attach(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Run verbs on this loop, whose thread calls this; None = there is no loop any more."""
        self._loop = loop
        self._thread = threading.get_ident() if loop is not None else None

    def on_loop[R](self, call: Callable[[], R]) -> R:
        """Run a call on the simulator's loop and return what it returns or raises."""
        loop = self._loop
        if loop is None or threading.get_ident() == self._thread:
            return call()
        answer: Future[R] = Future()
        loop.call_soon_threadsafe(_run_into, answer, call)
        return answer.result()


def _run_into[R](answer: Future[R], call: Callable[[], R]) -> None:
    try:
        result = call()
    except BaseException as error:  # noqa: BLE001 - it belongs to the thread that waits for the answer
        answer.set_exception(error)
    else:
        answer.set_result(result)


def verb[S: Verbs, **P, R](
    method: Callable[Concatenate[S, P], R],
) -> Callable[Concatenate[S, P], R]:
    """Mark a method as a verb."""

    @wraps(method)
    def anywhere(self: S, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.on_loop(partial(method, self, *args, **kwargs))

    anywhere.is_verb = True  # type: ignore[attr-defined]
    return cast("Callable[Concatenate[S, P], R]", anywhere)


def verbs_of(owner: type[Verbs]) -> dict[str, Callable[..., Any]]:
    """Return the methods marked as verbs, by name."""
    methods = {name: getattr(owner, name) for name in dir(owner)}
    return {name: method for name, method in methods.items() if getattr(method, "is_verb", False)}
