"""ArchivistActor: lets old events leave the journal while the system runs, a little at a time.

Once a day, some minutes after the first reset, on a thread of its own: it reads the journal on a
connection of its own, writes and walks the archive in steps of about a millisecond, and has the journal's
thread do the rest in short transactions (`tidying.py`), each asked for when the one before was answered.
A pause follows each step, so that whoever guards finds processor, interpreter and disk free. What fails
is alarmed and begun anew after the next day's reset.
"""

from collections.abc import Callable, Generator
from contextlib import closing
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

from actors.journal.anchor import Anchor
from actors.journal.archiving import LARGEST, end_of, preparing
from actors.journal.batch import ADDRESS as JOURNAL
from actors.journal.connection import refusing
from actors.journal.errors import StoreError
from actors.journal.store import Store
from actors.runtime.actor import PooledActor
from actors.runtime.clock import Clock
from actors.runtime.directory import Directory
from actors.runtime.dispatcher import Dispatcher
from messages.commands import WakeAfter, Woken
from messages.events import AlarmRaised, DayReset
from messages.journal import (
    AnnounceArchive,
    Append,
    Committed,
    Subscribe,
    SweepArchived,
    Tidied,
    TidyFailed,
)
from messages.queries import Ping
from messages.values import AlarmCode

ADDRESS = "archivist"
AFTER_S = 600.0
"""Seconds from the day's first reset to the first step: the others are reset at that hour too."""
PAUSE_S = 0.03
"""Seconds between two steps."""

type Job = Generator[AnnounceArchive | SweepArchived | None, Tidied | None, None]


class ArchivistActor(PooledActor):
    """The only one that archives while the system runs."""

    def __init__(
        self,
        *,
        path: Path,
        anchor: Anchor,
        keep_days: int,
        fence: Callable[[], str],
        clock: Clock,
        directory: Directory,
        dispatcher: Dispatcher,
    ) -> None:
        super().__init__(dispatcher=dispatcher)
        self._path = path
        self._anchor = anchor
        self._keep_days = keep_days
        self._fence = fence
        self._clock = clock
        self._directory = directory
        self._due = False
        self._job: Job | None = None
        self._tidied: Tidied | None = None

    def on_start(self) -> None:
        """Subscribe to the journal; go on soon with what an earlier run has left."""
        subscribe = Subscribe(at=self._clock.now(), cause=ADDRESS, address=ADDRESS)
        self._directory.tell(JOURNAL, subscribe)
        self._begin_later()

    def on_receive(self, message: Any) -> Any:
        """Wait for a reset, or do one step; runs on this actor's own thread."""
        match message:
            case Committed(records=records):
                if any(isinstance(each, DayReset) for each in records):
                    self._begin_later()
            case Woken(key="begin"):
                self._due = False
                self._drop()
                self._job = self._work()
                self._step()
            case Woken():
                self._step()
            case Tidied():
                self._tidied = message
                self._wake("step", PAUSE_S)
            case TidyFailed(reason=reason):
                self._give_up(reason)
            case Ping():
                return ADDRESS
            case _:
                raise TypeError(f"{ADDRESS} cannot be told {type(message).__name__}")
        return None

    def on_stop(self) -> None:
        """Leave no draft behind; runs on this actor's own thread."""
        self._drop()

    def _begin_later(self) -> None:
        if not self._due:
            self._due = True
            self._wake("begin", AFTER_S)

    def _step(self) -> None:
        if self._job is None:
            return
        if self._fence():
            self._drop()  # the journal is another's now
            return
        answer, self._tidied = self._tidied, None
        try:
            with refusing(self._path):
                wanted = self._job.send(answer)
        except StopIteration:
            self._job = None
        except StoreError as error:
            self._give_up(str(error))
        else:
            if wanted is None:
                self._wake("step", PAUSE_S)
            else:
                self._directory.tell(JOURNAL, wanted)

    def _work(self) -> Job:
        with closing(Store.open_read_only(self._path)) as store:
            yield from self._sweeping()
            today = self._clock.now().astimezone(UTC).date()
            end = end_of(store, today - timedelta(days=self._keep_days))
            known = self._anchor.read()
            # What the anchor does not know yet stays: it must never be of before the base.
            end = min(end, known.seq if known else 0)
            while (base := store.base().seq) < end:
                last = min(base + LARGEST, end)
                ready = yield from preparing(store, last, self._path.parent)
                now = self._clock.now()
                yield AnnounceArchive(at=now, cause=ADDRESS, asker=ADDRESS, ready=ready)
                yield from self._sweeping()

    def _sweeping(self) -> Job:
        answer: Tidied | None = None
        while answer is None or answer.left:
            answer = yield SweepArchived(at=self._clock.now(), cause=ADDRESS, asker=ADDRESS)

    def _drop(self) -> None:
        job, self._job, self._tidied = self._job, None, None
        if job is not None:
            job.close()

    def _give_up(self, reason: str) -> None:
        self._drop()
        alarm = AlarmRaised(
            at=self._clock.now(),
            cause=ADDRESS,
            account=None,
            code=AlarmCode.ARCHIVE_FAILED,
            text=f"{reason}; the journal goes on growing; tried again after the next day's reset",
        )
        append = Append(at=alarm.at, cause=ADDRESS, events=(alarm,), asker=None, token=ADDRESS)
        self._directory.tell(JOURNAL, append)

    def _wake(self, key: str, after_s: float) -> None:
        wake = WakeAfter(at=self._clock.now(), cause=ADDRESS, to=ADDRESS, key=key, after_s=after_s)
        self._directory.tell("clock", wake)
