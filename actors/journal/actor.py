"""The JournalActor: everything that waits goes to disk in one transaction, then its askers are told.

Started first and stopped last, on a thread of its own. In: `Append`, `ReadAccount` and `GetUnrecorded`
(asked), `Subscribe`, `AnnounceArchive` and `SweepArchived`, `Ping`. Out: to each asker one `Appended` or
`AppendFailed`, then `Committed` to the subscribers. While the store refuses, events are kept in memory
in their order and tried again every second. It never blocks a sender, reorders, or says `Appended`
before the fsync.
"""

import sqlite3
from types import TracebackType
from typing import Any

from pykka._envelope import Envelope

from actors.journal.batch import (
    ADDRESS,
    Waiting,
    dead_letter,
    events_of,
    rows_of,
    unasked,
    waiting_for,
)
from actors.journal.errors import LeaseLostError
from actors.journal.memory import Memory
from actors.journal.store import Store
from actors.journal.tidying import tidy
from actors.runtime.actor import PooledActor
from actors.runtime.clock import Clock
from actors.runtime.directory import Directory
from actors.runtime.dispatcher import Dispatcher
from actors.runtime.inbox import Inbox
from messages.commands import WakeAfter, Woken
from messages.events import AlarmRaised, DayReset, Event
from messages.journal import (
    AnnounceArchive,
    Append,
    Appended,
    AppendFailed,
    Committed,
    ReadAccount,
    Recorded,
    Subscribe,
    SweepArchived,
    TidyFailed,
)
from messages.queries import GetJournalStatus, GetUnrecorded, JournalStatus, Ping
from messages.values import AlarmCode

RETRY_S = 1.0
"""Seconds between two tries while the store refuses; what comes meanwhile is refused at once."""

_GOES_ON = "enforcement goes on, unrecorded for now"


class JournalInbox(Inbox):
    """An inbox whose thread does not linger once somebody waits for an answer."""

    __slots__ = ()

    def put(self, envelope: Envelope[Any], /) -> None:
        """Add a message; never blocks."""
        super().put(envelope)
        message = envelope.message
        if envelope.reply_to is not None or (isinstance(message, Append) and message.asker):
            self.dispatcher.hurry()

    def _end_turn(self, claim: list[None], *, full: bool) -> None:
        if full:
            self.dispatcher.hurry()  # somebody may wait for an answer among what is left
        super()._end_turn(claim, full=full)


