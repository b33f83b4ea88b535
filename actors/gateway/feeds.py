"""Of which login a contract's quotes are heard: of one, for the accounts of all.

Pure; used by the QuoteActor. Every login's hub pushes the same quotes of a contract, so that in a news
minute M logins would cost M times as much for nothing. So each contract has one login that hears it, its
feed, and another one when that is lost. At any time one stream is heard of a contract, as where there is
one login, and going over to another login is what a new connection is there: it begins with nothing
known. A login is lost until it says that it is back; one that has said nothing yet is not.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

RESTED = timedelta(seconds=10)
"""A contract that is late or silent where it is heard goes to a login that was not lost or late for so
long, or stays: where it is the same everywhere, going to and fro would only add to it."""

_NEVER = datetime.min.replace(tzinfo=UTC)


class Feeds:
    """The feed of each contract that is held."""

    def __init__(self, logins: Iterable[str]) -> None:
        self.logins = tuple(logins)
        self._feeds: dict[str, str] = {}
        self._lost: set[tuple[str, str | None]] = set()
        """Logins that are down, and contracts that a login was refused."""
        self._last_lost: dict[tuple[str, str | None], datetime] = {}
        """When these were lost last, or late, back again or not."""

    def hold(self, contracts: Iterable[str]) -> None:
        """Take note of exactly what is held; what was held before is heard of whom it was."""
        wanted = frozenset(contracts)
        for gone in self._feeds.keys() - wanted:
            del self._feeds[gone]
        for new in sorted(wanted - self._feeds.keys()):
            self._feeds[new] = self._best(new)

    def of(self, contract: str) -> str:
        """Return the login of which a contract that is held is heard."""
        return self._feeds[contract]

    def heard_by(self, login: str) -> tuple[str, ...]:
        """Return the contracts that are heard of a login, sorted."""
        return tuple(sorted(name for name, feed in self._feeds.items() if feed == login))

    def lose(self, login: str, at: datetime, contract: str | None = None) -> None:
        """A login is down (None), or refused a contract: hear what is lost of one where it is not.

        Where it is lost everywhere it stays, unless it has been for long: who is back says so, and one
        that refused it may allow it now. What a login was refused counts until it is down: the next
        connection is refused it anew, or is not.
        """
        if contract is None:
            self._lost = {each for each in self._lost if each[0] != login}
        self._lost.add((login, contract))
        self._last_lost[login, contract] = at
        for name in self.heard_by(login):
            other = self._best(name)
            if contract in {None, name} and (
                self._stands(other, name) or self._is_rested(other, name, at)
            ):
                self._feeds[name] = other

    def find(self, login: str, contract: str | None = None) -> None:
        """A login is back (None), or may hear a contract: it hears what is lost where it is heard."""
        self._lost.discard((login, contract))
        for name, feed in self._feeds.items():
            if self._stands(login, name) and not self._stands(feed, name):
                self._feeds[name] = login

    def leave(self, login: str, at: datetime) -> None:
        """A login is late: hear its contracts of one that stands and was not lost or late just now."""
        self._last_lost[login, None] = at
        for name in self.heard_by(login):
            other = self._best(name)
            if self._stands(other, name) and self._is_rested(other, name, at):
                self._feeds[name] = other

    def pass_on(self, login: str, contract: str, at: datetime) -> None:
        """A login is silent in a contract: hear it of the next one, in turn, that stands and is rested.

        That one may be silent too, if the market is quiet; so nobody is blamed, and any may be next.
        """
        if self._feeds.get(contract) != login:
            return
        here = self.logins.index(login)
        for other in self.logins[here + 1 :] + self.logins[:here]:
            if self._stands(other, contract) and self._is_rested(other, contract, at):
                self._feeds[contract] = other
                return

    def _best(self, contract: str) -> str:
        """Return who stands, and was lost longest ago; of these the first.

        Not who hears least: quotes that come on one connection cost less than on several, for its thread
        finds more to do each time it is woken.
        """
        return min(
            self.logins,
            key=lambda each: (not self._stands(each, contract), self._lost_at(each, contract)),
        )

    def _stands(self, login: str, contract: str) -> bool:
        return not self._lost & {(login, None), (login, contract)}

    def _is_rested(self, login: str, contract: str, at: datetime) -> bool:
        return at - self._lost_at(login, contract) >= RESTED

    def _lost_at(self, login: str, contract: str) -> datetime:
        of_all = self._last_lost.get((login, None), _NEVER)
        return max(of_all, self._last_lost.get((login, contract), _NEVER))
