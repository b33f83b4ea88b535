"""SwitchActor: pings a dead-man's switch, as healthchecks.io has it, with the latest sign it was told.

Started before the AlertActor, on the channels' loop. A sign that does not get through is tried again,
until a later one takes its place. That nothing is heard at all is what the switch is there for.
"""

import asyncio
from collections.abc import Awaitable
from datetime import datetime, timedelta
from typing import Any

from actors.ops.alerts.channel import Reporter, address_of
from actors.ops.alerts.sending import SendError, Switch
from actors.ops.alerts.settings import HEARTBEAT
from actors.runtime import Clock, Directory, Dispatcher, PooledActor
from messages.alerts import FlushChannel, PingSwitch
from messages.commands import Woken
from messages.queries import ChannelStatus, GetChannelStatus, Ping

RETRY_S = 10.0
FRESH = timedelta(seconds=30)
"""So long it may be said that all is well; whoever said it may be gone by then."""
_ALARMED_AT = 2
"""So many failures in a row are alarmed."""


class SwitchActor(PooledActor):
    """The way to the switch."""

    def __init__(
        self,
        *,
        switch: Switch,
        clock: Clock,
        directory: Directory,
        dispatcher: Dispatcher,
    ) -> None:
        super().__init__(dispatcher=dispatcher)
        self._switch = switch
        self._clock = clock
        self._says = Reporter(HEARTBEAT, clock, directory)
        self._waiting: PingSwitch | None = None
        self._turn = asyncio.Lock()
        self._failing_since: datetime | None = None
        self._error = ""
        self._tries = 0

    def on_receive(self, message: Any) -> Any:
        """Ping with the latest sign; runs on the channels' loop, which it never blocks."""
        match message:
            case PingSwitch():
                self._waiting = message
                return self._pump()
            case Woken():
                return self._pump()
            case FlushChannel():
                return self._flush()
            case GetChannelStatus():
                return self._status()
            case Ping():
                return address_of(HEARTBEAT)
            case _:
                raise TypeError(f"{address_of(HEARTBEAT)} cannot be told {type(message).__name__}")

    def _pump(self) -> Awaitable[None] | None:
        return None if self._turn.locked() else self._send()

    async def _send(self) -> None:
        async with self._turn:
            while ping := self._waiting:
                self._waiting = None
                if not ping.sign and self._clock.now() - ping.at > FRESH:
                    break
                try:
                    await self._switch.ping(ping.sign, ping.text)
                except SendError as error:
                    self._failed(ping, error.failure.error)
                    break
                self._failing_since, self._error, self._tries = None, "", 0
        self._says.log(self._status())

    def _failed(self, ping: PingSwitch, error: str) -> None:
        self._failing_since = self._failing_since or self._clock.now()
        self._error, self._tries = error, self._tries + 1
        self._waiting = self._waiting or ping
        self._says.wake_after(RETRY_S)
        if self._tries >= _ALARMED_AT:
            self._says.alarm(self._status())

    async def _flush(self) -> None:
        await self._send()
        await self._switch.close()

    def _status(self) -> ChannelStatus:
        return ChannelStatus(
            name=HEARTBEAT,
            kind=HEARTBEAT,
            failing_since=self._failing_since,
            error=self._error,
            held_back=0 if self._waiting is None else 1,
            lost=0,
        )
