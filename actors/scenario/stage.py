"""What the player needs of a stage: a broker, a trader, a Lockstep that starts and stops, and a clock.

Two stages exist: `wire.py` (the real SDK against the embedded simulator) and the tests' rig. The clock is
virtual on both: time passes only when the scenario says so, so that a wait of hours is played at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from actors.runtime import VirtualClock
from messages.base import Message
from messages.queries import AccountStatus
from messages.values import OrderType

ACCOUNTS = {"A": 13298777, "B": 13298778}
"""Names in scenarios → account ids."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """An order the trader places."""

    contract: str
    size: int
    """Signed; negative sells."""
    type: OrderType
    limit: Decimal | None
    stop: Decimal | None


@dataclass(frozen=True, slots=True)
class WorkingOrder:
    """An order at the broker."""

    contract: str
    type: OrderType
    stop: Decimal | None


class Stage(Protocol):
    """One broker and one Lockstep."""

    clock: VirtualClock
    in_order: bool
    """Whether commands reach the broker in the order they were sent (side by side over the wire)."""

    # --- Lockstep ---

    def start(self, config: Mapping[str, Any], calendar: Mapping[str, Any] | None) -> None:
        """Start it with this configuration (without login and addresses)."""

    def stop(self) -> None:
        """Stop it in order; a second time does nothing. The broker lives on."""

    def end(self) -> None:
        """Stop everything."""

    def fail(self, address: str) -> None:
        """Let one of its actors fail."""

    def settle(self) -> None:
        """Wait until nothing is under way."""

    def another_look(self) -> bool:
        """Wait a little for more to happen; False: nothing more is to come."""

    # --- the trader, the firm, the market ---

    def order(self, account: int, ticket: Ticket, *, quietly: bool) -> int:
        """Place an order; return its id."""

    def close(self, account: int, contract: str, size: int | None) -> None:
        """Close a position at the market."""

    def cancel(self, account: int, order_id: int) -> None:
        """Cancel an order."""

    def modify(
        self,
        account: int,
        order_id: int,
        *,
        limit: Decimal | None,
        stop: Decimal | None,
        size: int | None,
    ) -> None:
        """Change an order."""

    def fill(self, account: int, contract: str, pnl: Decimal | None, fees: Decimal) -> int:
        """Book a fill; return its trade id."""

    def void(self, account: int, trade_id: int) -> None:
        """Take a fill back."""

    def price(self, contract: str, last: Decimal) -> None:
        """Move the market."""

    def can_trade(self, account: int, *, flag: bool) -> None:
        """Let an account trade or not."""

    # --- misfortune ---

    def mood(self, account: int, mood: str) -> None:
        """Treat Lockstep's requests so."""

    def stream(self, what: str) -> None:
        """Lose the stream, repeat it, or have it back."""

    # --- what can be seen ---

    def status(self, account: int) -> AccountStatus:
        """Return how an account stands."""

    def held(self, account: int) -> dict[str, int]:
        """Return what the broker holds, signed, by contract."""

    def working(self, account: int) -> list[WorkingOrder]:
        """Return what works at the broker."""

    def received(self, account: int) -> list[tuple[str, str | None, int | None]]:
        """Return kind, contract and size of every command the broker received, in order."""

    def journal(self, account: int) -> list[Message]:
        """Return what the journal holds of an account (and of none), in order, since the beginning."""
