"""Right of way: whoever a decision waits for is not kept from the interpreter by new ordinary work.

A thread claims it (the journal's while an intent waits for the disk, a gateway's that is told a command);
the workers of a pool look at it before they take up a turn that is not ahead, and let it pass. A claim is
good for a moment only: a disk that hangs holds nobody up. Several share one, and whoever is done releases
it for all. Made by the system; it only ever delays ordinary work, so everything is right without it.
"""

import threading

PATIENCE_S = 0.005
"""How long a claim is heeded; a commit takes about one millisecond."""


class RightOfWay:
    """One thread's right to go before the ordinary turns of others; any thread may ask for it."""

    def __init__(self) -> None:
        self._free = threading.Event()
        self._free.set()

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
        if self.claimed and not self._free.wait(PATIENCE_S):
            self._free.set()
