"""The way out for a person when a journal and its anchor disagree: `journal anchor --accept`.

Nothing starts meanwhile. The chain of what is there must hold all the same; a damaged journal is never
accepted. That it was accepted stands in the journal, and since lockouts may be missing from it, every
account is locked until the reset that follows (`actors/account/lost_history.py`).
"""

from pathlib import Path

from actors.journal.anchor import Anchor, verify_anchored
from actors.journal.errors import StoreError
from actors.journal.store import Store
from actors.runtime.clock import Clock
from messages.events import AnchorAccepted


def refusal(path: Path, anchor: Anchor) -> StoreError | None:
    """Return why this journal would not be started with, or None when its anchor bears it out."""
    try:
        verify_anchored(path, anchor)
    except StoreError as error:
        return error
    return None


def accept(path: Path, anchor: Anchor, refused: StoreError, *, clock: Clock) -> AnchorAccepted:
    """Let the journal as it is (or a new one, where there is none) be the one its anchor knows.

    Raises:
        StoreError: the journal is damaged, in use, or cannot be written, or the anchor cannot.
    """
    store = Store.open_unanchored(path, clock=clock)
    try:
        accepted = AnchorAccepted(
            at=clock.now(), cause="accept", refused=refused.what, events=store.mark().seq
        )
        # In this order: a crash in between leaves it refused, and acceptance is asked for again.
        store.append([accepted])
        anchor.write(store.mark())
    finally:
        store.close()
    return accepted
