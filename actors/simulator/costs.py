"""What a fill costs: fees and commissions per contract and side.

Every product has its own; a test or a demo can set others for one contract, one side, or all. The most
particular setting wins. Pure.
"""

from decimal import Decimal

from actors.simulator.contracts import ContractSpec
from messages.values import Side


class CostTable:
    """Fees and commissions in dollars per contract."""

    def __init__(self) -> None:
        self._set: dict[tuple[str | None, Side | None], tuple[Decimal, Decimal]] = {}

    def set(
        self,
        fees: Decimal,
        commissions: Decimal,
        contract: str | None = None,
        side: Side | None = None,
    ) -> None:
        """Charge so much per contract; None for the contract or the side means every one."""
        self._set[contract, side] = (fees, commissions)

    def of(self, spec: ContractSpec, side: Side, size: int) -> tuple[Decimal, Decimal]:
        """Return fees and commissions of a fill in dollars."""
        keys = ((spec.id, side), (spec.id, None), (None, side), (None, None))
        default = (spec.product.fee, spec.product.commission)
        fees, commissions = next((self._set[key] for key in keys if key in self._set), default)
        return fees * size, commissions * size
