"""Alert channels: is there one, and does a test message arrive?

Nothing is sent but for `doctor --send-test`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from actors.ops import exits
from actors.ops.alerts.settings import HEARTBEAT
from actors.ops.alerts.trial import Outcome, send_test
from actors.ops.doctor.finding import Check, Finding
from config.errors import ConfigError
from config.loader import Config

ALERTS = Check("alerts", "who is not told does not look", exits.CONFIG)


@dataclass(frozen=True, slots=True)
class ChannelsRead:
    """What is known of the channels."""

    names: tuple[str, ...]
    """Those configured."""
    tried: tuple[Outcome, ...] | None
    """What became of the test; None = none was asked for."""
    refused: str = ""
    """Why the configuration of the channels cannot be used."""


def read_channels(
    config: Config, environment: Mapping[str, str], now: datetime, *, send: bool
) -> ChannelsRead:
    """Look which channels there are; send a test message over each if that is asked for."""
    try:
        settings = config.alert_settings(environment)
    except ConfigError as error:
        return ChannelsRead((), None, refused="; ".join(error.complaints))
    names = [each.name for each in settings.channels] + [HEARTBEAT] * bool(settings.switch)
    return ChannelsRead(tuple(names), send_test(settings, now) if send else None)


def judge_channels(read: ChannelsRead) -> Iterator[Finding]:
    """Judge whether somebody is told; a channel that was not tried is not known to work."""
    if read.refused:
        fix = "export what it names where the guard is started"
        yield ALERTS.critical(read.refused, fix=fix)
    elif not read.names:
        fix = "configure one, or watch the log, `status --watch` or /readyz by other means"
        yield ALERTS.warning("no channel is configured", fix=fix)
    elif read.tried is None:
        for name in read.names:
            fix = "`doctor --send-test` sends a message over every channel"
            yield ALERTS.unknown("configured, and not tried now", fix=fix, about=name)
    for each in read.tried or ():
        if each.ok:
            what = "the other side took the test message; look whether you got it"
            yield ALERTS.ok(what, about=each.name)
        else:
            fix = "correct its address or its secret, and try again"
            yield ALERTS.critical(f"not delivered: {each.error}", fix=fix, about=each.name)
