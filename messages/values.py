"""The values messages are made of, in the words of the exchange and of ProjectX.

Money is `Decimal` US dollars (`_usd`), prices are `Decimal` on the tick grid, contracts are signed
`int` (long positive, short negative), times are aware UTC. No floats: they stop in the SDK adapter.
"""

from datetime import datetime
from decimal import Decimal
from enum import IntEnum, StrEnum

import msgspec

from messages.base import Value

ACCOUNT_SCOPE = "account"
"""The scope of a lockout that holds for the whole account; otherwise `product:<root>`."""

_ALIASES = {"EP": "ES", "ENQ": "NQ", "CLE": "CL", "MCLE": "MCL", "GCE": "GC"}
# Roots that ProjectX names differently from the exchange; source: contract records of the gateway
# (`CON.F.US.EP.U25` is ESU5, `CON.F.US.ENQ.U25` is NQU5).


def product_of(contract: str) -> str:
    """Return the product of a contract id: `CON.F.US.MNQ.Z26` → `MNQ`, `CON.F.US.EP.U25` → `ES`.

    An id that is not `CON.<type>.<country>.<root>.<expiry>` is its own product: no limit that was
    set for another product can apply to it, only those for unknown products and for the account.
    """
    root = broker_root(contract)
    return contract if root == contract else canonical_product(root)


def broker_root(contract: str) -> str:
    """Return the root a contract id is written with: `CON.F.US.EP.U25` → `EP`; else the id itself."""
    parts = contract.split(".")
    if len(parts) != 5 or parts[0] != "CON" or not all(parts):  # noqa: PLR2004 - the id's five parts
        return contract
    return parts[3]


def canonical_product(root: str) -> str:
    """Return the exchange's name of a product root in capitals: `ep` → `ES`, `MNQ` → `MNQ`."""
    return _ALIASES.get(root.upper(), root.upper())


def roots_of(product: str) -> tuple[str, ...]:
    """Return what a product is called, the exchange's name first: `ES` → `ES`, `EP`."""
    return (product, *(root for root, name in _ALIASES.items() if name == product))


def product_scope(product: str) -> str:
    """Return the scope of a lockout on one product: `MNQ` → `product:MNQ`."""
    return f"product:{product}"


class Side(IntEnum):
    """ProjectX order side."""

    BUY = 0
    SELL = 1


class OrderType(IntEnum):
    """ProjectX order type."""

    UNKNOWN = 0
    LIMIT = 1
    MARKET = 2
    STOP_LIMIT = 3
    STOP = 4
    TRAILING_STOP = 5
    JOIN_BID = 6
    JOIN_ASK = 7


class OrderStatus(IntEnum):
    """ProjectX order status; 8 is undocumented (a bracket's child waiting for its parent)."""

    NONE = 0
    OPEN = 1
    FILLED = 2
    CANCELLED = 3
    EXPIRED = 4
    REJECTED = 5
    PENDING = 6
    PENDING_CANCELLATION = 7
    SUSPENDED = 8


DONE_STATUSES = frozenset(
    {OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.EXPIRED, OrderStatus.REJECTED}
)


class Health(StrEnum):
    """How far an account's picture of the broker can be trusted."""

    LIVE = "live"
    """Streams up, snapshot of this generation taken, quotes fresh where they are needed."""
    STALE = "stale"
    """The stream is down or silent, facts are judged too late, or a needed quote is too old."""
    UNKNOWN = "unknown"
    """A snapshot failed or contradicts; nothing may be concluded from it."""


class Phase(StrEnum):
    """Where an account is on its way: STARTING → OPEN → ENFORCING → LOCKED → OPEN."""

    STARTING = "starting"
    OPEN = "open"
    ENFORCING = "enforcing"
    LOCKED = "locked"


class Duty(StrEnum):
    """What a lockout demands while it is in force."""

    FLAT = "flat"
    """Nothing may be held and nothing may work."""
    NO_NEW_EXPOSURE = "no_new_exposure"
    """What is open may stay and be reduced; any increase is closed back."""


class ReleaseOn(StrEnum):
    """What ends a lockout; nothing else does."""

    TIME = "time"
    RESET = "reset"
    SESSION_START = "session_start"
    CAN_TRADE = "can_trade"
    CONFIG = "config"


