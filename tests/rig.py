"""The test rig: the whole system on a virtual clock, with a broker that is an actor.

Everything is real (configuration loader, supervisor, pooled actors, journal on a real SQLite file) but
the wire: the fake gateway holds the simulator's pure exchange and speaks its rows through the real
decoder. `settle` waits until no message is under way, so a test never sleeps.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from actors.gateway.decode import Item, contract_of, fact_of, fill_of, order_of, position_of
from actors.gateway.fields import Fields
from actors.journal import Store
from actors.ops.witness import Testimony
from actors.runtime import Dispatcher, InFlight, PooledActor, VirtualClock
from actors.runtime.census import census
from actors.simulator import Refusal, RefusedError
from actors.simulator.contracts import catalogue
from actors.simulator.exchange import Exchange
from actors.simulator.ledger import Account, Execution, Ticket
from actors.simulator.wire import (
    Push,
    contract_row,
    decode,
    encode,
    order_row,
    position_row,
    trade_row,
    without_nulls,
)
from actors.system import System
from config.loader import load
from messages.base import Message
from messages.commands import (
    BrokerCommand,
    CancelOrder,
    CloseContract,
    DescribeContract,
    GuardAccounts,
    ModifyOrder,
    OpenSession,
    PartialCloseContract,
    PollAccounts,
    RenewStream,
    ReportBrokerTime,
    TakeSnapshot,
    WakeAfter,
    WatchQuotes,
    Woken,
)
from messages.events import BrokerCommandAnswered, SessionOpened
from messages.facts import (
    AccountChanged,
    ContractDescribed,
    ContractUnknown,
    QuoteHeard,
    SnapshotFailed,
    SnapshotTaken,
    StreamConnected,
    StreamLost,
)
from messages.journal import Recorded
from messages.queries import AccountStatus, GetLoginStatus, LoginStatus, MachineFault, Ping
from messages.values import (
    AccountRecord,
    Done,
    OrderType,
    Outcome,
    Quote,
    Rejected,
    Side,
    Uncertain,
    Withheld,
)

A, B = 13298777, 13298778
PATIENCE_S = 100.0
"""How long the threads may need, on a machine that is busy or was stopped."""
NOON = datetime(2025, 10, 29, 17, 0, tzinfo=UTC)
"""Wednesday 2025-10-29, 12:00 in Chicago, inside every session."""
TOKENS = {"PROJECT_X_USERNAME": "trader", "PROJECT_X_API_KEY": "canary-api-key"}
HEAD = """
[[logins]]
name = "desk"
[http]
listen = "127.0.0.1:0"
"""


def contract(product: str, expiry: str = "Z25") -> str:
    """Return a contract id as ProjectX names it."""
    root = {"ES": "EP", "NQ": "ENQ"}.get(product, product)
    return f"CON.F.US.{root}.{expiry}"


def config_of(**rules: dict[str, Any]) -> str:
    """Return a configuration with these default rules."""
    tables = [
        f"[defaults.rules.{key}]\n"
        + "\n".join(f"{name} = {_toml(value)}" for name, value in table.items())
        for key, table in rules.items()
    ]
    return HEAD + "\n".join(tables)


def _toml(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return f'"{value}"'
        case list() | tuple():
            return f"[{', '.join(map(_toml, value))}]"
        case dict():
            return "{ " + ", ".join(f"{key} = {_toml(each)}" for key, each in value.items()) + " }"
        case _:
            return str(value)


@dataclass
class FakeBroker:
    """The broker behind the fake gateway: the pure exchange and a record of what it was asked."""

    clock: VirtualClock
    accounts: tuple[int, ...]
    exchange: Exchange = field(init=False)
    received: list[BrokerCommand] = field(default_factory=list)
    """Every mutation, in order: the broker's own record."""
    hanging: dict[int, bool] = field(default_factory=dict)
    """Accounts whose commands are never answered; True = they take effect all the same."""
    refusing: dict[int, Rejected] = field(default_factory=dict)
    """Accounts whose commands are refused."""
    blind: set[int] = field(default_factory=set)
    """Accounts whose snapshots fail."""
    deaf: set[int] = field(default_factory=set)
    """Accounts that say done and do nothing."""
    muted: set[int] = field(default_factory=set)
    """Accounts whose stream says nothing."""
    reads: int = 0
    """Snapshots asked for."""
    ahead: timedelta | None = timedelta(0)
    """How far the broker's answers are ahead of the true time; None = they do not tell it."""
    begun: datetime = field(init=False)
    """The true time at which no seconds had passed yet: setting the clock does not change it."""

    def __post_init__(self) -> None:
        self.begun = self.clock.now() - timedelta(seconds=self.clock.monotonic())
        self.exchange = Exchange(catalogue(self.clock.now().date()))
        self.exchange.matcher.costs.set(Decimal(0), Decimal(0))
        for each in self.accounts:
            self.exchange.accounts[each] = Account(
                id=each,
                name=f"50K-{each}",
                user="trader",
                balance=Decimal(50_000),
                can_trade=True,
                simulated=True,
            )

    def now(self) -> datetime:
        """Return the true time."""
        return self.begun + timedelta(seconds=self.clock.monotonic())


