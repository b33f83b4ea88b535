"""Compares what a `then` asks for with what can be seen. Pure: it is handed what was looked up.

Every word of a `then` becomes one finding: what was expected, what was seen, and whether they agree.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from actors.scenario import times
from actors.scenario.stage import WorkingOrder
from actors.scenario.words import BreachSeen, LockoutSeen, Then
from messages import codec
from messages.base import Message
from messages.events import (
    AccountLocked,
    AlarmRaised,
    EnforcementStarted,
    ExposureUnderLock,
    RuleBreached,
)
from messages.queries import AccountStatus
from messages.values import ACCOUNT_SCOPE, Lockout, OrderType, product_of, product_scope

_STOPS = {OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP}
_REACTIONS = (RuleBreached, EnforcementStarted, AccountLocked, ExposureUnderLock)


@dataclass(frozen=True, slots=True)
class Finding:
    """One expectation and what became of it."""

    word: str
    """The word of the `then`."""
    expected: str
    seen: str
    met: bool

    def __str__(self) -> str:
        told = f"{self.word} {self.expected}"
        return told if self.met else f"{told}, but seen {self.seen}"


@dataclass(frozen=True, slots=True)
class Sight:
    """Everything that can be seen of one account."""

    status: AccountStatus
    held: dict[str, int]
    working: list[WorkingOrder]
    received: list[str]
    """Commands since the last `then`, as sentences."""
    in_order: bool
    """Whether their order means anything."""
    journal: list[Message]
    news: list[Message]
    """The part of the journal since the last `then`."""
    now: datetime
    """In the scenario's zone."""
    product: Callable[[str], str]
    """Names a contract as the scenario does."""


def findings(then: Then, sight: Sight) -> list[Finding]:
    """Return one finding per word that is written."""
    return list(_findings(then, sight))


def _findings(then: Then, sight: Sight) -> Iterator[Finding]:
    status = sight.status
    for word in ("phase", "health", "trading_date", "realised_usd"):
        if (expected := getattr(then, word)) is not None:
            yield _equal(word, expected, getattr(status, word))
    if then.open_usd is not None:
        yield _equal("open_usd", then.open_usd, status.open_usd)
    if then.unvalued:
        yield _equal("open_usd", None, status.open_usd)
    yield from _at_the_broker(then, sight)
    if then.lockouts is not None:
        yield _lockouts(then.lockouts, sight)
    if then.breach is not None:
        yield _breach(then.breach, sight.journal)
    yield from _journal(then, sight)


def _at_the_broker(then: Then, sight: Sight) -> Iterator[Finding]:
    if then.held is not None:
        yield _equal("held", then.held, {sight.product(key): n for key, n in sight.held.items()})
    if then.working is not None:
        yield _equal("working", then.working, len(sight.working))
    if then.stops is not None:
        yield _equal("stops", then.stops, _stops(sight))
    if then.received is not None:
        yield _received(then.received, sight)


def _journal(then: Then, sight: Sight) -> Iterator[Finding]:
    kinds = [codec.kind(each) for each in sight.journal]
    for kind, count in (then.journal or {}).items():
        yield _equal(f"journal {kind}", count, kinds.count(kind))
    if then.order is not None:
        yield Finding("order", _list(then.order), _list(kinds), _in_order(then.order, kinds))
    if then.alarms is not None:
        raised = [each.code for each in sight.journal if isinstance(each, AlarmRaised)]
        met = set(then.alarms) <= {code.value for code in raised}
        yield Finding("alarms", _list(then.alarms), _list(raised), met)
    if then.nothing:
        happened = [codec.kind(each) for each in sight.news if isinstance(each, _REACTIONS)]
        happened += sight.received
        yield Finding("nothing", "happened", _list(happened), not happened)


def _equal(word: str, expected: object, seen: object) -> Finding:
    return Finding(word, _plain(expected), _plain(seen), expected == seen)


