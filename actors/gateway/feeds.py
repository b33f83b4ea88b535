"""What the hubs of several logins say of one contract, as one quote, and which logins are to hear it.

Pure; used by the QuoteActor. Every login's hub pushes the same quotes of a contract, so that in a news
minute M logins would cost M times as much for nothing. So a contract that is quoted often is heard of one
login alone, as long as that one speaks and can be relied on. Whatever any login says counts, whoever else
is heard: a hub that is dead, or knows less, keeps nothing back that another one says.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter

from msgspec.structs import replace

from messages.facts import QuoteHeard
from messages.values import Quote

BUSY, WITHIN = 50, timedelta(seconds=2.5)
"""A contract that one login quotes as often within such a time is heard of it alone."""
SILENT = timedelta(seconds=1)
"""A login that is heard alone and says nothing of a contract for so long is alone no more."""
PROBATION = timedelta(seconds=10)
"""After a loss a login is for so long not heard alone; what it said late gives way to others."""


@dataclass(slots=True)
class _Held:
    """What is known of one contract that is held."""

    alone: str = ""
    """The one login that is to hear it; empty = all."""
    spoke_at: datetime | None = None
    """When that one was heard last."""
    said: dict[str, Quote] = field(default_factory=dict)
    """The latest of each login that can be relied on."""
    counts: dict[str, tuple[datetime, int]] = field(default_factory=dict)
    """Since when each login's quotes are counted, and the number of the first."""


class Feeds:
    """What is held, and who says what of it."""

    def __init__(self, logins: Iterable[str], held: Iterable[str]) -> None:
        self.logins = tuple(logins)
        self._held = {each: _Held() for each in held}
        self._lost_at: dict[str, datetime] = {}
        self._late_at: dict[str, datetime] = {}

    @property
    def are_alone(self) -> bool:
        """Say whether anything is heard of one login alone, so that its silence must be looked for."""
        return any(each.alone for each in self._held.values())

    def heard_by(self, login: str) -> tuple[str, ...]:
        """Return the contracts that a login is to hear, sorted."""
        return tuple(sorted(c for c, each in self._held.items() if each.alone in {"", login}))

    def alone(self, login: str) -> tuple[str, ...]:
        """Return the contracts that are heard of a login alone."""
        return tuple(c for c, each in self._held.items() if each.alone == login)

    def hold(self, contracts: Iterable[str]) -> None:
        """Take note of exactly what is held."""
        self._held = {each: self._held.get(each) or _Held() for each in contracts}

    def narrows(self, told: QuoteHeard) -> bool:
        """Count a quote; say whether its contract, held, is from now on to be heard of this login alone.

        Only one that knows last trade, bid and ask: what others know is let go with them.
        """
        if len(self.logins) == 1:
            return False
        held, login, at = self._held[told.quote.contract], told.login, told.at
        if held.alone:
            if held.alone == login:
                held.spoke_at = at
            return False
        begun, first = held.counts.setdefault(login, (at, told.number))
        if at - begun > WITHIN:
            held.counts[login] = at, told.number
            return False
        if told.number - first < BUSY or _gaps(told.quote) or self._is_on_probation(login, at):
            return False
        held.alone, held.spoke_at = login, at
        held.counts.clear()
        held.said = {each: quote for each, quote in held.said.items() if each == login}
        return True

    def takes(self, login: str, quote: Quote) -> Quote | None:
        """Take what a login says of a contract that is held; return what is known with it.

        What it does not know, as after a loss, is what others have said within a second. None = it is
        older than what was taken, or said by one who is late while others are not.
        """
        said = self._held[quote.contract].said
        others = [(each, other) for each, other in said.items() if each != login]
        if (lost_at := self._lost_at.get(login)) is None or quote.at > lost_at:
            said[login] = quote
        if any(
            quote.at < other.at < quote.at + SILENT or self._outdates(each, other, login, quote)
            for each, other in others
        ):
            return None
        fresh = [other for _, other in others if abs(quote.at - other.at) < SILENT]
        for other in sorted(fresh, key=attrgetter("at"), reverse=True):
            quote = replace(quote, **{side: getattr(other, side) for side in _gaps(quote)})
        return quote

    def lose(
        self, login: str, at: datetime, *, contract: str | None = None, late: bool = False
    ) -> None:
        """Rely no more on what a login has said, of one contract or (None) of all."""
        if contract is None:
            self._lost_at[login] = at
            if late:
                self._late_at[login] = at
        for name, held in self._held.items():
            if contract in {None, name}:
                held.said.pop(login, None)
                held.counts.pop(login, None)
                if held.alone == login:
                    held.alone = ""

    def look(self, now: datetime) -> None:
        """Let all logins hear again what the one that is heard alone has been silent of."""
        for held in self._held.values():
            # Or before that, where the clock was set back since.
            if held.alone and held.spoke_at is not None and abs(now - held.spoke_at) >= SILENT:
                held.alone = ""

    def _is_on_probation(self, login: str, at: datetime) -> bool:
        """Say whether others are more to be relied on; where all were lost, as under a load, none are."""
        lately = [each for each, lost in self._lost_at.items() if abs(at - lost) < PROBATION]
        return login in lately and len(lately) < len(self.logins)

    def _outdates(self, other: str, said: Quote, login: str, quote: Quote) -> bool:
        """Say whether a quote of one who is late gives way to what another one has just said."""
        if abs(quote.at - said.at) >= SILENT:
            return False
        return self._is_late(login, quote.at) and not self._is_late(other, said.at)

    def _is_late(self, login: str, at: datetime) -> bool:
        late_at = self._late_at.get(login)
        return late_at is not None and abs(at - late_at) < PROBATION


def _gaps(quote: Quote) -> list[str]:
    return [side for side in ("last", "bid", "ask") if getattr(quote, side) is None]
