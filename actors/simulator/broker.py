"""Everything behind the simulated gateway's port, put together once.

REST, hubs and control share one `Broker`; it owns no thread and does no I/O of its own. `tell` is the
one way events leave the exchange.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from actors.runtime.clock import Clock
from actors.simulator.contracts import catalogue
from actors.simulator.exchange import Exchange
from actors.simulator.faults import Faults, Hangs
from actors.simulator.hubs import Hubs
from actors.simulator.ledger import Account
from actors.simulator.record import Record
from actors.simulator.sessions import RateLimit, Sessions, SimAccount, SimUser
from actors.simulator.wire import Push

BARS = "/History/retrieveBars"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Request budgets per user; `enabled=False` switches 429 off."""

    enabled: bool = True
    requests: int = 200
    window_s: float = 60.0
    bars: int = 30
    bars_window_s: float = 30.0


class Broker:
    """The exchange, its users and its record."""

    def __init__(
        self,
        *,
        clock: Clock,
        users: tuple[SimUser, ...],
        token_life_s: float,
        limits: Limits,
        record_limit: int,
        seed: int,
    ) -> None:
        self.clock = clock
        self.exchange = Exchange(catalogue(clock.now().date()))
        self.sessions = Sessions(users, clock, token_life_s)
        self.faults = Faults()
        self.hangs = Hangs()
        self.record = Record(clock, record_limit)
        self.hubs = Hubs(
            exchange=self.exchange,
            sessions=self.sessions,
            faults=self.faults,
            log=self.record,
            clock=clock,
            seed=seed,
        )
        self.limits_enabled = limits.enabled
        self.date_ahead: timedelta | None = timedelta(0)
        """How far the `Date` of answers is ahead of the clock; None = answers have none."""
        self._general = RateLimit(limits.requests, limits.window_s)
        self._bars = RateLimit(limits.bars, limits.bars_window_s)
        for user in users:
            for account in user.accounts:
                self.open_account(user.username, account)

    def restart(self) -> None:
        """Be ready for a new run of the server: nothing hangs, nothing is frozen."""
        self.hangs.restart()
        self.hubs.silence.restart()

    def open_account(self, username: str, account: SimAccount) -> None:
        """Give a user an account."""
        self.exchange.accounts[account.id] = Account(
            id=account.id,
            name=account.name or f"SIM-{account.id}",
            user=username,
            balance=Decimal(account.balance),
            can_trade=account.can_trade,
            simulated=account.simulated,
        )

    def now(self) -> datetime:
        """Return the broker's wall time."""
        return self.clock.now()

    def tell(self, pushes: list[Push]) -> None:
        """Push what happened."""
        self.hubs.publish(pushes)

    def within_limits(self, user: str, endpoint: str) -> bool:
        """Count a request against its user's budget; False is a 429."""
        limit = self._bars if endpoint == BARS else self._general
        return not self.limits_enabled or limit.allow(user, self.clock.monotonic())
