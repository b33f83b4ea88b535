"""Whose time is believed. Pure: every reading comes in with the call, nothing here looks at a clock.

There are three witnesses. The *run*: the time believed last plus the seconds that have really passed
since, which no setting of a clock changes. The *system clock*, which NTP corrects and anybody may set.
The *broker*, by the `Date` of its answers. What two of them say is believed: the system clock as long as
it stays near the run, or when the broker confirms it against the run; never the broker against both.
At a start there is no run yet: the system clock is taken, not before the journal's last record, and the
broker's first answer overrides both.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from messages.values import AlarmCode

NEAR = timedelta(seconds=2)
"""How far the system clock is followed without the broker's word."""
FAR = timedelta(seconds=30)
"""How far the broker's clock may differ before it is taken (at a start) or complained of."""

_ZERO = timedelta(0)
_ROUNDED_S = 0.001
"""Far more than rounding to microseconds can move the instant at which a time is reached."""


class Reading(NamedTuple):
    """A clock's two times at one instant."""

    wall: datetime
    """Wall time as the clock shows it, aware UTC."""
    elapsed_s: float
    """Seconds that only ever grow; durations are counted in them."""


class Sighting(NamedTuple):
    """What the broker's clock showed at one instant."""

    earliest: datetime
    """It stood no earlier."""
    latest: datetime | None
    """It stood no later; None = not known (a time found in a payload)."""
    elapsed_s: float
    """Our elapsed seconds at that instant."""


class Line(NamedTuple):
    """The believed time by elapsed seconds, until something changes it."""

    origin: datetime
    """What a clock that shows it would have shown at 0 elapsed seconds."""
    told: datetime
    """The time when the line began: it never goes back before that."""
    told_s: float
    """That instant in elapsed seconds."""
    even_s: float
    """From these elapsed seconds on it runs at full speed; before, the origin was set back."""

    def at(self, elapsed_s: float) -> datetime:
        """Return the time; set back, it runs at half speed until it is reached."""
        now = self.origin + timedelta(seconds=elapsed_s)
        if elapsed_s < self.even_s:
            return max(now, self.told + timedelta(seconds=elapsed_s - self.told_s) / 2)
        return now


class Finding(NamedTuple):
    """Something about the time that a person must know."""

    code: AlarmCode
    """What kind."""
    text: str
    """What was seen, with both times."""


