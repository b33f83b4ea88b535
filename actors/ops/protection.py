"""What is wrong with the protection of the accounts: one answer for `/readyz`, `status` and the page.

Pure, made from a `SystemStatus` alone. Nothing wrong = every account is guarded on live data, reconciled
with its broker, by a calendar that is valid, judged in time, and what was decided is on disk. What is not
known counts as wrong.
"""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from messages.queries import AccountStatus, SystemStatus
from messages.values import Health, Phase


class Kind(StrEnum):
    """What kind of hole it is; stable, the label of a metric."""

    NOT_RUNNING = "not_running"
    NO_ACCOUNT = "no_account"
    JOURNAL = "journal"
    UNANSWERED = "unanswered"
    UNKNOWN = "unknown"
    STALE = "stale"
    STARTING = "starting"
    DOWN = "down"
    EXPOSED = "exposed"
    CALENDAR = "calendar"
    SHADOW = "shadow"
    UNGUARDED = "unguarded"
    MACHINE = "machine"


class Hole(NamedTuple):
    """One thing that is wrong."""

    kind: Kind
    """What kind."""
    account: int | None
    """Account id; None when it concerns more than one."""
    text: str
    """What is wrong, for people; without the account."""

    @property
    def line(self) -> str:
        """Return it with its account, e.g. `13298777 is stale: quotes too old: CON.F.US.MNQ.Z26`."""
        return self.text if self.account is None else f"{self.account} {self.text}"


def holes(status: SystemStatus) -> tuple[Hole, ...]:
    """Return all that is wrong, first what concerns every account; empty = all are protected."""
    return tuple(_of_all(status)) + tuple(
        hole for each in status.accounts for hole in _of_account(each, status.at)
    )


def _of_all(status: SystemStatus) -> Iterator[Hole]:
    if not status.live:
        yield Hole(Kind.NOT_RUNNING, None, "NOT RUNNING: this is what the journal knows")
    elif status.unrecorded != 0:
        missing = "it does not answer" if status.unrecorded is None else status.unrecorded
        yield Hole(Kind.JOURNAL, None, f"JOURNAL: events that are not on disk: {missing}")
    if not (status.accounts or status.unanswered):
        yield Hole(Kind.NO_ACCOUNT, None, "NO ACCOUNT is guarded")
    for lost in status.unguarded:
        text = f"{lost.account} ({lost.login}) is UNGUARDED: {lost.reason}"
        yield Hole(Kind.UNGUARDED, None, text)
    if watched := sum(each.shadow for each in status.accounts):
        text = f"SHADOW: {watched} of {len(status.accounts)} accounts are only watched: nothing of"
        yield Hole(Kind.SHADOW, None, f"{text} theirs is closed, cancelled or locked")
    for fault in status.unfit:
        yield Hole(Kind.MACHINE, None, f"MACHINE UNFIT: {fault.line}; fix: {fault.fix}")
    for account in status.unanswered:
        text = "DOES NOT ANSWER: it is down or hangs; look at the alarms"
        yield Hole(Kind.UNANSWERED, account, text)
    for address in status.down:
        yield Hole(Kind.DOWN, None, f"{address} IS DOWN until the next try; look at the alarms")


def _of_account(each: AccountStatus, at: datetime) -> Iterator[Hole]:
    if each.health is not Health.LIVE:
        kind = Kind.STALE if each.health is Health.STALE else Kind.UNKNOWN
        yield Hole(kind, each.account, f"is {each.health}: {each.health_reason}")
    if each.starting or each.phase is Phase.STARTING:
        waits = each.starting or "it is not judged yet"
        yield Hole(Kind.STARTING, each.account, f"starting: {waits}")
    under_way = each.enforcement
    if under_way and not under_way.flat_confirmed and at > under_way.deadline_at:
        text = f"not confirmed flat since {under_way.since:%H:%M:%S} UTC; closing goes on"
        yield Hole(Kind.EXPOSED, each.account, text)
    for caveat in each.caveats:
        yield Hole(Kind.CALENDAR, each.account, caveat)
