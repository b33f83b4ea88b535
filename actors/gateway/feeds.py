"""Which login's quotes of a contract count, and which logins are to hear them.

Pure; used by the QuoteActor. Every login's hub pushes the same quotes of a contract, so that in a news
minute M logins would cost M times as much for nothing. So a contract that is quoted often is heard of
one login alone, its feed. What is quoted seldom all of them hear, which costs little, and one that
speaks takes over at once from a feed that has fallen silent: a hub that is lost blinds nobody while
another one stands.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from messages.facts import QuoteHeard

BUSY, WITHIN = 50, timedelta(seconds=2.5)
"""A contract that its feed quotes as often within such a time is heard of this one login alone."""
SILENT = timedelta(seconds=1)
"""A feed that says nothing for so long is a feed no more if another one speaks, and is not alone."""


@dataclass(slots=True)
class Feed:
    """Who brings the quotes of a contract, and how often."""

    login: str
    """Whose quotes count."""
    sides: int
    """How many of last trade, bid and ask it knows: after a loss a hub begins with none."""
    heard_at: datetime
    """When its latest quote came."""
    number: int
    """The number of that quote."""
    since: tuple[datetime, int]
    """Since when its quotes are counted, and what the number was then."""
    alone: bool = False
    """No other login is to hear the contract."""

    def gives_way_to(self, sides: int, at: datetime) -> bool:
        """Say whether what another login says counts: it knows more, or this one has fallen silent.

        Who knows less never takes over, or an open P&L that is known would become unknown by it.
        """
        return sides > self.sides or (sides == self.sides and at - self.heard_at >= SILENT)

    def is_busy(self) -> bool:
        """Say whether it has been quoted often of late."""
        begun, number = self.since
        if self.heard_at - begun > WITHIN:
            self.since = self.heard_at, self.number
            return False
        return self.number - number >= BUSY


class Feeds:
    """The feed of everything held."""

    def __init__(self, logins: Iterable[str], held: Iterable[str]) -> None:
        self.logins = tuple(logins)
        self._feeds: dict[str, Feed | None] = dict.fromkeys(held)
        """None = nobody's quotes count yet, or any more: those of whoever speaks first will."""

    @property
    def are_alone(self) -> bool:
        """Say whether anything is heard of one login alone, so that its silence must be looked for."""
        return any(feed is not None and feed.alone for feed in self._feeds.values())

    def hold(self, contracts: Iterable[str]) -> None:
        """Take note of exactly what is held."""
        self._feeds = {each: self._feeds.get(each) for each in contracts}

    def of(self, contract: str) -> str:
        """Return whose quotes of a contract count; empty = nobody's."""
        feed = self._feeds.get(contract)
        return feed.login if feed is not None else ""

    def hears(self, told: QuoteHeard) -> bool:
        """Say whether what a login says of a contract that is held counts, and take note of it."""
        login, quote, number = told.login, told.quote, told.number
        at, feed = quote.at, self._feeds[quote.contract]
        sides = sum(side is not None for side in (quote.last, quote.bid, quote.ask))
        if feed is None or (feed.login != login and feed.gives_way_to(sides, at)):
            self._feeds[quote.contract] = Feed(login, sides, at, number, since=(at, number))
            return True
        if feed.login != login:
            return False
        feed.sides, feed.heard_at, feed.number = sides, at, number
        return True

    def narrows(self, contract: str) -> bool:
        """Let a contract that has become busy be heard of its feed alone; say whether that is new."""
        feed = self._feeds[contract]
        if feed is None or feed.alone or len(self.logins) == 1 or not feed.is_busy():
            return False
        feed.alone = True
        return True

    def lose(self, login: str, contract: str | None = None) -> None:
        """Let a login's quotes count no more until it is the first to speak; None = of any contract."""
        for name, feed in self._feeds.items():
            if feed is not None and feed.login == login and contract in {None, name}:
                self._feeds[name] = None

    def look(self, now: datetime) -> None:
        """Let all logins hear again what its feed, alone, has been silent of."""
        for feed in self._feeds.values():
            if feed is not None and feed.alone and now - feed.heard_at >= SILENT:
                feed.alone, feed.since = False, (feed.heard_at, feed.number)

    def heard_by(self, login: str) -> tuple[str, ...]:
        """Return the contracts that a login is to hear, sorted."""
        feeds = self._feeds.items()
        return tuple(
            sorted(c for c, feed in feeds if feed is None or not feed.alone or feed.login == login)
        )
