"""How long to wait before the next attempt: 0.1 s doubling to 15 s, jittered, and forgiving."""

import random

_FIRST_S = 0.1
_LONGEST_S = 15.0


class Backoff:
    """Growing pauses between attempts; a success that outlived the last pause starts anew."""

    def __init__(self, jitter: random.Random) -> None:
        self._jitter = jitter
        self._step_s = _FIRST_S
        self._last_s = 0.0

    def next_s(self, at_least: float = 0.0) -> float:
        """Return the seconds to wait now: 50 to 100 % of a step that doubles each time."""
        step = max(self._step_s, at_least)
        self._step_s = min(2 * step, _LONGEST_S)
        self._last_s = step * self._jitter.uniform(0.5, 1.0)
        return self._last_s

    def lasted(self, seconds: float) -> None:
        """Take note that a success lasted so long.

        A server that accepts and drops at once is not a success: its pauses keep growing.
        """
        if seconds > self._last_s:
            self._step_s = _FIRST_S
