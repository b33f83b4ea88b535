"""What the JournalActor is told and answers."""

from messages.base import Message, Value
from messages.events import Event


class Append(Message, frozen=True, kw_only=True):
    """Store these events, in this order, in one transaction with whatever else is waiting."""

    events: tuple[Event, ...]
    """Events of one actor."""
    asker: str | None
    """Address that is told `Appended` or `AppendFailed`; None = nobody waits."""
    token: str
    """Repeated in the answer, e.g. `13298777/e4`."""


class Appended(Message, frozen=True, kw_only=True):
    """The events are on disk (fsynced)."""

    token: str
    """Of the `Append`."""
    last_seq: int
    """Sequence number of the last of them."""


class AppendFailed(Message, frozen=True, kw_only=True):
    """The store refused; the events are not durable."""

    token: str
    """Of the `Append`."""
    reason: str
    """The store's error."""


class ArchiveReady(Value, frozen=True, kw_only=True):
    """An archive that is on the disk and was walked, and what of its events the journal keeps."""

    path: str
    """Its file."""
    first: int
    """Seq of its first event."""
    before_hash: str
    """Hash of the event before that one, hex."""
    last: int
    """Seq of its last."""
    last_hash: str
    """Hash of that one, hex."""
    kept: tuple[int, ...]
    """Seqs of the events up to `last` that a start needs."""
    kept_digest: str
    """SHA-256 chained over their rows, hex."""


class AnnounceArchive(Message, frozen=True, kw_only=True):
    """Say in the chain what was archived; answered by `Tidied` or `TidyFailed`."""

    asker: str
    """Address that is answered."""
    ready: ArchiveReady
    """The archive."""


class SweepArchived(Message, frozen=True, kw_only=True):
    """Let a few of the events that were archived leave; answered by `Tidied` or `TidyFailed`."""

    asker: str
    """Address that is answered."""


class Tidied(Message, frozen=True, kw_only=True):
    """The journal has done what it was told of its archived events."""

    left: bool
    """Some of them have still to leave."""


class TidyFailed(Message, frozen=True, kw_only=True):
    """It has not, and nothing has changed."""

    reason: str
    """The store's error."""


class ReadAccount(Message, frozen=True, kw_only=True):
    """Ask for an account's events since its last `day_reset` (that included), oldest first."""

    account: int
    """Account id."""


class Recorded(Value, frozen=True, kw_only=True):
    """One stored event with its place in the chain."""

    seq: int
    """Place in the journal, from 1, without gaps."""
    event: Event
    """The event."""
    hash: str
    """SHA-256 over the previous hash and this row, hex."""


class Committed(Message, frozen=True, kw_only=True):
    """Told to subscribers after each transaction, or with durable=False when the store refused."""

    records: tuple[Event, ...]
    """The events of the transaction, in order."""
    durable: bool
    """False: not on disk."""


class Subscribe(Message, frozen=True, kw_only=True):
    """Send `Committed` to this address from now on."""

    address: str
    """The subscriber."""
