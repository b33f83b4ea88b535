"""What `[alerts]` may say, and what it means together with the environment. URLs are never said.

A URL holds a token, so it comes from the environment; a file only names the variable. What is wrong with
one is told by the variable's name.
"""

import importlib.util
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

from actors.ops.alerts.core import Terms
from actors.ops.alerts.settings import (
    HEARTBEAT,
    AlertSettings,
    ChannelSettings,
    QuietTimes,
    SwitchSettings,
    secrets_in,
)
from config.calendars import wall_of, zone_of
from config.keys import shown
from config.listening import is_loopback
from config.schema import Alerts, Channel, QuietHours
from messages.alerts import Severity

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_LONGEST_S = 3600
_LONGEST_DIGEST_MINUTES = 1440
_MOST_A_MINUTE = 60
_LONGEST_SEND_S = 60


def check_alerts(alerts: Alerts, complaints: list[str]) -> None:
    """Add what is wrong with the table, whatever the environment says."""
    if not 0 < alerts.warn_at_percent < 100:  # noqa: PLR2004 - a percentage
        complaints.append(
            "alerts.warn_at_percent: must be greater than 0 and less than 100, "
            f"not {alerts.warn_at_percent}"
        )
    for where, value, least, most in _ranges(alerts):
        if not least <= value <= most:
            complaints.append(f"{where}: must be from {least} to {most}, not {value}")
    if alerts.quiet_hours:
        _quiet_of(alerts.quiet_hours, complaints)
    for where, name in _variables(alerts):
        if not _VARIABLE.fullmatch(name):
            complaints.append(
                f"{where}: must be the name of an environment variable, like LOCKSTEP_HOOK; "
                "the URL itself is a secret and stands there, not here"
            )
    _check_names(alerts, complaints)


def _ranges(alerts: Alerts) -> Iterator[tuple[str, Decimal | float, float, float]]:
    yield "alerts.unprotected_after_s", alerts.unprotected_after_s, 0, _LONGEST_S
    yield "alerts.digest_minutes", alerts.digest_minutes, 1, _LONGEST_DIGEST_MINUTES
    if alerts.heartbeat:
        yield "alerts.heartbeat.every_s", alerts.heartbeat.every_s, 10, _LONGEST_S
    for place, each in enumerate(alerts.channels):
        where = shown(("alerts", "channels", place))
        yield f"{where}.max_per_minute", each.max_per_minute, 1, _MOST_A_MINUTE
        yield f"{where}.timeout_s", each.timeout_s, 0.1, _LONGEST_SEND_S


def _variables(alerts: Alerts) -> Iterator[tuple[str, str]]:
    """Yield where a URL's variable is named, and its name."""
    for place, each in enumerate(alerts.channels):
        yield shown(("alerts", "channels", place, "url_env")), each.url_env
    if alerts.heartbeat:
        yield "alerts.heartbeat.url_env", alerts.heartbeat.url_env


def _check_names(alerts: Alerts, complaints: list[str]) -> None:
    seen: set[str] = {HEARTBEAT}
    for place, each in enumerate(alerts.channels):
        where = shown(("alerts", "channels", place, "name"))
        if not _NAME.fullmatch(each.name):
            complaints.append(
                f"{where}: {each.name!r} must be letters, digits, '-', '_' and '.' only"
            )
        elif each.name in seen:
            complaints.append(f"{where}: {each.name!r} is taken already; write another name")
        seen.add(each.name)
        if each.kind == "apprise" and importlib.util.find_spec("apprise") is None:
            complaints.append(
                f"{shown(('alerts', 'channels', place, 'kind'))}: apprise is not installed; install it "
                "with `uv sync --extra apprise` or `pip install 'lockstep[apprise]'`, or use a webhook"
            )


def _quiet_of(table: QuietHours, complaints: list[str]) -> QuietTimes | None:
    zone = zone_of(table.timezone, "alerts.quiet_hours.timezone", complaints)
    start = wall_of(table.start, "alerts.quiet_hours.start", complaints)
    end = wall_of(table.end, "alerts.quiet_hours.end", complaints)
    if start is not None and start == end:
        complaints.append("alerts.quiet_hours.end: must not be the same time as start")
    return None if zone is None or start is None or end is None else QuietTimes(start, end, zone)


def settings_of(
    alerts: Alerts, environment: Mapping[str, str], complaints: list[str]
) -> AlertSettings:
    """Return what a checked table means; add what is wrong with the environment."""
    quiet = _quiet_of(alerts.quiet_hours, complaints) if alerts.quiet_hours else None
    channels = tuple(
        _channel(each, url, quiet)
        for place, each in enumerate(alerts.channels)
        if (where := shown(("alerts", "channels", place, "url_env")))
        and (url := _url(environment, each.url_env, each.kind, where, complaints))
    )
    switch = None
    if beat := alerts.heartbeat:
        where = "alerts.heartbeat.url_env"
        if url := _url(environment, beat.url_env, HEARTBEAT, where, complaints):
            switch = SwitchSettings(url=url, every_s=beat.every_s)
    return AlertSettings(
        terms=Terms(
            warn_share=alerts.warn_at_percent / 100,
            patience=timedelta(seconds=alerts.unprotected_after_s),
            digest=timedelta(minutes=alerts.digest_minutes),
            summary=alerts.daily_summary,
        ),
        channels=channels,
        switch=switch,
    )


def secrets_of(alerts: Alerts, environment: Mapping[str, str]) -> list[str]:
    """Return what no log may say of the channels' URLs."""
    urls = [environment.get(name, "").strip() for _, name in _variables(alerts)]
    return [secret for url in urls if url for secret in secrets_in(url)]


def _channel(each: Channel, url: str, quiet: QuietTimes | None) -> ChannelSettings:
    return ChannelSettings(
        name=each.name,
        kind=each.kind,
        url=url,
        min_severity=Severity(each.min_severity),
        max_per_minute=each.max_per_minute,
        timeout_s=each.timeout_s,
        quiet=quiet,
    )


def _url(
    environment: Mapping[str, str], name: str, kind: str, where: str, complaints: list[str]
) -> str | None:
    url = environment.get(name, "").strip()
    if not url:
        complaints.append(f"{where}: environment variable {name} is not set; export it")
        return None
    wrong = _apprise_complaint(url) if kind == "apprise" else _web_complaint(url, kind)
    if wrong:
        complaints.append(f"{where}: environment variable {name} {wrong}")
        return None
    return url


def _web_complaint(url: str, kind: str) -> str | None:
    """Return what is wrong with a URL; never a part of it."""
    if not (url.isascii() and url.isprintable()) or " " in url:
        return "is no URL; copy it anew"
    try:
        split = urlsplit(url)
        host, _port = split.hostname, split.port  # raises for what is no port
    except ValueError:
        return "is no URL; copy it anew"
    if split.scheme not in {"http", "https"} or not host:
        return "is no https URL; copy it anew, with https:// before it"
    if split.scheme == "http" and not is_loopback(host):
        return "is not encrypted, and its token can be read on the way; write https"
    if kind == "telegram" and not (
        split.path.endswith("/sendMessage") and parse_qs(split.query).get("chat_id")
    ):
        return "must be https://api.telegram.org/bot<token>/sendMessage?chat_id=<chat>"
    return None


def _apprise_complaint(url: str) -> str | None:
    from actors.ops.alerts.sending import silence_apprise

    try:
        import apprise
    except ImportError:
        return "needs apprise, which cannot be imported; install it anew"

    silence_apprise()
    if apprise.Apprise().add(url):
        return None
    return "is no URL that apprise knows; look at its documentation of the service"
