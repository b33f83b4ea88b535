"""A breach with its enforcement and its lock is one episode: its opening and its end are told, no more.

Pure. In go journaled events and how accounts stand, out come notices. Told in between is only what is
worse than what was told: a graver breach that joins, or a deadline that passes with the account not flat.
Re-entries under a lock are one episode too, from the first to some quiet minutes after the last.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from actors.ops.alerts.saying import Lesser, Said
from actors.ops.alerts.tiers import BREACHES, CRITICAL, INFO, RANK, WARNING
from actors.ops.alerts.wording import Names, clean, span, until_of
from messages.alerts import Notice, Severity, Stage
from messages.base import Message
from messages.events import (
    AccountLocked,
    DeadlinePassed,
    EnforcementFinished,
    EnforcementJoined,
    EnforcementStarted,
    EnforcementWithheld,
    LockoutAsked,
    LockoutReleased,
    RuleBreached,
)
from messages.queries import AccountStatus
from messages.values import Lockout

AGAIN = timedelta(minutes=15)
"""The same lesser breach of an account so soon after the last is counted in the digest."""
FOLLOWS = timedelta(seconds=10)
"""A breach that nothing follows for so long is covered by what was done before it."""

type _Words = tuple[str, ...]
"""A title, and lines below it."""


@dataclass(slots=True)
class _Episode:
    account: int
    key: str
    severity: Severity
    began: datetime
    reasons: list[str]
    enforcement: str | None = None
    """None = whichever is under way."""
    locks: list[Lockout] = field(default_factory=list)
    told: bool = True
    """Its opening was told; else it waits for the digest, and so does its end."""


@dataclass(slots=True)
class Breaches:
    """The episodes of all accounts; one at a time for each, as one enforcement is."""

    names: Names
    _open: dict[int, _Episode] = field(default_factory=dict)
    _last: dict[tuple[int, str], datetime] = field(default_factory=dict)
    """When a rule last began an episode of an account."""
    _known: dict[int, str] = field(default_factory=dict)
    """The last enforcement of each account whose beginning was seen."""
    _late: set[str] = field(default_factory=set)
    """Enforcements whose deadline has passed."""
    _withheld: set[str] = field(default_factory=set)
    """Enforcements of accounts that are only watched: nothing was done."""

    def note(self, event: Message, now: datetime) -> list[Said]:
        """Take in an event; return what is to be told of it."""
        match event:
            case RuleBreached():
                return self._breached(event, now)
            case LockoutAsked():
                return self._asked(event, now)
            case EnforcementStarted(account=account) | EnforcementJoined(account=account):
                self._known[account] = event.enforcement_id
                known = self._open.get(account)
                if known is not None and known.enforcement is None:
                    known.enforcement = event.enforcement_id
            case AccountLocked(account=account, lockout=lock) if account in self._open:
                self._open[account].locks.append(lock)
            case DeadlinePassed():
                return self._deadline_passed(event, now)
            case EnforcementWithheld():
                self._withheld.add(event.enforcement_id)
            case EnforcementFinished():
                return self._finished(event, now)
            case LockoutReleased():
                kind = f"a lockout of {event.rule} ended by {event.released_by}"
                return [Lesser(kind, "", event.account)]
        return []

    def stand(self, status: AccountStatus, now: datetime) -> list[Said]:
        """Compare with how an account stands: what was begun before this life, what nothing follows."""
        episode, under_way = self._open.get(status.account), status.enforcement
        if episode is None and under_way and status.account not in self._known:
            title = f"{self.names.of(status.account)}: an enforcement of before is still under way"
            key = f"resumed/{status.account}/{under_way.since:%Y%m%dT%H%M%S}"
            begun = self._begin(status.account, key, CRITICAL, now, "begun before the start")
            return [
                self._notice(
                    begun, now, Stage.OPENED, (title, f"since {under_way.since:%H:%M:%S} UTC")
                )
            ]
        if episode and not under_way and now - episode.began >= FOLLOWS:
            return self._end(episode, now, "nothing is under way any more")
        return []

    def _breached(self, event: RuleBreached, now: datetime) -> list[Said]:
        breach, account = event.breach, event.account
        severity = BREACHES[breach.code]
        reason = f"{breach.rule} {clean(breach.reason)}"
        title = f"{self.names.of(account)}: {reason}"
        lines = (clean(breach.measure),)
        if (known := self._open.get(account)) is not None:
            return self._join(known, severity, reason, now, (title, *lines))
        key = (account, breach.rule)
        again = now - self._last.get(key, now - 2 * AGAIN) < AGAIN
        self._last[key] = now
        episode = self._begin(account, event.breach_id, severity, now, reason)
        if severity is INFO or (again and severity is not CRITICAL):
            episode.told = False
            return [Lesser(f"{breach.rule} {breach.code}", clean(breach.reason), account)]
        return [self._notice(episode, now, Stage.OPENED, (title, *lines))]

    def _asked(self, event: LockoutAsked, now: datetime) -> list[Said]:
        lock, reason = event.lockout, f"its trader: {clean(event.lockout.reason)}"
        title = f"{self.names.of(event.account)}: locked by its trader until {until_of(lock)}"
        lines = (clean(lock.reason), "everything is closed first")
        if (known := self._open.get(event.account)) is not None:
            return self._join(known, WARNING, reason, now, (title, *lines))
        begun = self._begin(event.account, lock.breach_id, WARNING, now, reason)
        return [self._notice(begun, now, Stage.OPENED, (title, *lines))]

    def _join(
        self, known: _Episode, severity: Severity, reason: str, now: datetime, words: _Words
    ) -> list[Said]:
        """Let something further join an episode; it is told only if it is graver."""
        known.reasons.append(reason)
        if RANK[severity] <= RANK[known.severity]:
            return []
        known.severity = severity
        return [self._worse(known, now, words)]

    def _worse(self, known: _Episode, now: datetime, words: _Words) -> Notice:
        stage = Stage.GREW if known.told else Stage.OPENED
        known.told = True
        return self._notice(known, now, stage, words)

    def _begin(
        self, account: int, breach_id: str, severity: Severity, now: datetime, reason: str
    ) -> _Episode:
        begun = _Episode(account, f"breach/{breach_id}", severity, now, [reason])
        self._open[account] = begun
        return begun

    def _deadline_passed(self, event: DeadlinePassed, now: datetime) -> list[Said]:
        if event.enforcement_id in self._late:
            return []
        self._late.add(event.enforcement_id)
        title = f"{self.names.of(event.account)}: NOT FLAT within the deadline; closing goes on"
        lines = (
            "the broker does not confirm it: look at the platform, and close there if you can",
        )
        if (known := self._open.get(event.account)) is not None:
            known.severity = CRITICAL
            return [self._worse(known, now, (title, *lines))]
        key = event.enforcement_id
        begun = self._begin(event.account, key, CRITICAL, now, "not flat in time")
        begun.enforcement = key
        return [self._notice(begun, now, Stage.OPENED, (title, *lines))]

    def _finished(self, event: EnforcementFinished, now: datetime) -> list[Said]:
        self._late.discard(event.enforcement_id)
        withheld = event.enforcement_id in self._withheld
        self._withheld.discard(event.enforcement_id)
        episode = self._open.get(event.account)
        known = self._known.get(event.account)
        if episode is not None and episode.enforcement in {None, event.enforcement_id}:
            locked = ", locked" if episode.locks else ""
            done = "withheld: NOTHING was closed, cancelled or locked"
            return self._end(episode, now, done if withheld else f"done and verified{locked}")
        if episode is None and known is None:
            self._known[event.account] = event.enforcement_id
            title = (
                f"{self.names.of(event.account)}: an enforcement of before the start is finished"
            )
            return [Notice(at=now, severity=WARNING, title=title, account=event.account)]
        return []

    def _end(self, episode: _Episode, now: datetime, how: str) -> list[Said]:
        del self._open[episode.account]
        if not episode.told:
            return []
        took = f"took {span((now - episode.began).total_seconds())}"
        locks = [
            f"{each.rule} {'would lock' if each.shadow else 'locks'} until {until_of(each)}"
            for each in episode.locks
        ]
        title = f"{self.names.of(episode.account)}: {how}"
        joined = [f"also: {each}" for each in episode.reasons[1:6]]
        lines = (episode.reasons[0], *locks[:5], *joined, took)
        return [self._notice(episode, now, Stage.CLOSED, (title, *lines))]

    def _notice(self, episode: _Episode, now: datetime, stage: Stage, words: _Words) -> Notice:
        return Notice(
            at=now,
            severity=episode.severity,
            stage=stage,
            title=words[0],
            lines=words[1:],
            account=episode.account,
            episode=episode.key,
        )
