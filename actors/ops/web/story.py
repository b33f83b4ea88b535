"""An account's trading day for its page: the P&L as it moved, what was decided and why, its incidents.

Follows the journal from the reset that began the day; asked again, it reads on from where it got to. The
P&L is counted by the same `evolve` as the guard's own.
"""

from collections import OrderedDict, deque
from datetime import date, datetime
from decimal import Decimal

import msgspec

from actors.journal import Store, StoreError
from actors.ops.day import Day
from actors.ops.web.episodes import Episodes, Incident, Step, step_of
from actors.ops.web.reading import events_after
from messages.events import (
    AccountLocked,
    AccountOpened,
    AlarmRaised,
    DayReset,
    EnforcementStarted,
    Event,
    ExposureUnderLock,
    HealthChanged,
    LockoutAsked,
    LockoutReleased,
    RuleBreached,
    RulesAdopted,
    StopMoved,
    StopNotMoved,
)
from messages.journal import Recorded

MOST_POINTS = 4000
"""Points of the P&L line; beyond, every other one is left out."""
MOST_EVENTS = 50_000
"""Events of one day that are read; an account that has more is told only as far as that."""
KEPT_DAYS = 12
"""Accounts whose day is kept, to be read on when it is asked for again."""
_MARKS = (RuleBreached, LockoutAsked, AccountLocked, LockoutReleased, ExposureUnderLock)
_DECISIONS = (
    *_MARKS,
    AccountOpened,
    EnforcementStarted,
    StopMoved,
    StopNotMoved,
    RulesAdopted,
    HealthChanged,
    AlarmRaised,
)


class Point(msgspec.Struct, frozen=True, array_like=True):
    """The day's realised P&L from an instant on."""

    at: datetime
    """Since when, UTC."""
    realised_usd: Decimal
    """Dollars."""


class AccountDay(msgspec.Struct):
    """What the page of an account shows from the journal."""

    account: int
    """Account id."""
    trading_date: str
    """Trading day, ISO date."""
    day_start: datetime
    """When the journal began it, UTC: at the first start later than at the reset."""
    points: list[Point]
    """Its realised P&L as it moved; the first point is its beginning."""
    marks: list[Step]
    """Breaches and locks, for the chart."""
    decisions: list[Step]
    """The last decisions with their arithmetic, newest first."""
    incidents: list[Incident]
    """The day's enforcements, newest first, the one under way included."""
    truncated: bool
    """It has more events than are read here."""


class Story:
    """One account's day, read so far."""

    def __init__(self, account: int, reset: Recorded) -> None:
        event = reset.event
        if not isinstance(event, DayReset):
            raise TypeError(f"a day begins with day_reset, not with {type(event).__name__}")
        self.begun = self._seq = reset.seq
        self._account = account
        self._reset = event
        self._day = Day(account, date.fromisoformat(event.trading_date))
        self._points = [Point(event.at, Decimal(0))]
        self._marks: deque[Step] = deque(maxlen=200)
        self._decisions: deque[Step] = deque(maxlen=60)
        self._episodes = Episodes()
        self._count = 0
        self._take(reset)

    def read_on(self, store: Store) -> None:
        """Read what has happened since."""
        most = MOST_EVENTS - self._count
        for record in events_after(store, self._account, self._seq, most=most):
            self._take(record)

    def _take(self, record: Recorded) -> None:
        event, self._seq = record.event, record.seq
        self._count += 1
        deque(self._day.lines(event), maxlen=0)  # told elsewhere; here only what it counts
        if (now_usd := self._day.realised_usd) != self._points[-1].realised_usd:
            self._points.append(Point(event.at, now_usd))
            if len(self._points) > MOST_POINTS:
                self._points = [*self._points[:-1:2], self._points[-1]]
        if isinstance(event, _DECISIONS) and _says_something(event):
            self._decisions.append(step_of(record, shadow=self._day.shadow))
        if isinstance(event, _MARKS):
            self._marks.append(step_of(record, shadow=self._day.shadow))
        self._episodes.take(record)

    def told(self) -> AccountDay:
        """Return it as far as it was read."""
        return AccountDay(
            account=self._account,
            trading_date=self._reset.trading_date,
            day_start=self._reset.at,
            points=list(self._points),
            marks=list(self._marks),
            decisions=list(reversed(self._decisions)),
            incidents=list(reversed(self._episodes.incidents)),
            truncated=self._count >= MOST_EVENTS,
        )


def _says_something(event: Event) -> bool:
    return not isinstance(event, RulesAdopted) or bool(event.applied or event.queued)


class Stories:
    """The days that were asked for last; used by one thread at a time (`Reading` sees to that)."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, Story] = OrderedDict()

    def day_of(self, store: Store, account: int) -> AccountDay:
        """Return an account's present trading day.

        Raises:
            StoreError: the journal holds no trading day of it.
        """
        reset = store.last_reset(account)
        if reset is None:
            raise StoreError(
                f"it holds no trading day of account {account}",
                where=store.path,
                fix="wait until the account has begun",
            )
        story = self._kept.pop(account, None)
        if story is None or story.begun != reset.seq:
            story = Story(account, reset)
        story.read_on(store)
        self._kept[account] = story  # only now: one that failed midway is read anew
        if len(self._kept) > KEPT_DAYS:
            self._kept.popitem(last=False)
        return story.told()
