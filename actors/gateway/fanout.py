"""Who is told which quote: the holders of its contract whose band it leaves.

Pure; the QuoteActor carries its messages. An account that has set no band for a contract, or whose band
was left and not set anew, hears every quote of it. A band that arrives is compared with the latest quote
at once, for others may have passed since it was computed. Several quotes of a contract between two
`leaving` count as one, the latest.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import msgspec

from actors.gateway.edges import Edges
from actors.gateway.feeds import Feeds
from actors.gateway.peaks import Peaks
from actors.gateway.plausible import Credence
from messages.facts import QuoteChanged
from messages.values import Band, Quote

type Told = tuple[int, QuoteChanged]


@dataclass(slots=True)
class Known:
    """What outlives a QuoteActor: every successor is handed the same."""

    feeds: Feeds
    """Of which login each contract that is held is heard."""
    holders: dict[str, set[int]] = field(default_factory=dict)
    """Which accounts hold a contract; none without one."""
    latest: dict[str, QuoteChanged] = field(default_factory=dict)
    """The latest quote of each contract that is held; accounts read it, only the QuoteActor writes."""
    credence: dict[str, Credence] = field(default_factory=dict)
    """What is believed and what is held back of each of them."""
    peaks: Peaks = field(default_factory=Peaks)
    """How far they went; accounts that are not told every quote read it."""


class Fanout:
    """Bands and quotes of all accounts."""

    def __init__(self, known: Known) -> None:
        self._holders, self._latest, self._peaks = known.holders, known.latest, known.peaks
        self._held: defaultdict[int, set[str]] = defaultdict(set)
        for contract, accounts in self._holders.items():
            for account in accounts:
                self._held[account].add(contract)
        self._edges = {contract: Edges() for contract in self._holders}
        self._every = {contract: set(accounts) for contract, accounts in self._holders.items()}
        self._changed = set(self._latest)
        """Contracts whose latest quote is to be told; of a predecessor, everything it had taken."""

    @property
    def contracts(self) -> frozenset[str]:
        """Return what is held by anybody."""
        return frozenset(self._holders)

    def is_held(self, contract: str) -> bool:
        """Say whether anybody holds it."""
        return contract in self._holders

    def holders(self, contract: str) -> frozenset[int]:
        """Return who holds it."""
        return frozenset(self._holders.get(contract, ()))

    def note(self, changed: QuoteChanged) -> None:
        """Take a quote; one of a contract nobody holds is not kept: it would be old when it is held."""
        contract = changed.quote.contract
        if contract in self._holders:
            self._latest[contract] = changed
            self._changed.add(contract)

    def leaving(self) -> Iterator[Told]:
        """Yield who is to be told of the contracts that have changed, and with that call it done."""
        changed, self._changed = self._changed, set()
        for contract in changed:
            latest, every = self._latest[contract], self._every[contract]
            self._peaks.note(latest.quote)
            every.update(self._edges[contract].left_by(latest.quote))
            for account in every:
                yield account, self._telling(account, latest)

    def hold(self, account: int, contracts: frozenset[str]) -> list[Told]:
        """Note exactly what an account holds; return the latest quotes of what is new to tell it."""
        for contract in self._held[account] - contracts:
            self._drop(account, contract)
        new = contracts - self._held[account]
        for contract in new:
            self._take(account, contract)
        return self._latest_of(account, new)

    def watch(self, account: int, bands: Iterable[Band]) -> list[Told]:
        """Set an account's bands, all of them; return the quotes that lie outside."""
        named = {band.contract: band for band in bands if band.contract in self._held[account]}
        before = {name: self._edges[name].band(account) for name in self._held[account]}
        for contract in self._held[account]:
            self._set(account, contract, before[contract], named.get(contract))
        outside = [
            name
            for name, band in before.items()
            if name not in self._changed and self._is_news(name, band, named.get(name))
        ]
        return self._latest_of(account, outside)

    def _set(self, account: int, contract: str, before: Band | None, band: Band | None) -> None:
        if band == before:
            return
        if band is None:
            self._edges[contract].drop(account)
            self._every[contract].add(account)
        else:
            self._edges[contract].put(account, band)
            self._every[contract].discard(account)

    def _is_news(self, contract: str, before: Band | None, band: Band | None) -> bool:
        """Say whether quotes may have passed untold that a new band would have let through."""
        latest = self._latest.get(contract)
        if latest is None or band == before:
            return False
        return band is None or not band.holds(latest.quote)

    def _take(self, account: int, contract: str) -> None:
        self._held[account].add(contract)
        self._holders.setdefault(contract, set()).add(account)
        self._edges.setdefault(contract, Edges())
        self._every.setdefault(contract, set()).add(account)

    def _drop(self, account: int, contract: str) -> None:
        self._held[account].discard(contract)
        self._edges[contract].drop(account)
        self._every[contract].discard(account)
        self._holders[contract].discard(account)
        if not self._holders[contract]:
            del self._holders[contract], self._edges[contract], self._every[contract]
            self._latest.pop(contract, None)
            self._peaks.forget(contract)
            self._changed.discard(contract)

    def _latest_of(self, account: int, contracts: Iterable[str]) -> list[Told]:
        found = (self._latest.get(contract) for contract in contracts)
        return [(account, self._telling(account, latest)) for latest in found if latest]

    def _telling(self, account: int, latest: QuoteChanged) -> QuoteChanged:
        """Return a quote as one account is told it: with those of what else it holds."""
        contracts = self._held[account]
        if len(contracts) == 1:
            return latest
        return msgspec.structs.replace(latest, beside=self._beside(contracts, latest.quote))

    def _beside(self, contracts: Iterable[str], quote: Quote) -> tuple[Quote, ...]:
        others = (self._latest.get(name) for name in contracts if name != quote.contract)
        return tuple(each.quote for each in others if each)