class JournalActor(PooledActor):
    """The only writer of the store."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        directory: Directory,
        dispatcher: Dispatcher,
        memory: Memory | None = None,
    ) -> None:
        super().__init__(dispatcher=dispatcher)
        self._store = store
        self._clock = clock
        self._directory = directory
        self._memory = Memory() if memory is None else memory
        self._waiting: list[Waiting] = []
        self._refusal: str | None = None
        self._retry_at = 0.0
        self._last_seq: int | None = None
        self._aside: AnnounceArchive | SweepArchived | None = None

    @staticmethod
    def _create_actor_inbox() -> Inbox:
        return JournalInbox()

    def on_receive(self, message: Any) -> Any:
        """Collect what is to be stored; answer questions only after it is."""
        match message:
            case Append():
                self._waiting.append(waiting_for(message, self._clock.now()))
            case ReadAccount(account=account):
                self._commit()
                return self._read(account)
            case AnnounceArchive() | SweepArchived():
                self._aside = message  # behind whatever waits for the disk
            case Subscribe(address=address):
                self._memory.subscribers[address] = None
            case GetUnrecorded():
                self._commit()
                return self._unrecorded
            case GetJournalStatus():
                self._commit()
                return JournalStatus(last_seq=self._last_seq, unrecorded=self._unrecorded)
            case Ping():
                self._commit()
                return ADDRESS
            case Woken():
                pass  # the end of this turn tries again
            case _:
                # Not worth dying for: others' events may be waiting in this very turn.
                letter = dead_letter(message, "not a message for the journal", self._clock.now())
                self._waiting.append(unasked(letter))
        return None

    @property
    def _unrecorded(self) -> int:
        return len(self._memory.rows) + self._memory.dropped

    def on_turn_end(self) -> None:
        """Commit all that the turn collected; on the journal's thread, before a stop too."""
        self._commit()
        asked, self._aside = self._aside, None
        if asked is not None:
            self._tidy(asked)

    def on_stop(self) -> None:
        """Try what the store refused a last time; on the journal's thread."""
        self._retry_at = self._clock.monotonic()
        self._commit()

    def on_failure(
        self,
        _exception_type: type[BaseException] | None,
        exception_value: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Refuse what waits and keep it for the successor; on the journal's thread."""
        self._refuse(repr(exception_value))

    def _commit(self) -> None:
        if self._refusal is not None and self._clock.monotonic() < self._retry_at:
            self._keep(self._refusal)
            return
        batch = [*self._gap(), *self._waiting]
        if not batch and not self._memory.rows:
            return
        try:
            last_seq = self._store.append_rows(self._memory.rows + rows_of(batch))
        except (sqlite3.Error, LeaseLostError) as error:
            self._refuse(str(error))
        else:
            self._acknowledge(batch, last_seq)

    def _tidy(self, asked: AnnounceArchive | SweepArchived) -> None:
        if self._memory.rows:
            why = self._refusal or "the store refuses"
            failed = TidyFailed(at=self._clock.now(), cause=ADDRESS, reason=why)
            self._directory.tell(asked.asker, failed)
            return
        answer, archived = tidy(self._store, asked, self._clock)
        if archived is not None:
            self._last_seq = self._store.mark().seq
            self._publish([archived], durable=True)
        self._directory.tell(asked.asker, answer)

    def _acknowledge(self, batch: list[Waiting], last_seq: int) -> None:
        records = self._memory.events + events_of(batch)
        self._waiting = []
        self._memory.clear()
        self._refusal, self._last_seq = None, last_seq
        seq = last_seq - len(rows_of(batch))
        for each in batch:
            seq += len(each.rows)
            if each.fault is None:
                self._tell_appended(each, seq)
            else:
                self._tell_failed(each, each.fault)
        self._publish(records, durable=True)

    def _refuse(self, reason: str) -> None:
        if self._refusal is None:
            alarm = self._alarm(f"the store refuses: {reason}; look at its disk; {_GOES_ON}")
            self._waiting.append(alarm)
        self._refusal = reason
        self._retry_at = self._clock.monotonic() + RETRY_S
        self._keep(reason)
        wake = WakeAfter(
            at=self._clock.now(), cause=ADDRESS, to=ADDRESS, key="retry", after_s=RETRY_S
        )
        self._directory.tell("clock", wake)

    def _keep(self, reason: str) -> None:
        batch, self._waiting = self._waiting, []
        had_room = not self._memory.dropped
        for each in batch:
            self._memory.keep(each.rows, each.events)
            self._tell_failed(each, each.fault or reason)
        if had_room and self._memory.dropped:
            batch.append(self._alarm(f"its memory is full, events are being lost; {_GOES_ON}"))
        self._publish(events_of(batch), durable=False)

    def _tell_appended(self, waiting: Waiting, last_seq: int) -> None:
        if waiting.asker is not None:
            token = waiting.token
            answer = Appended(at=self._clock.now(), cause=token, token=token, last_seq=last_seq)
            self._directory.tell(waiting.asker, answer)

    def _tell_failed(self, waiting: Waiting, reason: str) -> None:
        if waiting.asker is not None:
            token = waiting.token
            answer = AppendFailed(at=self._clock.now(), cause=token, token=token, reason=reason)
            self._directory.tell(waiting.asker, answer)

    def _publish(self, records: list[Event], *, durable: bool) -> None:
        if not records:
            return
        committed = Committed(
            at=self._clock.now(), cause=ADDRESS, records=tuple(records), durable=durable
        )
        for address in self._memory.subscribers:
            # A dead subscriber's dead letter would come back here, be committed, and be told again.
            if self._directory.is_alive(address):
                self._directory.tell(address, committed)

    def _read(self, account: int) -> tuple[Recorded, ...]:
        stored = self._store.account_events(account)
        if not self._memory.rows:
            return stored
        # What the store refused was decided all the same: an account that restarts must know it.
        kept = [row for row in self._store.preview(self._memory.rows) if row.account == account]
        return _since_reset((*stored, *map(self._store.recorded, kept)))

    def _gap(self) -> list[Waiting]:
        lost = self._memory.dropped
        return [self._alarm(f"{lost} events were lost before this one")] if lost else []

    def _alarm(self, text: str) -> Waiting:
        alarm = AlarmRaised(
            at=self._clock.now(),
            cause=ADDRESS,
            account=None,
            code=AlarmCode.JOURNAL_FAILED,
            text=f"journal {self._store.path}: {text}",
        )
        return unasked(alarm)


def _since_reset(records: tuple[Recorded, ...]) -> tuple[Recorded, ...]:
    resets = [at for at, each in enumerate(records) if isinstance(each.event, DayReset)]
    return records[resets[-1] :] if resets else records
