"""What an account is, as its journaled events made it: `evolve` is the only way it changes.

Pure. Live operation and replay share `evolve`, so an actor restored from the journal stands where the
failed one stood. What is only of this moment (quotes, waiting, health) is not here.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal

from actors.account.ledger import Ledger
from actors.account.lockouts import Key, flat_duty, joined, key_of, without
from actors.account.trading_day import TradingDay
from messages.base import AccountMessage, Message
from messages.events import (
    AccountLocked,
    DayReset,
    EnforcementFinished,
    EnforcementJoined,
    EnforcementStarted,
    ExposureUnderLock,
    FlatConfirmed,
    LockoutReleased,
    RuleBreached,
    RulesAdopted,
)
from messages.facts import (
    AccountChanged,
    ContractDescribed,
    OrderChanged,
    PositionChanged,
    SnapshotTaken,
    StreamConnected,
    StreamLost,
    TradeExecuted,
)
from messages.values import Contract, Fill, Lockout, Order, Position, Target


@dataclass(frozen=True, slots=True)
class Enforcement:
    """An intent that is not discharged yet."""

    id: str
    """E.g. `13298777/e4`."""
    since: datetime
    """When it was decided, UTC."""
    breaches: tuple[str, ...]
    """Breach ids it answers; empty for the standing duty of a lockout."""
    targets: tuple[Target, ...]
    """States to reach."""
    pending: tuple[Lockout, ...]
    """Lockouts that are a duty already and are said once the targets are reached."""
    deadline_at: datetime
    """When they are said all the same, UTC."""


@dataclass(slots=True)
class AccountState:
    """Everything durable about one account."""

    account: int
    day: TradingDay
    ledger: Ledger
    trading_date: date | None = None
    positions: dict[str, Position] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    contracts: dict[str, Contract] = field(default_factory=dict)
    lockouts: dict[Key, Lockout] = field(default_factory=dict)
    enforcement: Enforcement | None = None
    can_trade: bool | None = None
    balance_usd: Decimal | None = None
    generation: int = 0
    connected: bool = False
    breach_count: int = 0
    enforcement_count: int = 0
    attempts: int = 0
    skipped: set[int] = field(default_factory=set)
    """Trade ids booked under a flat duty: no rule was to judge them, and none shall later."""
    unsettled: set[str] = field(default_factory=set)
    """Contracts whose position does not show a close that is booked already."""
    seen_at: dict[str | int, datetime] = field(default_factory=dict)
    """When this stream last told a contract's position or an order, as the gateway stamped it."""
    adopted: RulesAdopted | None = None
    """The rules of this trading day in force; None until they are said."""

    @classmethod
    def new(cls, account: int, day: TradingDay, *, gross: bool) -> "AccountState":
        """Return the state of an account nothing is known of."""
        return cls(account=account, day=day, ledger=Ledger(day=date.min, gross=gross))

    @property
    def duties(self) -> tuple[Lockout, ...]:
        """Return all lockouts that bind now: in force, or to come with the enforcement under way."""
        pending = self.enforcement.pending if self.enforcement else ()
        return (*self.lockouts.values(), *pending)

    @property
    def unjudged_fills(self) -> tuple[Fill, ...]:
        """Return the day's fills that a rule may have to judge after a start or a reset.

        Whether a verdict on them was lost with a failed actor is not known; a rule that has judged one
        already finds the same again, which adds nothing.
        """
        return tuple(fill for fill in self.ledger.fills if fill.trade_id not in self.skipped)

    def evolve(self, event: Message) -> None:  # noqa: C901 - one case per event is the table itself
        """Change by one event; events that do not concern the state change nothing."""
        match event:
            case TradeExecuted(fill=fill):
                self._book(fill)
                if fill.profit_and_loss_usd is not None and fill.contract in self.positions:
                    self.unsettled.add(fill.contract)
            case PositionChanged():
                self._place(event.position, event.at)
            case OrderChanged():
                self._work(event.order, event.at)
            case AccountChanged():
                self._note(event.can_trade, event.balance_usd)
            case SnapshotTaken():
                self._adopt(event)
            case ContractDescribed():
                self.contracts[event.contract.contract] = event.contract
            case StreamConnected():
                self.connected, self.generation = True, event.generation
                self.seen_at.clear()  # what an earlier stream told is older than any new read
            case StreamLost():
                self.connected = False
            case DayReset():
                self._begin_day(event)
            case AccountMessage():
                self._evolve_decision(event)

    def _evolve_decision(self, event: AccountMessage) -> None:
        match event:
            case RuleBreached():
                self.breach_count += 1
            case EnforcementStarted():
                self.enforcement_count += 1
                self.enforcement = _intent(event)
            case EnforcementJoined() if self.enforcement:
                self.enforcement = replace(
                    self.enforcement,
                    breaches=(*self.enforcement.breaches, *event.breaches),
                    targets=event.targets,
                    pending=event.lockouts,
                    deadline_at=event.deadline_at,
                )
            case FlatConfirmed():
                self._take_over(event.positions, event.orders, event.read_at)
            case AccountLocked():
                self._lock(event.lockout)
            case EnforcementFinished():
                self.enforcement = None
            case LockoutReleased():
                self.lockouts = without(self.lockouts, (event.rule, event.scope))
                self.attempts = self.attempts if self.lockouts else 0
            case ExposureUnderLock():
                self.attempts = event.attempt
            case RulesAdopted():
                self.adopted = event

    def _book(self, fill: Fill) -> None:
        self.ledger.book(fill, self.day.label(fill.executed_at))
        if flat_duty(self.duties):
            self.skipped.add(fill.trade_id)

    def _place(self, position: Position, at: datetime) -> None:
        self.seen_at[position.contract] = at
        self.unsettled.discard(position.contract)
        if position.size:
            self.positions[position.contract] = position
        else:
            self.positions.pop(position.contract, None)

    def _work(self, order: Order, at: datetime) -> None:
        self.seen_at[order.order_id] = at
        if order.working:
            self.orders[order.order_id] = order
        else:
            self.orders.pop(order.order_id, None)

    def _note(self, can_trade: bool | None, balance_usd: Decimal | None) -> None:
        if can_trade is not None:
            self.can_trade = can_trade
        if balance_usd is not None:
            self.balance_usd = balance_usd

    def _adopt(self, snapshot: SnapshotTaken) -> None:
        self._take_over(snapshot.positions, snapshot.orders, snapshot.requested_at)
        known = {fill.trade_id for fill in self.ledger.fills}
        for fill in snapshot.fills or ():
            if fill.voided or fill.trade_id not in known:
                self._book(fill)
        self._note(snapshot.can_trade, snapshot.balance_usd)

    def _take_over(
        self, positions: Iterable[Position], orders: Iterable[Order], read_at: datetime
    ) -> None:
        """Take over a complete read; what the stream told since it was requested is newer."""
        held = {each.contract: each for each in positions}
        working = {each.order_id: each for each in orders}
        self.positions = self._newer(self.positions, held, read_at)
        self.orders = self._newer(self.orders, working, read_at)
        self.unsettled = {name for name in self.unsettled if self._told(name, read_at)}

    def _newer[K: str | int, V](
        self, held: dict[K, V], read: dict[K, V], since: datetime
    ) -> dict[K, V]:
        told = {key: value for key, value in held.items() if self._told(key, since)}
        unseen = {key: value for key, value in read.items() if not self._told(key, since)}
        return unseen | told

    def _told(self, key: str | int, since: datetime) -> bool:
        at = self.seen_at.get(key)
        return at is not None and at >= since

    def _lock(self, lockout: Lockout) -> None:
        self.lockouts = joined(self.lockouts, (lockout,))
        if self.enforcement:
            left = tuple(
                each for each in self.enforcement.pending if key_of(each) != key_of(lockout)
            )
            self.enforcement = replace(self.enforcement, pending=left)

    def _begin_day(self, event: DayReset) -> None:
        self.trading_date = date.fromisoformat(event.trading_date)
        self.ledger.reset(self.trading_date)
        self.skipped.clear()
        alive = self.positions.keys() | self.orders.keys()
        self.seen_at = {key: at for key, at in self.seen_at.items() if key in alive}
        self.lockouts = joined({}, event.lockouts)
        self.enforcement = _intent(event.enforcement) if event.enforcement else None
        self.breach_count = event.breach_count
        self.enforcement_count = event.enforcement_count
        self.connected = event.connected
        self.adopted = None  # said anew in the turn of the reset


def _intent(event: EnforcementStarted) -> Enforcement:
    return Enforcement(
        id=event.enforcement_id,
        since=event.at,
        breaches=event.breaches,
        targets=event.targets,
        pending=event.lockouts,
        deadline_at=event.deadline_at,
    )
