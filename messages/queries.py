"""Queries and their answers."""

from datetime import datetime
from decimal import Decimal

from messages.base import AccountMessage, Message, Value
from messages.values import (
    Health,
    LimitUse,
    Lockout,
    OpenPosition,
    Order,
    Phase,
    Position,
    Target,
)


class GetAccountStatus(AccountMessage, frozen=True, kw_only=True):
    """Ask an AccountActor how it stands; answered with `AccountStatus`."""


class GetAccountBoard(AccountMessage, frozen=True, kw_only=True):
    """Ask an AccountActor for all that a dashboard shows of it; answered with `AccountBoard`."""


class GetRules(AccountMessage, frozen=True, kw_only=True):
    """Ask an AccountActor which rules it has gone over to; answered with its last `RulesAdopted`."""


class GetDuties(AccountMessage, frozen=True, kw_only=True):
    """Ask an AccountActor which lockouts bind it, in force or to come; answered with a tuple of them."""


class EnforcementStatus(Value, frozen=True, kw_only=True):
    """The enforcement under way."""

    since: datetime
    """When the intent was decided."""
    targets: tuple[Target, ...]
    """States to reach."""
    deadline_at: datetime
    """When its lockouts are in force even if the targets are not confirmed, UTC."""
    flat_confirmed: bool
    """Whether the broker's own answer shows them reached: then only the record waits for the disk."""


class AccountStatus(Value, frozen=True, kw_only=True):
    """One account as `status --json` prints it."""

    account: int
    """Account id."""
    name: str
    """Account name."""
    login: str
    """Login it belongs to."""
    phase: Phase
    """Where it is."""
    health: Health
    """How far the picture can be trusted."""
    health_reason: str
    """Why, e.g. `behind: a trade_executed came 2.5 s late`."""
    trading_date: str
    """Trading day, ISO date."""
    realised_usd: Decimal
    """The day's realised P&L."""
    open_usd: Decimal | None
    """Open P&L; None when a position cannot be valued."""
    positions: tuple[Position, ...]
    """What is held."""
    working_orders: int
    """How many orders work."""
    lockouts: tuple[Lockout, ...]
    """In force, strictest first."""
    enforcement: EnforcementStatus | None
    """Under way, if any."""
    queued: tuple[str, ...]
    """What a changed configuration loosens at the next reset, a line each."""
    starting: str | None
    """The step its start still waits for, e.g. `waiting for the first snapshot (generation 3)`; None once
    the start is over."""
    caveats: tuple[str, ...] = ()
    """What its rules do not know and do instead, a line each, e.g. that the calendar has ended."""
    limits: tuple[LimitUse, ...] = ()
    """How much of each limit is used up, by rule; what cannot be measured now is left out."""
    shadow: bool = False
    """It is only watched: nothing is closed, cancelled or locked in truth."""


class ChannelStatus(Value, frozen=True, kw_only=True):
    """How one way to people fares."""

    name: str
    """Its name in the configuration."""
    kind: str
    """`discord`, `slack`, `telegram`, `json`, `apprise` or `heartbeat`."""
    failing_since: datetime | None
    """Since when nothing gets through, UTC; None = the last message did."""
    error: str
    """What failed last, without any secret; empty = nothing has."""
    held_back: int
    """Notices that wait: for quiet hours, a rate, or another try."""
    lost: int
    """Notices that were given up since the start."""


class UnguardedAccount(Value, frozen=True, kw_only=True):
    """An account that should be guarded and is not."""

    account: str
    """As the configuration names it, else id and name; `unknown` if its record cannot be understood."""
    login: str
    """Login it should be guarded by."""
    reason: str
    """Why it is not."""
    until: datetime | None = None
    """Shown until then, UTC; None = as long as it is so, or this run lasts."""


class MachineFault(Value, frozen=True, kw_only=True):
    """Something about this machine or the file for which a first start would be refused."""

    check: str
    """What was looked at, as `doctor` calls it, e.g. `disk room`."""
    about: str
    """Whose, e.g. the journal's folder; empty = the machine or the process."""
    what: str
    """What was found, with its numbers."""
    why: str
    """What it means for who is guarded."""
    fix: str
    """What to do about it."""

    @property
    def line(self) -> str:
        """Return what was found, e.g. `disk room (/data): 12 MiB free`."""
        return f"{self.check}{f' ({self.about})' if self.about else ''}: {self.what}"