class FactKind(StrEnum):
    """The kinds of facts a rule can listen to."""

    TRADE = "trade"
    POSITION = "position"
    ORDER = "order"
    ACCOUNT = "account"
    QUOTE = "quote"
    CLOCK = "clock"


class BreachCode(StrEnum):
    """Why a rule fired: a stable code, one per reason."""

    MAX_CONTRACTS = "MAX_CONTRACTS"
    MAX_CONTRACTS_PER_INSTRUMENT = "MAX_CONTRACTS_PER_INSTRUMENT"
    UNKNOWN_INSTRUMENT = "UNKNOWN_INSTRUMENT"
    DAILY_REALIZED_LOSS = "DAILY_REALIZED_LOSS"
    DAILY_LOSS_WITH_OPEN = "DAILY_LOSS_WITH_OPEN"
    DAILY_UNREALIZED_LOSS = "DAILY_UNREALIZED_LOSS"
    MAX_UNREALIZED_PROFIT = "MAX_UNREALIZED_PROFIT"
    TRADE_FREQUENCY_LIMIT = "TRADE_FREQUENCY_LIMIT"
    COOLDOWN_AFTER_LOSS = "COOLDOWN_AFTER_LOSS"
    NO_STOP_LOSS = "NO_STOP_LOSS"
    OUTSIDE_SESSION = "OUTSIDE_SESSION"
    CANNOT_TRADE = "CANNOT_TRADE"
    SYMBOL_BLOCKED = "SYMBOL_BLOCKED"
    DAILY_REALIZED_PROFIT = "DAILY_REALIZED_PROFIT"
    RULE_UNJUDGED = "RULE_UNJUDGED"


class AlarmCode(StrEnum):
    """What a person must look at; each is journaled and logged."""

    BROKER_UNCERTAIN = "BROKER_UNCERTAIN"
    BROKER_REJECTED = "BROKER_REJECTED"
    FLAT_NOT_CONFIRMED = "FLAT_NOT_CONFIRMED"
    REENTRY_PATTERN = "REENTRY_PATTERN"
    COPIER_SUSPECTED = "COPIER_SUSPECTED"
    JOURNAL_LATE = "JOURNAL_LATE"
    JOURNAL_FAILED = "JOURNAL_FAILED"
    ANCHOR_FAILED = "ANCHOR_FAILED"
    ARCHIVE_FAILED = "ARCHIVE_FAILED"
    STREAM_LOST = "STREAM_LOST"
    SNAPSHOT_FAILED = "SNAPSHOT_FAILED"
    SNAPSHOT_DIFFERED = "SNAPSHOT_DIFFERED"
    PAYLOAD_QUARANTINED = "PAYLOAD_QUARANTINED"
    UNKNOWN_ACCOUNT = "UNKNOWN_ACCOUNT"
    ACCOUNT_UNGUARDED = "ACCOUNT_UNGUARDED"
    ACCOUNT_MISSING = "ACCOUNT_MISSING"
    ACCOUNT_RENAMED = "ACCOUNT_RENAMED"
    UNKNOWN_CONTRACT = "UNKNOWN_CONTRACT"
    UNKNOWN_ORDER_STATUS = "UNKNOWN_ORDER_STATUS"
    QUOTE_STALE = "QUOTE_STALE"
    QUOTE_DOUBTED = "QUOTE_DOUBTED"
    CAN_TRADE_UNKNOWN = "CAN_TRADE_UNKNOWN"
    RULE_FAILED = "RULE_FAILED"
    RULE_SILENT = "RULE_SILENT"
    RULE_UNJUDGED = "RULE_UNJUDGED"
    ACTOR_RESTARTED = "ACTOR_RESTARTED"
    ACTOR_GAVE_UP = "ACTOR_GAVE_UP"
    ACTOR_DOWN = "ACTOR_DOWN"
    ACTOR_HUNG = "ACTOR_HUNG"
    DEAD_LETTER = "DEAD_LETTER"
    LOGIN_FAILED = "LOGIN_FAILED"
    LOGGED_OUT_BY_BROKER = "LOGGED_OUT_BY_BROKER"
    BUDGET_EXHAUSTED = "BUDGET_EXHAUSTED"
    CALENDAR_EXPIRED = "CALENDAR_EXPIRED"
    STOP_NOT_MOVED = "STOP_NOT_MOVED"
    CALENDAR_MISSING = "CALENDAR_MISSING"
    CLOCK_JUMPED = "CLOCK_JUMPED"
    CLOCK_WRONG = "CLOCK_WRONG"
    CLOCK_UNCONFIRMED = "CLOCK_UNCONFIRMED"
    BALANCE_DIFFERED = "BALANCE_DIFFERED"
    RULE_NOT_RESTORED = "RULE_NOT_RESTORED"
    LEASE_LOST = "LEASE_LOST"
    RUN_CUT_SHORT = "RUN_CUT_SHORT"
    WATCHDOG_GONE = "WATCHDOG_GONE"
    FACTS_LATE = "FACTS_LATE"
    TURNS_LATE = "TURNS_LATE"
    ALERT_CHANNEL_FAILED = "ALERT_CHANNEL_FAILED"
    MACHINE_UNFIT = "MACHINE_UNFIT"


