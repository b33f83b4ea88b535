"""One test message through every configured channel: what `doctor` calls, without arming anything.

Blocks its caller for the longest of the channels' time limits. The dead-man's switch is sent `/log`,
which its checks note without counting it as a sign of life.
"""

import asyncio
from collections.abc import Awaitable
from datetime import datetime
from typing import NamedTuple

from actors.ops.alerts.sending import SendError, Switch, sender_for
from actors.ops.alerts.settings import HEARTBEAT, AlertSettings, ChannelSettings, SwitchSettings
from messages.alerts import Notice, Severity


class Outcome(NamedTuple):
    """What became of the test message of one channel."""

    name: str
    """Its name in the configuration; `heartbeat` for the dead-man's switch."""
    kind: str
    """Its kind."""
    error: str
    """Why it was not taken, without any secret; empty = it was."""

    @property
    def ok(self) -> bool:
        """Say whether it was taken."""
        return not self.error


def send_test(settings: AlertSettings, now: datetime) -> tuple[Outcome, ...]:
    """Send one test message through every channel at once; return how each went, in their order."""
    return asyncio.run(_send_all(settings, now))


async def _send_all(settings: AlertSettings, now: datetime) -> tuple[Outcome, ...]:
    tried = [_try_channel(each, now) for each in settings.channels]
    if settings.switch:
        tried.append(_try_switch(settings.switch))
    return tuple(await asyncio.gather(*tried))


async def _try_channel(channel: ChannelSettings, now: datetime) -> Outcome:
    sender = sender_for(channel)
    notice = Notice(
        at=now,
        severity=Severity.INFO,
        title="Lockstep test: this channel works",
        lines=(f"Sent to {channel.name} by a check of the configuration; nothing has happened.",),
    )
    error = await _error_of(sender.send(notice))
    await sender.close()
    return Outcome(channel.name, channel.kind, error)


async def _try_switch(settings: SwitchSettings) -> Outcome:
    switch = Switch(settings)
    error = await _error_of(switch.ping("/log", "Lockstep test: the heartbeat can be reached"))
    await switch.close()
    return Outcome(HEARTBEAT, HEARTBEAT, error)


async def _error_of(sending: Awaitable[None]) -> str:
    try:
        await sending
    except SendError as error:
        return error.failure.error
    return ""
