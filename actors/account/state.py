"""What an account is, as its journaled events made it: `evolve` is the only way it changes.

Pure. Live operation and replay share `evolve`, so an actor restored from the journal stands where the
failed one stood. What is only of this moment (quotes, waiting, health) is not here.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from actors.account.allowance import Allowances, ratcheted, restored
from actors.account.intent import Enforcement, begun, commanded, still_held
from actors.account.ledger import Booking, Ledger
from actors.account.lockouts import (
    Key,
    account_duty,
    binding_at,
    flat_duty,
    joined,
    key_of,
    no_new_exposure,
    without,
)
from actors.account.protection import followed
from actors.account.terms import day_of
from actors.account.trades import LONGEST_WINDOW, Trades
from actors.account.trading_day import Dated, TradingDay
from actors.account.unplaced import Unplaced
from messages.base import AccountMessage, Message
from messages.events import (
    AccountLocked,
    BrokerCommandAnswered,
    BrokerCommandSent,
    DayReset,
    EnforcementFinished,
    EnforcementJoined,
    EnforcementNarrowed,
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
from messages.values import (
    Allowance,
    Contract,
    DayTerms,
    Fill,
    Lockout,
    Order,
    Position,
    ReleaseOn,
)

_CLOCKS_APART = timedelta(minutes=1)
"""More than the broker's clock and ours differ."""


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
    can_trade_at: datetime | None = None
    """When the broker said so: a push when it came, a read when it was asked for."""
    balance_usd: Decimal | None = None
    connected: bool = False
    breach_count: int = 0
    enforcement_count: int = 0
    attempts: int = 0
    skipped: set[int] = field(default_factory=set)
    """Trade ids of what was traded under a flat duty: no rule was to judge it, and none shall later."""
    served: dict[Key, datetime] = field(default_factory=dict)
    """Until when lockouts were set that have ended today by their time."""
    unsettled: set[str] = field(default_factory=set)
    """Contracts whose position does not show a close that is booked already."""
    seen_at: dict[str | int, datetime] = field(default_factory=dict)
    """When this stream last told a contract's position or an order, as the gateway stamped it."""
    unprotected_since: dict[str, datetime] = field(default_factory=dict)
    """Since when each held contract has had no stop for its whole size; protected ones are not here."""
    trades: Trades = field(default_factory=Trades)
    """Filled orders of the day and the hour before now."""
    unplaced: Unplaced = field(default_factory=Unplaced)
    """Fills booked whose position has not been told yet."""
    allowances: Allowances | None = None
    """What may be held by contract while `no_new_exposure` binds the account; None = it does not."""
    terms: DayTerms | None = None
    """How this trading day is counted; None until it began, or where its journal does not say."""
    adopted: RulesAdopted | None = None
    """The rules of this trading day in force; None until they are said."""
    _today: Dated | None = field(default=None, compare=False, repr=False)

    @classmethod
    def new(cls, account: int, day: TradingDay, *, gross: bool) -> "AccountState":
        """Return the state of an account nothing is known of."""
        return cls(account=account, day=day, ledger=Ledger(day=date.min, gross=gross))

    @property
    def duties(self) -> tuple[Lockout, ...]:
        """Return all lockouts that bind now: in force, or to come with the enforcement under way."""
        if not self.lockouts and self.enforcement is None:  # as a rule, and asked with every fact
            return ()
        pending = self.enforcement.pending if self.enforcement else ()
        return (*self.lockouts.values(), *pending)

    @property
    def _binding(self) -> tuple[Lockout, ...]:
        """Return those that bind in truth: what shadow pretends must leave nothing unjudged later."""
        return tuple(each for each in self.duties if not each.shadow)

    @property
    def held(self) -> dict[str, int]:
        """Return what is held by contract: the positions told, and the fills they do not show yet."""
        return self.unplaced.added_to(self.positions)

    @property
    def unjudged_fills(self) -> tuple[Fill, ...]:
        """Return the day's fills that a rule may have to judge after a start, a lock or a reset.

        Whether a verdict on them was lost with a failed actor, or they were told behind a lock, is not
        known; a rule that has judged one already finds the same again, which adds nothing.
        """
        return self._to_judge(self.ledger.fills)

    def judged_with(self, orders: Collection[int]) -> tuple[Fill, ...]:
        """Return the day's fills of some orders that a rule may judge."""
        return self._to_judge(self.ledger.fills_of(orders))

    def _to_judge(self, fills: tuple[Fill, ...]) -> tuple[Fill, ...]:
        """Return what was not traded under a flat duty: an order that began before it is one trade."""
        if not self.skipped:
            return fills
        orders = {fill.order_id for fill in fills if fill.trade_id not in self.skipped}
        return tuple(fill for fill in fills if fill.order_id in orders)

    @property
    def today(self) -> Dated | None:
        """Return the trading day that has begun, worked out; None before the first."""
        known = self._today
        if known is None or known.label is not self.trading_date or known.table is not self.day:
            begun = self.trading_date
            known = self._today = None if begun is None else Dated.of(self.day, begun)
        return known

    def label(self, at: datetime) -> date:
        """Return the trading date an instant belongs to."""
        today = self.today
        return today.label if today is not None and today.holds(at) else self.day.label(at)

    def day_end(self, now: datetime) -> datetime:
        """Return when the present trading day ends, UTC."""
        return self.day.end(self.trading_date or self.day.label(now))

    def evolve(self, event: Message) -> None:  # noqa: C901, PLR0912 - one case per event
        """Change by one event; events that do not concern the state change nothing."""
        match event:
            case TradeExecuted(fill=fill):
                # told before a lock it was traded before it, whatever the broker's clock says
                booking = self._book(fill, min(fill.executed_at, event.at))
                if booking in {Booking.BOOKED, Booking.AHEAD}:
                    self.unplaced.filled(fill, event.at)
                if booking is Booking.VOIDED:
                    self.unplaced.voided(fill)
                if booking is Booking.VOID:
                    return
                if booking is Booking.CORRECTED and fill.contract not in self.unplaced:
                    return  # its position has followed already
                if fill.profit_and_loss_usd is not None and fill.contract in self.positions:
                    self.unsettled.add(fill.contract)
            case PositionChanged():
                self._place(event.position, event.at)
            case OrderChanged():
                self._work(event.order, event.at)
            case AccountChanged():
                self._note(event.can_trade, event.balance_usd, event.at)
            case SnapshotTaken():
                self._adopt(event)
            case ContractDescribed():
                self.contracts[event.contract.contract] = event.contract
            case StreamConnected():
                self.connected = True
                self.seen_at.clear()  # what an earlier stream told is older than any new read
                if self.can_trade_at:  # the same, should the clock have been set back since
                    self.can_trade_at = min(self.can_trade_at, event.at)
            case StreamLost():
                self.connected = False
            case DayReset():
                self._begin_day(event)
            case AccountMessage():
                self._evolve_decision(event)

    def _evolve_decision(self, event: AccountMessage) -> None:  # noqa: C901 - one case per event
        match event:
            case RuleBreached():
                self.breach_count += 1
            case EnforcementStarted():
                self.enforcement_count += 1
                self.enforcement = begun(event)
                self._allow(event.allowances)
            case EnforcementJoined() if self.enforcement:
                self._allow(event.allowances)
                self.enforcement = replace(
                    self.enforcement,
                    breaches=(*self.enforcement.breaches, *event.breaches),
                    targets=event.targets,
                    pending=event.lockouts,
                    deadline_at=event.deadline_at,
                )
            case BrokerCommandSent() | BrokerCommandAnswered() if self.enforcement:
                self.enforcement = commanded(self.enforcement, event)
            case EnforcementNarrowed() if self.enforcement:
                self.enforcement = replace(
                    self.enforcement, targets=event.targets, pending=event.lockouts
                )
            case FlatConfirmed():
                self._take_over(event.positions, event.orders, event.read_at)
            case AccountLocked():
                self._lock(event.lockout)
            case EnforcementFinished():
                self.enforcement = None
                self._keep_allowances()
            case LockoutReleased():
                self._release((event.rule, event.scope), event.released_by)
                self.attempts = self.attempts if self.lockouts else 0
                self._keep_allowances()
            case ExposureUnderLock():
                self.attempts = event.attempt
            case RulesAdopted():
                self.adopted = event

    def weigh(self, fill: Fill) -> Booking:
        """Say what booking a fill would change."""
        return self.ledger.weigh(fill, self.label(fill.executed_at))

    def _book(self, fill: Fill, traded_at: datetime) -> Booking:
        booking, bound = self.weigh(fill), binding_at(self._binding, traded_at)
        self.ledger.book(fill, self.label(fill.executed_at))
        if booking is not Booking.CORRECTED and flat_duty(bound):
            self.skipped.add(fill.trade_id)
        if booking is Booking.BOOKED:
            self.trades.book(fill, under_lock=account_duty(bound))
        elif booking is Booking.VOIDED:
            self.trades.void(fill)
        elif booking is Booking.CORRECTED:
            self.trades.correct(fill)
        return booking

    def _allow(self, allowances: tuple[Allowance, ...] | None) -> None:
        if allowances is not None:
            self.allowances = restored(allowances)

    def _keep_allowances(self) -> None:
        if not no_new_exposure(self.duties):
            self.allowances = None

    def _ratchet(self, contracts: Iterable[str]) -> None:
        if self.allowances is not None:
            held = self.held
            for contract in contracts:
                self.allowances = ratcheted(self.allowances, contract, held.get(contract, 0))

    def _place(self, position: Position, at: datetime) -> None:
        before = dict(self.positions)
        held = before.get(position.contract)
        self.unplaced.placed(position.contract, held.size if held else 0, position.size, at)
        self.seen_at[position.contract] = at
        self.unsettled.discard(position.contract)
        if position.size:
            self.positions[position.contract] = position
        else:
            self.positions.pop(position.contract, None)
            self._forget_closes()
        self._follow_protection(before, at)
        self._ratchet((position.contract,))

    def _forget_closes(self) -> None:
        if self.enforcement:
            self.enforcement = still_held(self.enforcement, self.held)

    def _work(self, order: Order, at: datetime) -> None:
        self.seen_at[order.order_id] = at
        if order.working:
            self.orders[order.order_id] = order
        else:
            self.orders.pop(order.order_id, None)
        self._follow_protection(self.positions, at)

    def _follow_protection(self, before: Mapping[str, Position], at: datetime) -> None:
        self.unprotected_since = followed(
            self.unprotected_since, before, self.positions, self.orders.values(), at
        )

    def believes(self, can_trade: bool | None, at: datetime) -> bool:
        """Say whether what was told of the firm's flag is not older than what is known of it."""
        return can_trade is not None and (self.can_trade_at is None or at >= self.can_trade_at)

    def _note(self, can_trade: bool | None, balance_usd: Decimal | None, at: datetime) -> None:
        if self.believes(can_trade, at):
            self.can_trade, self.can_trade_at = can_trade, at
        if balance_usd is not None:
            self.balance_usd = balance_usd

    def _adopt(self, snapshot: SnapshotTaken) -> None:
        self._take_over(snapshot.positions, snapshot.orders, snapshot.requested_at)
        for fill in snapshot.fills or ():
            booking = self.weigh(fill)
            if booking is not Booking.UNCHANGED:
                self._book(fill, fill.executed_at)
            if booking in {Booking.BOOKED, Booking.AHEAD}:
                shown = self.unplaced.learned(fill, snapshot.requested_at)
                if not shown and self._may_be_torn(fill, snapshot.requested_at):
                    self.unsettled.add(fill.contract)
            if self._of_the_last_hour(fill, snapshot.requested_at):
                self.trades.recall(fill)
        self._note(snapshot.can_trade, snapshot.balance_usd, snapshot.requested_at)

    def _take_over(
        self, positions: Iterable[Position], orders: Iterable[Order], read_at: datetime
    ) -> None:
        """Take over a complete read; what the stream told since it was requested is newer."""
        held = {each.contract: each for each in positions}
        working = {each.order_id: each for each in orders}
        before = self.positions
        self.positions = self._newer(self.positions, held, read_at)
        self.orders = self._newer(self.orders, working, read_at)
        # not from when it came: a grace may begin a little early, never late
        self._follow_protection(before, read_at)
        self.unplaced.read(read_at)
        # a close told since the read was requested may be missing from its positions
        self.unsettled = {name for name in self.unsettled if name in self.unplaced}
        self._forget_closes()
        self._ratchet(tuple(self.allowances or ()))

    def _may_be_torn(self, fill: Fill, requested_at: datetime) -> bool:
        """Say whether a read's positions may be older than a close that its fills tell first.

        They are read side by side. An older close they do show: to take that for unsettled would hide
        an open loss until the next read.
        """
        if fill.profit_and_loss_usd is None or fill.contract not in self.positions:
            return False
        return fill.executed_at > requested_at - _CLOCKS_APART

    def _of_the_last_hour(self, fill: Fill, now: datetime) -> bool:
        """Say whether a fill is of the day before, and windows of an hour may still count it."""
        yesterday = self.day.label(fill.executed_at) < self.ledger.day
        return yesterday and fill.executed_at > now - LONGEST_WINDOW

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

    def _release(self, key: Key, released_by: str) -> None:
        lockout = self.lockouts.get(key)
        if lockout and lockout.until and released_by == ReleaseOn.TIME:
            self.served[key] = lockout.until
        self.lockouts = without(self.lockouts, key)

    def _begin_day(self, event: DayReset) -> None:
        self.trading_date = date.fromisoformat(event.trading_date)
        self.terms = event.terms
        if event.terms:
            self.day, self.ledger.gross = day_of(event.terms), event.terms.gross
        early = ((self.day.label(fill.executed_at), fill) for fill in event.fills)
        self.ledger.reset(self.trading_date, early)
        self.trades.reset(event.recent_trades)
        for fill in self.ledger.fills:  # told before the reset: the broker's clock was ahead
            self.trades.book(fill, under_lock=False)
        self.skipped.clear()
        self.served.clear()
        self.seen_at = {each.key: each.at for each in event.told}
        self.lockouts = joined({}, event.lockouts)
        self.enforcement = begun(event.enforcement) if event.enforcement else None
        self.allowances = None
        self._allow(event.allowances)
        self.attempts = event.attempts
        self.breach_count = event.breach_count
        self.enforcement_count = event.enforcement_count
        self.connected = event.connected
        self.positions = {each.contract: each for each in event.positions}
        self.orders = {each.order_id: each for each in event.orders}
        self.unprotected_since = {each.contract: each.since for each in event.unprotected}
        self.can_trade, self.can_trade_at = event.can_trade, event.can_trade_at
        self.balance_usd = event.balance_usd
        self.unplaced = Unplaced.restored(event.unplaced, event.unfilled)
        self.unsettled = set(event.unsettled)
        self.contracts = {each.contract: each for each in event.contracts}
        self.adopted = None  # said anew in the turn of the reset