class PriceKind(StrEnum):
    """Which price of a quote values a position."""

    LAST = "last"
    BID = "bid"
    ASK = "ask"


class Position(Value, frozen=True, kw_only=True):
    """One contract held by one account."""

    contract: str
    """Contract id, e.g. `CON.F.US.MNQ.Z26`."""
    size: int
    """Signed contracts; long positive, short negative, 0 = closed."""
    average_price: Decimal
    """Average entry price."""

    @property
    def product(self) -> str:
        """Return the product of the contract, e.g. `MNQ`."""
        return product_of(self.contract)


class Order(Value, frozen=True, kw_only=True):
    """One order as the broker last reported it."""

    order_id: int
    """The broker's order id."""
    contract: str
    """Contract id."""
    side: Side
    """Buy or sell."""
    type: int
    """ProjectX order type (`OrderType`); an unknown number is kept as it came."""
    size: int
    """Contracts, unsigned."""
    filled: int
    """Contracts filled so far, unsigned."""
    status: int
    """ProjectX order status (`OrderStatus`); an unknown number is kept and counts as working."""
    limit_price: Decimal | None = None
    """Limit price where the order has one."""
    stop_price: Decimal | None = None
    """Stop price where the order has one."""
    tag: str | None = None
    """The client's own tag, unique per account."""

    @property
    def working(self) -> bool:
        """Say whether the order may still fill: every status that is not known to be final."""
        return self.status not in DONE_STATUSES

    @property
    def signed_remaining(self) -> int:
        """Return what a complete fill would still add to the position, signed."""
        remaining = self.size - self.filled
        return remaining if self.side is Side.BUY else -remaining


class Fill(Value, frozen=True, kw_only=True):
    """One execution (ProjectX calls it a half-turn trade)."""

    trade_id: int
    """The broker's trade id; a fill is booked once by it."""
    order_id: int
    """The order that was filled."""
    contract: str
    """Contract id."""
    side: Side
    """Side of the fill."""
    size: int
    """Contracts, unsigned."""
    price: Decimal
    """Fill price."""
    profit_and_loss_usd: Decimal | None
    """The broker's gross P&L of a closing fill; None on an opening half-turn."""
    fees_usd: Decimal
    """Exchange and clearing fees of this fill."""
    commissions_usd: Decimal
    """Commissions of this fill (a second, separate cost)."""
    voided: bool
    """The broker took the fill back."""
    executed_at: datetime
    """The broker's time of the fill, UTC."""

    @property
    def costs_usd(self) -> Decimal:
        """Return fees and commissions together."""
        return self.fees_usd + self.commissions_usd


class Contract(Value, frozen=True, kw_only=True):
    """The broker's record of a contract; the only source of its value per point."""

    contract: str
    """Contract id."""
    name: str
    """Display name, e.g. `MNQZ6`."""
    tick_size: Decimal
    """Smallest price step."""
    tick_value_usd: Decimal
    """Dollars per tick and contract."""

    @property
    def value_per_point_usd(self) -> Decimal:
        """Return dollars per full point and contract, e.g. 2 for MNQ."""
        return self.tick_value_usd / self.tick_size


