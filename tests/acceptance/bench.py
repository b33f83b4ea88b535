"""What the steps of an acceptance run work with: account, client, hub, and orders that are undone."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from actors.gateway.answers import Reply
from actors.gateway.budget import Priority
from actors.gateway.errors import GatewayError
from actors.gateway.settings import LoginSettings
from actors.gateway.transport import Flight
from actors.runtime import Clock
from messages.commands import BrokerCommand, CancelOrder, CloseContract, PlaceOrder
from messages.values import AccountRecord, Done, Order, OrderType, Outcome, Side
from tests.acceptance.wire import Client, Ears

WITHIN_S = 10.0

type Verdict = Literal["as assumed", "otherwise", "not seen"]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a step saw."""

    verdict: Verdict
    text: str
    figures: dict[str, Any] = field(default_factory=dict)


def judged(holds: object, text: str, **figures: Any) -> Seen:
    """Return a verdict about something that was seen."""
    return Seen("as assumed" if holds else "otherwise", text, figures)


def unseen(text: str, **figures: Any) -> Seen:
    """Return that nothing can be said."""
    return Seen("not seen", text, figures)


@dataclass(slots=True)
class Bench:
    """One practice account under test."""

    settings: LoginSettings
    client: Client
    clock: Clock
    record: AccountRecord
    contract: dict[str, Any]
    """The broker's own record of what is traded."""
    ask: Callable[[str], bool]
    """Has the person do something; False = he will not."""
    config: str
    """TOML of a configuration that guards this account, for the step that runs Lockstep."""
    journal: list[str] = field(default_factory=list)
    """What Lockstep journaled, for the bundle."""
    quoted: Decimal | None = None
    """The last price that was heard."""
    user: Ears | None = None
    """The user hub, once it is subscribed."""
    clean: bool = True
    """Whether the broker has shown since the last command that nothing is held and nothing works."""
    orders: list[int] = field(default_factory=list)
    """Every order that was placed here."""
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    @property
    def account(self) -> int:
        """Return the account's id."""
        return self.record.account

    @property
    def contract_id(self) -> str:
        """Return the contract's id."""
        return str(self.contract["id"])

    def ears(self, hub: str = "user") -> Ears:
        """Return a hub connection that is not open yet."""
        url = self.settings.user_hub_url if hub == "user" else self.settings.market_hub_url
        return Ears(f"{hub} hub", url, self.client)

    async def post(self, endpoint: str, **body: Any) -> Reply:
        """Send one request within the budget."""
        return await self.client.request(
            endpoint, body, priority=Priority.READ, within_s=WITHIN_S, flight=Flight()
        )

    async def place(self, type_: OrderType, side: Side, **prices: Decimal) -> Outcome:
        """Place an order for one contract, and remember it."""
        outcome = await self._command(
            PlaceOrder, contract=self.contract_id, type=type_, side=side, size=1, **prices
        )
        if isinstance(outcome, Done) and outcome.order_id is not None:
            self.orders.append(outcome.order_id)
        return outcome

    async def cancel(self, order: int) -> Outcome:
        """Cancel an order."""
        return await self._command(CancelOrder, order_id=order)

    async def close(self) -> Outcome:
        """Close the contract."""
        return await self._command(CloseContract, contract=self.contract_id)

    async def working(self) -> list[Order]:
        """Return the account's working orders."""
        how = {"priority": Priority.READ, "within_s": WITHIN_S}
        return list(await self.client.working_orders(self.account, **how))

    async def held(self) -> int:
        """Return how many contracts are held, of whatever."""
        how = {"priority": Priority.READ, "within_s": WITHIN_S}
        return sum(abs(each.size) for each in await self.client.positions(self.account, **how))

    def near(self, share: str) -> Decimal:
        """Return the last price times a share, on the tick grid."""
        assert self.quoted is not None, "no quote was heard: run the step `quotes` first"
        tick = Decimal(str(self.contract["tickSize"]))
        return (self.quoted * Decimal(share) / tick).to_integral_value() * tick

    async def undo(self) -> str:
        """Leave nothing behind; say what is left, or that it is not known."""
        try:
            return await self._undo()
        except GatewayError as error:
            return f"what is left is UNKNOWN ({error})"

    async def _undo(self) -> str:
        for order in await self.working():
            if order.order_id in self.orders:
                await self.cancel(order.order_id)
        if await self.held():
            await self.close()
        orders, held = len(await self.working()), await self.held()
        self.clean = not orders and not held
        return "" if self.clean else f"{held} contracts and {orders} orders are LEFT"

    async def _command(self, kind: type[BrokerCommand], **what: Any) -> Outcome:
        self.clean = False
        command = kind(
            account=self.account,
            at=self.clock.now(),
            cause="acceptance",
            command_id=f"acceptance/{next(self._numbers)}",
            deadline_s=WITHIN_S,
            **what,
        )
        return await self.client.carry_out(command)
