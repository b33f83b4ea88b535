"""Which stop moves of a verdict are still worth asking for: judged a moment ago, acted on now.

Pure. A move is passed on for a stop that still works and is still looser, and never where something is
being closed: under a flat duty, or while an enforcement concerns the contract (a stop that is moved as
its position is closed protects nothing and may fill beside the close).
"""

from actors.account.lockouts import flat_duty
from actors.account.state import AccountState
from actors.enforcer.stop import concerns
from messages.values import Side, StopMove, product_of


def still_wanted(state: AccountState, moves: tuple[StopMove, ...]) -> tuple[StopMove, ...]:
    """Return the moves that still tighten a stop of a position nobody is closing."""
    return tuple(move for move in moves if _tightens(state, move) and not _closing(state, move))


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
