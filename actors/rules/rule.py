"""What a rule is: a pure function from a picture of an account to a breach, with its parameters.

A rule module defines `RULE = Rule(...)` and nothing else is needed: the registry finds it, the config
accepts its table, one RuleActor judges all accounts by it. Rules never act, ask, log or look at a clock.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from actors.account.trading_day import TradingDay
from actors.rules.calendar import Calendar
from actors.rules.quiet import Quiet
from actors.rules.strictness import Strictness
from messages.values import (
    ACCOUNT_SCOPE,
    AccountView,
    AlarmCode,
    Breach,
    Duty,
    FactKind,
    LimitUse,
    LockoutTerms,
    Parameters,
    ReleaseOn,
    StopMove,
)

type Caveat = tuple[AlarmCode, str]


@dataclass(frozen=True, slots=True)
class RuleContext:
    """What a rule's parameters may refer to: one trading day and one calendar for everything."""

    trading_day: TradingDay
    """Reset and zone."""
    calendar: Calendar
    """Holidays and early closes of the account as a whole."""
    groups: tuple[Calendar, ...] = ()
    """Those of each product group, for hours of single products."""


def _as_given[P: Parameters](parameters: P, _context: RuleContext) -> P:
    return parameters


@dataclass(frozen=True, slots=True)
class Rule[P: Parameters]:
    """One rule of the registry."""

    id: str
    """E.g. `RULE-003`."""
    key: str
    """Its table in the configuration, e.g. `daily_realized_loss`."""
    name: str
    """E.g. `DailyRealizedLoss`."""
    parameters: type[P]
    """What can be configured."""
    listens: Callable[[P], frozenset[FactKind]]
    """The kinds of facts that can break it."""
    evaluate: Callable[[AccountView, P], Breach | None]
    """Judge a picture; None = nothing is broken."""
    describe: Callable[[P], str]
    """Say in one line what it does with its parameters."""
    check: Callable[[P], list[str]]
    """List what is wrong with the values, each as `field: why and how to mend it`."""
    resolve: Callable[[P, RuleContext], P] = _as_given
    """Complete the parameters with the trading day and the calendar."""
    keep: Callable[[P, datetime, datetime], msgspec.Struct] | None = None
    """What `resolve` added, as far as it matters from now to the day's end; None = it adds nothing."""
    recall: Callable[[P, str], P] | None = None
    """Complete the parameters with what was kept (as JSON) instead; goes with `keep`."""
    next_check: Callable[[AccountView, P], datetime | None] | None = None
    """When the clock alone may break it next, UTC; None = never by the clock."""
    reads_first: bool = False
    """Whether the broker is read at its `next_check`, before it judges: some changes send no event."""
    poll_s: Callable[[P], float] | None = None
    """How often the account's own record must be read for it; None = the stream is enough."""
    manage: Callable[[AccountView, P], tuple[StopMove, ...]] | None = None
    """Which stops it wants tightened, for rules that manage trades; None = it never does."""
    quiet: Callable[[AccountView, P], Quiet | None] | None = None
    """How far prices may move before it can find anything new; None = it must see every quote."""
    caveats: Callable[[P, datetime], tuple[Caveat, ...]] | None = None
    """What it does not know at an instant, and does instead; alarmed at start and once a day."""
    strictness: Mapping[str, Strictness] = field(default_factory=dict, compare=False)
    """Per parameter, how a new value is compared with the one in force; without: not comparable."""
    usage: Callable[[AccountView, P], tuple[LimitUse, ...]] | None = None
    """How much of its limits is used up; None = it has none that is approached."""
    still_locks: Callable[[P, str], bool] | None = None
    """Whether a lockout of a scope that ends by the configuration still stands; None = it does."""


type AnyRule = Rule[Any]


def always(*kinds: FactKind) -> Callable[[Parameters], frozenset[FactKind]]:
    """Return a `listens` that does not depend on the parameters."""
    listened = frozenset(kinds)
    return lambda _parameters: listened


def positive(name: str, value: Decimal | float) -> list[str]:
    """Return the complaint about a value that must be finite and greater than zero, if any."""
    if not math.isfinite(value):
        return [f"{name}: must be a finite amount, not {value}"]
    if value > 0:
        return []
    money = isinstance(value, Decimal) and value < 0
    hint = f" (losses are written as positive amounts: {abs(value)})" if money else ""
    return [f"{name}: must be greater than 0, not {value}{hint}"]


def loss_of(pnl_usd: Decimal) -> Decimal:
    """Return how much of a loss limit a P&L uses up, in positive dollars."""
    return max(Decimal(0), -pnl_usd)


def usd(amount: Decimal) -> str:
    """Return an amount as the seed's log lines show it: `$-35.50`."""
    return f"${amount:.2f}"


def account_lock(until: datetime | None, release_on: ReleaseOn) -> LockoutTerms:
    """Return the terms of a lockout that keeps the whole account flat."""
    return LockoutTerms(scope=ACCOUNT_SCOPE, duty=Duty.FLAT, until=until, release_on=release_on)
