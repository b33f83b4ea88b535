"""The journal: an append-only, hash-chained store in SQLite, and the one actor that writes it."""

from actors.journal.actor import JournalActor
from actors.journal.errors import LeaseHeldError, LeaseLostError, StoreError, UnstorableEventError
from actors.journal.export import export_lines
from actors.journal.lease import LEASE, Lease
from actors.journal.memory import Memory
from actors.journal.store import Store
from actors.journal.verify import Verified, verify

__all__ = [
    "LEASE",
    "JournalActor",
    "Lease",
    "LeaseHeldError",
    "LeaseLostError",
    "Memory",
    "Store",
    "StoreError",
    "UnstorableEventError",
    "Verified",
    "export_lines",
    "verify",
]
