"""One read for all who ask at the same time: clients, however many, cost the accounts one question each.

Who asks while a read is under way shares the next one, so that no answer is older than its question.
"""

import asyncio
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool


class SharedRead[T]:
    """A blocking read that is never under way twice; used on one loop."""

    def __init__(self, read: Callable[[], T]) -> None:
        self._read = read
        self._turn = asyncio.Lock()
        self._next: asyncio.Task[T] | None = None

    async def read(self) -> T:
        """Return what a read that begins after this call finds, or raise what it raises."""
        if self._next is None:
            self._next = asyncio.create_task(self._run())
        # Shielded: the others wait for it too when one client hangs up.
        return await asyncio.shield(self._next)

    async def _run(self) -> T:
        async with self._turn:
            self._next = None
            return await run_in_threadpool(self._read)
