"""Who is there, who is down and what waits where: one look from outside, without asking anybody.

For the status, the metrics and the dump of a running process; on any thread but an actor's own. It reads
what the inboxes and lives say of themselves, so an actor that hangs is seen like any other. Each line is
true of its own instant; together they are no picture of one instant.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from actors.runtime.child import Life, message_at
from actors.runtime.directory import Directory
from actors.runtime.inbox import Inbox
from actors.runtime.ref import PooledRef


class Entry(NamedTuple):
    """One living address."""

    address: str
    """E.g. `account/13298777`."""
    is_up: bool
    """An instance does its work; False: it has failed, and its successor is to come."""
    waiting: int
    """Messages in its inbox, those of which only the latest counts apart."""
    oldest: Any | None
    """The message that waits longest."""
    at: Any | None
    """The message it is at."""

    @property
    def kind(self) -> str:
        """Return the kind of actor, e.g. `account`: what its address begins with."""
        return self.address.partition("/")[0]


def census(directory: Directory) -> Iterator[Entry]:
    """Yield every living address, in order."""
    for address in directory.addresses():
        try:
            ref = directory.ref(address)
        except LookupError:  # it ended meanwhile
            continue
        if isinstance(ref, PooledRef):
            yield _entry(address, ref.actor_inbox)


def _entry(address: str, inbox: Inbox) -> Entry:
    life = inbox.watcher
    if not isinstance(life, Life):  # nobody supervises the root
        return Entry(address, is_up=True, waiting=len(inbox.items), oldest=_oldest(inbox), at=None)
    return Entry(
        address,
        is_up=life.begun and not life.over,
        waiting=len(inbox.items),
        oldest=_oldest(inbox),
        at=None if life.over else message_at(life),
    )


def _oldest(inbox: Inbox) -> Any | None:
    try:
        return inbox.items[0].message
    except IndexError:
        return None
