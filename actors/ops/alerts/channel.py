"""ChannelActor: sends what it is told to one channel, one message at a time; it may fail as it likes.

One per channel, on a loop shared with the other channels and with nobody else; started before the
AlertActor. In: `Deliver`, `Woken`, and asked `FlushChannel` and `GetChannelStatus`. Out: an alarm when it
fails. What waits is bounded by its outbox; nothing waits for it.
"""

import asyncio
from collections.abc import Awaitable
from datetime import datetime, timedelta
from typing import Any

import structlog

from actors.ops.alerts.outbox import Outbox
from actors.ops.alerts.sending import Sender, SendError
from actors.runtime import Clock, Directory, Dispatcher, PooledActor
from messages.alerts import Deliver, FlushChannel
from messages.commands import WakeAfter, Woken
from messages.events import AlarmRaised
from messages.journal import Append
from messages.queries import ChannelStatus, GetChannelStatus, Ping
from messages.values import AlarmCode

CLOCK = "clock"
ALARM_AGAIN = timedelta(minutes=30)
"""A channel that fails again and again is alarmed so often at most."""


def address_of(channel: str) -> str:
    """Return the address of a channel's actor."""
    return f"channel/{channel}"


class Reporter:
    """What every actor of a channel says of itself, and to whom."""

    def __init__(self, name: str, clock: Clock, directory: Directory) -> None:
        self._address = address_of(name)
        self._clock = clock
        self._directory = directory
        self._log = structlog.get_logger(actor="alerts", channel=name)
        self._alarmed_at: datetime | None = None
        self._failing = False

    def log(self, channel: ChannelStatus) -> None:
        """Log how it fares, when that turns."""
        failing = channel.failing_since is not None
        if failing is not self._failing:
            say = self._log.warning if failing else self._log.info
            say("channel_fails" if failing else "channel_works_again", error=channel.error)
        self._failing = failing

    def alarm(self, channel: ChannelStatus) -> None:
        """Have people told through the other channels that nothing gets through here, once in a while."""
        now = self._clock.now()
        if self._alarmed_at is not None and now - self._alarmed_at < ALARM_AGAIN:
            return
        self._alarmed_at = now
        alarm = AlarmRaised(
            at=now,
            cause=self._address,
            account=None,
            code=AlarmCode.ALERT_CHANNEL_FAILED,
            text=f"alert channel {channel.name} ({channel.kind}) fails: {channel.error}; what it is "
            "told waits, and is tried again, later and later; look at its URL, and at the network",
        )
        append = Append(at=now, cause=self._address, events=(alarm,), asker=None, token="")
        self._directory.tell("journal", append)

    def wake_after(self, seconds: float) -> None:
        """Be woken later; while everything stops there is no later."""
        if self._directory.is_alive(CLOCK):
            wake = WakeAfter(
                at=self._clock.now(),
                cause=self._address,
                to=self._address,
                key="send",
                after_s=seconds,
            )
            self._directory.tell(CLOCK, wake)


class ChannelActor(PooledActor):
    """The way to one channel."""

    def __init__(
        self,
        *,
        outbox: Outbox,
        sender: Sender,
        clock: Clock,
        directory: Directory,
        dispatcher: Dispatcher,
    ) -> None:
        super().__init__(dispatcher=dispatcher)
        self._outbox = outbox
        self._sender = sender
        self._clock = clock
        self._name = outbox.settings.name
        self._says = Reporter(self._name, clock, directory)
        self._turn = asyncio.Lock()

    def on_receive(self, message: Any) -> Any:
        """Take a notice and send what may be sent; runs on the channels' loop, which it never blocks."""
        match message:
            case Deliver(notice=notice):
                self._outbox.offer(notice)
                return self._pump()
            case Woken():
                return self._pump()
            case FlushChannel():
                return self._send(last=True)
            case GetChannelStatus():
                return self._outbox.status()
            case Ping():
                return address_of(self._name)
            case _:
                raise TypeError(f"{address_of(self._name)} cannot be told {type(message).__name__}")

    def _pump(self) -> Awaitable[None] | None:
        # Whoever sends now goes on until nothing is left to be sent.
        return None if self._turn.locked() else self._send(last=False)

    async def _send(self, *, last: bool) -> None:
        async with self._turn:
            while notice := self._outbox.next(self._clock.now(), last=last):
                try:
                    await self._sender.send(notice)
                except SendError as error:
                    if self._outbox.failed(error.failure, self._clock.now()) and not last:
                        self._says.alarm(self._outbox.status())
                    if last:
                        break
                else:
                    self._outbox.sent()
        self._says.log(self._outbox.status())
        if last:
            await self._sender.close()
        elif (wait_s := self._outbox.wake_in_s(self._clock.now())) is not None:
            self._says.wake_after(wait_s)
