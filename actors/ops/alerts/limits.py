"""Limits that are nearly used up: warned of once a limit and trading day. Pure.

Of a limit in whole contracts or trades whose last step is the limit itself (2 of 2 contracts) nothing is
told: reaching it is allowed, and there is no step before it.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from actors.ops.alerts.wording import Names
from messages.alerts import Notice, Severity
from messages.queries import AccountStatus
from messages.values import LimitUse

_SHOWN = 15


@dataclass(slots=True)
class Limits:
    """What was warned of."""

    names: Names
    share: Decimal
    """From this part of a limit on it is warned of."""
    _told: dict[int, tuple[str, set[tuple[str, str]]]] = field(default_factory=dict)
    """By account: its trading day, and what was told in it."""

    def look(self, accounts: Iterable[AccountStatus], now: datetime) -> list[Notice]:
        """Return one warning of all limits that are nearly used up and were not told today."""
        new = [(each, use) for each in accounts for use in self._new(each)]
        if not new:
            return []
        lines = [f"{self.names.of(each.account)}: {line_of(use)}" for each, use in new[:_SHOWN]]
        more = [f"and {len(new) - _SHOWN} more"] if len(new) > _SHOWN else []
        wanted = all(use.target for _, use in new)
        title = f"{len(new)} limits are nearly used up"
        account = None
        if len(new) == 1:
            title, account = lines.pop(0), new[0][0].account
        return [
            Notice(
                at=now,
                severity=Severity.INFO if wanted else Severity.WARNING,
                title=title,
                lines=(*lines, *more),
                account=account,
            )
        ]

    def _new(self, each: AccountStatus) -> Iterator[LimitUse]:
        day, told = self._told.get(each.account, ("", set[tuple[str, str]]()))
        if day != each.trading_date:
            told = set()
        for use in each.limits:
            key = (use.rule, use.what)
            if key not in told and self._is_near(use):
                told.add(key)
                if use.share < 1 or use.unit != "usd":  # else its breach says it
                    yield use
        self._told[each.account] = each.trading_date, told

    def _is_near(self, use: LimitUse) -> bool:
        if use.unit != "usd" and math.ceil(self.share * use.limit) >= use.limit:
            return False
        return use.share >= self.share


def line_of(use: LimitUse) -> str:
    """Return how far a limit is used up, e.g. `84 % of RULE-003: day's loss $420.00 of $500.00`."""
    sign, form = ("$", ".2f") if use.unit == "usd" else ("", "f")
    percent = math.floor(use.share * 100)
    what = f"{use.what} {sign}{use.value:{form}} of {sign}{use.limit:{form}}"
    return f"{percent} % of {use.rule}: {what}"
