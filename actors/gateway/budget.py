"""The request budget of one login: never more than the broker allows, and closes go first.

A sliding window counts every request of the login, all accounts together. Requests wait in order of
priority, within one priority the account with the most at stake first (an unknown stake before any),
then in order of arrival. Reads may not use the window up: what is kept from
them is the reserve for mutations, so that a close never queues behind reads. Nobody waits in vain: a
request that cannot leave before its own deadline is refused at once, and told when to come again so that
it stands in the queue when its turn could come. Requests that are worth nothing without each other, the
reads of a snapshot, leave together or not at all.

Used on one event loop only; time comes from the clock that is passed in.
"""

import asyncio
import heapq
import itertools
from collections import deque
from decimal import Decimal
from enum import IntEnum
from typing import NamedTuple

from actors.gateway.errors import NoBudgetError
from actors.runtime.clock import Clock


class Priority(IntEnum):
    """What goes before what."""

    CLOSE = 0
    CANCEL = 1
    MUTATION = 2
    URGENT_READ = 3
    READ = 4
    KEEP_WARM = 5


SHARES = {Priority.URGENT_READ: 0.9, Priority.READ: 0.75, Priority.KEEP_WARM: 0.75}
# How far the window may be filled by each kind; mutations may fill it. The rest is the reserve: of
# 200 requests 50 are kept from ordinary reads, and 20 even from those that verify an enforcement: whoever
# breaks a rule next, or buys again under lock, is closed before others are proven flat.
_IN_GOOD_TIME = 0.5
# Who was refused comes again with so much of its patience before its turn: wakes are late sometimes.


class _Waiter(NamedTuple):
    """One request in the queue, in the order in which it leaves."""

    priority: Priority
    rank: Decimal
    """The less the sooner: minus the dollars at stake."""
    number: int
    requests: int
    turn: asyncio.Future[None]


class RequestBudget:
    """Lets requests out one by one, within the window and by priority."""

    def __init__(self, *, clock: Clock, requests: int, window_s: float) -> None:
        self._clock = clock
        self._requests = requests
        self._window_s = window_s
        self._sent: deque[float] = deque()
        self._queue: list[_Waiter] = []
        self._numbers = itertools.count()
        self._reads_held_until = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def used(self) -> int:
        """Return how many requests were sent within the window."""
        self._let_go(self._clock.monotonic())
        return len(self._sent)

    @property
    def queued(self) -> int:
        """Return how many requests wait for their turn."""
        return sum(each.requests for each in self._queue if not each.turn.done())

    def charge(self, count: int = 1) -> None:
        """Count requests that do not queue (a login)."""
        self._sent.extend([self._clock.monotonic()] * count)

    def hold_reads(self, seconds: float) -> None:
        """Let no ordinary read out for so long: the broker itself has said that it is enough."""
        until = self._clock.monotonic() + seconds
        self._reads_held_until = max(self._reads_held_until, until)

    async def take(
        self,
        priority: Priority,
        *,
        within_s: float,
        exposure_usd: Decimal | None = None,
        count: int = 1,
    ) -> None:
        """Wait for the turn of a request, or of several that leave together, and count them.

        Args:
            priority: What kind of request it is.
            within_s: How long it may wait.
            exposure_usd: What the account has at stake; None = unknown, which goes first.
            count: How many leave.

        Raises:
            NoBudgetError: its turn cannot come, or did not come, within so many seconds.
        """
        rank = Decimal("-Infinity") if exposure_usd is None else -exposure_usd
        wait_s = self._wait_s(priority, count, ahead=self._ahead_of(priority, rank))
        if wait_s <= 0:
            self.charge(count)
            return
        if wait_s > within_s:
            used = f"{len(self._sent)} of {self._requests} requests used"
            raise NoBudgetError(f"no budget: {used}", _come_again_s(wait_s, within_s))
        turn = asyncio.get_running_loop().create_future()
        heapq.heappush(self._queue, _Waiter(priority, rank, next(self._numbers), count, turn))
        self._set_timer()
        try:
            async with asyncio.timeout(within_s):
                await turn
        except TimeoutError:
            if turn.done() and not turn.cancelled():
                return  # let out, and counted, in the very moment its patience ended
            wait_s = self._wait_s(priority, count, ahead=self._ahead_of(priority, rank))
            text = f"no budget within {within_s:.1f} s"
            raise NoBudgetError(text, _come_again_s(wait_s, within_s)) from None

    def close(self) -> None:
        """Stop the timer; whoever still waits is left to its own deadline."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ahead_of(self, priority: Priority, rank: Decimal) -> int:
        return sum(
            each.requests
            for each in self._queue
            if (each.priority, each.rank) <= (priority, rank) and not each.turn.done()
        )

    def _wait_s(self, priority: Priority, count: int, *, ahead: int) -> float:
        """Return the seconds until so many with so many ahead of them could leave, at best."""
        now = self._clock.monotonic()
        self._let_go(now)
        held_s = self._reads_held_until - now if priority >= Priority.READ else 0.0
        ceiling = max(count, int(self._requests * SHARES.get(priority, 1.0)))
        too_many = len(self._sent) + ahead + count - ceiling
        if too_many <= 0 or not self._sent:
            return held_s
        freed_at = self._sent[min(too_many, len(self._sent)) - 1] + self._window_s
        return max(freed_at - now, held_s)

    def _let_go(self, now: float) -> None:
        """Forget what left the window."""
        while self._sent and self._sent[0] <= now - self._window_s:
            self._sent.popleft()

    def _release(self) -> None:
        """Let out whoever's turn it is; a waiter that has given up is passed over."""
        while self._queue:
            first = self._queue[0]
            if not first.turn.done():
                if self._wait_s(first.priority, first.requests, ahead=0) > 0:
                    break
                self.charge(first.requests)
                first.turn.set_result(None)
            heapq.heappop(self._queue)
        self._set_timer()

    def _set_timer(self) -> None:
        """Look again when the first in the queue could leave."""
        self.close()
        if self._queue:
            first = self._queue[0]
            delay = max(self._wait_s(first.priority, first.requests, ahead=0), 0.001)
            self._timer = asyncio.get_running_loop().call_later(delay, self._release)


def _come_again_s(wait_s: float, within_s: float) -> float:
    """Return after how long to ask again so as to be waiting when the turn could come."""
    return max(wait_s - _IN_GOOD_TIME * within_s, 0.0)
