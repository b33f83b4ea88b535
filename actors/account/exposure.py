"""How much an account has at stake: the notional value of what it holds, in dollars.

Pure. It only ranks accounts where a login's request budget is short, so an old price will do; what
cannot be valued is None, which ranks before any amount.
"""

from decimal import Decimal

from actors.account.marks import Marks
from actors.account.state import AccountState


def exposure_usd(state: AccountState, marks: Marks) -> Decimal | None:
    """Return the sum over all contracts held, whatever their sign; None = unknown, or nothing is held.

    What is to be closed although nothing is known to be held is of unknown size.
    """
    notional = [
        _notional_usd(state, marks, name, size) for name, size in state.held.items() if size
    ]
    known = [each for each in notional if each is not None]
    return sum(known, Decimal(0)) if known and len(known) == len(notional) else None


def _notional_usd(state: AccountState, marks: Marks, name: str, size: int) -> Decimal | None:
    contract, position = state.contracts.get(name), state.positions.get(name)
    price = marks.last_price(name)
    if price is None and position is not None:
        price = position.average_price
    if contract is None or price is None:
        return None
    return abs(size * price) * contract.value_per_point_usd
