"""Which accounts should be guarded and cannot be: named, but gone from the broker's list, or unreadable.

Pure. A name that no run has ever seen is a mistake in the file, and nothing starts with it. One that an
earlier run saw has gone (the firm closed it, or hides it): refusing to start for it would leave all
others unguarded too, so they are guarded, and it is shown as UNGUARDED for as long as this run lasts.
"""

from collections.abc import Iterable, Iterator

from config.schema import ConfigFile, Login
from messages.events import SessionOpened
from messages.queries import UnguardedAccount
from messages.values import AccountRecord

type Name = int | str


def gone(earlier: Iterable[SessionOpened], now: Iterable[SessionOpened]) -> frozenset[Name]:
    """Return the ids and names that earlier runs saw and no login lists any more."""
    return _names(_records(earlier)) - _names(each for session in now for each in session.accounts)


def gone_records(
    earlier: Iterable[SessionOpened], now: SessionOpened, file: ConfigFile
) -> tuple[AccountRecord, ...]:
    """Return the records of those a file names that a login listed once and lists no more.

    Each session carries them on: only the last ones are looked at, and starts add up.
    """
    named: set[Name] = {name for login in file.logins for name in login.accounts}
    named |= {each.account for each in file.accounts}
    missed = named - _names(now.accounts)
    past = (each for each in earlier if each.login == now.login)
    known = {(each.account, each.name): each for each in _records(past)}
    return tuple(each for key, each in known.items() if missed.intersection(key))


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
    logins: Iterable[tuple[Login, SessionOpened]], vanished: frozenset[Name]
) -> Iterator[UnguardedAccount]:
    """Yield what each login should guard and cannot."""
    for login, session in logins:
        for name in login.accounts:
            if name in vanished:
                why = "the broker does not list it as active any more"
                yield UnguardedAccount(account=str(name), login=login.name, reason=why)
        for text in session.unreadable:
            why = f"the broker's record of it cannot be understood: {text}"
            yield UnguardedAccount(account="unknown", login=login.name, reason=why)


def _names(records: Iterable[AccountRecord]) -> frozenset[Name]:
    return frozenset(name for each in records for name in (each.account, each.name))