class SystemStatus(Value, frozen=True, kw_only=True):
    """The whole answer of `status --json`."""

    version: str
    """Lockstep's version."""
    config: str
    """SHA-256 of the configuration in force, hex."""
    config_version: int | None
    """1 since the start, one more with every reload; None when nothing is running."""
    at: datetime
    """When it was answered, UTC."""
    live: bool
    """False: read from the journal, nothing is running."""
    unrecorded: int | None
    """Events decided but not on disk; None = the journal does not answer, or nothing is running."""
    accounts: tuple[AccountStatus, ...]
    """Every guarded account that answered."""
    unanswered: tuple[int, ...]
    """Accounts that are guarded but did not answer: their actors hang, or are down until the next try."""
    down: tuple[str, ...] = ()
    """Addresses of actors that protection needs and that are down until the next try."""
    channels: tuple[ChannelStatus, ...] = ()
    """Every way to people that is configured."""
    unguarded: tuple[UnguardedAccount, ...] = ()
    """Accounts that should be guarded and are NOT; while nothing is running, none is named."""
    unfit: tuple[MachineFault, ...] = ()
    """What `doctor` finds critical of the machine, at the last look; while nothing is running, none."""


class AccountBoard(Value, frozen=True, kw_only=True):
    """One account as the dashboard shows it: how it stands, and how far from every limit."""

    status: AccountStatus
    """How it stands."""
    rules: tuple[str, ...]
    """One line per rule in force: what it does with its parameters."""
    holdings: tuple[OpenPosition, ...]
    """What is held, each valued, and since when without a stop."""
    orders: tuple[Order, ...]
    """What works."""
    can_trade: bool | None
    """The firm's flag; None when it was not told."""
    next_reset: datetime
    """When its trading day ends, UTC."""


class SystemBoard(Value, frozen=True, kw_only=True):
    """All that the dashboard shows."""

    status: SystemStatus
    """How every account stands."""
    accounts: tuple[AccountBoard, ...]
    """Every guarded account that answered."""
    profiles: dict[int, str | None]
    """The profile of each account; None = the defaults alone."""


class AccountAdoption(Value, frozen=True, kw_only=True):
    """What a reload did to one account."""

    account: int
    """Account id."""
    applied: tuple[str, ...]
    """What changed at once, a line each."""
    queued: tuple[str, ...]
    """What waits for the next reset, a line each."""


class ConfigReloaded(Value, frozen=True, kw_only=True):
    """The whole answer of `reload --json`."""

    config: str
    """SHA-256 of the configuration in force from now on, hex."""
    config_version: int
    """1 since the start, one more with every reload."""
    accounts: tuple[AccountAdoption, ...]
    """Every account that has answered."""
    unanswered: tuple[int, ...]
    """Accounts that were told, but have not said in time what it means for them."""


class SelfLockout(Value, frozen=True, kw_only=True):
    """The whole answer of `lock --json`: what binds an account because its trader asked for it."""

    account: int
    """Account id."""
    name: str
    """Account name."""
    asked_until: datetime
    """What was asked for, UTC."""
    lockout: Lockout
    """What binds now; it ends later than asked where a longer one did so already."""


class GetUnrecorded(Message, frozen=True, kw_only=True):
    """Ask the JournalActor how many events are decided but not on disk; answered with that number."""


class GetJournalStatus(Message, frozen=True, kw_only=True):
    """Ask the JournalActor how far it has got; answered with `JournalStatus`."""


class JournalStatus(Value, frozen=True, kw_only=True):
    """How far the journal has got."""

    last_seq: int | None
    """Seq of the last event this process has put on disk; None before the first."""
    unrecorded: int
    """Events decided but not on disk."""


class GetLoginStatus(Message, frozen=True, kw_only=True):
    """Ask a GatewayActor how its login stands; answered with `LoginStatus`."""


class LoginStatus(Value, frozen=True, kw_only=True):
    """One login as its gateway sees it."""

    login: str
    """Name of the login in the configuration."""
    user_hub: bool
    """Whether the user hub is connected."""
    market_hub: bool | None
    """Whether the market hub is; None while nobody needs quotes."""
    requests: int
    """Requests the broker allows in its window."""
    used: int
    """Requests sent within the window."""
    queued: int
    """Requests that wait for their turn."""


class GetChannelStatus(Message, frozen=True, kw_only=True):
    """Ask the actor of an alert channel how it fares; answered with `ChannelStatus`."""


class Ping(Message, frozen=True, kw_only=True):
    """Ask any actor for its name: a barrier, since messages are handled in order."""


type Query = (
    GetAccountStatus
    | GetAccountBoard
    | GetRules
    | GetDuties
    | GetUnrecorded
    | GetJournalStatus
    | GetLoginStatus
    | GetChannelStatus
    | Ping
)
