"""What a scrape reads beside the status: inboxes, logins, the journal's file.

Blocks its caller (an HTTP worker, never an actor) for `WITHIN_S` at most; who does not answer in time is
missing from the readings, and that is a figure too. Inboxes are looked at from outside, so nobody is
asked who could be busy.
"""

import shutil
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pykka

from actors.runtime import Directory, Entry, answers_within, census
from messages.base import Message
from messages.queries import GetJournalStatus, GetLoginStatus, JournalStatus, LoginStatus

WITHIN_S = 1.0
JUDGING = frozenset({"account", "rule"})
"""Kinds of actors in whose inboxes a fact waits to be judged."""


class Inboxes(NamedTuple):
    """The inboxes of one kind of actor."""

    kind: str
    """E.g. `account`."""
    actors: int
    """How many there are."""
    down: int
    """How many are down until the next try."""
    waiting: int
    """Messages in all of them."""
    most: int
    """Messages in the fullest."""
    oldest_s: float
    """Age of the message that waits longest; 0 = none waits."""


class Readings(NamedTuple):
    """One look."""

    inboxes: tuple[Inboxes, ...]
    """By kind of actor."""
    logins: dict[str, LoginStatus | None]
    """By login; None = its gateway did not answer."""
    journal: JournalStatus | None
    """None = it did not answer."""
    store_bytes: int | None
    """Size of the store; None = it cannot be read."""
    log_bytes: int | None
    """Size of what is written to it next; 0 = nothing, None = it cannot be read."""
    free_bytes: int | None
    """Room on its disk; None = not known."""

    @property
    def oldest_unjudged_s(self) -> float:
        """Return for how long the oldest fact has waited to be judged; 0 = none waits."""
        return max((each.oldest_s for each in self.inboxes if each.kind in JUDGING), default=0.0)


def read(directory: Directory, logins: Iterable[str], store: Path, now: datetime) -> Readings:
    """Look once."""
    asked: dict[str, pykka.Future[Any]] = {
        f"gateway/{login}": directory.ref(f"gateway/{login}").ask(
            GetLoginStatus(at=now, cause="scrape"), block=False
        )
        for login in logins
        if directory.is_alive(f"gateway/{login}")
    }
    asked["journal"] = directory.ref("journal").ask(
        GetJournalStatus(at=now, cause="scrape"), block=False
    )
    answers = answers_within(WITHIN_S, asked)
    return Readings(
        inboxes=_inboxes(census(directory), now),
        logins={login: answers.get(f"gateway/{login}") for login in logins},
        journal=answers.get("journal"),
        store_bytes=_size(store),
        log_bytes=_size(store.with_name(f"{store.name}-wal"), missing=0),
        free_bytes=_free(store),
    )


def _inboxes(entries: Iterable[Entry], now: datetime) -> tuple[Inboxes, ...]:
    found: dict[str, Inboxes] = {}
    for each in entries:
        before = found.get(each.kind) or Inboxes(each.kind, 0, 0, 0, 0, 0.0)
        found[each.kind] = Inboxes(
            kind=each.kind,
            actors=before.actors + 1,
            down=before.down + (not each.is_up),
            waiting=before.waiting + each.waiting,
            most=max(before.most, each.waiting),
            oldest_s=max(before.oldest_s, _age_s(each.oldest, now)),
        )
    return tuple(found.values())


def _age_s(message: object, now: datetime) -> float:
    """Return the age of a message; those of the runtime itself bear no time."""
    return (now - message.at).total_seconds() if isinstance(message, Message) else 0.0


def _size(path: Path, missing: int | None = None) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return missing
    except OSError:
        return None


def _free(path: Path) -> int | None:
    try:
        return shutil.disk_usage(path.parent).free
    except OSError:
        return None
