"""The journal: an append-only, hash-chained store in SQLite, and the one actor that writes it."""

from actors.journal.accepting import accept, refusal
from actors.journal.actor import JournalActor
from actors.journal.ahead import ReadAhead
from actors.journal.anchor import NO_IDENTITY, Anchor, default_anchor, verify_anchored
from actors.journal.anchoring import AnchorActor
from actors.journal.archive import verify_archive
from actors.journal.archiving import archive_before
from actors.journal.archivist import ArchivistActor
from actors.journal.connection import refusing
from actors.journal.errors import (
    LeaseHeldError,
    LeaseLostError,
    NoSuchDayError,
    StoreError,
    UnstorableEventError,
)
from actors.journal.export import export_lines
from actors.journal.history import History, verify_history
from actors.journal.incident import write_incident
from actors.journal.incident_check import verify_incident
from actors.journal.lease import LEASE, Lease
from actors.journal.memory import Memory
from actors.journal.store import Store
from actors.journal.verify import Verified, verify

__all__ = [
    "LEASE",
    "NO_IDENTITY",
    "Anchor",
    "AnchorActor",
    "ArchivistActor",
    "History",
    "JournalActor",
    "Lease",
    "LeaseHeldError",
    "LeaseLostError",
    "Memory",
    "NoSuchDayError",
    "ReadAhead",
    "Store",
    "StoreError",
    "UnstorableEventError",
    "Verified",
    "accept",
    "archive_before",
    "default_anchor",
    "export_lines",
    "refusal",
    "refusing",
    "verify",
    "verify_anchored",
    "verify_archive",
    "verify_history",
    "verify_incident",
    "write_incident",
]
