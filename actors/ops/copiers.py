"""CopierActor: watches all accounts' re-entries and fills, and names who seems to be traded by a copier.

Started after the journal, subscribes to it; nothing depends on it, and it never touches an account. In:
`Committed`. Out: `AlarmRaised` to the journal.
"""

from typing import Any

from actors.ops.copying import Copiers, Copying
from actors.runtime import Clock, Directory, Dispatcher, PooledActor
from messages.events import AlarmRaised
from messages.journal import Append, Committed, Subscribe
from messages.queries import Ping
from messages.values import AlarmCode


class CopierActor(PooledActor):
    """Looks across accounts, for people."""

    def __init__(self, *, clock: Clock, directory: Directory, dispatcher: Dispatcher) -> None:
        super().__init__(dispatcher=dispatcher)
        self._clock = clock
        self._directory = directory
        self._copiers = Copiers()

    def on_start(self) -> None:
        """Subscribe to the journal; on a pool thread."""
        subscribe = Subscribe(at=self._clock.now(), cause="start", address="copiers")
        self._directory.tell("journal", subscribe)

    def on_receive(self, message: Any) -> Any:
        """Look at what was committed; on a pool thread."""
        match message:
            case Committed():
                for event in message.records:
                    if copying := self._copiers.note(event):
                        self._alarm(copying)
                return None
            case Ping():
                return "copiers"
            case _:
                raise TypeError(f"copiers cannot be told {type(message).__name__}")

    def _alarm(self, copying: Copying) -> None:
        alarm = AlarmRaised(
            at=self._clock.now(),
            cause="copiers",
            account=None,
            code=AlarmCode.COPIER_SUSPECTED,
            text=copying.text,
        )
        append = Append(at=alarm.at, cause="copiers", events=(alarm,), asker=None, token="")
        self._directory.tell("journal", append)
