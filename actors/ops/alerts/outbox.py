"""What one channel is to send next, and when: severity, quiet hours, a rate, and another try.

Pure. What has to wait is kept, at most `LONGEST` notices, and then told in one message; what does not
fit is dropped, the oldest of the least severe first, counted, and told with the next that gets through.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from actors.ops.alerts.settings import ChannelSettings
from actors.ops.alerts.tiers import CRITICAL, RANK, worst
from messages.alerts import Notice
from messages.queries import ChannelStatus

LONGEST = 200
"""Notices that may wait."""
LONGEST_RETRY_S = 3600.0
"""However long a channel asks us to wait."""
_FIRST_RETRY_S, _LAST_RETRY_S = 2.0, 300.0
_NOTEWORTHY = 2
"""So many failures in a row are told, and one that no later try can mend."""
_SHOWN = 25


@dataclass(frozen=True, slots=True)
class Failure:
    """A message was not taken."""

    error: str
    """Why, without any secret."""
    retry_after_s: float | None = None
    """How long the channel asks us to wait."""
    final: bool = False
    """Sending it again cannot help."""


@dataclass(slots=True)
class _Bucket:
    """A token a message; so many at first, and as many again in a minute."""

    size: int
    tokens: float = field(init=False)
    at: datetime | None = None

    def __post_init__(self) -> None:
        self.tokens = float(self.size)

    def wait_s(self, now: datetime) -> float:
        """Return how long until there is a token; 0 = there is one."""
        passed_s = (now - self.at).total_seconds() if self.at else 0.0
        self.at, self.tokens = now, min(float(self.size), self.tokens + passed_s * self.size / 60)
        return max(0.0, (1 - self.tokens) * 60 / self.size)

    def take(self) -> None:
        self.tokens -= 1


@dataclass(slots=True)
class Outbox:
    """The notices of one channel, from when they are told to when they are sent or given up."""

    settings: ChannelSettings
    _waiting: list[Notice] = field(default_factory=list)
    _under_way: list[Notice] = field(default_factory=list)
    _bucket: _Bucket = field(init=False)
    _behind: bool = False
    """Something had to wait: what waits is told together."""
    _given_up: int = 0
    """Notices that were given up and not told of yet."""
    _told: int = 0
    """How many of those the message under way tells of."""
    _tries: int = 0
    _not_before: datetime | None = None
    _failing_since: datetime | None = None
    _error: str = ""
    _lost: int = 0

    def __post_init__(self) -> None:
        self._bucket = _Bucket(self.settings.max_per_minute)

    def offer(self, notice: Notice) -> None:
        """Take one more notice, if it is severe enough for this channel."""
        if RANK[notice.severity] < RANK[self.settings.min_severity]:
            return
        self._waiting.append(notice)
        self._bound()

    def next(self, now: datetime, *, last: bool = False) -> Notice | None:
        """Return what is to be sent now, until `sent` or `failed` says how that went; None = nothing.

        With `last` nothing but quiet hours holds it back: there will be no later.
        """
        if self._under_way:
            return None
        ready = self._ready(now)
        if not ready or (not last and self._wait_s(now) > 0):
            self._behind = self._behind or bool(self._waiting)
            return None
        together = len(ready) > 1 and (self._behind or last)
        self._under_way = ready if together else [max(ready, key=lambda each: RANK[each.severity])]
        for each in self._under_way:
            self._waiting.remove(each)
        self._behind = self._behind and not together and len(ready) > 1
        self._bucket.take()
        self._told = self._given_up
        return self._with_losses(combined(self._under_way, now) if together else self._under_way[0])

    def sent(self) -> None:
        """Note that it got through."""
        self._given_up -= self._told
        self._under_way, self._tries, self._not_before = [], 0, None
        self._failing_since, self._error = None, ""

    def failed(self, failure: Failure, now: datetime) -> bool:
        """Note that it did not; return whether people should be told of the channel, or be told again.

        Being refused for a moment is no news, as long as the next try gets through.
        """
        self._failing_since, self._error = self._failing_since or now, failure.error
        self._tries += 1
        back_off_s = min(_LAST_RETRY_S, _FIRST_RETRY_S * 2.0 ** min(self._tries - 1, 16))
        asked_s = min(failure.retry_after_s or 0.0, LONGEST_RETRY_S)
        self._not_before = now + timedelta(seconds=max(back_off_s, asked_s))
        if failure.final:
            self._give_up(len(self._under_way))
        else:
            self._waiting, self._behind = [*self._under_way, *self._waiting], True
            self._bound()
        self._under_way = []
        return failure.final or self._tries >= _NOTEWORTHY

    def wake_in_s(self, now: datetime) -> float | None:
        """Return when to look again, in seconds; None = only when there is something new."""
        if not self._waiting or self._under_way:
            return None
        if self._ready(now):
            return self._wait_s(now)
        quiet = self.settings.quiet
        return (quiet.end_after(now) - now).total_seconds() if quiet else None

    def status(self) -> ChannelStatus:
        """Return how the channel fares."""
        return ChannelStatus(
            name=self.settings.name,
            kind=self.settings.kind,
            failing_since=self._failing_since,
            error=self._error,
            held_back=len(self._waiting),
            lost=self._lost,
        )

    def _ready(self, now: datetime) -> list[Notice]:
        quiet = self.settings.quiet
        if quiet is None or not quiet.hold(now):
            return list(self._waiting)
        return [each for each in self._waiting if each.severity is CRITICAL]

    def _wait_s(self, now: datetime) -> float:
        back_off_s = (self._not_before - now).total_seconds() if self._not_before else 0.0
        return max(self._bucket.wait_s(now), back_off_s)

    def _bound(self) -> None:
        while len(self._waiting) > LONGEST:
            self._waiting.remove(min(self._waiting, key=lambda each: RANK[each.severity]))
            self._give_up(1)

    def _give_up(self, count: int) -> None:
        self._given_up += count
        self._lost += count

    def _with_losses(self, notice: Notice) -> Notice:
        if not self._given_up:
            return notice
        line = f"({self._given_up} notices before this could not be sent here; the log has them)"
        return _replaced(notice, (*notice.lines, line))


def combined(notices: list[Notice], now: datetime) -> Notice:
    """Return one notice that tells of several, the most severe first."""
    ordered = sorted(notices, key=lambda each: (-RANK[each.severity], each.at))
    lines = [
        f"{each.at:%H:%M:%S} {each.severity.upper()} {each.title}" for each in ordered[:_SHOWN]
    ]
    if more := len(ordered) - len(lines):
        lines.append(f"and {more} more; the log has all of them")
    counts = _counted(each.severity for each in ordered)
    return Notice(
        at=now,
        severity=worst([each.severity for each in notices]),
        title=f"{len(notices)} notices that were held back: {counts}",
        lines=tuple(lines),
    )


def _counted(severities: Iterable[str]) -> str:
    counts: dict[str, int] = {}
    for each in severities:
        counts[each] = counts.get(each, 0) + 1
    return ", ".join(f"{count} {name}" for name, count in counts.items())


def _replaced(notice: Notice, lines: tuple[str, ...]) -> Notice:
    return Notice(
        at=notice.at,
        severity=notice.severity,
        stage=notice.stage,
        title=notice.title,
        lines=lines,
        account=notice.account,
        episode=notice.episode,
    )
