"""The dead letters of a journal: the messages nobody handled, for `main.py journal dead-letters`.

A message on which its actor failed or hung is never tried again; it is found here, with the reason.
"""

from collections.abc import Iterator

from actors.journal.history import History
from messages import codec
from messages.events import DeadLettered
from messages.journal import Recorded


def dead_letters(history: History) -> Iterator[Recorded]:
    """Yield the recorded dead letters, the oldest first."""
    return (each for each in history.records() if isinstance(each.event, DeadLettered))


def json_of(record: Recorded) -> bytes:
    """Return a dead letter as a JSON object, its place in the journal first."""
    return codec.to_json({"seq": record.seq, **codec.builtins(record.event)})


def line_of(record: Recorded) -> str:
    """Return a dead letter for people: when, to whom, why, and what it said."""
    letter = record.event
    assert isinstance(letter, DeadLettered)  # noqa: S101
    at = letter.at.isoformat(sep=" ", timespec="seconds")
    return f"{record.seq:>8}  {at}  {letter.address}: {letter.error}\n          {letter.message}"
