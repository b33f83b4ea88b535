"""Facts: what the broker said, told by the gateway to one AccountActor, booked in every phase.

All but quotes are journaled as they are. Floats, envelopes and omitted nulls are gone by here.
"""

from datetime import datetime
from decimal import Decimal

from messages.base import AccountMessage, Message
from messages.values import Contract, Fill, Order, Position, Quote


class TradeExecuted(AccountMessage, frozen=True, kw_only=True):
    """A fill happened, or one already known was voided."""

    fill: Fill
    """The fill."""


class PositionChanged(AccountMessage, frozen=True, kw_only=True):
    """A position was opened, changed or closed (size 0)."""

    position: Position
    """The position as it is now."""


class OrderChanged(AccountMessage, frozen=True, kw_only=True):
    """An order was created, changed, filled, cancelled, rejected or expired."""

    order: Order
    """The order as it is now."""


class AccountChanged(AccountMessage, frozen=True, kw_only=True):
    """The account's own record, as it was pushed or polled.

    `at` is when a push came, and when a poll was asked for: it never claims to be newer than it is.
    """

    can_trade: bool | None
    """The firm's flag; None where the message left it out (which changes nothing, and alarms)."""
    balance_usd: Decimal | None
    """Cash balance; None where the message left it out."""


class QuoteChanged(Message, frozen=True, kw_only=True):
    """The latest quote of a contract somebody holds.

    Not journaled; intermediate prices may be left out.
    """

    quote: Quote
    """All sides merged."""
    beside: tuple[Quote, ...] = ()
    """The quotes of the account's other contracts at that moment; it may not have been told them."""

    unconfirmed: bool = False
    """It was doubted, and counts because nothing has confirmed or dropped it in time."""

    def contract_of(self) -> str | None:
        """Return the contract: of several that wait, the latest replaces the others; None = of none.

        What is unconfirmed has waited long enough, and may be the worse one of two.
        """
        return None if self.unconfirmed else self.quote.contract


class QuoteHeard(Message, frozen=True, kw_only=True):
    """A login's market hub quoted a contract (gateway → QuoteActor); not journaled."""

    login: str
    """The login's name."""
    quote: Quote
    """All sides this login has heard since it subscribed, merged."""

    def key(self) -> tuple[str, str]:
        """Return login and contract: of several that wait, the latest replaces the others."""
        return self.login, self.quote.contract


class QuotesLost(Message, frozen=True, kw_only=True):
    """A login's market hub cannot be relied on at present (→ QuoteActor); not journaled."""

    login: str
    """The login's name."""
    contract: str | None = None
    """The one contract it may not subscribe, or is silent in; None = all: the hub is down, or late."""
    late_s: float = 0.0
    """How late its thread is; 0 = it is not that."""
    silent: bool = False
    """Nothing has come of the one contract for long, though it is subscribed: its market may be quiet."""

    def key(self) -> tuple[str, str, str | None]:
        """Return what was lost: it waits where quotes wait, or it would overtake those before it."""
        how = "late" if self.late_s else "silent" if self.silent else "lost"
        return how, self.login, self.contract


class QuotesFound(Message, frozen=True, kw_only=True):
    """A login's market hub is back, or subscribes what it had refused (→ QuoteActor); not journaled."""

    login: str
    """The login's name."""
    contract: str | None = None
    """The one contract it may subscribe again; None = the hub is up."""

    def key(self) -> tuple[str, str, str | None]:
        """Return the key of its loss: of the two the later counts."""
        return "lost", self.login, self.contract


class StreamConnected(AccountMessage, frozen=True, kw_only=True):
    """The user hub is up and this account's subscriptions are acknowledged; what was known is old."""

    generation: int
    """Counts the connections of this login, from 1."""


class StreamLost(AccountMessage, frozen=True, kw_only=True):
    """The user hub is down or silent beyond its limit."""

    generation: int
    """The connection that was lost; 0 before the first."""
    reason: str
    """Why, e.g. `closed by server: 1001`, `silent for 30 s`."""


class SnapshotTaken(AccountMessage, frozen=True, kw_only=True):
    """A complete read of an account: all positions and all working orders, every part succeeded."""

    request_id: str
    """The `TakeSnapshot` it answers."""
    generation: int
    """The stream generation during which it was read."""
    requested_at: datetime
    """When the first read was sent, UTC."""
    positions: tuple[Position, ...]
    """Every open position."""
    orders: tuple[Order, ...]
    """Every working order, pending and suspended ones too."""
    fills: tuple[Fill, ...] | None
    """Every fill since `TakeSnapshot.trades_since`; None if they were not asked for."""
    can_trade: bool | None
    """The firm's flag; None if the account's record was not asked for, or left it out."""
    balance_usd: Decimal | None
    """Cash balance; None if the account's record was not asked for."""


class SnapshotFailed(AccountMessage, frozen=True, kw_only=True):
    """A snapshot could not be read completely; it proves nothing, above all not "flat"."""

    request_id: str
    """The `TakeSnapshot` it answers."""
    reason: str
    """What failed."""
    retry_after_s: float | None = None
    """Nothing was sent: the request budget has no room before so many seconds; None = something else."""


class ContractDescribed(AccountMessage, frozen=True, kw_only=True):
    """The broker's record of a contract this account asked for."""

    contract: Contract
    """The record."""


class ContractUnknown(AccountMessage, frozen=True, kw_only=True):
    """The broker does not know the contract, or could not be asked."""

    contract: str
    """The id asked for."""
    reason: str
    """What was answered."""


class PayloadQuarantined(Message, frozen=True, kw_only=True):
    """A broker payload could not be understood; it was set aside whole and changes nothing."""

    login: str
    """The login whose stream or answer it came from."""
    source: str
    """Hub target in small letters, or endpoint, e.g. `gatewayusertrade`, `/Trade/search`."""
    raw: str
    """The payload as it came, at most 2,000 characters."""
    error: str
    """What was wrong: the field and the value."""


type Fact = (
    TradeExecuted
    | PositionChanged
    | OrderChanged
    | AccountChanged
    | QuoteChanged
    | StreamConnected
    | StreamLost
    | SnapshotTaken
    | SnapshotFailed
    | ContractDescribed
    | ContractUnknown
)
"""Everything an AccountActor hears of the broker."""
