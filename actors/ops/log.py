"""LogActor: says every event of the journal once, after it is on disk (or could not be put there).

Started after the journal, subscribes to it, and nothing depends on it. Decisions are logged as they are
named, in snake_case, with what people should read as `say`; plain facts only at debug level.
"""

import logging
from collections.abc import Callable
from typing import Any

import structlog

from actors.ops.narrator import narrate
from actors.runtime import Clock, Directory, Dispatcher, PooledActor
from messages import codec
from messages.base import Message
from messages.journal import Committed, Subscribe
from messages.queries import Ping

_LEVELS = logging.getLevelNamesMapping()


class LogActor(PooledActor):
    """Everything that happened, as log lines."""

    def __init__(
        self,
        *,
        in_shadow: Callable[[int], bool],
        clock: Clock,
        directory: Directory,
        dispatcher: Dispatcher,
    ) -> None:
        super().__init__(dispatcher=dispatcher)
        self._in_shadow = in_shadow
        self._clock = clock
        self._directory = directory
        self._log = structlog.get_logger(actor="log")

    def on_start(self) -> None:
        """Subscribe to the journal; runs on this actor's own thread."""
        self._directory.tell(
            "journal", Subscribe(at=self._clock.now(), cause="start", address="log")
        )

    def on_receive(self, message: Any) -> Any:
        """Log what was committed; runs on this actor's own thread, so a slow terminal harms nobody."""
        match message:
            case Committed():
                for event in message.records:
                    self._say(event, durable=message.durable)
                return None
            case Ping():
                return "log"
            case _:
                raise TypeError(f"log cannot be told {type(message).__name__}")

    def _say(self, event: Message, *, durable: bool) -> None:
        account = getattr(event, "account", None)
        shadow = account is not None and self._in_shadow(account)
        lines = narrate(event, shadow=shadow)
        level = max((_LEVELS[level.upper()] for level, _ in lines), default=logging.DEBUG)
        if not self._log.is_enabled_for(level):
            return
        said: dict[str, Any]
        said = {"say": "\n".join(text for _, text in lines)} if lines else {}
        if shadow:
            said["shadow"] = True
        fields = {key: value for key, value in codec.builtins(event).items() if key != "kind"}
        if not durable:
            said["durable"] = "no"
        self._log.log(level, codec.kind(event), **(fields | said))
