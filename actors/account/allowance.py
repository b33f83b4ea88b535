"""What an account may hold under `no_new_exposure`: what it held at the intent, and never more again.

Pure. An allowance is a signed size per contract: it shrinks with every reduction, is gone once the
position is closed or turned round, and is nothing for a contract that was not held.
"""

from collections.abc import Iterable, Mapping

from messages.values import Allowance

type Allowances = dict[str, int]


def clipped(allowed: int, size: int) -> int:
    """Return how much of a size is allowed: never more than either, nothing on the other side."""
    if allowed * size <= 0:
        return 0
    return min(allowed, size) if allowed > 0 else max(allowed, size)


def ratcheted(allowances: Mapping[str, int], contract: str, size: int) -> Allowances:
    """Return the allowances after a contract is known to be held at a size."""
    left = clipped(allowances.get(contract, 0), size)
    others = {name: allowed for name, allowed in allowances.items() if name != contract}
    return others | ({contract: left} if left else {})


def journaled(allowances: Mapping[str, int]) -> tuple[Allowance, ...]:
    """Return the allowances as the journal holds them."""
    return tuple(Allowance(contract=name, size=size) for name, size in sorted(allowances.items()))


def restored(allowances: Iterable[Allowance]) -> Allowances:
    """Return the allowances the journal held."""
    return {each.contract: each.size for each in allowances}
