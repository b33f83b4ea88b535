"""How far the account's picture of the broker can be trusted. Pure.

A new stream generation makes everything old until one complete snapshot is taken; a failed snapshot is
UNKNOWN, never "flat". Neither clears by the absence of news.
"""

from dataclasses import dataclass
from datetime import datetime

from messages.values import Health

_FIRST_RETRY_S = 1.0
_LAST_RETRY_S = 30.0


@dataclass(slots=True)
class Sync:
    """Stream and snapshot as they stand."""

    synced: bool = False
    """The stream is up and a complete snapshot of this generation was taken."""
    snapshot_seen: bool = False
    """At least one complete snapshot was taken in this life of the actor."""
    again: bool = False
    """Another snapshot is wanted after the one under way."""
    read_at: datetime | None = None
    """When the last complete read since the stream (re)connected was asked for; None before the first."""
    generation: int | None = None
    """The stream's generation; None where this life of the actor was not told."""
    refusal: str | None = None
    """Why the last snapshot failed; None when it did not."""
    _connected_at: datetime | None = None
    _up: bool = False
    _failures: int = 0
    _pending: str | None = None

    def connected(self, at: datetime, generation: int | None) -> None:
        """Note a new generation: what was known is old."""
        self.generation = generation
        self._up, self.synced = True, False
        self._connected_at, self.read_at = at, None

    def lost(self) -> None:
        """Note that the stream is down."""
        self._up, self.synced = False, False

    def asked(self, request_id: str) -> None:
        """Note the snapshot that is awaited; an answer to an earlier one no longer counts."""
        self._pending = request_id

    def answers(self, request_id: str) -> bool:
        """Say whether an answer is the awaited one."""
        return request_id == self._pending

    def patience_s(self, deadline_s: float) -> float:
        """Return how long to wait before asking again: the gateway's own deadline and a little."""
        return deadline_s + _FIRST_RETRY_S

    @property
    def waiting(self) -> bool:
        """Say whether a snapshot is under way."""
        return self._pending is not None

    def read(self, at: datetime) -> None:
        """Note a complete read that was asked for at an instant, by whomever."""
        current = self._connected_at is None or at >= self._connected_at
        if current and (self.read_at is None or at > self.read_at):
            self.read_at = at

    def taken(self, requested_at: datetime) -> bool:
        """Note a complete snapshot; return whether another one is wanted."""
        self.read(requested_at)
        again, self.again = self.again, False
        self._pending, self._failures, self.refusal = None, 0, None
        self.snapshot_seen, self.synced = True, self._up
        return again

    def failed(self, reason: str) -> float:
        """Note a failed snapshot and return after how many seconds to try again."""
        self._pending, self.refusal = None, reason
        self._failures += 1
        return min(_FIRST_RETRY_S * float(2 ** (self._failures - 1)), _LAST_RETRY_S)

    def health(self, stale_quotes: tuple[str, ...], behind: str = "") -> tuple[Health, str]:
        """Return the health and why; `behind` says what is judged too late, if anything is."""
        if self._failures:
            return Health.UNKNOWN, "the last snapshot failed"
        if not self.synced:
            return Health.STALE, "waiting for the stream and a complete snapshot"
        if behind:
            return Health.STALE, behind
        if stale_quotes:
            return Health.STALE, f"quotes too old: {', '.join(stale_quotes)}"
        return Health.LIVE, "stream up, snapshot complete"