@dataclass(slots=True)
class Trust:
    """The time that is believed; an *origin* is what a clock would have shown at 0 elapsed seconds."""

    _origin: datetime
    """Of the time that is believed."""
    _proven: datetime
    """Of the time that was last proven; the system clock is followed so far from here, no farther."""
    _told: datetime
    """The time when the origin was last set: time never goes back."""
    _told_s: float
    """When that was, in elapsed seconds."""
    _doubted: datetime | None = None
    """Origin of the system clock's time that is not believed; None while it is."""
    _heard: bool = False
    """The broker's clock was seen."""
    _disputed: bool = False
    """The broker contradicts, and that was said."""
    _starting: bool = True
    """Nothing is built on the time yet: it may still be set back."""
    findings: list[Finding] = field(default_factory=list)
    """What is still to be told."""

    @classmethod
    def begin(cls, reading: Reading) -> "Trust":
        """Begin with the system clock's word."""
        origin = _origin_of(reading)
        return cls(_origin=origin, _proven=origin, _told=reading.wall, _told_s=reading.elapsed_s)

    @property
    def line(self) -> Line:
        """Return the time that is believed until the next reading, sighting or record."""
        ahead_s = (self._told - _at(self._origin, self._told_s)).total_seconds()
        even_s = self._told_s + 2 * ahead_s + _ROUNDED_S if ahead_s > 0 else self._told_s
        return Line(self._origin, self._told, self._told_s, even_s)

    def now(self, elapsed_s: float) -> datetime:
        """Return the believed time, never earlier than before: set back, it runs at half speed."""
        return self.line.at(elapsed_s)

    def look(self, reading: Reading) -> None:
        """Follow the system clock while it is near what is proven, and notice when it is not."""
        origin = _origin_of(reading)
        if abs(origin - self._proven) <= NEAR:
            self._follow(origin, reading.elapsed_s)
            self._doubted = None
        elif self._doubted is None or abs(origin - self._doubted) > NEAR:
            self._doubted = origin
            self._find(
                AlarmCode.CLOCK_JUMPED,
                f"the system clock shows {reading.wall}, where {self._at(reading)} was to be "
                "expected: not believed unless the broker confirms it; set it right",
            )

    def not_before(self, recorded_at: datetime, reading: Reading) -> None:
        """Take note that it is later than the journal's last record."""
        self.look(reading)
        now = self._at(reading)
        if recorded_at - now > NEAR:
            self._find(
                AlarmCode.CLOCK_WRONG,
                f"the system clock shows {now}, before the journal's last record: time goes on from "
                f"{recorded_at} until the broker tells it; set the clock right",
            )
            self._believe(_origin_of(Reading(recorded_at, reading.elapsed_s)), reading)
        if self._told < recorded_at:
            self._told, self._told_s = recorded_at, reading.elapsed_s

    def hear(self, sighting: Sighting, reading: Reading) -> None:
        """Weigh what the broker's clock showed."""
        self.look(reading)
        earliest, latest = _bounds_of(sighting)
        first = latest is not None and not self._heard
        self._heard = self._heard or first
        gap = _gap(self._origin, earliest, latest)
        # A lower bound alone confirms nothing but a time it was itself told at.
        witness = earliest if latest is None else latest
        if gap <= NEAR:
            if latest is not None:
                self._prove(earliest, latest)
        elif self._doubted is not None and _gap(self._doubted, earliest, witness) <= NEAR:
            self._adopt(self._doubted, reading, "the broker confirms the system clock")
        elif first and gap > FAR:
            middle = earliest + (witness - earliest) / 2
            self._adopt(middle, reading, "the broker's clock is taken; set the system clock right")
        elif gap > FAR and not self._disputed:
            self._disputed = True
            self._find(
                AlarmCode.CLOCK_WRONG,
                f"it is {self._at(reading)} here, and {_at(earliest, reading.elapsed_s)} at the "
                "broker: not believed while the system clock says otherwise; look at it",
            )

    def settle(self, reading: Reading) -> None:
        """End the start: from here on much is built on the time, and it only goes on."""
        self._starting = False
        if not self._heard:
            self._find(
                AlarmCode.CLOCK_UNCONFIRMED,
                f"the broker does not tell the time: {self._at(reading)} by the system clock and "
                "the journal is believed",
            )

    def _prove(self, earliest: datetime, latest: datetime) -> None:
        self._proven = min(max(self._origin, earliest), latest)
        self._disputed = False

    def _adopt(self, origin: datetime, reading: Reading, why: str) -> None:
        before = self._at(reading)
        self._believe(origin, reading)
        self._disputed = False
        if self._starting:
            self._told, self._told_s = self._at(reading), reading.elapsed_s
        self._find(AlarmCode.CLOCK_WRONG, f"it is {self._at(reading)}, not {before}: {why}")

    def _believe(self, origin: datetime, reading: Reading) -> None:
        self._follow(origin, reading.elapsed_s)
        self._proven = origin
        self._doubted = _origin_of(reading)  # if it is another time, that need not be said twice
        self.look(reading)

    def _follow(self, origin: datetime, elapsed_s: float) -> None:
        self._told, self._told_s = self.now(elapsed_s), elapsed_s
        self._origin = origin

    def _at(self, reading: Reading) -> datetime:
        return _at(self._origin, reading.elapsed_s)

    def _find(self, code: AlarmCode, text: str) -> None:
        self.findings.append(Finding(code, text))


def _origin_of(reading: Reading) -> datetime:
    return reading.wall - timedelta(seconds=reading.elapsed_s)


def _at(origin: datetime, elapsed_s: float) -> datetime:
    return origin + timedelta(seconds=elapsed_s)


def _bounds_of(sighting: Sighting) -> tuple[datetime, datetime | None]:
    earliest, latest, elapsed_s = sighting
    passed = timedelta(seconds=elapsed_s)
    return earliest - passed, None if latest is None else latest - passed


def _gap(origin: datetime, earliest: datetime, latest: datetime | None) -> timedelta:
    """Return how far a time lies outside bounds."""
    beyond = _ZERO if latest is None else origin - latest
    return max(_ZERO, earliest - origin, beyond)
