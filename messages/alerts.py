"""Alerts: what people are told beside the log, and what their actors tell each other.

Nothing protective is told or asked here. A `Notice` is made of journaled events and of how accounts
stand; every text in it is safe to show (one line, no control characters, bounded), not yet escaped.
"""

from datetime import datetime
from enum import StrEnum

from messages.base import Message, Value
from messages.queries import SystemStatus


class Severity(StrEnum):
    """How much it matters."""

    INFO = "info"
    """Good to know; may wait."""
    WARNING = "warning"
    """Somebody should look at it today."""
    CRITICAL = "critical"
    """Somebody should look at it now; never waits for quiet hours to end."""


class Stage(StrEnum):
    """Where in its episode a notice stands."""

    NEWS = "news"
    """It stands alone."""
    OPENED = "opened"
    """Something began; its end will be told."""
    GREW = "grew"
    """What was told before has become worse."""
    CLOSED = "closed"
    """What was told before has ended."""


class Notice(Value, frozen=True, kw_only=True):
    """One message to people."""

    at: datetime
    """When it happened, UTC."""
    severity: Severity
    """How much it matters; an end has that of its beginning, so that it reaches the same people."""
    stage: Stage = Stage.NEWS
    """Where in its episode it stands."""
    title: str
    """What, in one line."""
    lines: tuple[str, ...] = ()
    """More about it."""
    account: int | None = None
    """Account id; None when it concerns more than one."""
    episode: str | None = None
    """Same for all notices of one episode, e.g. `breach/13298777/b3`; None = it stands alone."""


class Deliver(Message, frozen=True, kw_only=True):
    """Tell people, when it is this notice's turn; told to the actor of a channel."""

    notice: Notice
    """What."""


class PingSwitch(Message, frozen=True, kw_only=True):
    """Tell the dead-man's switch how things are; a later one replaces one that waits."""

    sign: str
    """`` (empty) = all is protected, `/start`, or `/fail`."""
    text: str
    """Why, for people."""


class FlushChannel(Message, frozen=True, kw_only=True):
    """Ask a channel's actor to send what waits, now; answered when it has, or has failed."""


class NoteStanding(Message, frozen=True, kw_only=True):
    """How the system stands; told to the AlertActor every few seconds."""

    status: SystemStatus | None
    """The answer; None = it could not be had."""
