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
