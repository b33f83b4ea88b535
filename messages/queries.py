"""Queries and their answers."""

from datetime import datetime
from decimal import Decimal

from messages.base import AccountMessage, Message, Value
from messages.values import Health, Lockout, Phase, Position, Target


class GetAccountStatus(AccountMessage, frozen=True, kw_only=True):
    """Ask an AccountActor how it stands; answered with `AccountStatus`."""


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
    shadow: bool = False
    """It is only watched: nothing is closed, cancelled or locked in truth."""


class UnguardedAccount(Value, frozen=True, kw_only=True):
    """An account that should be guarded and is not, since the start."""

    account: str
    """Id or name as the configuration has it; `unknown` where its record cannot be understood."""
    login: str
    """Login it should be guarded by."""
    reason: str
    """Why it is not."""


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
    unguarded: tuple[UnguardedAccount, ...] = ()
    """Accounts that should be guarded and are NOT; while nothing is running, none is named."""


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


class Ping(Message, frozen=True, kw_only=True):
    """Ask any actor for its name: a barrier, since messages are handled in order."""


type Query = GetAccountStatus | GetRules | GetDuties | GetUnrecorded | Ping
