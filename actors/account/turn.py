"""One turn of an account: the events it records and the messages it sends, in order.

Pure. Recording evolves the state at once. All events of a turn go to the journal in one `Append`, before
anything else leaves; a turn whose consequences must wait for the disk asks for the answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypedDict

from actors.account.state import AccountState
from messages.base import Message, Send
from messages.commands import CancelWake, WakeAfter, WakeAt
from messages.events import AlarmRaised, Event
from messages.journal import Append
from messages.values import AlarmCode


class Head(TypedDict):
    """What every message of an account begins with."""

    account: int
    at: datetime
    cause: str


@dataclass(slots=True)
class Turn:
    """Collects what one message leads to."""

    state: AccountState
    now: datetime
    cause: str
    token: str
    """Names this turn's `Append` in the journal's answer; unique over all runs."""
    durable: bool = False
    """Whether something waits for the journal's answer."""
    _events: list[Event] = field(default_factory=list)
    _sends: list[Send] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Return the account's own address."""
        return f"account/{self.state.account}"

    def head(self, cause: str | None = None) -> Head:
        """Return the beginning of a message, caused by this turn's message unless told otherwise."""
        return Head(account=self.state.account, at=self.now, cause=cause or self.cause)

    def record(self, *events: Event) -> None:
        """Let events happen: the state evolves now, the journal gets them at the end of the turn."""
        for event in events:
            self.state.evolve(event)
            self._events.append(event)

    @property
    def events(self) -> Sequence[Event]:
        """Return what has happened in this turn so far."""
        return self._events

    @property
    def eventful(self) -> bool:
        """Say whether anything happened in this turn."""
        return bool(self._events)

    def recorded(self, kinds: frozenset[type]) -> bool:
        """Say whether an event of one of these kinds happened in this turn."""
        return not kinds.isdisjoint(map(type, self._events))

    def send(self, to: str, message: Message) -> None:
        """Tell an actor something, after the journal has been told this turn's events."""
        self._sends.append(Send(to, message))

    def alarm(self, code: AlarmCode, text: str) -> None:
        """Record something a person must look at."""
        self.record(AlarmRaised(**self.head(), code=code, text=text))

    def wake_after(self, key: str, after_s: float) -> None:
        """Ask to be woken after a duration of real time."""
        wake = WakeAfter(at=self.now, cause=self.cause, to=self.address, key=key, after_s=after_s)
        self.send("clock", wake)

    def wake_at(self, key: str, due: datetime) -> None:
        """Ask to be woken when the wall clock reaches an instant."""
        self.send("clock", WakeAt(at=self.now, cause=self.cause, to=self.address, key=key, due=due))

    def cancel_wake(self, key: str) -> None:
        """Forget a deadline."""
        self.send("clock", CancelWake(at=self.now, cause=self.cause, to=self.address, key=key))

    def sends(self) -> list[Send]:
        """Return everything that leaves, the journal's `Append` first."""
        if not self._events:
            return self._sends
        append = Append(
            at=self.now,
            cause=self.cause,
            events=tuple(self._events),
            asker=self.address if self.durable else None,
            token=self.token,
        )
        return [Send("journal", append), *self._sends]
