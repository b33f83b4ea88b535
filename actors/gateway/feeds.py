"""Of which login a contract's quotes are heard: of one, for the accounts of all.

Pure; used by the QuoteActor. Every login's hub pushes the same quotes of a contract, so that in a news
minute M logins would cost M times as much for nothing. So each contract has one login that hears it, its
feed, and another one when that is lost. At any time one stream is heard of a contract, as where there is
one login, and going over to another login is what a new connection is there: it begins with nothing
known.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

RESTED = timedelta(seconds=10)
"""A login that is late, or refused a contract, gives it to one that was not lost for so long, or keeps
it: where all are late, as under a load, or refused, going to and fro would only add to it."""

_NEVER = datetime.min.replace(tzinfo=UTC)


class Feeds:
    """The feed of each contract that is held."""

    def __init__(self, logins: Iterable[str], held: Iterable[str]) -> None:
        self.logins = tuple(logins)
        self._feeds: dict[str, str] = {}
        self._lost_at: dict[tuple[str, str | None], datetime] = {}
        """By login, and by contract where it was refused that one."""
        self.hold(held)

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

    def lose(
        self, login: str, at: datetime, *, contract: str | None = None, late: bool = False
    ) -> None:
        """Hear what a login was heard of, one contract or (None) all, of another one, if there is any."""
        self._lost_at[login, contract] = at
        gently = late or contract is not None
        for name in self.heard_by(login):
            if contract in {None, name}:
                other = self._best(name)
                if not gently or at - self._last_lost(other, name) >= RESTED:
                    self._feeds[name] = other

    def pass_on(self, login: str, contract: str, at: datetime) -> None:
        """Hear a contract that a login is silent in of the next one, in turn, that was not just lost.

        That one may be silent too, if the market is quiet; so nobody is blamed, and any may be next.
        """
        if self._feeds.get(contract) != login:
            return
        here = self.logins.index(login)
        for other in self.logins[here + 1 :] + self.logins[:here]:
            if at - self._last_lost(other, contract) >= RESTED:
                self._feeds[contract] = other
                return

    def _best(self, contract: str) -> str:
        """Return who was lost longest ago, if ever; of these the first. A hub that stands by is lost too.

        Not who hears least: quotes that come on one connection cost less than on several, for its thread
        finds more to do each time it is woken.
        """
        return min(self.logins, key=lambda each: self._last_lost(each, contract))

    def _last_lost(self, login: str, contract: str) -> datetime:
        of_all = self._lost_at.get((login, None), _NEVER)
        return max(of_all, self._lost_at.get((login, contract), _NEVER))
