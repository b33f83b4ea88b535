"""How everything stands, in full, for the dump of a running process: actors, logins, journal, accounts.

Pure: one line per actor, one JSON line per account. It names the kinds of messages that wait, never what
is in them.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from actors.ops.metrics.readings import Readings
from actors.ops.protection import holes
from actors.runtime import Entry
from messages import codec
from messages.base import Message
from messages.queries import SystemStatus


def text_of(
    status: SystemStatus | None, readings: Readings, entries: Iterable[Entry], now: datetime
) -> str:
    """Return all of it; a status of None was not to be had."""
    return "".join(f"{line}\n" for line in _lines(status, readings, entries, now))


def _lines(
    status: SystemStatus | None, readings: Readings, entries: Iterable[Entry], now: datetime
) -> Iterator[str]:
    yield "\n=== wrong"
    if status is None:
        yield "an account does not say how it stands"
    else:
        yield from [hole.line for hole in holes(status)] or ["nothing"]
    yield "\n=== actors: address, up, messages waiting, the first of them, what it is at"
    yield from (_actor(each, now) for each in entries)
    yield "\n=== logins"
    for login, each in readings.logins.items():
        yield f"{login}: does not answer" if each is None else codec.to_json(each).decode()
    yield "\n=== journal"
    journal = readings.journal
    yield "does not answer" if journal is None else codec.to_json(journal).decode()
    yield f"store {readings.store_bytes} bytes, log {readings.log_bytes}, free {readings.free_bytes}"
    yield "\n=== accounts"
    for account in status.accounts if status else ():
        yield codec.to_json(account).decode()


def _actor(each: Entry, now: datetime) -> str:
    first = ""
    if each.oldest is not None:
        first = f", first {type(each.oldest).__name__}{_age(each.oldest, now)}"
    at = "" if each.at is None else f", at {type(each.at).__name__}{_age(each.at, now)}"
    return f"{each.address}: {'up' if each.is_up else 'DOWN'}, {each.waiting} waiting{first}{at}"


def _age(message: object, now: datetime) -> str:
    if not isinstance(message, Message):
        return ""
    return f" of {(now - message.at).total_seconds():.3f} s ago"
