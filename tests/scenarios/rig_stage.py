"""The stage without a wire: scenario files on the tests' rig, fast and in order."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from actors.runtime import VirtualClock
from actors.scenario.settings import merged, to_toml
from actors.scenario.stage import ACCOUNTS, Ticket, WorkingOrder
from actors.simulator.ledger import Execution
from actors.simulator.ledger import Ticket as SimTicket
from messages.base import Message
from messages.commands import CancelOrder, CloseContract, ModifyOrder, PartialCloseContract
from messages.queries import AccountStatus
from messages.values import OrderType, Rejected, Side
from tests.rig import FakeBroker, Rig

OWN = {"logins": [{"name": "desk"}], "http": {"listen": "127.0.0.1:0"}}
KINDS = {
    CloseContract: "close",
    PartialCloseContract: "reduce",
    CancelOrder: "cancel",
    ModifyOrder: "modify",
}


class RigStage:
    """One fake broker and the systems that run on it, one after another."""

    in_order = True

    def __init__(self, folder: Path, start: datetime) -> None:
        self.clock = VirtualClock(start)
        self._folder = folder
        self._broker = FakeBroker(self.clock, tuple(ACCOUNTS.values()))
        self._rig: Rig | None = None
        self._copies = 1

    # --- Lockstep ---

    def start(self, config: Mapping[str, Any], calendar: Mapping[str, Any] | None) -> None:
        own = dict(OWN)
        if calendar is not None:
            (self._folder / "calendar.toml").write_text(to_toml(calendar))
            own["calendar"] = {"file": "calendar.toml"}
        self._rig = Rig(self._folder, to_toml(merged(config, own)), broker=self._broker)

    def stop(self) -> None:
        if self._rig is not None:
            self._rig.stop()

    end = stop

    @property
    def _running(self) -> Rig | None:
        return None if self._rig is None or self._rig.stopped else self._rig

    @property
    def rig(self) -> Rig:
        assert self._running is not None, "the system does not run"
        return self._running

    def fail(self, address: str) -> None:
        self.rig.system.directory.tell(address, "nonsense")
        self.settle()
        self.clock.advance(1)  # a supervisor waits before it restarts

    def settle(self) -> None:
        if self._running is not None:
            self._running.settle()

    def another_look(self) -> bool:
        return False

    # --- the trader, the firm, the market ---

    def _do(self, change) -> None:
        """Change the exchange: through the gateway that tells of it, or alone while nobody listens."""
        if self._running is None:
            change(self._broker.exchange, self.clock.now())
        else:
            self._running.do(
                lambda gateway: gateway.trade(lambda *how: change(*how) * self._copies)
            )

    def order(self, account: int, ticket: Ticket, *, quietly: bool) -> int:
        side = Side.BUY if ticket.size > 0 else Side.SELL
        trails = ticket.type is OrderType.TRAILING_STOP
        asked = SimTicket(
            contract=ticket.contract,
            type=ticket.type,
            side=side,
            size=abs(ticket.size),
            limit_price=ticket.limit,
            stop_price=None if trails else ticket.stop,
            trail_price=ticket.stop if trails else None,
        )
        placed: list[int] = []

        def place(exchange, now):
            order, pushes = exchange.place(account, asked, now)
            placed.append(order.id)
            return [] if quietly else pushes

        self._do(place)
        return placed[0]

    def close(self, account: int, contract: str, size: int | None) -> None:
        def close(exchange, now):
            if size is None:
                return exchange.close(account, contract, now)
            return exchange.partial_close(account, contract, size, now)

        self._do(close)

    def cancel(self, account: int, order_id: int) -> None:
        self._do(lambda exchange, now: exchange.cancel(account, order_id, now))

    def modify(
        self,
        account: int,
        order_id: int,
        *,
        limit: Decimal | None,
        stop: Decimal | None,
        size: int | None,
    ) -> None:
        self._do(
            lambda exchange, now: exchange.modify(
                account, order_id, now, size=size, limit_price=limit, stop_price=stop
            )
        )

    def fill(self, account: int, contract: str, pnl: Decimal | None, fees: Decimal) -> int:
        booked: list[int] = []

        def book(exchange, now):
            price = exchange.market.listing(contract).last
            trade, pushes = exchange.book_trade(
                account,
                SimTicket(contract, OrderType.MARKET, Side.SELL, 1),
                Execution(1, price, pnl, fees, Decimal(0)),
                now,
                order_id=None,
                moves_position=False,
            )
            booked.append(trade.id)
            return [push for push in pushes if push.target != "GatewayUserOrder"]

        self._do(book)
        return booked[0]

    def void(self, account: int, trade_id: int) -> None:
        self._do(lambda exchange, _now: exchange.void_trade(account, trade_id))

    def price(self, contract: str, last: Decimal) -> None:
        self._do(lambda exchange, now: exchange.move(contract, (last, last, last), now)[1])
        if self._running is not None:
            self._running.do(lambda gateway: gateway.quote(contract))

    def can_trade(self, account: int, *, flag: bool) -> None:
        self._do(lambda exchange, _now: exchange.change_account(account, {"can_trade": flag}))

    # --- misfortune ---

    def mood(self, account: int, mood: str) -> None:
        broker = self._broker
        broker.hanging.pop(account, None)
        broker.refusing.pop(account, None)
        broker.deaf.discard(account)
        broker.blind.discard(account)
        match mood:
            case "refuses":
                text = "instrument is not in an active trading status"
                broker.refusing[account] = Rejected(code=4, text=text)
            case "hangs" | "acts and hangs":
                broker.hanging[account] = mood == "acts and hangs"
            case "says done and does nothing":
                broker.deaf.add(account)
            case "cannot be read":
                broker.blind.add(account)

    def stream(self, what: str) -> None:
        self._copies = 3 if what == "repeats" else 1
        if what == "lost":
            self._broker.muted.update(ACCOUNTS.values())
            self.rig.do(lambda gateway: gateway.lose())
        elif self._broker.muted:
            self._broker.muted.clear()
            self.rig.do(lambda gateway: gateway.reconnect())

    # --- what can be seen ---

    def status(self, account: int) -> AccountStatus:
        return self.rig.status(account)

    def held(self, account: int) -> dict[str, int]:
        positions = self._broker.exchange.accounts[account].positions.values()
        return {each.spec.id: each.size for each in positions if each.size}

    def working(self, account: int) -> list[WorkingOrder]:
        orders = self._broker.exchange.accounts[account].orders.values()
        return [
            WorkingOrder(each.spec.id, OrderType(each.type), each.stop_price)
            for each in orders
            if each.working
        ]

    def received(self, account: int) -> list[tuple[str, str | None, int | None]]:
        return [
            (KINDS[type(each)], getattr(each, "contract", None), getattr(each, "size", None))
            for each in self._broker.received
            if each.account == account
        ]

    def journal(self, account: int) -> list[Message]:
        return [
            each.event
            for each in self._store_records()
            if getattr(each.event, "account", None) in {account, None}
        ]

    def _store_records(self):
        from actors.journal import Store

        store = Store.open_read_only(self._folder / "lockstep.db")
        try:
            return list(store.records())
        finally:
            store.close()