class Quote(Value, frozen=True, kw_only=True):
    """The latest merged quote of one contract; a side never seen is None, never 0."""

    contract: str
    """Contract id."""
    last: Decimal | None
    """Last trade price."""
    bid: Decimal | None
    """Best bid."""
    ask: Decimal | None
    """Best ask."""
    at: datetime
    """When it was received, UTC."""

    def price(self, kind: PriceKind) -> Decimal | None:
        """Return one of its prices; None = never seen."""
        match kind:
            case PriceKind.LAST:
                return self.last
            case PriceKind.BID:
                return self.bid
            case PriceKind.ASK:
                return self.ask


class Band(Value, frozen=True, kw_only=True):
    """The prices of one contract between which no rule of an account can find anything new."""

    contract: str
    """Contract id."""
    price: PriceKind
    """Which price of a quote is meant."""
    low: Decimal | None
    """This price or a lower one must be judged; None = no price is too low."""
    high: Decimal | None
    """This price or a higher one must be judged; None = no price is too high."""

    def holds(self, quote: Quote) -> bool:
        """Say whether a quote lies inside; one without the price that is meant does not."""
        price = quote.price(self.price)
        if price is None:
            return False
        above = self.low is None or price > self.low
        return above and (self.high is None or price < self.high)


class AccountRecord(Value, frozen=True, kw_only=True):
    """One account as the broker lists it."""

    account: int
    """Account id."""
    name: str
    """Account name."""
    balance_usd: Decimal
    """Cash balance."""
    can_trade: bool | None
    """Whether the firm lets it trade; None where the record left it out."""
    simulated: bool
    """Whether it is a simulated account (live-funded ones may refuse our closes)."""


class Unprotected(Value, frozen=True, kw_only=True):
    """A held contract without working stops for its whole size."""

    contract: str
    """Contract id."""
    since: datetime
    """Since when, UTC."""


class Closing(Value, frozen=True, kw_only=True):
    """A close that was commanded and may still take effect."""

    command_id: str
    """The command."""
    contract: str
    """Contract id."""


class SizeChange(Value, frozen=True, kw_only=True):
    """A change of what is held that was told in one way only so far: by a fill, or by a position."""

    contract: str
    """Contract id."""
    size: int
    """Signed contracts; positive = bought."""
    at: datetime
    """When it was told, UTC."""


class LastTold(Value, frozen=True, kw_only=True):
    """When the present stream last told a position or an order."""

    key: str | int
    """Contract id, or order id."""
    at: datetime
    """As the gateway stamped it, UTC."""


# --- Targets: states to reach, never deltas, so they can be joined, repeated and resumed. ---


class FlatAccount(Value, frozen=True, kw_only=True, tag_field="target", tag="flat_account"):
    """No position and no working order in the whole account."""


class FlatProduct(Value, frozen=True, kw_only=True, tag_field="target", tag="flat_product"):
    """No position and no working order in one product."""

    product: str
    """Product root, e.g. `RTY`."""


class FlatContract(Value, frozen=True, kw_only=True, tag_field="target", tag="flat_contract"):
    """No position and no working order in one contract."""

    contract: str
    """Contract id."""


class CapAccount(Value, frozen=True, kw_only=True, tag_field="target", tag="cap_account"):
    """At most so many contracts in the account; the largest position is reduced first."""

    limit: int
    """Contracts, not negative."""
    count: str
    """`net` (absolute value of the sum of signed sizes) or `gross` (sum of absolute sizes)."""


class CapProduct(Value, frozen=True, kw_only=True, tag_field="target", tag="cap_product"):
    """At most so many contracts (sum of absolute sizes) in one product."""

    product: str
    """Product root."""
    limit: int
    """Contracts, not negative."""


class CapContract(Value, frozen=True, kw_only=True, tag_field="target", tag="cap_contract"):
    """At most so many contracts of one contract, on one side."""

    contract: str
    """Contract id."""
    size: int
    """Signed: 2 = long at most 2 and never short; 0 = nothing."""


class NoOpeningOrders(
    Value, frozen=True, kw_only=True, tag_field="target", tag="no_opening_orders"
):
    """No working order that could add to what the account holds; protective stops stay."""


type Target = (
    FlatAccount
    | FlatProduct
    | FlatContract
    | CapAccount
    | CapProduct
    | CapContract
    | NoOpeningOrders
)


# --- Lockouts and breaches ---


