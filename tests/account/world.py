"""A world without actors for the account core: a broker, a stream, rules, a disk and a clock, all pure.

Every party has one inbox, first in, first out, as actors have; the stream is one more queue, so facts may
come later than answers. Which queue moves next is the test's choice: any interleaving can be played.
"""

from collections import defaultdict, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec

from actors.account.core import AccountCore
from actors.account.lockouts import flat_duty
from actors.account.settings import AccountSettings, RuleSetting
from actors.account.state import AccountState
from actors.account.trading_day import TradingDay
from actors.enforcer.core import EnforcerCore
from actors.rules import (
    cooldown_after_loss,
    daily_realized_loss,
    max_contracts,
    trade_frequency_limit,
)
from messages.base import Message, Send
from messages.commands import (
    AdoptRules,
    ApplyLockout,
    BrokerCommand,
    CancelOrder,
    CancelWake,
    CloseContract,
    Enforce,
    Evaluate,
    LockAccount,
    PartialCloseContract,
    ReportVerdict,
    RuleParameters,
    TakeSnapshot,
    WakeAfter,
    WakeAt,
    Woken,
)
from messages.events import (
    BrokerCommandAnswered,
    BrokerCommandSent,
    EnforcementStarted,
    EnforcementUnrecorded,
    Event,
    FlatConfirmed,
)
from messages.facts import (
    OrderChanged,
    PositionChanged,
    SnapshotFailed,
    SnapshotTaken,
    StreamConnected,
    TradeExecuted,
)
from messages.journal import Append, Appended, AppendFailed
from messages.values import (
    Done,
    Fill,
    Order,
    OrderStatus,
    OrderType,
    Outcome,
    Parameters,
    Position,
    Rejected,
    Side,
    Target,
    Uncertain,
)

ACCOUNT = 13298777
START = datetime(2025, 10, 29, 17, 0, tzinfo=UTC)
DAY = TradingDay(reset=time(17), zone=ZoneInfo("America/Chicago"))
CAP = 6
PROOF = 2
PARAMETERS = {
    "RULE-001": max_contracts.MaxContracts(limit=CAP, count="gross"),
    "RULE-003": daily_realized_loss.DailyRealizedLoss(
        max_loss_usd=Decimal(500), include_open_loss=False
    ),
    "RULE-006": trade_frequency_limit.TradeFrequencyLimit(
        per_minute=3, cooldown_s=trade_frequency_limit.Cooldowns(per_minute=600)
    ),
    "RULE-007": cooldown_after_loss.CooldownAfterLoss(),
}
RULES = (
    max_contracts.RULE,
    daily_realized_loss.RULE,
    trade_frequency_limit.RULE,
    cooldown_after_loss.RULE,
)
SETTINGS = AccountSettings(
    account=ACCOUNT,
    name="test",
    login="desk",
    rules=tuple(RuleSetting(rule=rule, parameters=PARAMETERS[rule.id]) for rule in RULES),
    day=DAY,
    deadline_s=5.0,
    journal_deadline_s=0.25,
    quote_max_age_s=5.0,
    late_after_s=1.0,
    conservative_mark=False,
    gross=False,
)


