"""The standing duty: what the lockouts that bind forbid of a contract, and whether it is there.

Pure. Under a flat duty anything held or working is forbidden in its scope. Under `no_new_exposure` a
position beyond its allowance is, and an order that could add to what may be held; what only reduces is
not. A flat duty beside it wins.
"""

from dataclasses import dataclass

from actors.account.allowance import clipped
from actors.account.lockouts import flat_duty, no_new_exposure
from actors.account.state import AccountState
from actors.enforcer.targets import all_must_go, in_scope, is_closing, is_leaving, is_opening
from messages.values import (
    ACCOUNT_SCOPE,
    CapContract,
    Duty,
    FlatAccount,
    FlatProduct,
    Lockout,
    NoOpeningOrders,
    Order,
    Target,
    product_of,
)


@dataclass(frozen=True, slots=True)
class Demand:
    """What must be done about a contract under the lockouts that bind."""

    lockout: Lockout
    """The lockout that demands it."""
    targets: tuple[Target, ...]
    """States to reach."""

    @property
    def skips_rules(self) -> bool:
        """Say whether no rule is asked meanwhile."""
        return self.lockout.duty is Duty.FLAT and self.lockout.scope == ACCOUNT_SCOPE


def demand(state: AccountState, contract: str) -> Demand | None:
    """Return what must be done about a contract; None when nothing that is there is forbidden."""
    if not state.duties:
        return None
    if duty := flat_duty(state.duties, product_of(contract)):
        if contract not in state.positions and not _orders(state, contract):
            return None
        everything = duty.scope == ACCOUNT_SCOPE
        target = FlatAccount() if everything else FlatProduct(product=product_of(contract))
        return Demand(lockout=duty, targets=(target,))
    duty = no_new_exposure(state.duties)
    if duty is None or not (is_beyond(state, contract) or _opening(state, contract)):
        return None
    # both at once: an order and the position it becomes are one attempt
    cap = CapContract(contract=contract, size=_allowed(state, contract))
    return Demand(lockout=duty, targets=(NoOpeningOrders(), cap))


def forbids(state: AccountState, order: Order) -> bool:
    """Say whether a lockout that binds forbids an order that works."""
    if not state.duties:
        return False
    if flat_duty(state.duties, product_of(order.contract)):
        return not is_closing(order, _sizes(state))
    return no_new_exposure(state.duties) is not None and is_opening(order, may_stay(state))


def is_leaving_by_itself(state: AccountState, order: Order) -> bool:
    """Say whether an order that works is on its way to close what is held."""
    return is_leaving(order, _sizes(state))


def is_beyond(state: AccountState, contract: str) -> bool:
    """Say whether a position as it was told holds more than its allowance."""
    position = state.positions.get(contract)
    if position is None:
        return False
    return clipped(_allowed(state, contract), position.size) != position.size


def is_exposed(state: AccountState, contract: str) -> bool:
    """Say whether anything forbidden is there, counting fills whose position is still to come."""
    size = state.held.get(contract, 0)
    forbidden = any(forbids(state, order) for order in _orders(state, contract))
    if flat_duty(state.duties, product_of(contract)):
        return forbidden or size != 0
    if no_new_exposure(state.duties):
        return forbidden or clipped(_allowed(state, contract), size) != size
    return False


def may_stay(state: AccountState) -> dict[str, int]:
    """Return what is held by contract and may stay; orders are judged by it."""
    if not no_new_exposure(state.duties):
        return state.held
    return {name: clipped(_allowed(state, name), size) for name, size in state.held.items()}


def known(
    state: AccountState, targets: tuple[Target, ...]
) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Return the contracts and orders of which, as far as is known, nothing may stay for targets.

    What a market order is on its way to close is left to the read: a close beside it would flip the
    position, and a cancel (the order may be the enforcer's own) would leave it with none. One that
    closes more than is held is cancelled, and nothing is closed beside it before a read shows it gone.
    """
    sizes = _sizes(state)
    coming = {each.contract for each in state.orders.values() if is_leaving(each, sizes)}

    def goes(contract: str) -> bool:
        return contract not in coming and any(all_must_go(each, contract) for each in targets)

    def stops(order: Order) -> bool:
        if is_closing(order, sizes):
            return False
        if any(in_scope(target, order.contract) for target in targets):
            return True
        return NoOpeningOrders() in targets and is_opening(order, staying)

    staying = may_stay(state)
    orders = (key for key, order in state.orders.items() if stops(order))
    return tuple(sorted(filter(goes, state.positions))), tuple(sorted(orders))


def _allowed(state: AccountState, contract: str) -> int:
    return (state.allowances or {}).get(contract, 0)


def _opening(state: AccountState, contract: str) -> bool:
    staying = may_stay(state)
    return any(is_opening(order, staying) for order in _orders(state, contract))


def _orders(state: AccountState, contract: str) -> list[Order]:
    return [order for order in state.orders.values() if order.contract == contract]


def _sizes(state: AccountState) -> dict[str, int]:
    return {name: each.size for name, each in state.positions.items()}
