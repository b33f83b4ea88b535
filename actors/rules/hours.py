"""Trading hours as spans of time: what every kind of hours answers, and hours that were written down.

Pure. Hours that a configuration says repeat every week over calendars (`weekly_session`). What was in
force when the journal was written must not change with those calendars, so it is kept as the spans
themselves, from then to the first start after the trading day's end: nothing later can matter, because
from the reset on the configuration's own hours count.
"""

from abc import abstractmethod
from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime

import msgspec

from actors.rules.calendar import Span


class Hours:
    """Spans [start, end) in which trading is allowed; outside of those it knows it is not."""

    __slots__ = ()

    @abstractmethod
    def windows(self, at: datetime) -> tuple[Span, ...]:
        """Return the spans around an instant and some weeks ahead, in order, none touching another."""

    def is_open(self, at: datetime) -> bool:
        """Say whether an instant lies inside a session; its start is inside, its end outside."""
        windows = self.windows(at)
        index = bisect_right(windows, at, key=_start) - 1
        return index >= 0 and at < windows[index][1]

    def next_start(self, at: datetime) -> datetime | None:
        """Return the first start of a session after an instant, UTC; None in the weeks ahead."""
        windows = self.windows(at)
        index = bisect_right(windows, at, key=_start)
        return windows[index][0] if index < len(windows) else None

    def next_boundary(self, at: datetime) -> datetime | None:
        """Return the first start or end of a session after an instant, UTC; None in the weeks ahead."""
        windows = self.windows(at)
        index = bisect_right(windows, at, key=_end)
        if index == len(windows):
            return None
        start, end = windows[index]
        return start if start > at else end


@dataclass(frozen=True, slots=True)
class KnownHours(Hours):
    """Hours that were written down; beyond them it is taken to be closed."""

    since: datetime
    """From when on they are known, UTC."""
    until: datetime
    """To when, UTC: at least to the end of the trading day."""
    spans: tuple[Span, ...]
    """In order; the last one begins at `until`, if any is in sight."""

    def windows(self, at: datetime) -> tuple[Span, ...]:  # noqa: ARG002 - all there are
        """Return all of them, whatever the instant: they are few."""
        return self.spans


class KeptSessions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the journal keeps of resolved sessions: the hours themselves, not what they follow from."""

    everywhere: KnownHours
    """The global hours."""
    of_product: dict[str, KnownHours]
    """Hours of single products."""


def known(hours: Hours, now: datetime, day_end: datetime) -> KnownHours:
    """Return what of some hours can matter from now to the end of the trading day."""
    ahead = [window for window in hours.windows(now) if window[1] > now]
    after = [window for window in ahead if window[0] >= day_end][:1]
    today = [window for window in ahead if window[0] < day_end]
    until = after[0][0] if after else day_end
    return KnownHours(since=now, until=until, spans=(*today, *after))


def within(new: Hours, old: Hours) -> bool:
    """Say whether new hours are open only where the old ones are, as far as those written down reach.

    Then a lockout ends no earlier either: what opens next under the new hours is open under the old ones.
    Two that the configuration says have no end to be compared to: only the same hours will do.
    """
    written = [each for each in (new, old) if isinstance(each, KnownHours)]
    if not written:
        return new == old
    since, until = max(each.since for each in written), min(each.until for each in written)
    allowed = _between(old, since, until)
    return all(
        any(start <= opens and closes <= end for start, end in allowed)
        for opens, closes in _between(new, since, until)
    )


def _between(hours: Hours, since: datetime, until: datetime) -> list[Span]:
    clipped = ((max(start, since), min(end, until)) for start, end in hours.windows(since))
    return [(start, end) for start, end in clipped if start < end]


def _start(window: Span) -> datetime:
    return window[0]


def _end(window: Span) -> datetime:
    return window[1]
