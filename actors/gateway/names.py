"""Which account names belong to other ids than when we last looked: found at the start, from the journal.

Pure. An account is its id; but a file may write rules for a name, and a name can move to another account
while nothing runs (a reset by the firm, a swap). Then its rules guard another account than before, and no
lockout goes with the name. Nothing is refused, for unguarded is worse: a person is told.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from messages.events import SessionOpened
from messages.values import AccountRecord


def changes(earlier: Iterable[SessionOpened], now: SessionOpened) -> Iterator[tuple[int, str]]:
    """Yield the id of each account whose name is not what or where it was, and what a person must know.

    Args:
        earlier: The sessions of earlier runs, oldest first; those of other logins say nothing.
        now: The session that was just opened.
    """
    names: dict[int, str] = {}
    owners: dict[str, set[int]] = {}
    for session in earlier:
        if session.login == now.login:
            names |= {each.account: each.name for each in session.accounts}
            owners |= _owners(session.accounts)  # of the last time each name was listed
    for record in now.accounts:
        if text := _text(record, names.get(record.account), owners.get(record.name, set())):
            yield record.account, f"{now.login}: account {record.account} {text}"


def _text(record: AccountRecord, name: str | None, owners: set[int]) -> str:
    said = []
    if name not in {None, record.name}:
        said.append(
            f"was {name!r} when it was last listed and is now {record.name!r}: is it the same?"
        )
    if owners and record.account not in owners:
        before = ", ".join(map(str, sorted(owners)))
        said.append(
            f"has the name {record.name!r} that was account {before}'s: rules the file writes for that "
            f"name guard {record.account} now, and lockouts of {before} do not; name accounts by id"
        )
    return "; it ".join(said)


def _owners(records: Iterable[AccountRecord]) -> dict[str, set[int]]:
    owners: dict[str, set[int]] = defaultdict(set)
    for record in records:
        owners[record.name].add(record.account)
    return owners