class LockoutTerms(Value, frozen=True, kw_only=True):
    """The lockout a breach asks for."""

    scope: str
    """`account`, or `product:<root>`."""
    duty: Duty
    """What it demands."""
    until: datetime | None
    """When it ends, UTC; None = not by time."""
    release_on: ReleaseOn
    """What ends it."""


class Allowance(Value, frozen=True, kw_only=True):
    """What may be held of one contract under `no_new_exposure`; of any other contract nothing may."""

    contract: str
    """Contract id."""
    size: int
    """Signed contracts; it only ever shrinks while the lockout binds."""


class Breach(Value, frozen=True, kw_only=True):
    """A rule's verdict that its limit is broken, with the arithmetic."""

    rule: str
    """Rule id, e.g. `RULE-003`."""
    code: BreachCode
    """Stable reason code."""
    value: Decimal
    """What was measured, in the unit of the limit."""
    limit: Decimal
    """What is allowed."""
    reason: str
    """One sentence for people, e.g. `Daily loss limit exceeded: $-35.50 (limit: $-5.00)`."""
    measure: str
    """The arithmetic in short, e.g. `Daily P&L: $-35.50, Limit: $-5.00`."""
    targets: tuple[Target, ...]
    """The states the account must be brought to."""
    lockouts: tuple[LockoutTerms, ...] = ()
    """The lockouts that follow, if any; each of its own scope."""


class Lockout(Value, frozen=True, kw_only=True):
    """A lockout of an account; the set of them is keyed by (rule, scope)."""

    rule: str
    """The rule that set it."""
    scope: str
    """`account`, or `product:<root>`."""
    duty: Duty
    """What it demands."""
    until: datetime | None
    """When it ends, UTC; None = not by time."""
    release_on: ReleaseOn
    """What ends it."""
    reason: str
    """Why, for people."""
    breach_id: str
    """The breach that led to it."""
    locked_at: datetime
    """When the intent was decided, UTC."""
    shadow: bool = False
    """Only pretended, of an account that is only watched: it binds nobody and ends when that is armed."""


# --- What the broker made of a command ---


class Done(Value, frozen=True, kw_only=True, tag_field="outcome", tag="done"):
    """The broker accepted the command."""

    order_id: int | None = None
    """Id of the order that a `PlaceOrder` created."""


class Rejected(Value, frozen=True, kw_only=True, tag_field="outcome", tag="rejected"):
    """The broker refused it: it certainly has no effect."""

    code: int
    """The broker's errorCode for this endpoint."""
    text: str
    """The broker's errorMessage, or the name of the code."""


class NotSent(Value, frozen=True, kw_only=True, tag_field="outcome", tag="not_sent"):
    """It certainly did not reach the broker (connection refused, 401, 429, no budget)."""

    reason: str
    """Why."""
    retry_after_s: float | None = None
    """Sent again after so many seconds it is in time for its turn; None = no turn to wait for."""


class Uncertain(Value, frozen=True, kw_only=True, tag_field="outcome", tag="uncertain"):
    """It may or may not have had its effect: read before sending anything again."""

    reason: str
    """Why."""


class Withheld(Value, frozen=True, kw_only=True, tag_field="outcome", tag="withheld"):
    """Our own gateway kept it back, for the account is in shadow: it certainly has no effect."""


type Outcome = Done | Rejected | NotSent | Uncertain | Withheld


class StopMove(Value, frozen=True, kw_only=True):
    """A rule's wish to tighten one protective stop; it is never loosened."""

    rule: str
    """Rule id."""
    order_id: int
    """The working stop order."""
    contract: str
    """Contract it protects."""
    from_price: Decimal
    """Stop price it has, as the rule saw it."""
    stop_price: Decimal
    """New stop price, on the tick grid."""
    limit_price: Decimal | None
    """New limit price of a stop-limit order, moved along; None for other types."""
    reason: str
    """The arithmetic, for people."""
    judged_at: datetime
    """The instant of the picture it was judged by, UTC; of one picture's wishes the tightest counts."""


class OpenPosition(Value, frozen=True, kw_only=True):
    """A position as a rule sees it, valued where it can be."""

    position: Position
    """The position."""
    pnl_usd: Decimal | None
    """Open P&L; None when it cannot be valued (no fresh quote, a close not settled), never 0."""
    mark: Decimal | None
    """The fresh price it is valued at; None when there is none."""
    best: Decimal | None
    """The most favourable mark since it was opened or scaled in; None before the first."""
    tick_size: Decimal | None
    """Smallest price step of its contract; None while the broker's record is missing."""
    unprotected_since: datetime | None
    """Since when it has had no stop for its whole size, UTC; None = protected."""


