"""How a trading day is counted: what was in force when it began is so to its end, whatever restarts.

Pure. The reset, its zone, and what P&L is made of come from the configuration and cannot change while
the system runs. A restart can bring others: they wait for the reset, since each of them may loosen (an
earlier reset drops the day's losses, gross P&L is higher than net). `DayReset` journals what is in force.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, time
from zoneinfo import ZoneInfo

from actors.account.settings import AccountSettings
from actors.account.trading_day import TradingDay
from messages.values import DayTerms


def terms_of(settings: AccountSettings, day: TradingDay) -> DayTerms:
    """Return how a day is counted that begins under these settings."""
    return DayTerms(
        reset=day.reset.isoformat(),
        timezone=day.zone.key,
        first=day.first.isoformat() if day.first else None,
        since=day.since,
        gross=settings.gross,
        conservative_mark=settings.conservative_mark,
        quote_max_age_s=settings.quote_max_age_s,
    )


def day_of(terms: DayTerms) -> TradingDay:
    """Return the trading day of some terms."""
    return TradingDay(
        reset=time.fromisoformat(terms.reset),
        zone=ZoneInfo(terms.timezone),
        first=date.fromisoformat(terms.first) if terms.first else None,
        since=terms.since,
    )


def under(settings: AccountSettings, terms: DayTerms | None) -> AccountSettings:
    """Return settings as far as the day that has begun lets them count."""
    if terms is None:
        return settings
    return replace(
        settings,
        gross=terms.gross,
        conservative_mark=terms.conservative_mark,
        quote_max_age_s=terms.quote_max_age_s,
    )


def waiting(terms: DayTerms | None, file: AccountSettings) -> Iterator[str]:
    """Say in one line each what changes at the reset."""
    if terms is None:
        return
    now = day_of(terms)
    if (now.reset, now.zone) != (file.day.reset, file.day.zone):
        yield f"trading_day {_said(now)} → {_said(file.day)} at the reset"
    for name, before, after in (
        ("pnl", _pnl(gross=terms.gross), _pnl(gross=file.gross)),
        (
            "mark",
            _mark(conservative=terms.conservative_mark),
            _mark(conservative=file.conservative_mark),
        ),
        ("quote_max_age_s", f"{terms.quote_max_age_s:g}", f"{file.quote_max_age_s:g}"),
    ):
        if before != after:
            yield f"money.{name} {before} → {after} at the reset"


def _said(day: TradingDay) -> str:
    return f"{day.reset.isoformat('minutes')} {day.zone.key}"


def _pnl(*, gross: bool) -> str:
    return "gross" if gross else "net"


def _mark(*, conservative: bool) -> str:
    return "conservative" if conservative else "last"
