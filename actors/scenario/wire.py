"""The stage of `main.py demo --scenario`: the real SDK against the embedded simulator, over the wire.

Both sides share one virtual clock, so a scenario's hours pass at once; only the wire itself takes real
time. What is on the wire cannot be counted, so `settle` waits until broker and Lockstep have been quiet
for a moment, and an expectation that is not met yet is looked at again before it counts as not met.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from actors.journal import Store
from actors.ops.witness import Testimony
from actors.runtime import InFlight, VirtualClock
from actors.scenario.settings import merged, to_toml
from actors.scenario.stage import ACCOUNTS, Ticket, WorkingOrder
from actors.simulator import SimAccount, Simulator, SimUser
from actors.simulator.faults import FaultKind
from actors.simulator.refusals import CODES, Refusal
from actors.system import System
from config.loader import load
from messages.base import Message
from messages.commands import OpenSession
from messages.facts import StreamConnected, StreamLost
from messages.queries import AccountStatus
from messages.values import OrderType, Side

_USER, _KEY = "scenario-trader", "scenario-api-key"
_ENVIRONMENT = {"LOCKSTEP_SCENARIO_USERNAME": _USER, "LOCKSTEP_SCENARIO_API_KEY": _KEY}
_COMMANDS = {
    "/Position/closeContract": "close",
    "/Position/partialCloseContract": "reduce",
    "/Order/cancel": "cancel",
    "/Order/modify": "modify",
}
_READS = ("/Position/searchOpen", "/Order/v2/query", "/Order/searchOpen", "/Trade/search")
_MOODS = {
    "refuses": FaultKind.REJECT,
    "hangs": FaultKind.HANG_BEFORE,
    "acts and hangs": FaultKind.HANG_AFTER,
    "says done and does nothing": FaultKind.OK_NOT_APPLIED,
}
_TOO_LATE = ("/Order/cancel", CODES["/Order/cancel"][Refusal.REJECTED])
"""A cancel that met its order filled: whether it is sent at all is a matter of milliseconds."""
_QUIET_S, _IDLE_S, _LOOKS, _NOTICED_S, _SILENCE_S = 0.08, 10.0, 60, 30.0, 4.0


class WireStage:
    """One simulated broker and the systems that run against it, one after another."""

    in_order = False

    def __init__(
        self, folder: Path, start: datetime, on_event: Callable[[Message], None] | None = None
    ) -> None:
        self.clock = VirtualClock(start)
        self._folder = folder
        self._on_event = on_event
        self._testimony = Testimony()
        self._in_flight = InFlight()
        self._system: System | None = None
        self._looks = 0
        accounts = tuple(SimAccount(number, f"50K-{name}") for name, number in ACCOUNTS.items())
        self._simulator = Simulator(
            clock=self.clock, users=(SimUser(_USER, _KEY, accounts),), ping_every_s=0.5
        )
        self._simulator.start()
        self._trader = self._simulator.control
        self._trader.set_costs(Decimal(0), Decimal(0))
        self._trader.limit_requests(enabled=False)  # its window never ends while time stands still
        self._faults: dict[int, list[int]] = {}
        self._stutter: int | None = None
        self._silent = False
        self._holes: list[str] = []

    # --- Lockstep ---

    def start(self, config: Mapping[str, Any], calendar: Mapping[str, Any] | None) -> None:
        """Write the configuration, load it and start a system; its accounts may still be reading."""
        self._folder.mkdir(exist_ok=True)
        own = self._own()
        if calendar is not None:
            (self._folder / "calendar.toml").write_text(to_toml(calendar))
            own["calendar"] = {"file": "calendar.toml"}
        path = self._folder / "lockstep.toml"
        path.write_text(to_toml(merged(config, own)))
        self._testimony = Testimony(self._on_event)
        self._system = System(
            config=load(path, now=self.clock.now(), environment=_ENVIRONMENT),
            clock=self.clock,
            environment=_ENVIRONMENT,
            on_give_up=self._gave_up,
            journal_path=self._folder / "lockstep.db",
            in_flight=self._in_flight,
            linger_s=0,  # real time means nothing on a virtual clock
            gather_s=0,
            testimony=self._testimony,
        )
        self._system.start()
        self.settle()

    def _own(self) -> dict[str, Any]:
        root = self._simulator.api_url.removesuffix("/api")
        names = dict(zip(("username_env", "api_key_env"), _ENVIRONMENT, strict=True))
        broker = {
            "api_url": f"{root}/api",
            "user_hub_url": f"{root}/hubs/user",
            "market_hub_url": f"{root}/hubs/market",
            "silence_s": _SILENCE_S,
            "reconcile_every_s": 3600.0,  # by real time, which means nothing here
            "requests_per_minute": 100_000,
        }
        return {
            "logins": [{"name": "desk", **names}],
            "http": {"listen": "127.0.0.1:0"},
            "broker": broker,
        }

    def _gave_up(self, address: str, error: str) -> None:
        self._holes.append(f"{address} could not be kept alive: {error}")

    @property
    def _running(self) -> System:
        if self._system is None:
            raise RuntimeError("the scenario looks at a system that does not run; start it first")
        return self._system

    def stop(self) -> None:
        """Stop the system in order."""
        if self._system is not None:
            self._system.stop("the scenario says so")
            self._system = None

    def end(self) -> None:
        """Stop the system, then the broker."""
        try:
            self.stop()
        finally:
            self._simulator.stop()

    def fail(self, address: str) -> None:
        """Tell an actor what it cannot be told, and give its supervisor the time to replace it."""
        strange = OpenSession(at=self.clock.now(), cause="scenario")
        self._running.directory.tell(address, strange)
        self.settle()
        self.clock.advance(1)

    def settle(self) -> None:
        """Wait until no message is under way and the broker has heard and said nothing for a moment."""
        record = self._simulator.record()
        quiet = False
        while not quiet:
            self._in_flight.wait_idle(_IDLE_S)
            seen = record.last_seq
            try:
                record.wait_for(lambda _entry: True, _QUIET_S, after=seen)
            except TimeoutError:
                quiet = True
        self._looks = 0
        if self._holes:
            raise RuntimeError("; ".join(self._holes))

    def another_look(self) -> bool:
        """Settle once more; False when that was often enough."""
        self._looks, looks = 0, self._looks + 1
        self.settle()
        self._looks = looks
        return looks < _LOOKS

    # --- the trader, the firm, the market ---

    def order(self, account: int, ticket: Ticket, *, quietly: bool) -> int:
        """Place an order as the trader; quietly: its pushes are lost."""
        trails = ticket.type is OrderType.TRAILING_STOP
        lost = self._trader.fault(FaultKind.DROP, "*", account=account) if quietly else None
        order = self._trader.place_order(
            account,
            ticket.contract,
            Side.BUY if ticket.size > 0 else Side.SELL,
            abs(ticket.size),
            ticket.type,
            limit_price=ticket.limit,
            stop_price=None if trails else ticket.stop,
            trail_price=ticket.stop if trails else None,
        )
        if lost is not None:
            self._trader.end_fault(lost)
        return order

    def close(self, account: int, contract: str, size: int | None) -> None:
        """Close as the trader."""
        self._trader.trader_close(account, contract, size)

    def cancel(self, account: int, order_id: int) -> None:
        """Cancel as the trader."""
        self._trader.cancel_order(account, order_id)

    def modify(
        self,
        account: int,
        order_id: int,
        *,
        limit: Decimal | None,
        stop: Decimal | None,
        size: int | None,
    ) -> None:
        """Change an order as the trader."""
        self._trader.modify_order(account, order_id, size=size, limit_price=limit, stop_price=stop)

    def fill(self, account: int, contract: str, pnl: Decimal | None, fees: Decimal) -> int:
        """Book a fill beside any position, and say nothing of the order it belongs to."""
        lost = self._trader.fault(FaultKind.DROP, "GatewayUserOrder", account=account)
        trade = self._trader.book_trade(account, contract, profit_and_loss=pnl, fees=fees)
        self._trader.end_fault(lost)
        return trade

    def void(self, account: int, trade_id: int) -> None:
        """Take a fill back."""
        self._trader.void_trade(account, trade_id)

    def price(self, contract: str, last: Decimal) -> None:
        """Move the market."""
        self._trader.set_price(contract, last)

    def can_trade(self, account: int, *, flag: bool) -> None:
        """Let an account trade or not."""
        self._trader.set_can_trade(account, flag)

    # --- misfortune ---

    def mood(self, account: int, mood: str) -> None:
        """Switch the faults of one mood on, and those of the mood before off."""
        for fault in self._faults.pop(account, []):
            self._trader.clear_faults(fault)
        if mood == "cannot be read":
            self._faults[account] = [
                self._trader.fault(FaultKind.HTTP, where, account=account, status=500)
                for where in _READS
            ]
        elif mood in _MOODS:
            self._faults[account] = [
                self._trader.fault(_MOODS[mood], where, account=account, code=4)
                for where in _COMMANDS
            ]

    def stream(self, what: str) -> None:
        """Fall silent until Lockstep has noticed, say everything three times, or be as usual."""
        if what == "repeats":
            self._stutter = self._trader.fault(FaultKind.DUPLICATE, "*", copies=3)
            return
        if self._stutter is not None:
            self._trader.end_fault(self._stutter)
            self._stutter = None
        kind = StreamLost if what == "lost" else StreamConnected
        before = sum(isinstance(each, kind) for each in self._testimony.events())
        if what == "lost" or self._silent:
            self._silent = what == "lost"
            self._trader.silence(self._silent)
            wanted = before + len(ACCOUNTS)
            self._testimony.wait_for(kind, lambda _event: True, _NOTICED_S, count=wanted)

    # --- what can be seen ---

    def status(self, account: int) -> AccountStatus:
        """Ask the account."""
        return next(each for each in self._running.status().accounts if each.account == account)

    def held(self, account: int) -> dict[str, int]:
        """Return what the broker holds."""
        return self._trader.positions(account)

    def working(self, account: int) -> list[WorkingOrder]:
        """Return what works at the broker."""
        return [
            WorkingOrder(row["contractId"], OrderType(row["type"]), row.get("stopPrice"))
            for row in self._trader.working_orders(account)
        ]

    def received(self, account: int) -> list[tuple[str, str | None, int | None]]:
        """Return the broker's own record of what Lockstep sent, less cancels that came too late."""
        return [
            (_COMMANDS[each.endpoint], each.body.get("contractId"), each.body.get("size"))
            for each in self._simulator.record().requests(account=account)
            if each.endpoint in _COMMANDS and (each.endpoint, each.error_code) != _TOO_LATE
        ]

    def journal(self, account: int) -> list[Message]:
        """Read the store beside its writer."""
        store = Store.open_read_only(self._folder / "lockstep.db")
        try:
            events = [each.event for each in store.records()]
        finally:
            store.close()
        return [each for each in events if getattr(each, "account", None) in {account, None}]