@dataclass
class World:
    """Everything around one account core and one enforcer core."""

    now: datetime = START
    held: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    orders: dict[int, Order] = field(default_factory=dict)
    fills: list[Fill] = field(default_factory=list)
    journal: list[Event] = field(default_factory=list)
    recorded: list[Event] = field(default_factory=list)
    """The account's own events in the journal, and what of its enforcer's it has heard."""
    queues: dict[str, deque[tuple[str, Message]]] = field(
        default_factory=lambda: defaultdict(deque)
    )
    wakes: dict[tuple[str, str], datetime] = field(default_factory=dict)
    disk_full: bool = False
    hanging: bool = False
    """The broker answers no command and does nothing."""
    answers: deque[str] = field(default_factory=deque)
    """What happens to the next broker commands: done, lost, rejected, late."""
    violations: list[str] = field(default_factory=list)
    """What must never happen and did."""
    clean_reads: int = 0
    """Complete snapshots the enforcer got since the last command was answered."""
    asked_targets: dict[str, tuple[Target, ...]] = field(default_factory=dict)
    """What the enforcer was last told to reach, by enforcement."""
    evaluated_under_duty: list[Message] = field(default_factory=list)
    _ticks: int = 0
    _ids: int = 0

    def __post_init__(self) -> None:
        self.account = AccountCore(SETTINGS, AccountState.new(ACCOUNT, DAY, gross=False), epoch="1")
        self.enforcer = EnforcerCore(account=ACCOUNT, login="desk", epoch="1")
        self.post("account", self.account.start(self.now))
        self.connect()

    # --- moving messages ---

    def post(self, sender: str, sends: list[Send]) -> None:
        """Put what a party sends into its queues."""
        for to, message in sends:
            party = to.split("/")[0]
            if isinstance(message, Evaluate) and flat_duty(self.account.state.duties):
                self.evaluated_under_duty.append(message)
            self._watch_sent(message)
            self.queues[party].append((sender, message))

    def account_events(self) -> list[Event]:
        """Return what the account has recorded, whether the disk has it yet or not."""
        waiting = [
            event
            for sender, message in self.queues["journal"]
            if sender in {"account", "heard"}
            for event in message.events
        ]
        return [*self.recorded, *waiting]

    def pending(self) -> list[str]:
        """Return the queues that hold something, in a stable order."""
        return sorted(key for key, queue in self.queues.items() if queue)

    def step(self, party: str) -> None:
        """Deliver the first message of one queue."""
        sender, message = self.queues[party].popleft()
        match party:
            case "stream":
                fact = msgspec.structs.replace(message, at=self.stamp())
                self.queues["account"].append(("gateway", fact))
            case "account":
                if isinstance(message, BrokerCommandSent | BrokerCommandAnswered):
                    self._heard(message)
                self.post("account", self.account.handle(message, self.now))
            case "enforcer":
                self._watch_enforcer(message)
                self.post("enforcer", self.enforcer.handle(message, self.now))
            case "rule":
                self._judge(message)
            case "journal":
                self._store(sender, message)
            case "gateway":
                self._broker(message)
            case "clock":
                self._clock(message)
            case "quotes":
                pass

    def _heard(self, news: Event) -> None:
        """Have what the enforcer journals replayed where the account has heard it."""
        append = Append(at=self.now, cause="heard", events=(news,), asker=None, token="")
        self.queues["journal"].append(("heard", append))

    def _watch_enforcer(self, message: Message) -> None:
        match message:
            case Enforce():
                self.asked_targets[message.enforcement_id] = message.targets
            case SnapshotTaken():
                self.clean_reads += 1
            case BrokerCommandAnswered() | SnapshotFailed():
                self.clean_reads = 0

    def _watch_sent(self, message: Message) -> None:
        """Check what is sent against what must have come before it (I1, I8)."""
        match message:
            case BrokerCommand():
                intents = [each for each in self.journal if isinstance(each, EnforcementStarted)]
                waived = [
                    each
                    for each in self.account_events()
                    if isinstance(each, EnforcementUnrecorded)
                ]
                known = {each.enforcement_id for each in (*intents, *waived)}
                if command_owner(message) not in known:
                    self.violations.append(f"I1: {message} before its intent was durable")
            case ApplyLockout(flat_confirmed=True) if self.clean_reads < PROOF:
                self.violations.append(f"I8: proof after {self.clean_reads} reads")
            case Append(events=events):
                for event in events:
                    if isinstance(event, FlatConfirmed) and event.targets != self.asked_targets.get(
                        event.enforcement_id
                    ):
                        self.violations.append(f"I1: confirmed what was not asked: {event}")

    def drain(self) -> None:
        """Deliver everything, queue after queue."""
        for _ in range(5000):
            queues = self.pending()
            if not queues:
                return
            self.step(queues[0])
        raise AssertionError("the world does not come to rest")

    def advance(self, seconds: float) -> None:
        """Let time pass; wakes that are due are queued in order of their time."""
        self.now += timedelta(seconds=seconds)
        due = sorted((at, key) for key, at in self.wakes.items() if at <= self.now)
        for _, key in due:
            del self.wakes[key]
            to, name = key
            woken = Woken(at=self.now, cause="wake", key=name)
            self.queues[to.split("/")[0]].append(("clock", woken))

    # --- the other parties ---

    def _judge(self, asked: Message) -> None:
        assert isinstance(asked, Evaluate)
        rule = next(each for each in RULES if isinstance(asked.parameters, each.parameters))
        breach = rule.evaluate(asked.view, asked.parameters)
        if breach or asked.judgement:
            verdict = ReportVerdict(
                **self._head(),
                rule=rule.id,
                breach=breach,
                moves=(),
                trading_date=asked.view.trading_date,
                judgement=asked.judgement,
            )
            self.queues["account"].append(("rule", verdict))

    def _store(self, sender: str, append: Message) -> None:
        assert isinstance(append, Append)
        if sender == "heard":
            self.recorded += append.events
            return
        if self.disk_full and append.asker:
            answer: Message = AppendFailed(
                at=self.now, cause="disk", token=append.token, reason="full"
            )
        else:
            answer = Appended(
                at=self.now, cause="disk", token=append.token, last_seq=len(self.journal)
            )
        self.journal += append.events
        if sender == "account":
            self.recorded += append.events
        if append.asker:
            self.queues[sender].append(("journal", answer))

    def _clock(self, message: Message) -> None:
        match message:
            case WakeAfter():
                self.wakes[message.to, message.key] = self.now + timedelta(seconds=message.after_s)
            case WakeAt():
                self.wakes[message.to, message.key] = message.due
            case CancelWake():
                self.wakes.pop((message.to, message.key), None)

    def _broker(self, message: Message) -> None:
        match message:
            case TakeSnapshot():
                self._read(message)
            case BrokerCommand():
                self._obey(message)

    def _read(self, asked: TakeSnapshot) -> None:
        to = asked.asker.split("/")[0]
        if self.answers and self.answers[0] == "blind":
            self.answers.popleft()
            failed = SnapshotFailed(**self._head(), request_id=asked.request_id, reason="HTTP 500")
            self.queues[to].append(("gateway", failed))
            return
        taken = SnapshotTaken(
            **self._head(),
            request_id=asked.request_id,
            generation=1,
            requested_at=self.stamp(),
            positions=tuple(_position(name, size) for name, size in self.held.items() if size),
            orders=tuple(order for order in self.orders.values() if order.working),
            fills=tuple(self.fills) if asked.trades_since else None,
            can_trade=None,
            balance_usd=None,
        )
        self.queues[to].append(("gateway", taken))

    def _obey(self, command: BrokerCommand) -> None:
        if self.hanging:
            return
        fate = self.answers.popleft() if self.answers else "done"
        if fate == "rejected":
            outcome: Outcome = Rejected(code=4, text="closed")
        else:
            self._apply(command)
            outcome = Uncertain(reason="lost") if fate == "lost" else Done()
        answer = BrokerCommandAnswered(
            **self._head(), command_id=command.command_id, outcome=outcome
        )
        self.queues["enforcer"].append(("gateway", answer))

    def _apply(self, command: BrokerCommand) -> None:
        match command:
            case CloseContract():
                self.set_position(command.contract, 0)
            case PartialCloseContract():
                size = self.held[command.contract]
                if abs(size) < command.size:
                    self.violations.append(f"I7: {command} against {size}")
                step = min(command.size, abs(size))
                self.set_position(command.contract, size - step if size > 0 else size + step)
            case CancelOrder():
                if command.order_id in self.orders:
                    self.set_order(command.order_id, OrderStatus.CANCELLED)

    # --- what happens at the broker ---

    def connect(self) -> None:
        """Let the stream (re)connect."""
        self.tell(StreamConnected(**self._head(), generation=1))

    def set_position(self, contract: str, size: int) -> None:
        """Change a position and tell it."""
        self.held[contract] = size
        self.tell(PositionChanged(**self._head(), position=_position(contract, size)))

    def new_order(self, contract: str, size: int) -> None:
        """Let a limit order work."""
        self._ids += 1
        self.orders[self._ids] = Order(
            order_id=self._ids,
            contract=contract,
            side=Side.BUY if size > 0 else Side.SELL,
            type=OrderType.LIMIT,
            size=abs(size),
            filled=0,
            status=OrderStatus.OPEN,
            limit_price=Decimal(1),
        )
        self.tell(OrderChanged(**self._head(), order=self.orders[self._ids]))

    def set_order(self, order_id: int, status: OrderStatus) -> None:
        """End an order."""
        order = self.orders.pop(order_id)
        done = Order(
            **{name: getattr(order, name) for name in order.__struct_fields__} | {"status": status}
        )
        self.tell(OrderChanged(**self._head(), order=done))

    def fill(self, pnl: int) -> None:
        """Book a closing fill."""
        self._book("CON.F.US.MNQ.Z25", -1, Decimal(pnl))

    def trade(self, contract: str, size: int) -> None:
        """Let an order be filled: the fill is told, then the position."""
        before = self.held[contract]
        self._book(contract, size, Decimal(0) if before * size < 0 else None)
        self.set_position(contract, before + size)

    def _book(self, contract: str, size: int, pnl: Decimal | None) -> None:
        self._ids += 1
        self.fills.append(
            Fill(
                trade_id=self._ids,
                order_id=self._ids,
                contract=contract,
                side=Side.BUY if size > 0 else Side.SELL,
                size=abs(size),
                price=Decimal(1),
                profit_and_loss_usd=pnl,
                fees_usd=Decimal(0),
                commissions_usd=Decimal(0),
                voided=False,
                executed_at=self.now,
            )
        )
        self.tell(TradeExecuted(**self._head(), fill=self.fills[-1]))

    def adopt(self, **parameters: Parameters) -> None:
        """Tell the account of a changed configuration: rules by id with `_` for `-`."""
        rules = tuple(
            RuleParameters(rule=key.replace("_", "-"), parameters=each)
            for key, each in parameters.items()
        )
        command = AdoptRules(**self._head(), config="changed", rules=rules)
        self.queues["account"].append(("system", command))

    def lock_out(self, seconds: float) -> None:
        """Tell the account that its trader wants to be locked out for so long."""
        until = self.now + timedelta(seconds=seconds)
        command = LockAccount(**self._head(), until=until, reason="enough")
        self.queues["account"].append(("system", command))

    def tell(self, fact: Message) -> None:
        """Tell the account a fact."""
        self.queues["stream"].append(("broker", fact))

    def stamp(self) -> datetime:
        """Return the gateway's time, which never stands still."""
        self._ticks += 1
        return self.now + timedelta(microseconds=self._ticks)

    def _head(self) -> dict[str, object]:
        return {"account": ACCOUNT, "at": self.stamp(), "cause": "world"}


def command_owner(command: BrokerCommand) -> str:
    """Return the enforcement a command belongs to."""
    return command.command_id.rsplit("/", 1)[0]


def _position(contract: str, size: int) -> Position:
    return Position(contract=contract, size=size, average_price=Decimal(100))
