"""Which positions have a stop for their whole size, and since when the others have had none. Pure.

Only a stop that works now protects: one that is suspended, on its way to be cancelled, or in a status
nobody knows might never fill.
"""

from collections.abc import Collection, Mapping
from datetime import datetime

from messages.values import Order, OrderStatus, OrderType, Position

_STOPS = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP})
_PROTECTING = frozenset({OrderStatus.OPEN, OrderStatus.PENDING})


def is_protected(position: Position, orders: Collection[Order]) -> bool:
    """Say whether the stops against a position add up to at least its size."""
    return sum(_covers(order, position) for order in orders) >= abs(position.size)


def _covers(order: Order, position: Position) -> int:
    """Return how many contracts of a position an order would close at its stop."""
    stops = order.type in _STOPS and order.status in _PROTECTING
    opposite = order.signed_remaining * position.size < 0
    own = order.contract == position.contract
    return abs(order.signed_remaining) if stops and opposite and own else 0


def followed(
    since: Mapping[str, datetime],
    before: Mapping[str, Position],
    held: Mapping[str, Position],
    orders: Collection[Order],
    at: datetime,
) -> dict[str, datetime]:
    """Return since when each held contract is unprotected, after something became known.

    Args:
        since: Since when each was, until now.
        before: What was held until now; a position that has flipped is a new one.
        held: What is held now.
        orders: What works now.
        at: When it became known: those that are newly unprotected are so from then on.
    """
    if not held:  # as a rule while orders only rest
        return {}
    return {
        name: since[name] if name in since and _same_side(before.get(name), position) else at
        for name, position in held.items()
        if not is_protected(position, orders)
    }


def _same_side(before: Position | None, now: Position) -> bool:
    return before is not None and before.size * now.size > 0
