"""What is counted: a registry of its own, fed with committed events by the MetricsActor.

Made once by the system and handed to every instance of that actor, so a restart of it loses no count; a
restart of the process begins at 0, which Prometheus knows for a reset. Labels are bounded: rules, codes,
kinds of actors and steps, never an account or an id.
"""

from collections.abc import Iterable
from typing import get_args

import msgspec
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)

from actors.ops.metrics.timing import STEPS, TRIGGERS, Timing
from messages.events import (
    AccountLocked,
    ActorRestarted,
    AlarmRaised,
    BrokerCommandAnswered,
    BrokerCommandSent,
    DeadLettered,
    DeadlinePassed,
    EnforcementUnrecorded,
    Event,
    ExposureUnderLock,
    HealthChanged,
    LockoutReleased,
    RuleBreached,
    StopMoved,
    StopNotMoved,
)
from messages.facts import PayloadQuarantined, SnapshotFailed, StreamLost
from messages.journal import Committed
from messages.values import AlarmCode, Health, Outcome

LATENCY_S = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0),
)
"""Buckets: a close takes milliseconds, its deadline is seconds, a hanging broker minutes."""


def _tag(kind: type[msgspec.Struct]) -> str:
    return str(kind.__struct_config__.tag)


OUTCOMES = tuple(map(_tag, get_args(Outcome.__value__)))
"""What can become of a command, e.g. `done`."""


