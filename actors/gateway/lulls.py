"""Contracts of which nothing has come for long, though they are subscribed.

Pure. Their market may be quiet, or the broker may have forgotten who wants them: who is connected and
hears nothing cannot know. So they are asked for again, more and more rarely while that changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

FIRST_S = 15.0
"""After so long without a quote a contract is asked for again. The index futures are quoted several times
a second; accounts have called its quotes too old since `quote_max_age_s`."""
LONGEST_S = 300.0


@dataclass(slots=True)
class _Lull:
    seen: object
    since: float
    asked_at: float
    """When it was subscribed last."""
    patience_s: float = FIRST_S
    elsewhere: bool = False
    """It is not subscribed here at present."""


class Lulls:
    """How long each contract has been silent, looked at from time to time."""

    def __init__(self) -> None:
        self._lulls: dict[str, _Lull] = {}

    def overlong(self, latest: Mapping[str, object], now: float) -> tuple[str, ...]:
        """Return the contracts to ask for again now; each is taken to be asked for.

        Args:
            latest: By each contract that is subscribed, its latest quote; None = none yet.
            now: Monotonic, in seconds.
        """
        for name, lull in tuple(self._lulls.items()):
            if name not in latest:
                # Kept for a while: another login may be asked meanwhile, and be as silent.
                lull.elsewhere = True
                if now - lull.since > 2 * LONGEST_S:
                    del self._lulls[name]
        return tuple(name for name, quote in latest.items() if self._is_overlong(name, quote, now))

    def _is_overlong(self, name: str, quote: object, now: float) -> bool:
        lull = self._lulls.setdefault(name, _Lull(seen=quote, since=now, asked_at=now))
        if lull.elsewhere:
            lull.elsewhere, lull.seen, lull.since, lull.asked_at = False, quote, now, now
        elif quote is not lull.seen:
            # The whole quote that answers a subscription does not show that more will follow.
            if now - lull.asked_at > lull.patience_s:
                lull.patience_s = FIRST_S
            lull.seen, lull.since = quote, now
        elif now - lull.since >= lull.patience_s:
            lull.asked_at = lull.since = now
            lull.patience_s = min(2 * lull.patience_s, LONGEST_S)
            return True
        return False
