"""The algebra of targets: states an account is brought to, and what is still to be done for them.

Pure. A target is a state, so it can be joined with others, repeated and resumed. A plan is computed
from one complete snapshot; it never over-closes, never flips a position, and refuses no reduction.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from messages.values import (
    CapAccount,
    CapContract,
    CapProduct,
    FlatAccount,
    FlatContract,
    FlatProduct,
    NoOpeningOrders,
    Order,
    OrderStatus,
    OrderType,
    Position,
    Target,
    product_of,
)

_ON_ITS_WAY = frozenset({OrderStatus.PENDING, OrderStatus.OPEN})
_PROTECTIVE = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP})


@dataclass(frozen=True, slots=True)
class Plan:
    """What a snapshot leaves to do."""

    close: tuple[str, ...] = ()
    """Contracts to close completely."""
    reduce: tuple[tuple[str, int], ...] = ()
    """(contract, contracts to close), each less than the position."""
    cancel: tuple[int, ...] = ()
    """Orders to cancel."""
    satisfied: bool = True
    """Whether every target is reached (an order that is only waited for leaves it False)."""
    coming: Mapping[str, int] = field(default_factory=dict, compare=False)
    """By how many contracts orders on their way still reduce each position, as the snapshot shows."""


def joined(targets: Iterable[Target]) -> tuple[Target, ...]:
    """Return the targets without duplicates and without those another one covers."""
    unique = tuple(dict.fromkeys(targets))
    return tuple(
        target
        for target in unique
        if not any(other != target and covers(other, target) for other in unique)
    )


def covers(wider: Target, target: Target) -> bool:  # noqa: PLR0911 - a table of pairs
    """Say whether reaching one target reaches the other as well."""
    match wider, target:
        case FlatAccount(), _:
            return True
        case FlatProduct(), FlatProduct() | CapProduct():
            return wider.product == target.product
        case FlatProduct(), FlatContract() | CapContract():
            return wider.product == product_of(target.contract)
        case FlatContract(), CapContract():
            return wider.contract == target.contract
        case CapContract(), CapContract():
            return wider.contract == target.contract and _within(wider.size, target.size)
        case CapProduct(), CapProduct():
            return wider.product == target.product and wider.limit <= target.limit
        case CapAccount(), CapAccount():
            return wider.count == target.count and wider.limit <= target.limit
        case _:
            return wider == target


def covers_all(wider: Sequence[Target], targets: Sequence[Target]) -> bool:
    """Say whether reaching some targets reaches all of the others as well."""
    return all(any(covers(each, target) for each in wider) for target in targets)


def _within(size: int, cap: int) -> bool:
    """Say whether a signed size keeps a signed cap: on its side, and not beyond it."""
    return size == 0 or (size * cap > 0 and abs(size) <= abs(cap))


def needs_no_read(target: Target) -> bool:
    """Say whether what must go for a target follows from its name, not from how much is held."""
    match target:
        case CapContract():
            return target.size == 0
        case _:
            return is_flat_target(target) or isinstance(target, NoOpeningOrders)


def all_must_go(target: Target, contract: str) -> bool:
    """Say whether a target leaves nothing of a position in a contract."""
    return in_scope(target, contract) or target == CapContract(contract=contract, size=0)


def is_flat_target(target: Target) -> bool:
    """Say whether a target asks for nothing at all in its scope."""
    return isinstance(target, FlatAccount | FlatProduct | FlatContract)


def in_scope(target: Target, contract: str) -> bool:
    """Say whether a contract falls under a flat target."""
    match target:
        case FlatAccount():
            return True
        case FlatProduct():
            return product_of(contract) == target.product
        case FlatContract():
            return contract == target.contract
        case CapAccount() | CapProduct() | CapContract() | NoOpeningOrders():
            return False


def plan(
    targets: Sequence[Target],
    positions: Sequence[Position],
    orders: Sequence[Order],
    *,
    patient: bool = True,
) -> Plan:
    """Return what is left to do for all targets, given a complete snapshot.

    While `patient`, a market order that is on its way to reduce a position is waited for: a second
    close beside it would flip the position once both have filled. Otherwise it counts as stuck, and so
    does at once what closes more than is held (or has filled in part while that was read): it is
    cancelled, and its position is closed once a read shows it gone.
    """
    held = {position.contract: position.size for position in positions if position.size}
    working = [order for order in orders if order.working]
    leaving = [order for order in working if is_leaving(order, held)]
    closing = [order for order in leaving if patient and is_closing(order, held)]
    stuck = [order for order in leaving if order not in closing]
    coming: dict[str, int] = {}
    for order in leaving:
        coming[order.contract] = coming.get(order.contract, 0) + abs(order.signed_remaining)
    flat = [target for target in targets if is_flat_target(target)]

    def must_go(contract: str) -> bool:
        return any(in_scope(target, contract) for target in flat)

    going = [contract for contract in held if must_go(contract)]
    kept = {contract: size for contract, size in held.items() if contract not in going}
    left = {contract: _after(size, contract, closing) for contract, size in kept.items()}
    reduce = _reductions(targets, left)
    whole = [contract for contract, size in reduce.items() if size == abs(kept[contract])]
    partial = [(contract, size) for contract, size in reduce.items() if contract not in whole]
    excess = _reductions(targets, kept)
    staying = {name: size - excess.get(name, 0) * _sign(size) for name, size in kept.items()}
    opening = NoOpeningOrders() in targets
    pending = [
        order
        for order in working
        if must_go(order.contract)
        or (opening and is_opening(order, staying))
        or (order in stuck and order.contract in excess)
    ]
    blocked = {order.contract for order in stuck}
    return Plan(
        close=tuple(
            sorted(
                [
                    *(each for each in going if each not in coming),
                    *(each for each in whole if each not in blocked),
                ]
            )
        ),
        reduce=tuple(sorted(each for each in partial if each[0] not in blocked)),
        cancel=tuple(sorted(order.order_id for order in pending if order not in closing)),
        satisfied=not (going or pending or excess),
        coming=coming,
    )


def _after(size: int, contract: str, closing: Sequence[Order]) -> int:
    """Return what is left of a position when the orders on their way have filled."""
    coming = sum(abs(each.signed_remaining) for each in closing if each.contract == contract)
    rest = max(abs(size) - coming, 0)
    return rest if size > 0 else -rest


def is_closing(order: Order, held: Mapping[str, int]) -> bool:
    """Say whether an order is a market order on its way to reduce what is held: it is waited for.

    It is pending for some 25 ms as a rule, and open for as long as the market has nobody to trade with.
    """
    size = held.get(order.contract, 0)
    return is_leaving(order, held) and abs(order.signed_remaining) <= abs(size)


def is_leaving(order: Order, held: Mapping[str, int]) -> bool:
    """Say whether a market order is on its way against what is held, however much it is."""
    return (
        order.type == OrderType.MARKET
        and order.status in _ON_ITS_WAY
        and held.get(order.contract, 0) * order.signed_remaining < 0
    )


def is_opening(order: Order, held: Mapping[str, int]) -> bool:
    """Say whether a working order could add to what is held, or open something new.

    An order on the closing side, of at most the size held, only reduces; several may together exceed the
    position, as the legs of an OCO pair do. A stop on the closing side protects whatever its size: it is
    left alone where a partial close has made it too large, for a position without it is the worse risk.
    """
    size, coming = held.get(order.contract, 0), order.signed_remaining
    if coming == 0:
        return False
    if size * coming >= 0:
        return True
    return order.type not in _PROTECTIVE and abs(coming) > abs(size)


def _reductions(targets: Sequence[Target], held: dict[str, int]) -> dict[str, int]:
    """Return contracts to close per position so that every cap holds, the narrowest caps first."""
    left = dict(held)
    for target in targets:
        if isinstance(target, CapContract) and target.contract in left:
            left[target.contract] = _kept_of(left[target.contract], target.size)
    for target in targets:
        if isinstance(target, CapProduct):
            own = {name: size for name, size in left.items() if product_of(name) == target.product}
            left |= _reduced(own, sum(map(abs, own.values())) - target.limit)
    for target in targets:
        if isinstance(target, CapAccount):
            left |= _capped(left, target)
    return {name: abs(held[name] - left[name]) for name in held if held[name] != left[name]}


def _kept_of(size: int, cap: int) -> int:
    """Return what a signed cap leaves of a position."""
    if size * cap <= 0:
        return 0
    return size if _within(size, cap) else cap


def _sign(size: int) -> int:
    return 1 if size > 0 else -1


def _capped(held: dict[str, int], cap: CapAccount) -> dict[str, int]:
    if cap.count == "gross":
        return _reduced(held, sum(map(abs, held.values())) - cap.limit)
    net = sum(held.values())
    heavy = {name: size for name, size in held.items() if size * net > 0}
    return _reduced(heavy, abs(net) - cap.limit)


def _reduced(held: dict[str, int], excess: int) -> dict[str, int]:
    """Return the sizes after closing `excess` contracts, the largest position first."""
    left = dict(held)
    while excess > 0 and any(left.values()):
        largest = max(sorted(left), key=lambda name: abs(left[name]))
        step = min(excess, abs(left[largest]))
        left[largest] -= step if left[largest] > 0 else -step
        excess -= step
    return left
