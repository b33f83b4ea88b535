"""AlertActor: tells people, through the channels' actors, what the core makes of the journal.

Started after the journal and the channels, on a thread of its own; nothing protective depends on it, and
it never asks or tells any account. In: `Committed` of the journal, `NoteStanding` of the lookout. Out:
`Deliver` to every channel, `PingSwitch` to the switch. It waits for nobody but, as it stops, some seconds
for the channels to send what they have.
"""

from datetime import datetime
from typing import Any

from actors.ops.alerts.channel import address_of
from actors.ops.alerts.core import AlertCore
from actors.ops.alerts.settings import HEARTBEAT
from actors.runtime import Clock, Directory, Dispatcher, PooledActor, answers_within
from messages.alerts import (
    Deliver,
    FlushChannel,
    NoteStanding,
    Notice,
    PingSwitch,
)
from messages.base import Message
from messages.journal import Committed, Subscribe
from messages.queries import Ping

ADDRESS = "alerts"
FLUSH_S = 3.0
"""How long a stop waits for what is to be sent."""


class AlertActor(PooledActor):
    """Who is told what."""

    def __init__(
        self,
        *,
        core: AlertCore,
        channels: tuple[str, ...],
        ping_every_s: float | None,
        clock: Clock,
        directory: Directory,
        dispatcher: Dispatcher,
    ) -> None:
        super().__init__(dispatcher=dispatcher)
        self._core = core
        self._channels = channels
        self._ping_every_s = ping_every_s
        """None = there is no dead-man's switch."""
        self._clock = clock
        self._directory = directory
        self._unrecorded: set[Message] = set()
        """Told although the disk refused them; they come again when it no longer does."""
        self._sign: str | None = None
        self._pinged_at = 0.0

    def on_start(self) -> None:
        """Subscribe to the journal; runs on this actor's own thread."""
        subscribe = Subscribe(at=self._clock.now(), cause="start", address=ADDRESS)
        self._directory.tell("journal", subscribe)
        self._ping("/start", "starting")

    def on_receive(self, message: Any) -> Any:
        """Tell what follows from a message; runs on this actor's own thread."""
        match message:
            case Committed():
                self._note(message)
            case NoteStanding():
                now = self._clock.now()
                self._deliver(self._core.look(message.status, now), now)
                self._beat()
            case Ping():
                return ADDRESS
            case _:
                raise TypeError(f"{ADDRESS} cannot be told {type(message).__name__}")
        return None

    def on_stop(self) -> None:
        """Let the channels send what they have, for some seconds; runs on this actor's own thread."""
        if self.suspended:
            return
        self._ping("/fail", "it was stopped: nothing is guarded until it runs again")
        flush = FlushChannel(at=self._clock.now(), cause=ADDRESS)
        asked = {
            name: self._directory.ref(address_of(name)).ask(flush, block=False)
            for name in self._everybody()
            if self._directory.is_alive(address_of(name))
        }
        answers_within(FLUSH_S, asked)

    def _note(self, committed: Committed) -> None:
        now = self._clock.now()
        for event in committed.records:
            if self._unrecorded and event in self._unrecorded:
                self._unrecorded.discard(event)
                continue
            if not committed.durable:
                self._unrecorded.add(event)
            self._deliver(self._core.note(event, now), now)

    def _deliver(self, notices: list[Notice], now: datetime) -> None:
        for notice in notices:
            deliver = Deliver(at=now, cause=ADDRESS, notice=notice)
            for name in self._channels:
                self._directory.tell(address_of(name), deliver)

    def _beat(self) -> None:
        """Ping while all are protected; when one has not been for too long, say so at once."""
        if complaint := self._core.complaint:
            self._ping_if_due("/fail", complaint)
        elif well := self._core.well:
            self._ping_if_due("", well)

    def _ping_if_due(self, sign: str, text: str) -> None:
        passed_s = self._clock.monotonic() - self._pinged_at
        if sign != self._sign or (self._ping_every_s and passed_s >= self._ping_every_s):
            self._ping(sign, text)

    def _ping(self, sign: str, text: str) -> None:
        if self._ping_every_s is None:
            return
        self._sign, self._pinged_at = sign, self._clock.monotonic()
        ping = PingSwitch(at=self._clock.now(), cause=ADDRESS, sign=sign, text=text)
        self._directory.tell(address_of(HEARTBEAT), ping)

    def _everybody(self) -> tuple[str, ...]:
        return self._channels if self._ping_every_s is None else (*self._channels, HEARTBEAT)
