"""Within what prices no rule of an account can find anything new: one band per contract it holds.

Pure. Every rule that listens to quotes says so in its own terms (`Rule.quiet`); here they become prices,
rounded to the side of waking too early, and the narrowest counts. What several contracts may lose
together is shared out so that each may move as many ticks against the account as the others. Of one
without a band every quote must be judged: it cannot be valued, or a rule says nothing about it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from actors.account.settings import RuleSetting
from actors.account.valuation import mark_kind
from actors.rules.quiet import Gain, Loss, Quiet, Term, Within
from messages.values import AccountView, Band, Contract, OpenPosition, Position

type Edges = tuple[Decimal | None, Decimal | None]


@dataclass(frozen=True, slots=True)
class _Held:
    """A valued position."""

    mark: Decimal
    size: int
    tick: Decimal
    tick_usd: Decimal
    """What one tick is worth to the whole position, dollars; positive."""

    def against(self, ticks: int) -> Edges:
        """Return the edge so many ticks against the position."""
        return self._towards(ticks, long=self.size > 0)

    def towards(self, ticks: int) -> Edges:
        """Return the edge so many ticks towards its profit."""
        return self._towards(ticks, long=self.size < 0)

    def _towards(self, ticks: int, *, long: bool) -> Edges:
        step = ticks * self.tick
        return (self.mark - step, None) if long else (None, self.mark + step)


def bands_of(
    view: AccountView,
    rules: Iterable[RuleSetting],
    contracts: Mapping[str, Contract],
    *,
    conservative: bool,
) -> dict[str, Band]:
    """Return the bands by contract, as the picture shows the account now.

    Args:
        view: The picture the rules would judge.
        rules: Those that are asked about quotes.
        contracts: The broker's records.
        conservative: Whether positions are valued at the side they would close on.
    """
    held = {each.position.contract: _held(each, contracts) for each in view.positions}
    quiet = _quiet(view, rules)
    if quiet is None:
        return {}
    low: dict[str, Decimal] = {}
    high: dict[str, Decimal] = {}
    for term in quiet:
        for contract, (below, above) in _edges(term, held).items():
            if below is not None:
                low[contract] = max(below, low.get(contract, below))
            if above is not None:
                high[contract] = min(above, high.get(contract, above))
    found = (
        (each.mark, Band(contract=name, price=kind, low=low.get(name), high=high.get(name)))
        for name, each in held.items()
        if each and (kind := mark_kind(each.size, conservative=conservative))
    )
    return {band.contract: band for mark, band in found if _inside(mark, band)}


def without_edges(positions: Iterable[Position], *, conservative: bool) -> dict[str, Band]:
    """Return the bands of an account that no rule judges by quotes: none of them matters."""
    return {
        each.contract: Band(
            contract=each.contract,
            price=mark_kind(each.size, conservative=conservative),
            low=None,
            high=None,
        )
        for each in positions
    }


def _quiet(view: AccountView, rules: Iterable[RuleSetting]) -> Quiet | None:
    """Return the terms of all rules together; None = one of them must see every quote."""
    terms: list[Term] = []
    for each in rules:
        said = each.rule.quiet(view, each.parameters) if each.rule.quiet else None
        if said is None:
            return None
        terms += said
    return tuple(terms)


def _held(each: OpenPosition, contracts: Mapping[str, Contract]) -> _Held | None:
    """Return a position that can be valued in dollars a tick; None = its every quote counts."""
    record, size = contracts.get(each.position.contract), each.position.size
    if record is None or each.mark is None or each.pnl_usd is None:
        return None
    tick_usd = abs(size) * record.tick_value_usd
    exact = record.value_per_point_usd * record.tick_size == record.tick_value_usd
    if tick_usd <= 0 or record.tick_size <= 0 or not exact:
        return None
    return _Held(mark=each.mark, size=size, tick=record.tick_size, tick_usd=tick_usd)


def _edges(term: Term, held: Mapping[str, _Held | None]) -> dict[str, Edges]:
    match term:
        case Loss():
            known = {name: each for name in term.contracts if (each := held[name])}
            ticks = _ticks(term.usd, known.values()) if len(known) == len(term.contracts) else 0
            return {name: each.against(ticks) for name, each in known.items()}
        case Gain():
            one = held[term.contract]
            return {term.contract: one.towards(_ticks(term.usd, (one,)))} if one else {}
        case Within():
            return {term.contract: (term.low, term.high)}


def _ticks(usd: Decimal, held: Iterable[_Held]) -> int:
    """Return how many whole ticks all of them may move before an amount is reached."""
    together = sum((each.tick_usd for each in held), Decimal(0))
    return max(0, int(usd / together)) if together else 0


def _inside(mark: Decimal, band: Band) -> bool:
    """Say whether there is room around the mark: what is at its limit already sees every quote."""
    return (band.low is None or mark > band.low) and (band.high is None or mark < band.high)
