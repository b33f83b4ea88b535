"""What the simulated exchange remembers: accounts, orders, positions and half-turn trades.

Mutable records, changed by `Exchange` alone, and the one piece of arithmetic that everything rests on:
how a fill changes a position and what it realises at the broker's average price. All money and prices
are Decimal. Does no I/O and reads no clock.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal

from actors.simulator.contracts import ContractSpec
from messages.values import DONE_STATUSES, OrderStatus, OrderType, Side

CENT = Decimal("0.01")
AVERAGE_PRICE_STEP = Decimal("0.000000001")


@dataclass(frozen=True, slots=True)
class Execution:
    """What one fill was: contracts, price, gross P&L in dollars (None = it only opened) and costs."""

    size: int
    price: Decimal
    profit_and_loss: Decimal | None
    fees: Decimal
    commissions: Decimal


@dataclass(slots=True)
class Trade:
    """One execution; `profit_and_loss` is gross and None for an opening half-turn."""

    id: int
    account: int
    contract: str
    created: datetime
    price: Decimal
    profit_and_loss: Decimal | None
    fees: Decimal
    commissions: Decimal
    side: Side
    size: int
    order_id: int
    voided: bool = False

    @property
    def net(self) -> Decimal:
        """Return what the trade adds to the balance."""
        return (self.profit_and_loss or Decimal(0)) - self.fees - self.commissions


@dataclass(slots=True)
class Position:
    """One contract held by one account; `size` is signed, long positive."""

    id: int
    account: int
    spec: ContractSpec
    created: datetime
    size: int = 0
    average_price: Decimal = Decimal(0)
    short: bool = False
    """Its direction, and once it is closed the last one it had."""

    def apply(self, side: Side, size: int, price: Decimal) -> Decimal | None:
        """Take a fill in; return the gross P&L it realises in dollars, None when it only opens."""
        signed = size if side is Side.BUY else -size
        if self.size * signed >= 0:
            self._extend(signed, price)
            return None
        return self._reduce(signed, price)

    def _extend(self, signed: int, price: Decimal) -> None:
        total = self.average_price * abs(self.size) + price * abs(signed)
        self.size += signed
        self.short = self.size < 0
        self.average_price = (total / abs(self.size)).quantize(AVERAGE_PRICE_STEP)

    def _reduce(self, signed: int, price: Decimal) -> Decimal:
        held = self.size
        closing = min(abs(signed), abs(held))
        per_point = self.spec.value_per_point * (closing if held > 0 else -closing)
        realised = (price - self.average_price) * per_point
        self.size += signed
        if self.size * held < 0:
            self.short = self.size < 0
            self.average_price = price
        return realised.quantize(CENT, ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True)
class Bracket:
    """One leg asked for with an entry: so many ticks away, of that order type."""

    ticks: int
    type: OrderType


@dataclass(frozen=True, slots=True)
class Ticket:
    """What is asked of the exchange in placing an order."""

    contract: str
    type: int
    side: int
    size: int
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_price: Decimal | None = None
    """Absolute price level of a trailing stop; the exchange keeps the distance."""
    tag: str | None = None
    stop_loss: Bracket | None = None
    take_profit: Bracket | None = None


@dataclass(slots=True)
class Order:
    """One order; `trail_distance` is what a trailing stop keeps behind the best price."""

    id: int
    account: int
    spec: ContractSpec
    created: datetime
    updated: datetime
    type: OrderType
    side: Side
    size: int
    status: OrderStatus = OrderStatus.PENDING
    filled: int = 0
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_distance: Decimal | None = None
    filled_price: Decimal | None = None
    tag: str | None = None
    parent_id: int | None = None
    linked_id: int | None = None
    """The other leg of an OCO pair."""
    bracket_ticks: int = 0
    """Distance from the entry at which a suspended child becomes active."""
    children: tuple[int, ...] = ()
    """Ids of the bracket legs that wait for this entry."""
    triggered: bool = False
    """A stop-limit whose stop has been reached."""

    @property
    def working(self) -> bool:
        """Say whether the order may still fill."""
        return self.status not in DONE_STATUSES

    @property
    def remaining(self) -> int:
        """Return the contracts not filled yet."""
        return self.size - self.filled


@dataclass(slots=True)
class Account:
    """One trading account and everything in it."""

    id: int
    name: str
    user: str
    balance: Decimal
    can_trade: bool = True
    is_visible: bool = True
    simulated: bool = True
    active: bool = True
    """Whether `Account/search` with `onlyActiveAccounts` lists it."""
    positions: dict[str, Position] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    trades: dict[int, Trade] = field(default_factory=dict)
    tags: set[str] = field(default_factory=set)
    """Every customTag ever used: a tag is never free again."""
