"""Re-entries under lock: which appearance is a new attempt, and when attempts become a pattern.

Pure, and only of this life of the actor: every attempt is in the journal, the pattern is for people.
A copier or a loop that keeps re-entering is closed every time; one alarm is raised for the episode, and
while it lasts the reads that verify are spaced, so that closes alone use the login's requests.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

PATTERN = 5
"""So many attempts..."""
WITHIN = timedelta(seconds=60)
"""...within so long are a pattern; it is over after as long without one."""
VERIFY_EVERY_S = 2.0
"""Least seconds between two reads of an account while its pattern lasts: 60 of 200 requests a minute."""


@dataclass(slots=True)
class Reentry:
    """Attempts of one account under the present lockouts."""

    _exposed: set[str] = field(default_factory=set)
    """Contracts in which something forbidden is known to be there."""
    _new: set[str] = field(default_factory=set)
    """Those in which it has appeared since the last attempt was counted."""
    _attempts: deque[datetime] = field(default_factory=lambda: deque(maxlen=PATTERN))
    _alarmed: bool = False

    def saw(self, contract: str, *, exposed: bool) -> None:
        """Note whether something forbidden is there: what was gone and is there again is new."""
        if not exposed:
            self._exposed.discard(contract)
            self._new.discard(contract)
        elif contract not in self._exposed:
            self._exposed.add(contract)
            self._new.add(contract)

    def forget(self, contracts: Iterable[str]) -> None:
        """Forget contracts in which nothing is forbidden any more: a later lock finds it new."""
        for contract in tuple(contracts):
            self.saw(contract, exposed=False)

    def knew(self, contract: str) -> None:
        """Note that what is there was there before it was forbidden."""
        self._exposed.add(contract)

    def is_new(self, contract: str) -> bool:
        """Say whether it has appeared since the last attempt was counted."""
        return contract in self._new

    @property
    def watched(self) -> tuple[str, ...]:
        """Return the contracts in which something forbidden was last seen."""
        return tuple(self._exposed)

    def attempted(self, contract: str, now: datetime) -> bool:
        """Count an attempt; return whether a pattern begins with it."""
        self._new.discard(contract)
        if self._attempts and now - self._attempts[-1] >= WITHIN:
            self._alarmed = False
        self._attempts.append(now)
        begins = self._is_pattern(now) and not self._alarmed
        self._alarmed = self._alarmed or begins
        return begins

    def verify_every_s(self, now: datetime) -> float:
        """Return how far apart the verifying reads must be now."""
        lasts = self._alarmed and now - self._attempts[-1] < WITHIN
        return VERIFY_EVERY_S if lasts else 0.0

    def _is_pattern(self, now: datetime) -> bool:
        return len(self._attempts) == PATTERN and now - self._attempts[0] < WITHIN


def pattern_text(rule: str) -> str:
    """Say what the pattern is, and what a person is to do."""
    return (
        f"{PATTERN} re-entries within {WITHIN.total_seconds():.0f} s under the lockout of {rule}: "
        "each is closed at once, but something (a copier, a loop) keeps trading this account; "
        "find it and stop it"
    )
