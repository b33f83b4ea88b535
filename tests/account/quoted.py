"""A few accounts and one fan-out of quotes, all pure: told by bands, or every quote without them.

Disk, rules and gateway answer at once; of the enforcer only what it is told is kept: a position that is
to be closed stays until the trader closes it. What is told to `quotes` can be held back.
"""

from collections import defaultdict, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from actors.account.core import AccountCore
from actors.account.settings import AccountSettings, RuleSetting
from actors.account.state import AccountState
from actors.gateway.fanout import Fanout, Known
from actors.gateway.feeds import Feeds
from actors.rules import registry
from messages.base import Message, Send
from messages.commands import (
    AdoptRules,
    CancelWake,
    DescribeContract,
    Enforce,
    Evaluate,
    HoldQuotes,
    MoveStops,
    ReportVerdict,
    RuleParameters,
    TakeSnapshot,
    WakeAfter,
    WakeAt,
    WatchBands,
    Woken,
)
from messages.facts import (
    ContractDescribed,
    OrderChanged,
    PositionChanged,
    QuoteChanged,
    SnapshotTaken,
    StreamConnected,
    TradeExecuted,
)
from messages.journal import Append, Appended
from messages.values import Contract, Fill, Order, OrderStatus, OrderType, Position, Quote, Side
from tests.account.world import DAY, START

MNQ, ZN, CL = "CON.F.US.MNQ.Z25", "CON.F.US.ZN.Z25", "CON.F.US.CL.Z25"
RECORDS = {
    name: Contract(
        contract=name, name=name, tick_size=Decimal(tick), tick_value_usd=Decimal(tick_usd)
    )
    for name, tick, tick_usd in (
        (MNQ, "0.25", "0.50"),
        (ZN, "0.015625", "15.625"),
        (CL, "0.01", "10"),
    )
}
MAX_AGE_S = 5.0


def settings_of(account, rules, *, conservative=False):
    """Return how an account is guarded by some rules' parameters."""
    return AccountSettings(
        account=account,
        name=str(account),
        login="desk",
        rules=tuple(RuleSetting(rule=rule_of(each), parameters=each) for each in rules),
        day=DAY,
        deadline_s=5.0,
        journal_deadline_s=0.25,
        quote_max_age_s=MAX_AGE_S,
        late_after_s=1.0,
        conservative_mark=conservative,
        gross=False,
    )


def rule_of(parameters):
    """Return the rule of some parameters."""
    return next(each for each in registry.all_rules() if each.parameters is type(parameters))


