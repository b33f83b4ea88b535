"""Which stop moves of a verdict are still worth asking for: judged a moment ago, acted on now.

Pure. A move is passed on for a stop that still works and is still looser, and never where something is
being closed: under a flat duty, or while an enforcement concerns the contract (a stop that is moved as
its position is closed protects nothing and may fill beside the close).
"""

from collections.abc import Mapping

from actors.account.lockouts import flat_duty
from actors.account.state import AccountState
from actors.enforcer.stop import concerns
from messages.values import Order, Side, StopMove, product_of


def still_wanted(state: AccountState, moves: tuple[StopMove, ...]) -> tuple[StopMove, ...]:
    """Return the moves that still tighten a stop of a position nobody is closing."""
    return tuple(move for move in moves if _tightens(state, move) and not _closing(state, move))


def changed_stops(before: Mapping[int, Order], now: Mapping[int, Order]) -> tuple[int, ...]:
    """Return the stops that a read has found changed, gone or new."""
    ids = sorted(before.keys() | now.keys())
    return tuple(key for key in ids if _is_changed_stop(before.get(key), now.get(key)))


def _is_changed_stop(before: Order | None, now: Order | None) -> bool:
    stop = any(each is not None and each.stop_price is not None for each in (before, now))
    return stop and before != now


def _tightens(state: AccountState, move: StopMove) -> bool:
    order, held = state.orders.get(move.order_id), state.positions.get(move.contract)
    if order is None or held is None or order.stop_price is None:
        return False
    protects = held.size > 0 if order.side is Side.SELL else held.size < 0
    step = move.stop_price - order.stop_price
    return protects and (step > 0 if order.side is Side.SELL else step < 0)


def _closing(state: AccountState, move: StopMove) -> bool:
    under_way = state.enforcement.targets if state.enforcement else ()
    return (
        any(concerns(target, move.contract) for target in under_way)
        or flat_duty(state.duties, product_of(move.contract)) is not None
    )
