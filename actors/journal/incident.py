"""The dispute bundle: one account's trading day with what proves it, as a zip for somebody else.

`main.py journal export --incident ACCOUNT DATE` writes it, `journal verify --incident FILE` checks it
without the journal, and so can anybody with SHA-256 by the few lines in its README. A journal that its
anchor does not bear out makes no bundle. Nothing in it is told anew: every line comes from a stored row.
"""

import io
import zipfile
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from pathlib import Path

import msgspec

from actors import private
from actors.journal.anchor import Mark
from actors.journal.chain import ChainedRow
from actors.journal.errors import NoSuchDayError
from actors.journal.export import line_of
from actors.journal.history import History
from actors.ops.narrator import narrate
from messages import codec
from messages.events import AccountGuarded, DayReset
from messages.journal import Recorded

ABOUT, TIMELINE, EVENTS, CHAIN, GUIDE = (
    *("incident.json", "timeline.txt", "events.jsonl", "chain.jsonl", "README.txt"),
)

_TEXT = """\
Incident bundle of account {about.account}, trading day {about.date}, written by Lockstep.

timeline.txt   what happened, for people; all times UTC
events.jsonl   seq {about.first} to {about.last}: the account's events and those of the system, as the
               journal holds them, one a line. Broker payloads are in it as the facts Lockstep
               understood (trade_executed, order_changed, position_changed, snapshot_taken, ...); one
               that could not be understood is kept as it came (payload_quarantined). Raw payloads of
               understood facts are not kept. The rules in force with their parameters are in
               rules_adopted, the configuration file's SHA-256 in system_started.
chain.jsonl    every row of that stretch (of all accounts: the chain has no gaps), with the row before
               and the row after it
incident.json  what this is, and the journal's anchor when it was written

To check it: each row's `hash` is SHA-256 over the previous row's hash and the bytes `hashed`, both as
bytes; `hashed` is the MessagePack array [seq, account, kind, at, body], `body` the event as MessagePack.
For instance in Python:

    import hashlib, json
    previous = bytes.fromhex(json.load(open("incident.json"))["previous_hash"])
    for row in map(json.loads, open("chain.jsonl")):
        previous = hashlib.sha256(previous + bytes.fromhex(row["hashed"])).digest()
        assert previous.hex() == row["hash"], row["seq"]

Whoever holds the journal, or an anchor or another bundle of it, can compare the hash at any seq: a chain
that was made anew has other hashes from the first changed row on. `lockstep journal verify --incident
FILE` checks all of this, and that events.jsonl says what the rows say.
"""


class About(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a bundle is of: its `incident.json`."""

    account: int
    """Account id."""
    date: str
    """Trading day, ISO date."""
    first: int
    """Seq of its first event."""
    last: int
    """Seq of its last."""
    previous_hash: str
    """Hash of the row before the first of the chain part, hex; before the journal's first, zeros."""
    anchor: Mark | None
    """The journal's anchor when this was written; None = it had no events before."""


class Link(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row of the chain part."""

    seq: int
    """Place in the journal."""
    hashed: str
    """The bytes its hash is made of, behind the hash before, hex."""
    hash: str
    """Its hash, hex."""


def write_incident(
    history: History, account: int, day: date, anchor: Mark | None, out: Path
) -> About:
    """Write the bundle of a verified journal to a new file, open to its user only (0600).

    Raises:
        NoSuchDayError: the journal holds no such trading day of the account.
        FileExistsError: the file is there already.
    """
    first, last = span_of(history, account, day)
    rows = history.rows(max(first - 1, 1), last + 1)
    about = About(
        account=account,
        date=day.isoformat(),
        first=first,
        last=last,
        previous_hash=history.hash_at(rows[0].seq - 1).hex(),
        anchor=anchor,
    )
    own = events_of(about, rows, history.recorded)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr(GUIDE, _TEXT.format(about=about))
        bundle.writestr(ABOUT, codec.to_json(about))
        bundle.writestr(TIMELINE, timeline_of(own))
        bundle.writestr(EVENTS, lines_of(own))
        bundle.writestr(CHAIN, _lines(codec.to_json(link_of(row)) for row in rows))
    private.write_file(out, content.getvalue(), replace=False)
    return about


def events_of(
    about: About, rows: Iterable[ChainedRow], recorded: Callable[[ChainedRow], Recorded]
) -> list[Recorded]:
    """Return what belongs to the incident: the account's events, and those of no one account."""
    inside = (recorded(row) for row in rows if about.first <= row.seq <= about.last)
    return [
        each for each in inside if getattr(each.event, "account", None) in {about.account, None}
    ]


def lines_of(records: Iterable[Recorded]) -> bytes:
    """Return events as the bundle holds them."""
    return _lines(map(line_of, records))


def timeline_of(records: Iterable[Recorded]) -> bytes:
    """Return what happened, for people: an event's own words where it has some, else its fields."""
    return _lines(line.encode() for line in _timeline(records))


def _timeline(records: Iterable[Recorded]) -> Iterator[str]:
    watched: dict[int | None, bool] = {}
    for record in records:
        event = record.event
        kind = codec.kind(event)
        if isinstance(event, DayReset | AccountGuarded):
            watched[event.account] = event.shadow
        shadow = watched.get(getattr(event, "account", None), False)
        said = [text for _, text in narrate(event, shadow=shadow)] or [_fields(record)]
        head = f"{event.at:%Y-%m-%d %H:%M:%S.%f}Z  #{record.seq:<8}{kind}"
        head += "  SHADOW" * shadow
        yield from (f"{head}  {text}" for text in "\n".join(said).splitlines())


def link_of(row: ChainedRow) -> Link:
    """Return a row with the bytes its hash is made of."""
    hashed = msgspec.msgpack.encode(row[:-1])
    return Link(seq=row.seq, hashed=hashed.hex(), hash=row.hash.hex())


def _fields(record: Recorded) -> str:
    fields = codec.builtins(record.event)
    for known in ("at", "kind", "account", "cause"):
        fields.pop(known, None)
    return codec.to_json(fields).decode() if fields else ""


def _lines(lines: Iterable[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def span_of(history: History, account: int, day: date) -> tuple[int, int]:
    """Return the seqs of the trading day: from the reset that begins it to the one that closes it."""
    resets = history.day_resets(account)
    begun = [seq for seq, label in resets if label == day.isoformat()]
    if not begun:
        history.refuse_missing(1)
        days = ", ".join(dict.fromkeys(label for _, label in resets))
        others = ", ".join(str(each) for each in history.accounts() if history.day_resets(each))
        raise NoSuchDayError(
            f"it holds no trading day {day} of account {account}, only {days}"
            if days
            else f"it holds no trading day of account {account}, only of {others or 'none'}",
            where=history.path,
            fix="name one of those",
        )
    if not any(history.missing < seq < begun[0] for seq, _ in resets):
        history.refuse_missing(1)  # the day may have begun in what is missing
    after = [seq for seq, label in resets if seq > begun[-1] and label != day.isoformat()]
    return begun[0], after[0] if after else history.mark().seq
