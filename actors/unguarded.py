"""Which accounts should be guarded and are not: gone from the broker's list, unreadable, or new on it.

Pure. A name that no run has ever seen is a mistake in the file, and nothing starts with it. One that an
earlier run saw has gone (the firm closed it, or hides it): refusing to start for it would leave all
others unguarded too, so they are guarded, and it is shown as UNGUARDED for as long as this run lasts.

Where `*` is to be guarded, nobody has named whom: an account that an earlier start listed and this one
does not is shown until three resets have passed since a start first missed it, for the firm may have
closed it, or hide it with something open. One that becomes active while we run is shown until a start
guards it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from actors.account.trading_day import TradingDay
from config.schema import ConfigFile, Login
from messages.events import SessionOpened
from messages.queries import UnguardedAccount
from messages.values import AccountRecord

type Name = int | str

MISSED_RESETS = 3
"""For so many resets somebody who is missed is shown: one of a Friday is still seen on Monday."""


class Missed(NamedTuple):
    """Somebody whom the last start with a login listed, or missed already, and this one does not list."""

    record: AccountRecord
    """As it was listed last."""
    until: datetime
    """Shown until then, UTC."""


def gone(earlier: Iterable[SessionOpened], now: Iterable[SessionOpened]) -> frozenset[Name]:
    """Return the ids and names that earlier runs saw and no login lists any more."""
    return _names(_records(earlier)) - _names(each for session in now for each in session.accounts)


def gone_records(
    earlier: Collection[SessionOpened], now: SessionOpened, file: ConfigFile, day: TradingDay
) -> tuple[AccountRecord, ...]:
    """Return the records of those that are named, or missed, whom a login listed once and lists no more.

    Each session carries them on: only the last ones are looked at, and starts add up.
    """
    named: set[Name] = {name for login in file.logins for name in login.accounts}
    named |= {each.account for each in file.accounts}
    absent = named - _names(now.accounts)
    past = (each for each in earlier if each.login == now.login)
    known = {(each.account, each.name): each for each in _records(past)}
    found = {key: each for key, each in known.items() if absent.intersection(key)}
    if any(each.name == now.login and "*" in each.accounts for each in file.logins):
        found |= {(each.account, each.name): each for each, _ in missed(earlier, now, day)}
    return tuple(found.values())


def missed(
    earlier: Iterable[SessionOpened], now: SessionOpened, day: TradingDay
) -> Iterator[Missed]:
    """Yield whom a login missed too short a time ago to be forgotten; its last session carries them."""
    past = [each for each in earlier if each.login == now.login]
    there = {each.account for each in now.accounts}
    for record in _records(past[-1:]):
        if record.account not in there:
            until = _missed_since(past, record.account, now.at)
            for _ in range(MISSED_RESETS):
                until = day.next_reset(until)
            if now.at < until:
                yield Missed(record, until)


def _missed_since(past: list[SessionOpened], account: int, since: datetime) -> datetime:
    """Return when a start first missed it, as far back as sessions are remembered."""
    for session in reversed(past):
        if any(each.account == account for each in session.accounts):
            break
        since = session.at
    return since


def without_renamed(
    vanished: frozenset[Name], earlier: Iterable[SessionOpened], guarded: Iterable[AccountRecord]
) -> frozenset[Name]:
    """Return what has gone but former names of guarded accounts: what is written for one is not idle."""
    there = {each.account for each in guarded}
    return vanished - {each.name for each in _records(earlier) if each.account in there}


def _records(sessions: Iterable[SessionOpened]) -> Iterator[AccountRecord]:
    for session in sessions:
        yield from (*session.gone, *session.accounts)


def unguarded(
    opened: Iterable[tuple[Login, SessionOpened]],
    vanished: frozenset[Name],
    earlier: Collection[SessionOpened],
    day: TradingDay,
) -> Iterator[UnguardedAccount]:
    """Yield what each login should guard and cannot, at a start."""
    why = "the broker does not list it as active any more"
    for login, session in opened:
        for name in login.accounts:
            if name in vanished:
                yield UnguardedAccount(account=str(name), login=login.name, reason=why)
        for record, until in missed(earlier, session, day) if "*" in login.accounts else ():
            if record.account in vanished and not {record.account, record.name} & {*login.accounts}:
                shown = f"shown until {until:%Y-%m-%d %H:%M} UTC, or until accounts are named"
                yield UnguardedAccount(
                    account=_shown(record.account, record.name),
                    login=login.name,
                    reason=f"{why}, though an earlier start did ({shown})",
                    until=until,
                )
        for text in session.unreadable:
            said = f"the broker's record of it cannot be understood: {text}"
            yield UnguardedAccount(account="unknown", login=login.name, reason=said)


def standing(
    found: Iterable[UnguardedAccount],
    logins: Iterable[Login],
    listed: Mapping[str, Mapping[int, str]],
    guarded: Collection[int],
    now: datetime,
) -> Iterator[UnguardedAccount]:
    """Yield who should be guarded and is not, at some time after the start.

    Args:
        found: What the start found.
        logins: The logins.
        listed: Names of the accounts each login listed when it was looked last, by login and id.
        guarded: The ids of all who are guarded.
        now: The time.
    """
    new = [
        (login, account, name)
        for login in logins
        for account, name in listed.get(login.name, {}).items()
        if account not in guarded and not {"*", account, name}.isdisjoint(login.accounts)
    ]
    back = {key for _, account, name in new for key in (str(account), name, _shown(account, name))}
    for each in found:
        if each.account not in back and (each.until is None or now < each.until):
            yield each
    for login, account, name in new:
        why = "it has become active since this run began; start anew, and it is guarded"
        yield UnguardedAccount(account=_shown(account, name), login=login.name, reason=why)


def _shown(account: int, name: str) -> str:
    return f"{account} {name}"


def _names(records: Iterable[AccountRecord]) -> frozenset[Name]:
    return frozenset(name for each in records for name in (each.account, each.name))