class FakeGateway(PooledActor):
    """A gateway whose broker is in the same process; told callables, it does them as the trader."""

    def __init__(
        self,
        broker: FakeBroker,
        system: System,
        login: str,
        dispatcher: Dispatcher,
        guarded: tuple[int, ...],
    ) -> None:
        super().__init__(dispatcher=dispatcher)
        self._broker = broker
        self._clock = system.clock
        self._directory = system.directory
        self._login = login
        self._guarded = guarded
        self._generation = itertools.count(1)
        self._ticks = itertools.count()
        self._current = 0
        self._up = False
        self._poll_s = system.poll_s(login)
        self._in_shadow = system.in_shadow

    def on_start(self) -> None:
        if self._guarded:
            self._connect()
            self._poll_later()

    def on_receive(self, message: Any) -> Any:  # noqa: PLR0912 - one case per message
        if not callable(message):
            self._tell_time()
        match message:
            case OpenSession():
                return SessionOpened(
                    **self._head("session"), login=self._login, accounts=self._records()
                )
            case GuardAccounts():
                self._guarded, self._poll_s = message.accounts, message.poll_s
                self._connect()
                self._poll_later()
            case PollAccounts():
                self._poll_s = message.poll_s
                self._poll_later()
            case Woken():
                self.poll()
                self._poll_later()
            case BrokerCommand():
                self._obey(message)
            case TakeSnapshot():
                self._directory.tell(message.asker, self._snapshot(message))
            case DescribeContract():
                self._directory.tell(f"account/{message.account}", self._described(message))
            case WatchQuotes():
                for each in message.contracts:
                    self.quote(each)
            case RenewStream():
                self._renew(message.account)
            case GetLoginStatus():
                return LoginStatus(
                    login=self._login,
                    user_hub=self._up,
                    market_hub=None,
                    requests=200,
                    used=len(self._broker.received),
                    queued=0,
                )
            case Ping():
                return f"gateway/{self._login}"
            case _ if callable(message):
                return message(self)
        return None

    def _tell_time(self) -> None:
        """Report what the `Date` of an answer would show."""
        ahead = self._broker.ahead
        if ahead is not None:
            second = (self._broker.now() + ahead).replace(microsecond=0)
            report = ReportBrokerTime(
                **self._head("answer"),
                login=self._login,
                earliest=second,
                latest=second + timedelta(seconds=1),
                elapsed_s=self._clock.monotonic(),
            )
            self._directory.tell("clock", report)

    # --- what a test does to it ---

    def trade(self, change: Callable[[Exchange, datetime], list[Push]]) -> None:
        """Let the exchange change and tell the accounts."""
        self._publish(change(self._broker.exchange, self._broker.now()))

    def quote(self, contract_id: str) -> None:
        """Tell the latest quote of a contract."""
        listing = self._broker.exchange.market.listing(contract_id)
        quote = Quote(
            contract=contract_id,
            last=listing.last,
            bid=listing.last,
            ask=listing.last,
            at=self._clock.now(),
        )
        self._directory.tell(
            "quotes",
            QuoteHeard(
                at=quote.at,
                cause="quote",
                login=self._login,
                quote=quote,
            ),
        )

    def say_account(self, account: int, *, can_trade: bool | None) -> None:
        """Push the account's record, perhaps without the flag."""
        told = AccountChanged(
            **self._head("account"), account=account, can_trade=can_trade, balance_usd=None
        )
        self._directory.tell(f"account/{account}", told)

    def poll(self) -> None:
        """Read every account's record, as the real gateway's poll does; a blind account's fails."""
        for account in self._guarded:
            if account not in self._broker.blind:
                self.say_account(
                    account, can_trade=self._broker.exchange.accounts[account].can_trade
                )

    def _poll_later(self) -> None:
        if self._poll_s:
            wake = WakeAfter(
                **self._head("poll"), to=f"gateway/{self._login}", key="poll", after_s=self._poll_s
            )
            self._directory.tell("clock", wake)

    def lose(self) -> None:
        """Lose the stream."""
        self._up = False
        for account in self._guarded:
            self._tell_stream(account)

    def _connect(self) -> None:
        self._current, self._up = next(self._generation), True
        for account in self._guarded:
            self._tell_stream(account)

    def _renew(self, account: int) -> None:
        if account in self._guarded:
            self._tell_stream(account)

    def _tell_stream(self, account: int) -> None:
        about = {**self._head("stream"), "account": account, "generation": self._current}
        told = StreamConnected(**about) if self._up else StreamLost(**about, reason="test")
        self._directory.tell(f"account/{account}", told)

    reconnect = _connect

    # --- the port ---

    def _obey(self, command: BrokerCommand) -> None:
        outcome: Outcome | None = Withheld()
        if not self._in_shadow(command.account):
            self._broker.received.append(command)
            outcome = self._outcome(command)
        if outcome is not None:
            answer = BrokerCommandAnswered(
                **self._head("answer"),
                account=command.account,
                command_id=command.command_id,
                outcome=outcome,
            )
            self._directory.tell(f"enforcer/{command.account}", answer)

    def _outcome(self, command: BrokerCommand) -> Outcome | None:
        broker, account = self._broker, command.account
        if account in broker.refusing:
            return broker.refusing[account]
        if account in broker.deaf:
            return Done()
        if broker.hanging.get(account) is False:
            return None
        try:
            pushes = self._apply(command)
        except RefusedError as error:
            code = (
                2 if error.refusal in {Refusal.POSITION_NOT_FOUND, Refusal.ORDER_NOT_FOUND} else 5
            )
            return Rejected(code=code, text=str(error))
        self._publish(pushes)
        return None if account in broker.hanging else Done()

    def _apply(self, command: BrokerCommand) -> list[Push]:
        exchange, now = self._broker.exchange, self._broker.now()
        match command:
            case CloseContract():
                return exchange.close(command.account, command.contract, now)
            case PartialCloseContract():
                return exchange.partial_close(command.account, command.contract, command.size, now)
            case CancelOrder():
                return exchange.cancel(command.account, command.order_id, now)
            case ModifyOrder():
                return exchange.modify(
                    command.account,
                    command.order_id,
                    now,
                    size=command.size,
                    limit_price=command.limit_price,
                    stop_price=command.stop_price,
                )
            case _:
                raise TypeError(command)

    def _publish(self, pushes: list[Push]) -> None:
        for push in pushes:
            if push.account in self._broker.muted or push.account not in self._guarded:
                continue
            row = decode(encode(without_nulls(push.data)))
            fact = fact_of(
                push.target.lower(), Item(Fields(row, push.target), deleted=False), at=self._stamp()
            )
            self._directory.tell(f"account/{push.account}", fact)

    def _snapshot(self, command: TakeSnapshot) -> Message:
        self._broker.reads += 1
        if command.account in self._broker.blind:
            return SnapshotFailed(
                **self._head("snapshot"),
                account=command.account,
                request_id=command.request_id,
                reason="HTTP 500",
            )
        requested_at = self._stamp()
        account = self._broker.exchange.accounts[command.account]
        fields = lambda row: Fields(decode(encode(row)), "row")  # noqa: E731
        since = command.trades_since
        fills = tuple(
            fill_of(fields(trade_row(trade)))
            for trade in account.trades.values()
            if since and trade.created >= since
        )
        return SnapshotTaken(
            **self._head("snapshot"),
            account=command.account,
            request_id=command.request_id,
            generation=self._current,
            requested_at=requested_at,
            positions=tuple(
                position_of(fields(position_row(each)))
                for each in account.positions.values()
                if each.size
            ),
            orders=tuple(
                order_of(fields(order_row(each)))
                for each in account.orders.values()
                if each.working
            ),
            fills=fills if command.trades_since else None,
            can_trade=account.can_trade if command.trades_since else None,
            balance_usd=account.balance if command.trades_since else None,
        )

    def _described(self, command: DescribeContract) -> Message:
        spec = self._broker.exchange.market.contracts.get(command.contract)
        about = {**self._head("contract"), "account": command.account}
        if spec is None:
            return ContractUnknown(**about, contract=command.contract, reason="no such contract")
        return ContractDescribed(
            **about, contract=contract_of(Fields(decode(encode(contract_row(spec))), "contract"))
        )

    def _records(self) -> tuple[AccountRecord, ...]:
        return tuple(
            AccountRecord(
                account=each.id,
                name=each.name,
                balance_usd=each.balance,
                can_trade=each.can_trade,
                simulated=True,
            )
            for each in self._broker.exchange.accounts.values()
        )

    def _head(self, cause: str) -> dict[str, Any]:
        return {"at": self._stamp(), "cause": cause}

    def _stamp(self) -> datetime:
        """Return times that never stand still, as the gateway's do."""
        return self._clock.now() + timedelta(microseconds=next(self._ticks))


