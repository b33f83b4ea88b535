"""How much of what cannot be understood is kept: enough to learn from, never enough to fill the disk.

Of every period the first payloads are kept whole, each with its alarm; the rest are counted by where they
came from, and one alarm at the end of the period tells how many they were. Pure but for its counts; run
by an Outbox, on the gateway's loop.
"""

from collections import Counter

KEPT = 20
"""Payloads of a period that are kept whole."""
PERIOD_S = 60.0
_MOST_SOURCES = 50
"""Names of sources that are told apart; the broker makes them up."""


class Quarantine:
    """The counts of one login's gateway."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._kept = 0
        self._left_out: Counter[str] = Counter()

    def keeps(self, source: str, now_s: float) -> bool:
        """Say whether this payload is kept whole, and count it; `now_s` is monotonic."""
        if self._since is None or (now_s - self._since >= PERIOD_S and not self._left_out):
            self._since, self._kept = now_s, 0
        if self._kept < KEPT and not self._left_out:
            self._kept += 1
            return True
        known = source in self._left_out or len(self._left_out) < _MOST_SOURCES
        self._left_out[source[:80] if known else "others"] += 1
        return False

    def summary(self, now_s: float) -> str | None:
        """Return what was left out in the period that is over, and begin a new one; None = nothing."""
        if self._since is None or now_s - self._since < PERIOD_S or not self._left_out:
            return None
        counts = ", ".join(f"{source} {count}" for source, count in self._left_out.most_common(10))
        total, since = sum(self._left_out.values()), now_s - self._since
        self._left_out.clear()
        self._since = None
        return (
            f"{total} more payloads could not be understood within {since:.0f} s and were not kept "
            f"({counts}); the first {KEPT} are in the journal"
        )
