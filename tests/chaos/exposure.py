"""How long exposure that a breach forbids stood at the simulated exchange, and when the lock came.

Watches the one way on which events leave the exchange; all times are monotonic seconds. Knows nothing of
what Lockstep believes.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from actors.simulator.broker import Broker
from actors.simulator.ledger import Account
from messages.base import Message
from messages.events import AccountLocked
from tests.chaos.faults import Breach


@dataclass
class Watched:
    """One account that has breached."""

    breached_s: float
    is_exposed: Callable[[Account], bool]
    open_since_s: float | None
    only_caps: bool
    """Whether its breach leads to no lock."""
    stretches: list[tuple[float, float]] = field(default_factory=list)
    """From when to when it held what it must not."""
    locked_s: float | None = None
    """When its first lock was on disk."""


class Exposure:
    """Times the accounts of one round."""

    def __init__(self, broker: Broker) -> None:
        self.watched: dict[int, Watched] = {}
        self._accounts = broker.exchange.accounts
        self._tell = broker.tell
        broker.tell = self._told  # type: ignore[method-assign]

    def begin(self, account: int, breach: Breach, is_exposed: Callable[[Account], bool]) -> None:
        """Time an account that breaches now."""
        now = time.monotonic()
        self.watched[account] = Watched(now, is_exposed, now, only_caps=breach is Breach.SIZE)

    def on_event(self, event: Message) -> None:
        """Note a lock that is on disk."""
        if isinstance(event, AccountLocked):
            watched = self.watched.get(event.account)
            if watched and watched.locked_s is None:
                watched.locked_s = time.monotonic()

    def is_locked(self, account: int) -> bool:
        """Say whether a lock of the account is on disk."""
        watched = self.watched.get(account)
        return watched is not None and watched.locked_s is not None

    def is_settled(self, account: int) -> bool:
        """Say whether an account holds nothing it must not, and is locked if it must be."""
        watched = self.watched.get(account)
        if watched is None:
            return True
        return watched.open_since_s is None and (watched.only_caps or watched.locked_s is not None)

    def _told(self, pushes: list[Any]) -> None:
        for account in {push.account for push in pushes} & self.watched.keys():
            self._look(account)
        self._tell(pushes)

    def _look(self, account: int) -> None:
        watched, now = self.watched[account], time.monotonic()
        exposed = watched.is_exposed(self._accounts[account])
        if exposed and watched.open_since_s is None:
            watched.open_since_s = now
        elif not exposed and watched.open_since_s is not None:
            watched.stretches.append((watched.open_since_s, now))
            watched.open_since_s = None


def exposed_by(breach: Breach, blocked: str, limit: int) -> Callable[[Account], bool]:
    """Return what a breach forbids an account to hold and to have working."""
    match breach:
        case Breach.SIZE:
            return lambda account: abs(sum(p.size for p in account.positions.values())) > limit
        case Breach.SYMBOL:
            return lambda account: _holds(account, {blocked})
        case _:
            return lambda account: _holds(account, None)


def _holds(account: Account, contracts: set[str] | None) -> bool:
    held = [name for name, each in account.positions.items() if each.size]
    working = [each.spec.id for each in account.orders.values() if each.working]
    return any(contracts is None or name in contracts for name in (*held, *working))
