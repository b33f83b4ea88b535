"""Checks a dispute bundle without the journal: is its chain whole, and does it say what its rows say.

For `journal verify --incident FILE`. What a bundle cannot prove is that the journal itself was not made
anew: for that its hashes are compared with an anchor, a backup, or the journal.
"""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from actors.journal import incident
from actors.journal.chain import ChainedRow, link
from actors.journal.errors import StoreError
from actors.journal.incident import About, Link
from messages import codec
from messages.journal import Recorded

type _Columns = tuple[int, int | None, str, str, bytes]

_FIX = "ask for the bundle anew, and keep this one"


def verify_incident(path: Path) -> About:
    """Check a bundle and return what it is of.

    Raises:
        StoreError: it is no bundle, or something in it does not follow from its rows.
    """
    try:
        with zipfile.ZipFile(path) as bundle:
            parts = {name: bundle.read(name) for name in bundle.namelist()}
        about = msgspec.json.decode(parts[incident.ABOUT], type=About)
        links = [
            msgspec.json.decode(each, type=Link) for each in parts[incident.CHAIN].splitlines()
        ]
        rows = list(_rows(path, about, links))
        own = incident.events_of(about, rows, _recorded)
        said = {name: parts[name] for name in (incident.EVENTS, incident.TIMELINE)}
    except (OSError, zipfile.BadZipFile, KeyError, ValueError, TypeError) as error:
        raise _refused(path, f"it is no bundle of this version: {error}") from error
    if said[incident.EVENTS] != incident.lines_of(own):
        raise _refused(path, f"{incident.EVENTS} is not what its rows say")
    if said[incident.TIMELINE] != incident.timeline_of(own):
        raise _refused(path, f"{incident.TIMELINE} is not what its rows say")
    return about


def _rows(path: Path, about: About, links: list[Link]) -> Iterator[ChainedRow]:
    """Yield the rows behind the chain part, each proved to follow from the one before."""
    first, ends = max(about.first - 1, 1), {about.last, about.last + 1}
    seqs = [each.seq for each in links]
    if not seqs or seqs != list(range(first, seqs[-1] + 1)) or seqs[-1] not in ends:
        raise _refused(path, f"its rows are not those around seq {about.first} to {about.last}")
    previous = bytes.fromhex(about.previous_hash)
    for each in links:
        columns = msgspec.msgpack.decode(bytes.fromhex(each.hashed), type=_Columns)
        row = ChainedRow._make((*columns, bytes.fromhex(each.hash)))
        previous = link(previous, columns)
        if row.seq != each.seq or previous != row.hash:
            raise _refused(path, f"the chain is broken at seq {each.seq}")
        if about.anchor and about.anchor.seq == row.seq and about.anchor.hash != each.hash:
            raise _refused(path, f"seq {each.seq} is not what its anchor knows")
        yield row


def _recorded(row: ChainedRow) -> Recorded:
    return Recorded(seq=row.seq, event=codec.unpack(row.body), hash=row.hash.hex())


def _refused(path: Path, what: str) -> StoreError:
    return StoreError(what, where=path, fix=_FIX)
