"""Reading accounts back a few ahead of their start: the journal answers such questions in one go.

Asked one by one, each would wait until what the accounts before it had recorded meanwhile is on disk. Of
no more than a few at a time the history is in memory. Used on the thread that starts the accounts.
"""

from collections import deque
from collections.abc import Callable, Iterable

import pykka

from messages.journal import Recorded

_AHEAD = 32
"""Enough for one commit to count for all of them; some MB, where the day was long."""

type Answer = pykka.Future[tuple[Recorded, ...]]


class ReadAhead:
    """The histories of accounts that are started in this order, each taken once."""

    def __init__(self, ask: Callable[[int], Answer], accounts: Iterable[int]) -> None:
        self._ask = ask
        self._left = deque(accounts)
        self._asked: dict[int, Answer] = {}

    def take(self, account: int) -> Answer:
        """Return the answer for an account, and have the next ones read meanwhile."""
        while self._left and len(self._asked) < _AHEAD:
            ahead = self._left.popleft()
            self._asked[ahead] = self._ask(ahead)
        return self._asked.pop(account, None) or self._ask(account)
