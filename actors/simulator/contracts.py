"""The contracts the simulated exchange lists, with their real tick sizes and tick values.

Guarantees that every product is listed in several expiries under ProjectX's own ids (root ENQ for NQ,
EP for ES, CLE, MCLE and GCE), so that nobody can resolve a contract by guessing. Pure data: knows no
prices but a reference to start from, no clock, no accounts.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

MONTHS = {"H": 3, "M": 6, "U": 9, "Z": 12}
EXPIRIES = ("U25", "Z25", "H26", "M26", "U26", "Z26")


@dataclass(frozen=True, slots=True)
class Product:
    """One product of the exchange and what trading it costs."""

    root: str
    """ProjectX's root, e.g. `ENQ`."""
    symbol: str
    """The exchange's symbol, e.g. `NQ`."""
    description: str
    tick_size: Decimal
    tick_value: Decimal
    """Dollars per tick and contract."""
    reference: Decimal
    """Price that fills are made at until a price is set."""
    fee: Decimal
    """Exchange and clearing fees per contract and side, dollars."""
    commission: Decimal
    """Commission per contract and side, dollars."""


def _product(root: str, symbol: str, description: str, numbers: str) -> Product:
    return Product(root, symbol, description, *(Decimal(number) for number in numbers.split()))


PRODUCTS = (
    # tick size, tick value, reference price, fee, commission
    _product("MNQ", "MNQ", "Micro E-mini Nasdaq-100", "0.25 0.50 21000 0.37 0.25"),
    _product("ENQ", "NQ", "E-mini Nasdaq-100", "0.25 5 21000 1.40 0.50"),
    _product("MES", "MES", "Micro E-mini S&P 500", "0.25 1.25 6000 0.37 0.25"),
    _product("EP", "ES", "E-mini S&P 500", "0.25 12.50 6000 1.40 0.50"),
    _product("MYM", "MYM", "Micro E-mini Dow", "1 0.50 44000 0.37 0.25"),
    _product("YM", "YM", "E-mini Dow", "1 5 44000 1.40 0.50"),
    _product("M2K", "M2K", "Micro E-mini Russell 2000", "0.1 0.50 2200 0.37 0.25"),
    _product("RTY", "RTY", "E-mini Russell 2000", "0.1 5 2200 1.40 0.50"),
    _product("CLE", "CL", "Crude Oil", "0.01 10 70 1.52 0.50"),
    _product("MCLE", "MCL", "Micro Crude Oil", "0.01 1 70 0.52 0.25"),
    _product("GCE", "GC", "Gold", "0.1 10 3300 1.62 0.50"),
    _product("MGC", "MGC", "Micro Gold", "0.1 1 3300 0.62 0.25"),
)


@dataclass(frozen=True, slots=True)
class ContractSpec:
    """One listed contract, e.g. `CON.F.US.MNQ.Z25`."""

    id: str
    name: str
    """Display name, e.g. `MNQZ5`."""
    product: Product
    active: bool
    """Whether it is the front month."""

    @property
    def symbol_id(self) -> str:
        """Return ProjectX's symbol id, e.g. `F.US.MNQ`."""
        return f"F.US.{self.product.root}"

    @property
    def value_per_point(self) -> Decimal:
        """Return dollars per full point and contract."""
        return self.product.tick_value / self.product.tick_size

    def aligned(self, price: Decimal) -> bool:
        """Say whether a price lies on the tick grid."""
        return price % self.product.tick_size == 0


def catalogue(today: date) -> dict[str, ContractSpec]:
    """List every contract by id; the first expiry not before `today`'s month is the active one."""
    front = next(
        (expiry for expiry in EXPIRIES if _month(expiry) >= (today.year, today.month)), None
    )
    specs = (_spec(product, expiry, front) for product in PRODUCTS for expiry in EXPIRIES)
    return {spec.id: spec for spec in specs}


def _month(expiry: str) -> tuple[int, int]:
    return 2000 + int(expiry[1:]), MONTHS[expiry[0]]


def _spec(product: Product, expiry: str, front: str | None) -> ContractSpec:
    return ContractSpec(
        id=f"CON.F.US.{product.root}.{expiry}",
        name=f"{product.symbol}{expiry[0]}{expiry[-1]}",
        product=product,
        active=expiry == front,
    )