def _stops(sight: Sight) -> dict[str, Decimal | None]:
    return {
        sight.product(each.contract): each.stop for each in sight.working if each.type in _STOPS
    }


def _received(expected: tuple[str, ...], sight: Sight) -> Finding:
    seen = tuple(sight.received)
    met = expected == seen if sight.in_order else sorted(expected) == sorted(seen)
    return Finding("received", _list(expected), _list(seen), met)


def _lockouts(expected: tuple[LockoutSeen, ...], sight: Sight) -> Finding:
    seen = sight.status.lockouts
    met = len(expected) == len(seen) and all(
        _same(lock, one, sight.now) for lock, one in zip(expected, seen, strict=True)
    )
    return Finding(
        "lockouts",
        _list(_wanted(each) for each in expected),
        _list(_said(each, sight.now) for each in seen),
        met,
    )


def _same(expected: LockoutSeen, seen: Lockout, now: datetime) -> bool:
    pairs: list[tuple[Any, Any]] = [
        (expected.rule, seen.rule),
        (expected.scope and _scope(expected.scope), seen.scope),
        (expected.duty, seen.duty),
    ]
    return (
        all(wanted is None or wanted == is_ for wanted, is_ in pairs)
        and (expected.reason is None or expected.reason in seen.reason)
        and (expected.until is None or _until(expected.until, now) == seen.until)
    )


def _scope(text: str) -> str:
    return ACCOUNT_SCOPE if text == ACCOUNT_SCOPE else product_scope(text)


def _until(text: str, now: datetime) -> datetime | None:
    return None if text == "open" else times.moment(text, now).astimezone(UTC)


def _wanted(lock: LockoutSeen) -> str:
    said = (lock.rule, lock.scope, lock.duty, lock.until and f"until {lock.until}", lock.reason)
    return " ".join(str(each) for each in said if each is not None)


def _said(lock: Lockout, now: datetime) -> str:
    local = lock.until and lock.until.astimezone(now.tzinfo)
    until = f"{local:%Y-%m-%d %H:%M:%S}" if local else "open"
    return f"{lock.rule} {lock.scope} {lock.duty} until {until} ({lock.reason})"


def _breach(expected: BreachSeen, journal: list[Message]) -> Finding:
    latest = next((each for each in reversed(journal) if isinstance(each, RuleBreached)), None)
    wanted = " ".join(
        f"{name} {value}"
        for name in expected.__struct_fields__
        if (value := getattr(expected, name)) is not None
    )
    if latest is None:
        return Finding("breach", wanted, "none", met=False)
    seen = latest.breach
    met = all(
        getattr(expected, name) in {None, getattr(seen, name)}
        for name in ("rule", "value", "limit", "code")
    ) and (expected.reason is None or expected.reason in seen.reason)
    told = (
        f"rule {seen.rule} value {seen.value} limit {seen.limit} code {seen.code} {seen.reason!r}"
    )
    return Finding("breach", wanted, told, met)


def _in_order(expected: tuple[str, ...], kinds: list[str]) -> bool:
    rest = iter(kinds)
    return all(kind in rest for kind in expected)


def sentence(kind: str, contract: str | None, size: int | None) -> str:
    """Return a command as scenarios write it: `close MNQ`, `reduce ES by 2`, `cancel`."""
    match kind:
        case "close":
            return f"close {contract}"
        case "reduce":
            return f"reduce {contract} by {size}"
        case _:
            return kind


def name_of(contract: str, expiry: str) -> str:
    """Return what a scenario calls a contract: the product, with the expiry if it is another."""
    last = contract.rpartition(".")[2]
    product = product_of(contract)
    return product if last == expiry else f"{product}.{last}"


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {each}" for key, each in value.items()) or "none"
    return "unknown" if value is None else str(value)


def _list(values: Any) -> str:
    return ", ".join(map(str, values)) or "none"
