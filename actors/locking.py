"""Locking an account for its trader: what may be asked, of whom, and what the account makes of it.

Called by `System.lock` on the caller's thread, never an actor's. It can only add: an account is told to
be flat and locked until an instant, and decides by itself whether that is longer than what binds it.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec

from actors.account.lockouts import strictness
from actors.account.self_lock import SELF
from actors.account.settings import AccountSettings
from actors.runtime import Directory
from messages.commands import LockAccount
from messages.queries import GetDuties, SelfLockout
from messages.values import Lockout

LONGEST = timedelta(days=366)
"""Nothing ends a lockout early, so a slip of the finger must not lock for a lifetime."""
LONGEST_REASON = 200
"""Characters."""


class LockRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of `POST /api/lock`; exactly one of `until` and `for_s` is said."""

    account: int | str
    """Account id, or its name."""
    reason: str
    """Why, one line for the record."""
    until: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    """When it ends, with an offset."""
    for_s: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """How long it lasts, in seconds."""


class LockRefusedError(ValueError):
    """What was asked is no lockout of a guarded account; nothing was locked."""

    def __init__(self, complaints: list[str]) -> None:
        super().__init__("; ".join(complaints))
        self.complaints = complaints


def lock_out(
    asked: LockRequest,
    accounts: Mapping[int, AccountSettings],
    directory: Directory,
    now: datetime,
    *,
    timeout_s: float,
) -> SelfLockout:
    """Tell the account, and return what binds it now: the duty does at once, the lock follows when flat.

    Raises:
        LockRefusedError: it names no guarded account, or no end that can be.
        pykka.Timeout, pykka.ActorDeadError: the account has not answered; it was told all the same.
    """
    until = _end_of(asked, now)
    complaints = list(_complaints(asked, until, now))
    named = [each for each in accounts.values() if _is_named(each, asked.account)]
    complaints += _complaints_of_name(asked.account, named, accounts.values())
    complaints += [
        f"{each.account} is only watched (shadow): nothing would be closed; start it without shadow"
        for each in named
        if each.shadow
    ]
    if complaints or until is None:
        raise LockRefusedError(complaints)
    (settings,) = named
    until = until.astimezone(UTC)  # only now: what lies far off has no UTC
    account, address = settings.account, f"account/{settings.account}"
    directory.tell(
        address,
        LockAccount(
            account=account, at=now, cause="lock", until=until, reason=asked.reason.strip()
        ),
    )
    duties: Iterable[Lockout] = directory.ref(address).ask(
        GetDuties(account=account, at=now, cause="lock"), block=True, timeout=timeout_s
    )
    binding = max((each for each in duties if each.rule == SELF), key=strictness, default=None)
    if binding is None:
        raise LockRefusedError(["it was over before the account heard of it; name a later end"])
    return SelfLockout(account=account, name=settings.name, asked_until=until, lockout=binding)


def _end_of(asked: LockRequest, now: datetime) -> datetime | None:
    if asked.until is not None:
        return asked.until
    if asked.for_s is None or asked.for_s > LONGEST.total_seconds():
        return None
    return now + timedelta(seconds=asked.for_s)


def _complaints(asked: LockRequest, until: datetime | None, now: datetime) -> Iterator[str]:
    if (asked.until is None) == (asked.for_s is None):
        yield "say either how long (for) or until when (until)"
    elif until is None or until > now + LONGEST:
        yield f"longer than {LONGEST.days} days cannot be asked for; nothing would end it earlier"
    elif until <= now:
        yield f"{until.isoformat()} is over already; name a later end"
    reason = asked.reason.strip()
    if not (reason.isprintable() and 0 < len(reason) <= LONGEST_REASON):
        yield f"the reason must be one line of 1 to {LONGEST_REASON} printable characters"


def _is_named(settings: AccountSettings, name: int | str) -> bool:
    return str(name) in {str(settings.account), settings.name}


def _complaints_of_name(
    name: int | str, named: list[AccountSettings], guarded: Iterable[AccountSettings]
) -> list[str]:
    if len(named) == 1:
        return []
    if named:
        ids = ", ".join(str(each.account) for each in named)
        return [f"{name} names more than one account; say which by its id: {ids}"]
    known = ", ".join(f"{each.account} ({each.name})" for each in guarded)
    return [f"{name} is not among the guarded accounts: {known or 'none'}"]
