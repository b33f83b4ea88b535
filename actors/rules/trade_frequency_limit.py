"""RULE-006 TradeFrequencyLimit: too many trades in a minute, an hour or a trading day end new exposure.

While its own lockout binds, trades made under it are not judged: neither closing what is open nor being
closed back prolongs the lock, and a trader who keeps re-entering has one lock. What was traded before is,
for after a reload the rule may stand twice: a lock that ends later than the one that binds wins. All is
judged again when the lock has ended, before the account opens. What then breaks a limit must have been
provoked: exits made under a lock count in every window, but the lock runs from the latest other trade.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

import msgspec

from actors.rules.rule import Rule, always, positive
from actors.rules.strictness import higher, lower, table, true
from messages.values import (
    ACCOUNT_SCOPE,
    AccountView,
    Breach,
    BreachCode,
    Duty,
    FactKind,
    LimitUse,
    LockoutTerms,
    NoOpeningOrders,
    OrderTrade,
    Parameters,
    ReleaseOn,
)

_MINUTE, _HOUR = timedelta(seconds=60), timedelta(hours=1)
_LONGEST_S = 7 * 86_400


class Cooldowns(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Seconds without new exposure, by the window whose limit is broken."""

    per_minute: int = 60
    """Seconds after the latest trade, at most a week."""
    per_hour: int = 1800
    """Seconds after the latest trade, at most a week."""
    per_session: int = 3600
    """Seconds after the latest trade, at most a week."""


class TradeFrequencyLimit(Parameters, frozen=True):
    """Limits of the number of trades; at least one is needed."""

    per_minute: int | None = None
    """Trades allowed in any 60 seconds, e.g. 3: the fourth is a breach."""
    per_hour: int | None = None
    """Trades allowed in any 3600 seconds, e.g. 10."""
    per_session: int | None = None
    """Trades allowed in a trading day, e.g. 50."""
    cooldown_s: Cooldowns = Cooldowns()
    """How long no new exposure is allowed; where several limits break, the longest."""
    count_exits: bool = True
    """Whether orders that close something are trades too."""


class _Window(NamedTuple):
    """One limit, and what counts towards it."""

    name: str
    limit: int
    cooldown_s: int
    trades: list[OrderTrade]

    @property
    def until(self) -> datetime | None:
        """Return when the lock would end: so long after the latest trade that can provoke it."""
        provoking = [each.at for each in self.trades if not (each.closing and each.under_lock)]
        return max(provoking) + timedelta(seconds=self.cooldown_s) if provoking else None


def _evaluate(view: AccountView, parameters: TradeFrequencyLimit) -> Breach | None:
    bound = [lockout.until for lockout in view.lockouts if lockout.rule == RULE.id]
    trades = [each for each in view.trades if not (bound and each.under_lock)]
    free_at = max((end for end in bound if end), default=view.at)
    broken = [
        (until, window)
        for window in _windows(view, trades, parameters)
        if len(window.trades) > window.limit and (until := window.until) and until > free_at
    ]
    if not broken:
        return None
    until, window = max(broken, key=lambda each: each[0])
    count = len(window.trades)
    return Breach(
        rule=RULE.id,
        code=BreachCode.TRADE_FREQUENCY_LIMIT,
        value=Decimal(count),
        limit=Decimal(window.limit),
        reason=(
            f"Trade frequency limit exceeded: {count} trades {window.name} "
            f"(limit: {window.limit}), no new exposure for {window.cooldown_s} s"
        ),
        measure=f"Trades {window.name}: {count}, Limit: {window.limit}",
        targets=(NoOpeningOrders(),),
        lockouts=(
            LockoutTerms(
                scope=ACCOUNT_SCOPE,
                duty=Duty.NO_NEW_EXPOSURE,
                until=until,
                release_on=ReleaseOn.TIME,
            ),
        ),
    )


def _windows(
    view: AccountView, trades: Sequence[OrderTrade], parameters: TradeFrequencyLimit
) -> list[_Window]:
    counted = [each for each in trades if parameters.count_exits or not each.closing]
    minute = [each for each in counted if each.at > view.at - _MINUTE]
    hour = [each for each in counted if each.at > view.at - _HOUR]
    session = [each for each in counted if each.at >= view.day_start]
    cooldown_s = parameters.cooldown_s
    return [
        _Window(name, limit, seconds, trades)
        for name, limit, seconds, trades in (
            ("in a minute", parameters.per_minute, cooldown_s.per_minute, minute),
            ("in an hour", parameters.per_hour, cooldown_s.per_hour, hour),
            ("in the session", parameters.per_session, cooldown_s.per_session, session),
        )
        if limit is not None
    ]


def _usage(view: AccountView, parameters: TradeFrequencyLimit) -> tuple[LimitUse, ...]:
    return tuple(
        LimitUse(
            rule=RULE.id,
            what=f"trades {window.name}",
            value=Decimal(len(window.trades)),
            limit=Decimal(window.limit),
            unit="trades",
        )
        for window in _windows(view, view.trades, parameters)
    )


def _check(parameters: TradeFrequencyLimit) -> list[str]:
    limits = {
        name: value
        for name in ("per_minute", "per_hour", "per_session")
        if (value := getattr(parameters, name)) is not None
    }
    found = (
        [] if limits else ["per_minute: write at least one of per_minute, per_hour, per_session"]
    )
    for name, limit in limits.items():
        found += positive(name, limit)
    for (shorter, few), (longer, many) in pairwise(limits.items()):
        if few > many:
            found.append(
                f"{shorter}: {few} can never be reached, for {longer} allows only {many}; "
                "lower the one or raise the other"
            )
    for name in limits:
        seconds = getattr(parameters.cooldown_s, name)
        found += positive(f"cooldown_s.{name}", seconds)
        if seconds > _LONGEST_S:
            found.append(f"cooldown_s.{name}: must be at most {_LONGEST_S} (a week), not {seconds}")
    return found


def _describe(parameters: TradeFrequencyLimit) -> str:
    cooldown_s = parameters.cooldown_s
    steps = ", ".join(
        f"{limit} {name} → {seconds} s"
        for limit, name, seconds in (
            (parameters.per_minute, "a minute", cooldown_s.per_minute),
            (parameters.per_hour, "an hour", cooldown_s.per_hour),
            (parameters.per_session, "a trading day", cooldown_s.per_session),
        )
        if limit is not None
    )
    what = "trades" if parameters.count_exits else "trades that do not close anything"
    return f"more {what} than {steps}: opening orders cancelled, no new exposure for that long"


RULE = Rule(
    id="RULE-006",
    key="trade_frequency_limit",
    name="TradeFrequencyLimit",
    parameters=TradeFrequencyLimit,
    listens=always(FactKind.TRADE),
    evaluate=_evaluate,
    describe=_describe,
    usage=_usage,
    check=_check,
    strictness={
        "per_minute": lower,
        "per_hour": lower,
        "per_session": lower,
        "cooldown_s": table(per_minute=higher, per_hour=higher, per_session=higher),
        "count_exits": true,
    },
)
