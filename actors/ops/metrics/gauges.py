"""What a scrape shows beside the counts: how everything stands, made of one status and one look. Pure.

Labels are bounded whatever the number of accounts: by login, phase, health, rule and kind of actor.
Series per account are there up to `ACCOUNT_SERIES` guarded accounts and not at all beyond, so that a
deployment of 10,000 does not become 50,000 series: `lockstep_account_series` says which it is, and
`/api/status` knows every account.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import product

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from actors.ops.metrics.counts import Counts
from actors.ops.metrics.readings import Readings
from actors.ops.protection import Kind, holes
from messages.queries import AccountStatus, LoginStatus, SystemStatus
from messages.values import Health, Phase

ACCOUNT_SERIES = 100
"""Guarded accounts up to which each has series of its own."""
_HEALTHS = {Health.LIVE: 2, Health.STALE: 1, Health.UNKNOWN: 0}

type Row = tuple[tuple[str, ...], float]


def exposition(counts: Counts, status: SystemStatus | None, readings: Readings) -> bytes:
    """Return all figures in Prometheus' text format; a status of None was not to be had."""
    now = CollectorRegistry()
    now.register(_Standing(status, readings))
    return generate_latest(counts.registry) + generate_latest(now)


class _Standing(Collector):
    """One scrape's gauges."""

    def __init__(self, status: SystemStatus | None, readings: Readings) -> None:
        self._status = status
        self._readings = readings

    def collect(self) -> Iterator[Metric]:
        """Yield every family."""
        yield from _of_readings(self._readings)
        yield _gauge(
            "status_answered", "Whether the accounts could be asked", self._status is not None
        )
        if self._status is None:
            yield _gauge("protected", "1 = nothing is wrong for any account", value=False)
        else:
            yield from _of_status(self._status)


def _of_status(status: SystemStatus) -> Iterator[Metric]:
    found = holes(status)
    yield _gauge("protected", "1 = nothing is wrong for any account", not found)
    kinds = Counter(hole.kind for hole in found)
    rows: list[Row] = [((kind.value,), kinds[kind]) for kind in Kind]
    yield _table("holes", "What is wrong with the protection, by kind", ("kind",), rows)
    yield _table("build_info", "Which build runs", ("version",), [((status.version,), 1)])
    yield _gauge(
        "config_version",
        "1 since the start, one more with every reload",
        status.config_version or 0,
    )
    yield from _of_accounts(status)
    yield from _of_enforcements(status)
    yield from _per_account(status)


def _of_accounts(status: SystemStatus) -> Iterator[Metric]:
    logins = dict.fromkeys(each.login for each in status.accounts)
    phases = Counter((each.login, each.phase) for each in status.accounts)
    healths = Counter((each.login, each.health) for each in status.accounts)
    yield _table(
        "accounts",
        "Guarded accounts by phase",
        ("login", "phase"),
        [((login, phase.value), phases[login, phase]) for login, phase in product(logins, Phase)],
    )
    yield _table(
        "accounts_by_health",
        "Guarded accounts by health",
        ("login", "health"),
        [((login, each.value), healths[login, each]) for login, each in product(logins, Health)],
    )
    yield _gauge("accounts_unanswered", "Accounts that do not answer", len(status.unanswered))
    locks = Counter((lock.rule, lock.duty) for each in status.accounts for lock in each.lockouts)
    yield _table(
        "lockouts",
        "Lockouts in force",
        ("rule", "duty"),
        [((rule, duty.value), count) for (rule, duty), count in sorted(locks.items())],
    )


def _of_enforcements(status: SystemStatus) -> Iterator[Metric]:
    under_way = [each.enforcement for each in status.accounts if each.enforcement]
    yield _gauge("enforcements_under_way", "Enforcements that are not finished", len(under_way))
    yield _gauge(
        "enforcement_oldest_seconds",
        "How long the oldest of them has been under way; 0 = none is",
        max((_age_s(each.since, status.at) for each in under_way), default=0.0),
    )


