"""What waits for the next transaction: each `Append` with its rows, and whom to answer. Pure."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from actors.journal.chain import Row, row_of
from actors.journal.errors import UnstorableEventError
from messages.events import DeadLettered, Event
from messages.journal import Append

ADDRESS = "journal"

_SHOWN = 500  # characters of a message that cannot be stored


class Waiting(NamedTuple):
    """One `Append` on its way into the next transaction."""

    token: str
    asker: str | None
    events: list[Event]
    rows: list[Row]
    fault: str | None
    """Why one of its events was replaced by a dead letter; None when all are as they were sent."""


def waiting_for(append: Append, now: datetime) -> Waiting:
    """Encode an `Append`; an event that cannot be stored leaves a dead letter in its place."""
    waiting = Waiting(append.token, append.asker, [], [], None)
    for sent in append.events:
        event = sent
        try:
            row = row_of(event)
        except UnstorableEventError as error:
            waiting = waiting._replace(fault=str(error))
            event = dead_letter(sent, str(error), now)
            row = row_of(event)
        waiting.events.append(event)
        waiting.rows.append(row)
    return waiting


def unasked(event: Event) -> Waiting:
    """Return an event of the journal's own, which nobody waits for."""
    return Waiting("", None, [event], [row_of(event)], None)


def dead_letter(message: object, error: str, now: datetime) -> DeadLettered:
    """Return the event that shows what the journal could not handle."""
    return DeadLettered(
        at=now, cause=ADDRESS, address=ADDRESS, message=repr(message)[:_SHOWN], error=error
    )


def rows_of(batch: Iterable[Waiting]) -> list[Row]:
    """Return all rows, in order."""
    return [row for each in batch for row in each.rows]


def events_of(batch: Iterable[Waiting]) -> list[Event]:
    """Return all events, in order."""
    return [event for each in batch for event in each.events]