class OrderTrade(Value, frozen=True, kw_only=True):
    """One trade as traders count: a filled order, its partial fills together."""

    order_id: int
    """The order."""
    at: datetime
    """The broker's time of its first fill, UTC."""
    closing: bool
    """Whether one of its fills closed something (has a P&L)."""
    under_lock: bool = False
    """Whether its first fill was booked while a lockout of the whole account bound."""


class AccountView(Value, frozen=True, kw_only=True):
    """One immutable picture of an account, shared by all rules that judge one fact."""

    account: int
    """Account id."""
    at: datetime
    """The instant it shows, UTC."""
    trading_date: str
    """Label of the trading day, ISO date."""
    next_reset: datetime
    """The next daily reset, UTC."""
    realised_usd: Decimal
    """The day's realised P&L, net of costs unless the config says gross."""
    closed_trades: int
    """Closing fills of the day."""
    positions: tuple[OpenPosition, ...]
    """What is held."""
    orders: tuple[Order, ...]
    """What works."""
    order_fills: tuple[Fill, ...]
    """All of the day's fills of the orders this fact filled (empty for other facts)."""
    trades: tuple[OrderTrade, ...]
    """Filled orders of the trading day and of the hour before now, by time."""
    day_start: datetime
    """When the trading day began, UTC."""
    read_at: datetime | None
    """When the last complete read of the broker was requested, UTC; None before the first."""
    lockouts: tuple[Lockout, ...]
    """In force or being enforced."""
    can_trade: bool | None
    """The broker's flag; None when it was not told."""

    @property
    def bare(self) -> tuple[datetime, ...]:
        """Return since when each position without a stop for its whole size has had none."""
        sinces = (each.unprotected_since for each in self.positions)
        return tuple(since for since in sinces if since is not None)

    @property
    def open_usd(self) -> Decimal | None:
        """Return the open P&L of all positions, or None if one of them cannot be valued."""
        values = [each.pnl_usd for each in self.positions]
        if any(value is None for value in values):
            return None
        return sum((value for value in values if value is not None), Decimal(0))


class RuleInForce(Value, frozen=True, kw_only=True):
    """A rule with parameters an account is judged by, as the journal keeps it."""

    rule: str
    """Rule id, e.g. `RULE-003`."""
    parameters: str
    """The rule's parameters as JSON, e.g. `{"enabled":true,"max_loss_usd":"500"}`."""
    resolved: str | None = None
    """What those refer to (hours by the calendar) until the trading day ends, as JSON; None = nothing."""


class LimitUse(Value, frozen=True, kw_only=True):
    """How much of one limit is used up, as a rule measures it."""

    rule: str
    """Rule id, e.g. `RULE-003`."""
    what: str
    """What is measured, for people and unique within the rule, e.g. `day's loss`, `MNQ contracts`."""
    value: Decimal
    """What is used, in the unit of the limit; not negative."""
    limit: Decimal
    """What is allowed, greater than 0."""
    unit: str
    """`usd`, `contracts` or `trades`."""
    target: bool = False
    """It is a profit target: reaching it is wanted."""

    @property
    def share(self) -> Decimal:
        """Return the part that is used: 1 = all of it."""
        return self.value / self.limit


class DayTerms(Value, frozen=True, kw_only=True):
    """How a trading day is counted, from its beginning to its end; only a reset changes it."""

    reset: str
    """Local wall time of the reset, e.g. `17:00:00`."""
    timezone: str
    """IANA zone of the reset, e.g. `America/Chicago`."""
    first: str | None
    """The first trading date of this table, ISO date, where another one was in force before."""
    since: datetime | None
    """When that date began: where the last one of the table before ended, UTC."""
    gross: bool
    """Whether fees and commissions are left out of the day's P&L."""
    conservative_mark: bool
    """Whether positions are valued at the side they would close on."""
    quote_max_age_s: float
    """Seconds after which a quote no longer values a position."""


class Parameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every rule's parameters; each rule module defines its own."""

    enabled: bool = True
    """Whether the rule runs; a rule that is not written is off."""