def _per_account(status: SystemStatus) -> Iterator[Metric]:
    shown = len(status.accounts) <= ACCOUNT_SERIES
    yield _gauge("account_series", "1 = each account has series of its own", shown)
    if not shown:
        return
    accounts = status.accounts
    yield _table(
        "account_health",
        "2 live, 1 stale, 0 unknown",
        ("account",),
        [(_id(each), _HEALTHS[each.health]) for each in accounts],
    )
    yield _table(
        "account_locked",
        "Whether the whole account is locked",
        ("account",),
        [(_id(each), each.phase is Phase.LOCKED) for each in accounts],
    )
    yield _table(
        "account_realised_usd",
        "The day's realised P&L, US dollars",
        ("account",),
        [(_id(each), float(each.realised_usd)) for each in accounts],
    )
    yield _table(
        "account_open_usd",
        "Open P&L, US dollars; absent while it is unknown",
        ("account",),
        [(_id(each), float(each.open_usd)) for each in accounts if each.open_usd is not None],
    )
    yield _table(
        "account_held_contracts",
        "Contracts held, of either side",
        ("account",),
        [(_id(each), sum(abs(held.size) for held in each.positions)) for each in accounts],
    )


def _of_readings(readings: Readings) -> Iterator[Metric]:
    kind = ("actor",)
    boxes = readings.inboxes
    yield _table("actors", "Actors", kind, [((each.kind,), each.actors) for each in boxes])
    yield _table(
        "actors_down",
        "Actors that are down until the next try",
        kind,
        [((each.kind,), each.down) for each in boxes],
    )
    yield _table(
        "inbox_messages",
        "Messages that wait",
        kind,
        [((each.kind,), each.waiting) for each in boxes],
    )
    yield _table(
        "inbox_messages_max",
        "Messages in the fullest inbox",
        kind,
        [((each.kind,), each.most) for each in boxes],
    )
    yield _table(
        "inbox_oldest_seconds",
        "Age of the message that waits longest",
        kind,
        [((each.kind,), each.oldest_s) for each in boxes],
    )
    yield _gauge(
        "oldest_unjudged_fact_seconds",
        "For how long the oldest fact has waited to be judged",
        readings.oldest_unjudged_s,
    )
    yield from _of_logins(readings.logins)
    yield from _of_journal(readings)


def _of_logins(logins: dict[str, LoginStatus | None]) -> Iterator[Metric]:
    known = [each for each in logins.values() if each is not None]
    by = ("login",)
    yield _table(
        "login_answered",
        "Whether its gateway answers",
        by,
        [((name,), each is not None) for name, each in logins.items()],
    )
    hubs: list[Row] = [((each.login, "user"), each.user_hub) for each in known]
    hubs += [
        ((each.login, "market"), each.market_hub) for each in known if each.market_hub is not None
    ]
    yield _table(
        "stream_connected",
        "Whether a hub is connected; market only while quotes are needed",
        ("login", "hub"),
        hubs,
    )
    yield _table(
        "requests_used",
        "Requests sent within the broker's window",
        by,
        [((each.login,), each.used) for each in known],
    )
    yield _table(
        "requests_left",
        "Requests that may still be sent in it",
        by,
        [((each.login,), max(0, each.requests - each.used)) for each in known],
    )
    yield _table(
        "requests_queued",
        "Requests that wait for their turn",
        by,
        [((each.login,), each.queued) for each in known],
    )


def _of_journal(readings: Readings) -> Iterator[Metric]:
    journal = readings.journal
    yield _gauge("journal_answered", "Whether the journal answers", journal is not None)
    yield _gauge(
        "journal_durable",
        "1 = all that was decided is on disk",
        journal is not None and not journal.unrecorded,
    )
    if journal is not None:
        yield _gauge(
            "journal_unrecorded_events", "Events decided but not on disk", journal.unrecorded
        )
        if journal.last_seq is not None:
            yield _gauge(
                "journal_last_seq", "Sequence number of the last event on disk", journal.last_seq
            )
    files = [("store", readings.store_bytes), ("log", readings.log_bytes)]
    yield _table(
        "journal_size_bytes",
        "Size of the journal's files",
        ("file",),
        [((name,), size) for name, size in files if size is not None],
    )
    if readings.free_bytes is not None:
        yield _gauge("journal_disk_free_bytes", "Room on the journal's disk", readings.free_bytes)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"lockstep_{name}", text, value=float(value))


def _table(name: str, text: str, labels: tuple[str, ...], rows: Iterable[Row]) -> Metric:
    family = GaugeMetricFamily(f"lockstep_{name}", text, labels=labels)
    for values, value in rows:
        family.add_metric(values, float(value))
    return family


def _id(each: AccountStatus) -> tuple[str]:
    return (str(each.account),)


def _age_s(since: datetime, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds())
