"""RULE-012 TradeManagement: moves stops behind a winning position, and never loosens one.

Not a breach: it asks for stops that are there already to be tightened (breakeven, trailing); it creates
none. A trailing stop of the broker's own is left to the broker.
"""

from collections.abc import Iterator
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import NamedTuple

import msgspec

from actors.rules.quiet import Quiet, Within
from actors.rules.rule import Rule, always, positive
from actors.rules.strictness import higher, lower, same, table
from messages.values import (
    AccountView,
    Breach,
    FactKind,
    OpenPosition,
    Order,
    OrderStatus,
    OrderType,
    Parameters,
    Side,
    StopMove,
)

_MOVABLE = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})


class Breakeven(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Move the stop to the entry once the position is in profit."""

    after_ticks: int
    """Ticks of profit of the mark against the average price, at which the stop is moved."""
    offset_ticks: int = 0
    """Ticks beyond the entry, towards the profit, at which it is put; 0 = the entry itself."""


class Trailing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Trail the stop behind the best mark."""

    activate_ticks: int
    """Ticks of profit of the best mark since the position was opened or scaled in, to begin at."""
    trail_ticks: int
    """Ticks behind the best mark at which the stop is put."""


class TradeManagement(Parameters, frozen=True):
    """How stops follow a position; at least one of the two."""

    breakeven: Breakeven | None = None
    """E.g. `{ after_ticks = 10, offset_ticks = 0 }`; left out = no move to the entry."""
    trailing: Trailing | None = None
    """E.g. `{ activate_ticks = 20, trail_ticks = 10 }`; left out = nothing is trailed."""


class _Wanted(NamedTuple):
    """Where a stop should be, and why."""

    price: Decimal
    reason: str


class _Winner(NamedTuple):
    """A position with everything that is needed to judge its stops."""

    contract: str
    sign: int
    entry: Decimal
    mark: Decimal
    best: Decimal
    tick: Decimal

    def ticks(self, price: Decimal) -> Decimal:
        """Return the profit in ticks at a price."""
        return (price - self.entry) * self.sign / self.tick

    def beyond(self, price: Decimal, ticks: int) -> Decimal:
        """Return the price so many ticks better than another, rounded to the grid, never looser."""
        exact = (price + self.sign * ticks * self.tick) / self.tick
        protecting = ROUND_CEILING if self.sign > 0 else ROUND_FLOOR
        return exact.to_integral_value(protecting) * self.tick

    def moving(self, stop: Decimal, ticks: int) -> Decimal:
        """Return the best mark up to which a stop that trails so many ticks behind stays where it is."""
        loose = ROUND_FLOOR if self.sign > 0 else ROUND_CEILING
        on_grid = (stop / self.tick).to_integral_value(loose)
        return (on_grid + self.sign * ticks) * self.tick

    def tighter(self, price: Decimal, than: Decimal) -> bool:
        """Say whether a stop at one price protects more than at another."""
        return (price - than) * self.sign > 0

    def past(self, price: Decimal) -> Decimal:
        """Return the next number that is better than a price, on the tick grid or not."""
        return price.next_plus() if self.sign > 0 else price.next_minus()

    def up_to(self, price: Decimal) -> Within:
        """Say that nothing is moved while the mark is worse than a price."""
        low, high = (None, price) if self.sign > 0 else (price, None)
        return Within(self.contract, low, high)


def _manage(view: AccountView, parameters: TradeManagement) -> tuple[StopMove, ...]:
    return tuple(
        move
        for held in view.positions
        if (winner := _winner(held)) and (wanted := _wanted(winner, parameters))
        for order in view.orders
        if (move := _move(order, winner, wanted, view.at))
    )


def _winner(held: OpenPosition) -> _Winner | None:
    """Return a position that can be judged: marked, and with a known tick."""
    if held.mark is None or held.best is None or held.tick_size is None:
        return None
    return _Winner(
        contract=held.position.contract,
        sign=1 if held.position.size > 0 else -1,
        entry=held.position.average_price,
        mark=held.mark,
        best=held.best,
        tick=held.tick_size,
    )


def _wanted(winner: _Winner, parameters: TradeManagement) -> _Wanted | None:
    """Return the tightest stop that is wanted and lies on the losing side of the mark."""
    found: list[_Wanted] = []
    if (even := parameters.breakeven) and winner.ticks(winner.mark) >= even.after_ticks:
        price = winner.beyond(winner.entry, even.offset_ticks)
        found.append(
            _Wanted(
                price,
                f"breakeven: {winner.ticks(winner.mark):f} ticks of profit "
                f"(after {even.after_ticks}), entry {winner.entry} + {even.offset_ticks} ticks",
            )
        )
    if (trail := parameters.trailing) and winner.ticks(winner.best) >= trail.activate_ticks:
        price = winner.beyond(winner.best, -trail.trail_ticks)
        found.append(
            _Wanted(
                price,
                f"trailing: best mark {winner.best}, {winner.ticks(winner.best):f} ticks "
                f"of profit (from {trail.activate_ticks}), {trail.trail_ticks} ticks behind",
            )
        )
    possible = [each for each in found if winner.tighter(winner.mark, each.price)]
    return max(possible, key=lambda each: each.price * winner.sign, default=None)


def _move(order: Order, winner: _Winner, wanted: _Wanted, at: datetime) -> StopMove | None:
    """Return the move of one order, if it is a stop of this position and looser than wanted."""
    present = order.stop_price
    if present is None or not _is_looser(order, winner, wanted.price):
        return None
    limit = order.limit_price if order.type == OrderType.STOP_LIMIT else None
    return StopMove(
        rule=RULE.id,
        order_id=order.order_id,
        contract=order.contract,
        from_price=present,
        stop_price=wanted.price,
        limit_price=None if limit is None else limit + (wanted.price - present),
        reason=wanted.reason,
        judged_at=at,
    )


def _quiet(view: AccountView, parameters: TradeManagement) -> Quiet | None:
    """Say up to which marks nothing is moved: as long as no stop would be, no best mark matters.

    A move that is wanted is repeated with every quote of whatever is held, until the broker shows the
    stop where it shall be.
    """
    if _manage(view, parameters):
        return None
    return tuple(
        term
        for held in view.positions
        if held.mark is not None
        for term in _steps(held, view.orders, parameters)
    )


def _steps(
    held: OpenPosition, orders: tuple[Order, ...], parameters: TradeManagement
) -> Iterator[Within]:
    """Yield, by what could be moved next, how far the mark may go towards the profit."""
    winner = _winner(held)
    if winner is None:
        yield Within(held.position.contract, held.mark, held.mark)
        return
    if even := parameters.breakeven:
        begins = winner.entry + winner.sign * even.after_ticks * winner.tick
        price = winner.beyond(winner.entry, even.offset_ticks)
        if any(_is_looser(order, winner, price) for order in orders):
            yield winner.up_to(begins)
    if trail := parameters.trailing:
        if winner.ticks(winner.best) < trail.activate_ticks:
            yield winner.up_to(winner.entry + winner.sign * trail.activate_ticks * winner.tick)
            return
        price = winner.beyond(winner.best, -trail.trail_ticks)
        for order in orders:
            if _is_looser(order, winner, price):
                yield winner.up_to(winner.past(price))  # the mark has come back behind it
            elif _is_stop(order, winner) and order.stop_price is not None:
                yield winner.up_to(winner.past(winner.moving(order.stop_price, trail.trail_ticks)))


def _is_looser(order: Order, winner: _Winner, price: Decimal) -> bool:
    """Say whether an order is a stop of this position that protects less than one at a price."""
    present = order.stop_price
    return present is not None and _is_stop(order, winner) and winner.tighter(price, present)


def _is_stop(order: Order, winner: _Winner) -> bool:
    """Say whether an order is a stop of this position that may be moved."""
    protecting = Side.SELL if winner.sign > 0 else Side.BUY
    return (
        order.contract == winner.contract
        and order.side is protecting
        and order.type in _MOVABLE
        and order.status == OrderStatus.OPEN
    )


def _evaluate(_view: AccountView, _parameters: TradeManagement) -> Breach | None:
    return None


def _describe(parameters: TradeManagement) -> str:
    says: list[str] = []
    if even := parameters.breakeven:
        beyond = f" + {even.offset_ticks} ticks" if even.offset_ticks else ""
        says.append(f"at {even.after_ticks} ticks of profit the stop goes to the entry{beyond}")
    if trail := parameters.trailing:
        says.append(
            f"from {trail.activate_ticks} ticks on it trails {trail.trail_ticks} behind the best price"
        )
    return f"{'; '.join(says)}; never loosened"


def _check(parameters: TradeManagement) -> list[str]:
    even, trail = parameters.breakeven, parameters.trailing
    found = [] if even or trail else ["breakeven: manages nothing; set breakeven or trailing"]
    if even:
        found += positive("breakeven.after_ticks", even.after_ticks)
        if even.offset_ticks < 0:
            found.append(f"breakeven.offset_ticks: must not be negative, not {even.offset_ticks}")
        elif even.offset_ticks >= even.after_ticks:
            found.append(
                f"breakeven.offset_ticks: {even.offset_ticks} must be less than after_ticks "
                f"({even.after_ticks}), or the stop would lie beyond the market"
            )
    if trail:
        found += positive("trailing.activate_ticks", trail.activate_ticks)
        found += positive("trailing.trail_ticks", trail.trail_ticks)
    return found


RULE = Rule(
    id="RULE-012",
    key="trade_management",
    name="TradeManagement",
    parameters=TradeManagement,
    listens=always(FactKind.QUOTE, FactKind.POSITION, FactKind.ORDER),
    evaluate=_evaluate,
    describe=_describe,
    check=_check,
    manage=_manage,
    quiet=_quiet,
    strictness={
        "breakeven": table(after_ticks=lower, offset_ticks=higher),
        # not the closer the stricter: it may lie beyond a mark that has come back, and then move nothing
        "trailing": table(activate_ticks=lower, trail_ticks=same),
    },
)
