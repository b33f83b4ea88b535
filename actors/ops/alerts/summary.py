"""The result of a trading day: every account that was reset, in one message. Pure.

What is counted is what happened since the start; the P&L and the fills are the journal's own.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from actors.ops.alerts.wording import Names, cut, until_of
from actors.ops.facts import usd
from messages.alerts import Notice, Severity
from messages.events import DayReset, RuleBreached

GATHER = timedelta(seconds=30)
"""Accounts that are reset within so long after the first are told with it."""
_SHOWN = 25


@dataclass(slots=True)
class Summary:
    """The days that were closed and are not told yet."""

    names: Names
    _breaches: Counter[tuple[int, str]] = field(default_factory=Counter)
    """By account and trading date."""
    _closed: list[DayReset] = field(default_factory=list)
    _since: datetime | None = None

    def note(self, event: RuleBreached | DayReset, now: datetime) -> None:
        """Count a breach, or keep a day that was closed."""
        match event:
            case RuleBreached():
                self._breaches[event.account, event.trading_date] += 1
            case DayReset(closed_date=str()):
                self._closed.append(event)
                self._since = self._since or now

    def tick(self, now: datetime) -> list[Notice]:
        """Tell the days that were closed, once all had the time to be."""
        if self._since is None or now - self._since < GATHER:
            return []
        closed, self._closed, self._since = self._closed, [], None
        days = sorted({each.closed_date for each in closed if each.closed_date})
        total = sum((each.realised_usd for each in closed), start=closed[0].realised_usd * 0)
        count = "1 account" if len(closed) == 1 else f"{len(closed)} accounts"
        # Those with something to say first: breaches, locks, then the larger results.
        closed.sort(
            key=lambda each: (-self._count(each), not each.lockouts, -abs(each.realised_usd))
        )
        lines = [self._line(each) for each in closed[:_SHOWN]]
        if more := len(closed) - len(lines):
            lines.append(f"and {more} more")
        for each in closed:
            self._breaches.pop((each.account, each.closed_date or ""), None)
        title = f"Day {' and '.join(days)}: {count}, P&L {usd(total)}"
        return [Notice(at=now, severity=Severity.INFO, title=title, lines=tuple(lines))]

    def _count(self, day: DayReset) -> int:
        return self._breaches[day.account, day.closed_date or ""]

    def _line(self, day: DayReset) -> str:
        parts = [f"{self.names.of(day.account)}: P&L {usd(day.realised_usd)}"]
        parts.append(f"{day.closed_trades} closing fills")
        if count := self._count(day):
            parts.append(f"{count} breaches")
        parts += [f"still locked by {each.rule} until {until_of(each)}" for each in day.lockouts]
        return cut(", ".join(parts), 200)
