"""Notices, accounts and instants for the tests of the pure parts."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from actors.ops.alerts.settings import ChannelSettings
from messages.alerts import Notice, Severity
from messages.queries import AccountStatus, SystemStatus
from messages.values import Health, LimitUse, Phase

NOW = datetime(2025, 10, 29, 17, tzinfo=UTC)
CHICAGO = ZoneInfo("America/Chicago")
INFO, WARNING, CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL


def later(seconds):
    return NOW + timedelta(seconds=seconds)


def notice(severity=WARNING, title="something", at=NOW, **more):
    return Notice(at=at, severity=severity, title=title, **more)


def terms(**more):
    """Return a channel's settings."""
    return ChannelSettings(name="desk", kind="json", url="https://example.com", **more)


def use(value, limit, unit="usd", **more):
    """Return how much of a limit is used."""
    known = {"rule": "RULE-003", "what": "day's loss"} | more
    return LimitUse(value=Decimal(value), limit=Decimal(limit), unit=unit, **known)


def account(number=1, **more):
    """Return an account that stands well."""
    known = {
        "account": number,
        "name": f"50K-{number}",
        "login": "desk",
        "phase": Phase.OPEN,
        "health": Health.LIVE,
        "health_reason": "",
        "trading_date": "2025-10-29",
        "realised_usd": Decimal(0),
        "open_usd": Decimal(0),
        "positions": (),
        "working_orders": 0,
        "lockouts": (),
        "enforcement": None,
        "queued": (),
        "starting": None,
    }
    return AccountStatus(**(known | more))


def system(*accounts, **more):
    """Return how a system with these accounts stands."""
    known = {
        "version": "0.1.0",
        "config": "00",
        "config_version": 1,
        "at": NOW,
        "live": True,
        "unrecorded": 0,
        "accounts": accounts,
        "unanswered": (),
    }
    return SystemStatus(**(known | more))
