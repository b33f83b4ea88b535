"""Which accounts should be guarded and cannot be: named, but gone from the broker's list, or unreadable.

Pure. A name that no run has ever seen is a mistake in the file, and nothing starts with it. One that an
earlier run saw has gone (the firm closed it, or hides it): refusing to start for it would leave all
others unguarded too, so they are guarded, and it is shown as UNGUARDED for as long as this run lasts.
"""

from collections.abc import Iterable, Iterator

from config.schema import Login
from messages.events import SessionOpened
from messages.queries import UnguardedAccount
from messages.values import AccountRecord

type Name = int | str


def gone(earlier: Iterable[SessionOpened], now: Iterable[SessionOpened]) -> frozenset[Name]:
    """Return the ids and names that earlier runs saw and no login lists any more."""
    return frozenset(_names(earlier)) - frozenset(_names(now))


def without_renamed(
    vanished: frozenset[Name], earlier: Iterable[SessionOpened], guarded: Iterable[AccountRecord]
) -> frozenset[Name]:
    """Return what has gone but former names of guarded accounts: what is written for one is not idle."""
    there = {each.account for each in guarded}
    former = (each for session in earlier for each in session.accounts if each.account in there)
    return vanished - {each.name for each in former}


def _names(sessions: Iterable[SessionOpened]) -> Iterator[Name]:
    for session in sessions:
        for each in session.accounts:
            yield from (each.account, each.name)


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
