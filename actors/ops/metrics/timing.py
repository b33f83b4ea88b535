"""How long enforcements take, from what set them off: told by committed events alone. Pure.

The clock starts when the fact that broke the rule was received by the gateway, where that fact is in the
journal; else (quotes, the clock, the trader's own wish) when the intent was decided. Only an enforcement
whose intent was seen is timed: one that a start resumes is not.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from messages.events import (
    AccountLocked,
    BrokerCommandSent,
    EnforcementFinished,
    EnforcementStarted,
    Event,
    FlatConfirmed,
    RuleBreached,
)
from messages.facts import AccountChanged, OrderChanged, PositionChanged, TradeExecuted

STEPS = ("decided", "recorded", "commanded", "flat", "locked")
TRIGGERS = ("breach", "self", "standing")
_FACTS = frozenset({TradeExecuted, PositionChanged, OrderChanged, AccountChanged})
_REMEMBERED = 8
"""Facts of an account in which the one behind a breach is looked for: verdicts come soon after."""


class Took(NamedTuple):
    """One step of one enforcement."""

    trigger: str
    """`breach`, `self` (its trader's wish) or `standing` (something appeared under a lockout)."""
    step: str
    """`decided`, `recorded` (on disk), `commanded` (the first command left), `flat` or `locked`."""
    seconds: float
    """Since it was set off."""


@dataclass(slots=True)
class _Run:
    id: str
    trigger: str
    since: datetime
    done: set[str]

    def took(self, step: str, at: datetime) -> Iterator[Took]:
        """Yield how long a step took, the first time it is done."""
        if step not in self.done:
            self.done.add(step)
            # A clock that was set back meanwhile has taken no time.
            yield Took(self.trigger, step, max(0.0, (at - self.since).total_seconds()))


class Timing:
    """The enforcements under way, by account."""

    def __init__(self) -> None:
        self._facts: dict[int, deque[tuple[str, datetime]]] = {}
        self._breached: dict[int, datetime] = {}
        self._runs: dict[int, _Run] = {}

    def take(self, event: Event, told_at: datetime, *, durable: bool) -> Iterator[Took]:
        """Take in one event as it was told; yield the steps it completes."""
        if type(event) in _FACTS:
            self._note_fact(event)
            return
        match event:
            case RuleBreached(account=account, cause=cause):
                told = dict(self._facts.get(account, ()))
                self._breached[account] = told.get(cause, event.at)
            case EnforcementStarted():
                yield from self._begin(event, told_at, durable=durable)
            case BrokerCommandSent(enforcement_id=str(known)):
                yield from self._step(event.account, known, "commanded", event.at)
            case FlatConfirmed(enforcement_id=known):
                yield from self._step(event.account, known, "flat", event.at)
            case AccountLocked(enforcement_id=known):
                yield from self._step(event.account, known, "locked", told_at)
            case EnforcementFinished(account=account):
                self._runs.pop(account, None)
            case _:
                return

    def _note_fact(self, event: Event) -> None:
        assert isinstance(event, TradeExecuted | PositionChanged | OrderChanged | AccountChanged)  # noqa: S101
        facts = self._facts.get(event.account)
        if facts is None:
            facts = self._facts[event.account] = deque(maxlen=_REMEMBERED)
        facts.append((event.cause, event.at))

    def _begin(
        self, event: EnforcementStarted, told_at: datetime, *, durable: bool
    ) -> Iterator[Took]:
        since = self._breached.pop(event.account, event.at) if event.breaches else event.at
        run = _Run(event.enforcement_id, _trigger(event), since, set())
        self._runs[event.account] = run
        yield from run.took("decided", event.at)
        if durable:
            yield from run.took("recorded", told_at)

    def _step(self, account: int, known: str, step: str, at: datetime) -> Iterator[Took]:
        run = self._runs.get(account)
        if run is not None and run.id == known:
            yield from run.took(step, at)


def _trigger(event: EnforcementStarted) -> str:
    if event.breaches:
        return "breach"
    return "self" if event.lockouts else "standing"