class Rig:
    """A running system and its trader, on a virtual clock."""

    def __init__(
        self,
        folder: Path,
        config: str,
        *,
        start: datetime = NOON,
        accounts: tuple[int, ...] = (A, B),
        broker: FakeBroker | None = None,
        gateway: type[FakeGateway] = FakeGateway,
        shadow: bool = False,
        examine: Callable[..., tuple[MachineFault, ...]] | None = None,
    ) -> None:
        self.clock = VirtualClock(start) if broker is None else broker.clock
        self.in_flight = InFlight()
        self.testimony = Testimony()
        self.broker = FakeBroker(self.clock, accounts) if broker is None else broker
        self.folder = folder
        self.stopped = False
        path = folder / "lockstep.toml"
        path.write_text(config)
        self.given_up: list[str] = []
        self.system = System(
            config=load(path, now=self.clock.now(), environment=TOKENS),
            clock=self.clock,
            environment=TOKENS,
            on_give_up=lambda address, error: self.given_up.append(f"{address}: {error}"),
            journal_path=folder / "lockstep.db",
            in_flight=self.in_flight,
            shadow=shadow,
            examine=examine,
            linger_s=0,  # real time means nothing on a virtual clock
            gather_s=0,
            testimony=self.testimony,
            gateway=lambda login, system, dispatcher, guarded: gateway(
                self.broker, system, login.name, dispatcher, guarded
            ),
        )
        self.start()

    def start(self) -> None:
        """Start the system and settle."""
        self.system.start()
        self.settle()

    # --- the trader and the market ---

    def order(
        self,
        account: int,
        product: str,
        size: int,
        type_: OrderType = OrderType.MARKET,
        *,
        expiry: str = "Z25",
        **prices: Decimal,
    ) -> int:
        """Place an order (negative size sells) and return its id."""
        ticket = Ticket(
            contract(product, expiry),
            type_,
            Side.BUY if size > 0 else Side.SELL,
            abs(size),
            limit_price=prices.get("limit"),
            stop_price=prices.get("stop"),
            trail_price=prices.get("trail"),
        )
        placed: list[int] = []

        def place(exchange: Exchange, now: datetime) -> list[Push]:
            order, pushes = exchange.place(account, ticket, now)
            placed.append(order.id)
            return pushes

        self.do(lambda gateway: gateway.trade(place))
        return placed[0]

    def cancel(self, account: int, order_id: int) -> None:
        """Cancel an order."""
        self.do(
            lambda gateway: gateway.trade(
                lambda exchange, now: exchange.cancel(account, order_id, now)
            )
        )

    def price(self, product: str, last: str, *, expiry: str = "Z25") -> None:
        """Move the market."""
        name, price = contract(product, expiry), Decimal(last)

        def act(gateway: FakeGateway) -> None:
            gateway.trade(lambda exchange, now: exchange.move(name, (price, price, price), now)[1])
            gateway.quote(name)

        self.do(act)

    def fill(
        self,
        account: int,
        pnl: str | None,
        *,
        fees: str = "0",
        product: str = "MNQ",
        at: datetime | None = None,
    ) -> int:
        """Book a fill with exactly this gross P&L, of an order of its own, beside any position."""
        booked: list[int] = []

        def book(exchange: Exchange, now: datetime) -> list[Push]:
            trade, pushes = exchange.book_trade(
                account,
                Ticket(contract(product), OrderType.MARKET, Side.SELL, 1),
                Execution(
                    1,
                    Decimal(26000),
                    None if pnl is None else Decimal(pnl),
                    Decimal(fees),
                    Decimal(0),
                ),
                at or now,
                order_id=None,
                moves_position=False,
            )
            booked.append(trade.id)
            return [push for push in pushes if push.target != "GatewayUserOrder"]

        self.do(lambda gateway: gateway.trade(book))
        return booked[0]

    def close_in_parts(self, account: int, product: str, sizes: tuple[int, ...]) -> None:
        """Close a position by one order that fills in parts."""
        name = contract(product)
        listing = self.broker.exchange.market.listing(name)

        def liquid(size: int | None) -> None:
            listing.liquidity = size

        liquid(sizes[0])
        self.order(account, product, -sum(sizes))
        for size in sizes[1:]:
            liquid(size)
            self.do(
                lambda gateway: gateway.trade(lambda exchange, now: exchange.rematch(name, now))
            )
        liquid(None)

    def let_trade(self, account: int, can_trade: bool) -> None:
        """Let the firm allow an account to trade, or not."""
        self.do(
            lambda gateway: gateway.trade(
                lambda exchange, _now: exchange.change_account(account, {"can_trade": can_trade})
            )
        )

    def void(self, account: int, trade_id: int) -> None:
        """Take a fill back."""
        self.do(
            lambda gateway: gateway.trade(
                lambda exchange, _now: exchange.void_trade(account, trade_id)
            )
        )

    def do(self, act: Callable[[FakeGateway], Any]) -> None:
        """Do something on the gateway's own thread, then settle."""
        self.system.directory.ref("gateway/desk").ask(act, timeout=PATIENCE_S)
        self.settle()

    # --- time ---

    def settle(self) -> None:
        """Wait until no message is under way; where that never comes, say where they wait."""
        try:
            self.in_flight.wait_idle(PATIENCE_S)
        except TimeoutError as error:
            for each in census(self.system.directory):
                if each.waiting or each.at or not each.is_up:
                    error.add_note(repr(each))
            raise

    def advance(self, seconds: float) -> None:
        """Let time pass and settle."""
        self.clock.advance(seconds)
        self.settle()

    def at(self, moment: datetime) -> None:
        """Let time pass until an instant."""
        self.advance((moment - self.clock.now()).total_seconds())

    # --- what can be seen ---

    def status(self, account: int = A) -> AccountStatus:
        """Return how an account stands."""
        return next(each for each in self.system.status().accounts if each.account == account)

    def events[M: Message](self, kind: type[M], account: int = A) -> list[M]:
        """Return the journaled events of a kind, in order."""
        return [
            each
            for each in self.testimony.events()
            if isinstance(each, kind) and getattr(each, "account", None) == account
        ]

    def held(self, account: int = A) -> dict[str, int]:
        """Return what the broker says an account holds, by contract."""
        positions = self.broker.exchange.accounts[account].positions.values()
        return {each.spec.id: each.size for each in positions if each.size}

    def working(self, account: int = A) -> int:
        """Return how many orders the broker says work."""
        return sum(each.working for each in self.broker.exchange.accounts[account].orders.values())

    def commands[M: BrokerCommand](self, kind: type[M], account: int = A) -> list[M]:
        """Return the commands of a kind the broker received."""
        return [
            each
            for each in self.broker.received
            if isinstance(each, kind) and each.account == account
        ]

    def stored(self, account: int = A) -> list[Recorded]:
        """Return what the journal holds of an account."""
        store = Store.open_read_only(self.folder / "lockstep.db")
        try:
            return [
                each for each in store.records() if getattr(each.event, "account", None) == account
            ]
        finally:
            store.close()

    def stop(self) -> None:
        """Stop in order; a second time does nothing."""
        if not self.stopped:
            self.stopped = True
            self.system.stop("test")


__all__ = [
    "NOON",
    "A",
    "B",
    "FakeBroker",
    "FakeGateway",
    "Rig",
    "Uncertain",
    "config_of",
    "contract",
]
