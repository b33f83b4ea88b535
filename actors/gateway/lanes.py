"""How many reads of a login may be under way at once, and when those that verify give way to closes.

Commands are never held up. At a start every account asks for its snapshot in the same moment.
Unbounded, that opens hundreds of connections which the HTTP client then scans at every event, and a
close waits behind them; bounded, 400 accounts of one login are read in seconds that did not finish
without (tests/load/README.md). What verifies an enforcement has lanes of its own, one for a snapshot.

When many accounts break a rule at once, what verifies the first must not take the budget and the
connections from the closes of the last: while closes and cancels keep leaving, it waits, but never long,
and never for one that hangs: no account waits for another. Used on one event loop only.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext

from actors.gateway.budget import Priority

_ORDINARY, _VERIFYING = 12, 8
# Enough that one account whose reads hang (four of them) leaves lanes for the others.
_FRESH_S = 0.25
# A close that is under way for longer holds nobody up: the broker answers most in 0.15 s.
_LONGEST_S = 1.0
# However many closes follow each other.


class Lanes:
    """The lanes of one login."""

    def __init__(self) -> None:
        self._ordinary = asyncio.Semaphore(_ORDINARY)
        self._verifying = asyncio.Semaphore(_VERIFYING)
        self._closing = 0
        self._fresh_until = 0.0
        self._calm = asyncio.Event()

    def of(self, priority: Priority) -> AbstractAsyncContextManager[None]:
        """Return the lane of a request, to be held from before its turn to its answer."""
        match priority:
            case Priority.CLOSE | Priority.CANCEL:
                return self._reducing()
            case Priority.MUTATION | Priority.URGENT_READ:
                return nullcontext()
            case _:
                return self._ordinary

    @asynccontextmanager
    async def verifying(self) -> AsyncIterator[None]:
        """Hold a lane for a snapshot that verifies an enforcement, once the closes have left."""
        await self._until_calm()
        async with self._verifying:
            yield

    @asynccontextmanager
    async def _reducing(self) -> AsyncIterator[None]:
        self._closing += 1
        self._fresh_until = asyncio.get_running_loop().time() + _FRESH_S
        try:
            yield
        finally:
            self._closing -= 1
            if not self._closing:
                self._calm.set()

    async def _until_calm(self) -> None:
        now = asyncio.get_running_loop().time
        until = now() + _LONGEST_S
        while self._closing and (wait_s := min(until, self._fresh_until) - now()) > 0:
            self._calm.clear()
            try:
                async with asyncio.timeout(wait_s):
                    await self._calm.wait()
            except TimeoutError:
                continue  # others may have followed
