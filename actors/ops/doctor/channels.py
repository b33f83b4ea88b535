"""Alert channels: is there one, and does a test message arrive?

The one place where the alerts are plugged in is `CHANNELS`: which channels a configuration has, and how
one test message is sent over each of them. Nothing is sent but for `doctor --send-test`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from actors.ops import exits
from actors.ops.doctor.finding import Check, Finding
from config.errors import ConfigError
from config.loader import Config

ALERTS = Check("alerts", "who is not told does not look", exits.CONFIG)


@dataclass(frozen=True, slots=True)
class ChannelTried:
    """One channel, and what became of a test message."""

    channel: str
    """Its name in the configuration."""
    failed: str = ""
    """Why it was not delivered; empty = the other side took it."""


@dataclass(frozen=True, slots=True)
class Channels:
    """How this build reaches people."""

    names: Callable[[Config, Mapping[str, str]], tuple[str, ...]]
    """The channels of a configuration, which may name variables of the environment."""
    send_test: Callable[[Config, Mapping[str, str], datetime], tuple[ChannelTried, ...]]
    """Send one message over each, within a few seconds, and say what became of it."""


CHANNELS: Channels | None = None
"""What `actors/ops/alerts` gives; None = this build has no alerts."""


@dataclass(frozen=True, slots=True)
class ChannelsRead:
    """What is known of the channels."""

    names: tuple[str, ...] | None
    """Those configured; None = this build has no alerts."""
    tried: tuple[ChannelTried, ...] | None
    """What became of the test; None = none was asked for."""
    refused: str = ""
    """Why the configuration of the channels cannot be used."""


def read_channels(
    config: Config,
    environment: Mapping[str, str],
    now: datetime,
    *,
    send_test: bool,
    channels: Channels | None = CHANNELS,
) -> ChannelsRead:
    """Look which channels there are; send a test message if that is asked for."""
    if channels is None:
        return ChannelsRead(None, None)
    try:
        names = channels.names(config, environment)
        tried = channels.send_test(config, environment, now) if send_test else None
    except ConfigError as error:
        return ChannelsRead((), None, refused="; ".join(error.complaints))
    return ChannelsRead(names, tried)


def judge_channels(read: ChannelsRead) -> Iterator[Finding]:
    """Judge whether somebody is told; a channel that was not tried is not known to work."""
    watch = "watch the log, `status --watch` or /readyz by other means"
    if read.refused:
        fix = "export what it names where the guard is started"
        yield ALERTS.critical(read.refused, fix=fix)
    elif read.names is None:
        yield ALERTS.warning("this build sends no alerts", fix=watch)
    elif not read.names:
        yield ALERTS.warning("no channel is configured", fix=f"configure one, or {watch}")
    elif read.tried is None:
        for name in read.names:
            fix = "`doctor --send-test` sends a message over every channel"
            yield ALERTS.unknown("configured, and not tried now", fix=fix, about=name)
    for each in read.tried or ():
        if each.failed:
            fix = "correct its address or its secret, and try again"
            yield ALERTS.critical(f"not delivered: {each.failed}", fix=fix, about=each.channel)
        else:
            what = "the other side took the test message; look whether you got it"
            yield ALERTS.ok(what, about=each.channel)
