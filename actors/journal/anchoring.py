"""AnchorActor: keeps the anchor a moment behind the journal, off the way of every decision.

Started after the journal and the clock, on a thread of its own. It hears of every commit and reads for
itself, on a connection of its own, how far the disk is: what it writes is on disk already. The anchor is
at most a second behind, a tenth of one after a lock, and level after a stop in order. What it cannot
write is alarmed once and tried again; nothing waits for it.
"""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from actors.journal.anchor import Anchor
from actors.journal.batch import ADDRESS as JOURNAL
from actors.journal.errors import StoreError
from actors.journal.store import Store
from actors.runtime.actor import PooledActor
from actors.runtime.clock import Clock
from actors.runtime.directory import Directory
from actors.runtime.dispatcher import Dispatcher
from messages.commands import WakeAfter, Woken
from messages.events import AccountLocked, AlarmRaised
from messages.journal import Append, Committed, Subscribe
from messages.queries import Ping
from messages.values import AlarmCode

ADDRESS = "anchor"
BEHIND_S = 1.0
"""Seconds the anchor may be behind what is on disk."""
LOCKED_S = 0.1
"""Seconds it may be behind a lock; many that are locked at once are one write."""


class AnchorActor(PooledActor):
    """The only writer of the anchor while the system runs."""

    def __init__(
        self,
        *,
        path: Path,
        anchor: Anchor,
        fence: Callable[[], str],
        clock: Clock,
        directory: Directory,
        dispatcher: Dispatcher,
    ) -> None:
        super().__init__(dispatcher=dispatcher)
        self._anchor = anchor
        self._fence = fence
        self._path = path
        self._clock = clock
        self._directory = directory
        self._due: float | None = None
        self._failing = False

    def on_start(self) -> None:
        """Subscribe to the journal; runs on this actor's own thread."""
        self._directory.tell(
            JOURNAL, Subscribe(at=self._clock.now(), cause=ADDRESS, address=ADDRESS)
        )
        self._write_within(BEHIND_S)  # what a predecessor had still to write

    def on_receive(self, message: Any) -> Any:
        """Note that the journal went on, or write how far; runs on this actor's own thread."""
        match message:
            case Committed(durable=True, records=records):
                locked = any(isinstance(each, AccountLocked) for each in records)
                self._write_within(LOCKED_S if locked else BEHIND_S)
            case Committed():
                pass  # not on disk: the anchor is never ahead
            case Woken():
                self._write()
            case Ping():
                return ADDRESS
            case _:
                raise TypeError(f"{ADDRESS} cannot be told {type(message).__name__}")
        return None

    def on_stop(self) -> None:
        """Write a last time, if there is something to write; runs on this actor's own thread."""
        if self._due is not None:
            self._write()

    def _write_within(self, seconds: float) -> None:
        due = self._clock.monotonic() + seconds
        if self._due is None or due < self._due:
            self._due = due
            wake = WakeAfter(
                at=self._clock.now(), cause=ADDRESS, to=ADDRESS, key="write", after_s=seconds
            )
            self._directory.tell("clock", wake)

    def _write(self) -> None:
        self._due = None
        if self._fence():
            return  # the journal is another's now, and so is what is said of it
        try:
            with closing(Store.open_read_only(self._path)) as store:
                self._anchor.write(store.mark())
        except StoreError as error:
            self._alarm_once(str(error))
            self._write_within(BEHIND_S)
        else:
            self._failing = False

    def _alarm_once(self, text: str) -> None:
        if self._failing:
            return
        self._failing = True
        alarm = AlarmRaised(
            at=self._clock.now(),
            cause=ADDRESS,
            account=None,
            code=AlarmCode.ANCHOR_FAILED,
            text=f"{text}; until then a roll-back of the journal would not be found",
        )
        append = Append(at=alarm.at, cause=ADDRESS, events=(alarm,), asker=None, token=ADDRESS)
        self._directory.tell(JOURNAL, append)