@dataclass
class QuotedWorld:
    """Accounts, their quotes, and what they decided."""

    settings: dict[int, AccountSettings]
    by_bands: bool
    now: datetime = START
    held: dict[int, dict[str, Position]] = field(default_factory=lambda: defaultdict(dict))
    orders: dict[int, dict[int, Order]] = field(default_factory=lambda: defaultdict(dict))
    decided: dict[int, list[Message]] = field(default_factory=lambda: defaultdict(list))
    """By account, what it recorded, and what it had enforced."""
    wishes: set[tuple[int, object]] = field(default_factory=set)
    """Which stops were to be moved since the last quote, by account."""
    events: dict[int, list[Message]] = field(default_factory=lambda: defaultdict(list))
    told: int = 0
    """Quotes accounts were told."""
    enforced: set[int] = field(default_factory=set)
    """Accounts of which something is to be closed."""
    holding_back: bool = False
    known: Known = field(default_factory=lambda: Known(Feeds(())))
    back: list[Message] = field(default_factory=list)
    queue: deque[Send] = field(default_factory=deque)
    wakes: dict[tuple[str, str], datetime] = field(default_factory=dict)
    cores: dict[int, AccountCore] = field(default_factory=dict)
    _ids: int = 0

    def __post_init__(self):
        self.fanout = Fanout(self.known)
        for account in self.settings:
            self.begin(account)

    def begin(self, account):
        """Start an account's core on what it has recorded, and connect it."""
        state = AccountState.new(account, DAY, gross=False)
        for event in self.events[account]:
            state.evolve(event)
        self._ids += 1
        core = AccountCore(self.settings[account], state, epoch=str(self._ids))
        self.cores[account] = core
        self.queue += core.start(self.now)
        self.tell(account, StreamConnected(**self.head(account), generation=1))

    def restart_quotes(self):
        """Replace the fan-out by one that knows what outlives it."""
        self.fanout = Fanout(self.known)

    # --- what happens ---

    def head(self, account):
        return {"account": account, "at": self.now, "cause": "world"}

    def tell(self, account, message):
        """Tell an account something, and let everything come to rest."""
        self.queue.append(Send(f"account/{account}", message))
        self.rest()

    def quote(self, contract, last, bid, ask):
        """Let the market say something."""
        self.wishes.clear()
        quote = Quote(contract=contract, last=last, bid=bid, ask=ask, at=self.now)
        self.fanout.note(QuoteChanged(at=self.now, cause="quote", quote=quote))
        self._fan(self.fanout.leaving())
        self.rest()

    def hold(self, account, contract, size, average):
        """Let an account hold so much of a contract."""
        position = Position(contract=contract, size=size, average_price=average)
        self.held[account][contract] = position
        self.tell(account, PositionChanged(**self.head(account), position=position))

    def close(self, account, contract, pnl):
        """Book a closing fill; the position is told only later."""
        self._ids += 1
        fill = Fill(
            trade_id=self._ids,
            order_id=self._ids,
            contract=contract,
            side=Side.SELL,
            size=1,
            price=Decimal(1),
            profit_and_loss_usd=pnl,
            fees_usd=Decimal(0),
            commissions_usd=Decimal(0),
            voided=False,
            executed_at=self.now,
        )
        self.tell(account, TradeExecuted(**self.head(account), fill=fill))

    def stop(self, account, contract, price, *, order_id=1):
        """Let a protective stop work at a price."""
        held = self.held[account].get(contract)
        order = Order(
            order_id=order_id,
            contract=contract,
            side=Side.BUY if held and held.size < 0 else Side.SELL,
            type=OrderType.STOP,
            size=abs(held.size) if held else 1,
            filled=0,
            status=OrderStatus.OPEN,
            stop_price=price,
        )
        self.orders[account][order_id] = order
        self.tell(account, OrderChanged(**self.head(account), order=order))

    def limit(self, account, contract, price, *, order_id=9):
        """Let a limit order work at a price."""
        order = Order(
            order_id=order_id,
            contract=contract,
            side=Side.BUY,
            type=OrderType.LIMIT,
            size=1,
            filled=0,
            status=OrderStatus.OPEN,
            limit_price=price,
        )
        self.orders[account][order_id] = order
        self.tell(account, OrderChanged(**self.head(account), order=order))

    def adopt(self, account, rules):
        """Reload the configuration."""
        told = tuple(RuleParameters(rule=rule_of(each).id, parameters=each) for each in rules)
        self.tell(account, AdoptRules(**self.head(account), config="new", rules=told))

    def advance(self, seconds):
        """Let time pass."""
        self.now += timedelta(seconds=seconds)
        due = sorted((at, key) for key, at in self.wakes.items() if at <= self.now)
        for _, (to, name) in due:
            if self.wakes.pop((to, name), None):
                self.queue.append(Send(to, Woken(at=self.now, cause="wake", key=name)))
                self.rest()

    def let_through(self):
        """Deliver what was held back."""
        self.holding_back, back, self.back = False, self.back, []
        for message in back:
            self._quotes(message)
        self._fan(self.fanout.leaving())
        self.rest()

    # --- the parties ---

    def rest(self):
        """Deliver everything."""
        for _ in range(3000 + 100 * len(self.cores)):
            if not self.queue:
                return
            self._deliver(*self.queue.popleft())
        raise AssertionError("the world does not come to rest")

    def _fan(self, told):
        for account, changed in told:
            self.told += 1
            self.queue.append(Send(f"account/{account}", changed))

    def _deliver(self, to, message):
        match to.split("/"):
            case ["account", account]:
                core = self.cores[int(account)]
                if not isinstance(message, QuoteChanged):
                    core.see(self.known.latest, self.known.peaks, self.now)
                self.queue += core.handle(message, self.now)
            case ["rule", _]:
                self._judge(message)
            case ["journal"]:
                self._store(message)
            case ["quotes"]:
                if self.holding_back:
                    self.back.append(message)
                else:
                    self._quotes(message)
            case ["gateway", _]:
                self._gateway(message)
            case ["clock"]:
                self._clock(message)
            case ["enforcer", account] if isinstance(message, MoveStops):
                self.wishes.add((int(account), (message.moves, message.withdrawn)))
            case ["enforcer", account] if isinstance(message, Enforce):
                self.decided[int(account)].append(message)
                self.enforced.add(int(account))

    def _judge(self, asked):
        assert isinstance(asked, Evaluate)
        rule = rule_of(asked.parameters)
        breach = rule.evaluate(asked.view, asked.parameters)
        moves = rule.manage(asked.view, asked.parameters) if rule.manage else ()
        if breach or moves or asked.judgement:
            verdict = ReportVerdict(
                account=asked.account,
                at=self.now,
                cause=asked.cause,
                rule=rule.id,
                breach=breach,
                moves=moves,
                trading_date=asked.view.trading_date,
                judgement=asked.judgement,
            )
            self.queue.append(Send(f"account/{asked.account}", verdict))

    def _store(self, append):
        assert isinstance(append, Append)
        for event in append.events:
            self.events[event.account].append(event)
            self.decided[event.account].append(event)
        if append.asker:
            answer = Appended(at=self.now, cause="disk", token=append.token, last_seq=1)
            self.queue.append(Send(append.asker, answer))

    def _quotes(self, message):
        match message:
            case HoldQuotes():
                self._fan(self.fanout.hold(message.account, frozenset(message.contracts)))
            case WatchBands() if self.by_bands:
                self._fan(self.fanout.watch(message.account, message.bands))

    def _gateway(self, message):
        match message:
            case TakeSnapshot():
                held, orders = self.held[message.account], self.orders[message.account]
                answer = SnapshotTaken(
                    **self.head(message.account),
                    request_id=message.request_id,
                    generation=1,
                    requested_at=self.now,
                    positions=tuple(each for each in held.values() if each.size),
                    orders=tuple(orders.values()),
                    fills=(),
                    can_trade=None,
                    balance_usd=None,
                )
            case DescribeContract():
                answer = ContractDescribed(
                    **self.head(message.account), contract=RECORDS[message.contract]
                )
            case _:
                return
        self.queue.append(Send(f"account/{message.account}", answer))

    def _clock(self, message):
        match message:
            case WakeAfter():
                self.wakes[message.to, message.key] = self.now + timedelta(seconds=message.after_s)
            case WakeAt():
                self.wakes[message.to, message.key] = message.due
            case CancelWake():
                self.wakes.pop((message.to, message.key), None)


def comparable(decided):
    """Return what was decided without the numbers of turns, which differ with what is told."""
    return [
        msgspec.structs.replace(each, request_id="") if isinstance(each, SnapshotTaken) else each
        for each in decided
    ]