class Counts:
    """Counters and histograms; written by one actor, read by any thread."""

    def __init__(self) -> None:
        # Else a series more for each, for what no alert asks. The library does not type it.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._timing = Timing()
        self._refused: set[int] = set()
        """The events told as not durable, by identity: the journal keeps them, and tells them again."""
        self._events = self._counter("journal_events", "Events committed", "durable")
        self._commit_delay = Histogram(
            "lockstep_journal_commit_delay_seconds",
            "From the first event of a transaction (a fact: as it was received) to its fsync",
            buckets=LATENCY_S,
            registry=self.registry,
        )
        self._latency = Histogram(
            "lockstep_enforcement_latency_seconds",
            "From what set an enforcement off to each of its steps",
            labelnames=("trigger", "step"),
            buckets=LATENCY_S,
            registry=self.registry,
        )
        self._breaches = self._counter("breaches", "Limits broken", "rule")
        self._enforcements = self._counter("enforcements", "Enforcements begun", "trigger")
        self._unrecorded = self._counter(
            "enforcements_unrecorded", "Enforcements that went ahead before they were on disk"
        )
        self._overdue = self._counter(
            "enforcement_deadlines_passed", "Locks applied although flat was not confirmed"
        )
        self._locks = self._counter("locks", "Lockouts that took force", "rule", "flat")
        self._releases = self._counter("lockouts_released", "Lockouts that ended", "released_by")
        self._under_lock = self._counter(
            "exposure_under_lock", "Times something forbidden appeared under a lockout"
        )
        self._sent = self._counter("broker_commands", "Commands handed to the broker", "command")
        self._answers = self._counter("broker_answers", "What became of them", "outcome")
        self._stops = self._counter("stop_moves", "Stops that a rule wanted tightened", "moved")
        self._alarms = self._counter("alarms", "Alarms raised", "code")
        self._dead_letters = self._counter(
            "dead_letters", "Messages that could not be handled", "actor"
        )
        self._restarts = self._counter("actor_restarts", "Actors replaced", "actor")
        self._down = self._counter("actor_down_seconds", "How long they were down", "actor")
        self._health = self._counter("health_changes", "Changes of an account's health", "health")
        self._losses = self._counter("stream_losses", "Accounts times user streams lost")
        self._failed_reads = self._counter("snapshot_failures", "Reads of an account that failed")
        self._quarantined = self._counter(
            "quarantined_payloads", "Payloads that could not be understood"
        )
        self._begin_at_zero()

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"lockstep_{name}", text, labelnames=labels, registry=self.registry)

    def _begin_at_zero(self) -> None:
        """Show what is known beforehand from the first scrape on: a rate needs its first step too."""
        for code in AlarmCode:
            self._alarms.labels(code.value)
        for durable in ("yes", "no"):
            self._events.labels(durable)
        for outcome in OUTCOMES:
            self._answers.labels(outcome)
        for health in Health:
            self._health.labels(health.value)
        for trigger in TRIGGERS:
            self._enforcements.labels(trigger)
            for step in STEPS:
                self._latency.labels(trigger, step)

    def begin_rules(self, rules: Iterable[str]) -> None:
        """Show these rules from the first scrape on."""
        for rule in rules:
            self._breaches.labels(rule)

    def begin_actors(self, kinds: Iterable[str]) -> None:
        """Show these kinds of actors from the first scrape on."""
        for kind in kinds:
            for counter in (self._dead_letters, self._restarts, self._down):
                counter.labels(kind)

    def take(self, committed: Committed) -> None:
        """Count one transaction, each event once; on the MetricsActor's thread."""
        fresh = self._fresh(committed)
        self._events.labels("yes" if committed.durable else "no").inc(len(committed.records))
        if committed.durable and committed.records:
            waited = (committed.at - committed.records[0].at).total_seconds()
            self._commit_delay.observe(max(0.0, waited))
        for event in fresh:
            for took in self._timing.take(event, committed.at, durable=committed.durable):
                self._latency.labels(took.trigger, took.step).observe(took.seconds)
                if took.step == "decided":
                    self._enforcements.labels(took.trigger).inc()
            if type(event) in _COUNTED:
                self._count(event)

    def _fresh(self, committed: Committed) -> tuple[Event, ...]:
        """Return what was not told before."""
        if committed.durable:
            refused, self._refused = self._refused, set()
            if not refused:
                return committed.records
            return tuple(each for each in committed.records if id(each) not in refused)
        self._refused.update(map(id, committed.records))
        return committed.records

    def _count(self, event: Event) -> None:  # noqa: C901, PLR0912 - a table, one line per event
        match event:
            case RuleBreached():
                self._breaches.labels(event.breach.rule).inc()
            case EnforcementUnrecorded():
                self._unrecorded.inc()
            case DeadlinePassed():
                self._overdue.inc()
            case AccountLocked():
                flat = "confirmed" if event.flat_confirmed else "not_confirmed"
                self._locks.labels(event.lockout.rule, flat).inc()
            case LockoutReleased():
                self._releases.labels(event.released_by).inc()
            case ExposureUnderLock():
                self._under_lock.inc()
            case BrokerCommandSent():
                self._sent.labels(event.command).inc()
            case BrokerCommandAnswered():
                self._answers.labels(_tag(type(event.outcome))).inc()
            case StopMoved() | StopNotMoved():
                self._stops.labels("yes" if isinstance(event, StopMoved) else "no").inc()
            case AlarmRaised():
                self._alarms.labels(event.code.value).inc()
            case DeadLettered():
                self._dead_letters.labels(_kind_of(event.address)).inc()
            case ActorRestarted():
                self._restarts.labels(_kind_of(event.address)).inc()
                self._down.labels(_kind_of(event.address)).inc(event.down_s or 0.0)
            case HealthChanged():
                self._health.labels(event.health).inc()
            case StreamLost():
                self._losses.inc()
            case SnapshotFailed():
                self._failed_reads.inc()
            case PayloadQuarantined():
                self._quarantined.inc()
            case _:
                raise TypeError(f"{type(event).__name__} is not counted")


_COUNTED = frozenset(
    {
        *(RuleBreached, EnforcementUnrecorded, DeadlinePassed, AccountLocked, LockoutReleased),
        *(ExposureUnderLock, BrokerCommandSent, BrokerCommandAnswered, StopMoved, StopNotMoved),
        *(AlarmRaised, DeadLettered, ActorRestarted, HealthChanged, StreamLost, SnapshotFailed),
        PayloadQuarantined,
    }
)
"""Looked up by type: most events are facts, and cost no more than that."""


def _kind_of(address: str) -> str:
    return address.partition("/")[0]
