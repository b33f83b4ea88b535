"""A broker that costs almost nothing: a gateway actor with positions in a dict, no wire and no exchange.

For what must not measure the broker. It lists accounts, answers every snapshot at once from what it
holds, and flattens whatever it is told to close. Hub records it is handed go the gateway's own way: the
connection parses them, the streams decode them and tell accounts and quotes.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from actors.gateway import LoginSettings
from actors.gateway.connection import Connection
from actors.gateway.market_stream import MarketStream
from actors.gateway.outbox import Outbox
from actors.gateway.user_stream import UserStream
from actors.runtime import Clock, Directory, Dispatcher, PooledActor
from messages.base import AccountMessage
from messages.commands import (
    BrokerCommand,
    CloseContract,
    DescribeContract,
    GuardAccounts,
    OpenSession,
    TakeSnapshot,
    WatchQuotes,
)
from messages.events import BrokerCommandAnswered, SessionOpened
from messages.facts import (
    ContractDescribed,
    PositionChanged,
    SnapshotTaken,
    StreamConnected,
    TradeExecuted,
)
from messages.queries import Ping
from messages.values import AccountRecord, Contract, Done, Fill, Position, Side
from tests.load.report import CONTRACT

if TYPE_CHECKING:
    from tests.load.minute import Beat

PRICE = Decimal(26100)
LOGIN = "load"
SPEC = Contract(
    contract=CONTRACT,
    name="MNQZ5",
    tick_size=Decimal("0.25"),
    tick_value_usd=Decimal("0.5"),
)


def position(size: int, contract: str = CONTRACT) -> Position:
    """Return a position."""
    return Position(contract=contract, size=size, average_price=PRICE)


def fill(number: int, at: datetime, pnl: Decimal | None) -> Fill:
    """Return a fill of an order of its own."""
    return Fill(
        trade_id=number,
        order_id=number,
        contract=CONTRACT,
        side=Side.BUY if pnl is None else Side.SELL,
        size=1,
        price=PRICE,
        profit_and_loss_usd=pnl,
        fees_usd=Decimal(0),
        commissions_usd=Decimal(0),
        voided=False,
        executed_at=at,
    )


class LeanGateway(PooledActor):
    """The gateway; told a callable, it does it on its own thread."""

    def __init__(
        self,
        accounts: range,
        on_guard: Callable[[], None],
        *,
        clock: Clock,
        directory: Directory,
        dispatcher: Dispatcher,
    ) -> None:
        super().__init__(dispatcher=dispatcher)
        self._held = dict.fromkeys(accounts, position(0))
        self._on_guard = on_guard
        self._clock = clock
        self._directory = directory
        self._number = 0
        outbox = Outbox(login=LOGIN, clock=clock, directory=directory)
        sides: dict[str, Any] = {"settings": _settings(), "tokens": None, "outbox": outbox}
        self._user, self._market = UserStream(traded=set(), **sides), MarketStream(**sides)
        self._user.guard(accounts)
        self._user_hub = Connection(None, self._user)
        self._market_hub = Connection(None, self._market)

    def on_receive(self, message: Any) -> Any:
        """Answer at once."""
        match message:
            case OpenSession():
                return self._session()
            case GuardAccounts():
                self._on_guard()
                for account in message.accounts:
                    self._tell(StreamConnected(**self._head(account), generation=1))
            case TakeSnapshot():
                self._directory.tell(message.asker, self._snapshot(message))
            case DescribeContract():
                spec = replace(SPEC, contract=message.contract)
                self._tell(ContractDescribed(**self._head(message.account), contract=spec))
            case BrokerCommand():
                self._obey(message)
            case WatchQuotes():
                self._market.watch(message.contracts)
            case Ping():
                return LOGIN
            case _ if callable(message):
                message(self)
        return None

    def hear(self, records: Iterable[bytes]) -> None:
        """Take records of the user hub in, as they come from the wire."""
        for raw in records:
            self._user_hub._hear(raw)

    def hear_quote(self, record: bytes) -> None:
        """Take a record of the market hub in."""
        self._market_hub._hear(record)

    def hear_beat(self, beat: "Beat") -> None:
        """Take records of both hubs in, in their order."""
        for record in beat:
            (self._market_hub if record.quote else self._user_hub)._hear(record.raw)

    def trade(self, account: int, pnl: Decimal | None) -> None:
        """Say that an account traded."""
        self._number += 1
        traded = fill(self._number, self._clock.now(), pnl)
        self._tell(TradeExecuted(**self._head(account), fill=traded))

    def hold(self, account: int, size: int, contract: str = CONTRACT) -> None:
        """Say that an account holds so much of a contract, and nothing else."""
        self._held[account] = held = position(size, contract)
        self._tell(PositionChanged(**self._head(account), position=held))

    def _obey(self, command: BrokerCommand) -> None:
        if isinstance(command, CloseContract):
            self.hold(command.account, 0)
        answer = BrokerCommandAnswered(
            **self._head(command.account), command_id=command.command_id, outcome=Done()
        )
        self._directory.tell(f"enforcer/{command.account}", answer)

    def _snapshot(self, command: TakeSnapshot) -> SnapshotTaken:
        held = self._held[command.account]
        whole = command.trades_since is not None
        return SnapshotTaken(
            **self._head(command.account),
            request_id=command.request_id,
            generation=1,
            requested_at=self._clock.now(),
            positions=(held,) if held.size else (),
            orders=(),
            fills=() if whole else None,
            can_trade=True if whole else None,
            balance_usd=Decimal(50_000) if whole else None,
        )

    def _session(self) -> SessionOpened:
        accounts = tuple(
            AccountRecord(
                account=each,
                name=f"50K-{each}",
                balance_usd=Decimal(50_000),
                can_trade=True,
                simulated=True,
            )
            for each in self._held
        )
        return SessionOpened(at=self._clock.now(), cause="load", login=LOGIN, accounts=accounts)

    def _tell(self, fact: AccountMessage) -> None:
        self._directory.tell(f"account/{fact.account}", fact)

    def _head(self, account: int) -> dict[str, Any]:
        return {"account": account, "at": self._clock.now(), "cause": "load"}


def _settings() -> LoginSettings:
    nowhere = "http://localhost"
    urls = dict.fromkeys(("api_url", "user_hub_url", "market_hub_url"), nowhere)
    return LoginSettings(name=LOGIN, username=LOGIN, api_key=LOGIN, **urls)
