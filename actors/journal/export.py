"""The journal as text: one JSON object a line, in its order, for people and for other programs.

`main.py journal export` prints it. Every line begins with `seq`, `at`, `account`, `kind`, `cause`, goes
on with the event's own fields and ends with `hash`; an event of no one account has `"account": null`.
"""

from collections.abc import Iterator
from datetime import UTC, date

from actors.journal.history import History
from actors.journal.store import Store
from messages import codec
from messages.journal import Recorded


def export_lines(
    store: Store | History,
    *,
    account: int | None = None,
    since: date | None = None,
    until: date | None = None,
) -> Iterator[bytes]:
    """Yield the lines, without line ends: of one account, and of UTC dates since … until included."""
    for record in store.records():
        happened = record.event.at.astimezone(UTC).date()
        if account is not None and getattr(record.event, "account", None) != account:
            continue
        if (since and happened < since) or (until and happened > until):
            continue
        yield line_of(record)


def line_of(record: Recorded) -> bytes:
    """Return one event as a line, without its end."""
    fields = codec.builtins(record.event)
    first = {name: fields.pop(name, None) for name in ("at", "account", "kind", "cause")}
    return codec.to_json({"seq": record.seq, **first, **fields, "hash": record.hash})
