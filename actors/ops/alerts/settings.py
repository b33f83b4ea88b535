"""What the configuration and the environment say of alerts, ready to be used. URLs are secrets.

Made by `config/alerting.py`; nothing that holds a URL shows it in its repr.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from urllib.parse import parse_qsl, unquote, urlsplit
from zoneinfo import ZoneInfo

from actors.account.trading_day import local_instant
from actors.ops.alerts.core import Terms
from messages.alerts import Severity

HEARTBEAT = "heartbeat"
"""Name of the dead-man's switch among the channels, and its kind."""
_SHORT, _LONG = 8, 16
"""Characters of a token with a digit in it, and of one without: `services` is none."""
_SHORTEST_PASSWORD = 4
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class QuietTimes:
    """When only what is critical is sent."""

    start: time
    """Local."""
    end: time
    """Local; earlier than `start` = on the next day."""
    zone: ZoneInfo
    """Of both."""

    def hold(self, now: datetime) -> bool:
        """Say whether it is quiet."""
        wall = now.astimezone(self.zone).time()
        if self.start < self.end:
            return self.start <= wall < self.end
        return wall >= self.start or wall < self.end

    def end_after(self, now: datetime) -> datetime:
        """Return when it next ends, UTC; where the clocks go back it may end twice."""
        today = now.astimezone(self.zone).date()
        ends = [local_instant(today + offset, self.end, self.zone) for offset in (0 * _DAY, _DAY)]
        again = datetime.combine(today, self.end.replace(fold=1), tzinfo=self.zone).astimezone(UTC)
        return min(each for each in (*ends, again) if each > now and not self.hold(each))


@dataclass(frozen=True, slots=True)
class ChannelSettings:
    """One way to people."""

    name: str
    kind: str
    url: str = field(repr=False)
    min_severity: Severity = Severity.INFO
    max_per_minute: int = 10
    timeout_s: float = 10.0
    quiet: QuietTimes | None = None


@dataclass(frozen=True, slots=True)
class SwitchSettings:
    """The dead-man's switch."""

    url: str = field(repr=False)
    every_s: float = 60.0
    timeout_s: float = 10.0


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """Everything about alerts."""

    terms: Terms
    channels: tuple[ChannelSettings, ...]
    switch: SwitchSettings | None

    @property
    def wanted(self) -> bool:
        """Say whether there is anybody to tell."""
        return bool(self.channels) or self.switch is not None


def secrets_in(url: str) -> list[str]:
    """Return what of a URL must never be said: all of it, and every part that may be a token."""
    split = urlsplit(url)
    user, _, at = split.netloc.rpartition("@")
    parts = [*split.path.split("/"), *(value for _, value in parse_qsl(split.query))]
    parts += (
        [split.netloc] if split.scheme not in {"http", "https"} else []
    )  # apprise's own schemes
    parts = [each for each in parts if _may_be_token(each)]
    parts += [each for each in user.split(":") if at and len(each) >= _SHORTEST_PASSWORD]
    forms = dict.fromkeys([*parts, *map(unquote, parts)])
    return list(dict.fromkeys([url, *sorted(forms, key=len, reverse=True)]))


def _may_be_token(part: str) -> bool:
    """Say whether a part of a URL is more than a word; words stand in every other log line."""
    return len(part) >= _LONG or (len(part) >= _SHORT and any(each.isdigit() for each in part))


def without(text: str, secrets: list[str]) -> str:
    """Return a text in which none of these secrets stands."""
    for each in secrets:
        text = text.replace(each, "***")
    return text
