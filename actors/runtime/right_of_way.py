"""Right of way: whoever a decision waits for is not kept from the interpreter by new ordinary work.

A thread claims it (the journal's while an intent waits for the disk, a gateway's that is told a command);
the workers of a pool look at it before they take up a turn that is not ahead, and let it pass. A claim is
good for a moment only, and all claims together for a share of the time: a disk that hangs holds nobody
up, and a storm of intents does not keep facts, which may be the next breach, from being judged. Several
share one, and whoever is done releases it for all. Made by the system; it only ever delays ordinary work,
so everything is right without it.
"""

import threading

from actors.runtime.clock import Clock, SystemClock

PATIENCE_S = 0.005
"""How long a claim is heeded at most; a commit takes about one millisecond."""
SHARE = 0.2
"""Of the time, for which workers give way at most, in the long run."""


class RightOfWay:
    """One thread's right to go before the ordinary turns of others; any thread may ask for it."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._free = threading.Event()
        self._free.set()
        self._credit_s = PATIENCE_S
        self._counted_at = self._clock.monotonic()

    @property
    def claimed(self) -> bool:
        """Tell whether somebody has claimed it."""
        return not self._free.is_set()

    def claim(self) -> None:
        """Let the others give way."""
        self._free.clear()

    def release(self) -> None:
        """Let the others go on."""
        self._free.set()

    def give(self) -> None:
        """Wait while somebody has claimed it; not for long, and then the claim has lapsed."""
        if not self.claimed:
            return
        begun = self._clock.monotonic()
        earned_s = SHARE * (begun - self._counted_at)
        # Workers that give way at once may count each other's wait: then they give a little less or more.
        credit_s = min(PATIENCE_S, self._credit_s + earned_s)
        if credit_s <= 0 or not self._free.wait(credit_s):
            self._free.set()
        self._counted_at = self._clock.monotonic()
        self._credit_s = credit_s - (self._counted_at - begun)
