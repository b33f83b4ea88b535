"""Events: what happened and was decided. The journal stores exactly these (and the facts), in order.

Per account the journal reads: `rule_breached` → `enforcement_started` (the intent) →
`broker_command_sent`… → `flat_confirmed` or `deadline_passed` → `account_locked`; never otherwise (I1).
"""

from datetime import datetime
from decimal import Decimal

from messages.base import AccountMessage, Message
from messages.facts import (
    AccountChanged,
    ContractDescribed,
    ContractUnknown,
    OrderChanged,
    PayloadQuarantined,
    PositionChanged,
    SnapshotFailed,
    SnapshotTaken,
    StreamConnected,
    StreamLost,
    TradeExecuted,
)
from messages.values import (
    AccountRecord,
    AlarmCode,
    Allowance,
    Breach,
    Closing,
    Contract,
    DayTerms,
    Fill,
    LastTold,
    Lockout,
    Order,
    OrderTrade,
    Outcome,
    Position,
    RuleInForce,
    SizeChange,
    Target,
    Unprotected,
)


class SystemStarted(Message, frozen=True, kw_only=True):
    """The program began; everything after it was decided by this build and configuration."""

    version: str
    """Lockstep's version."""
    config: str
    """SHA-256 of the configuration file, hex."""
    rules: tuple[str, ...]
    """The rules that run, by id."""
    epoch: int = 0
    """Fencing epoch of its lease, more than that of any run before; 0 = of a build without leases."""
    holder: str = ""
    """The process that holds the lease, e.g. `process 4711 on desk, epoch 58, since …`."""
    restarted: str = ""
    """Why a watchdog started it again, e.g. `killed by SIGSEGV`; empty = no watchdog did."""


class SystemStopped(Message, frozen=True, kw_only=True):
    """The program ended in order."""

    reason: str
    """Why, e.g. `SIGTERM`."""


class AnchorAccepted(Message, frozen=True, kw_only=True):
    """A person let the journal go on although its anchor does not bear it out: lockouts may be missing.

    Every account is locked until the reset that follows.
    """

    refused: str
    """Why nothing started with it."""
    events: int
    """Events it held."""


class JournalArchived(Message, frozen=True, kw_only=True):
    """The journal's oldest events stand in an archive now, and leave the journal after this."""

    archive: str
    """Name of the archive's file."""
    first: int
    """Seq of its first event."""
    last: int
    """Seq of its last."""
    last_hash: str
    """Hash of that one, hex: what the journal goes on from."""
    kept: int
    """Events up to `last` that stay in the journal all the same, for a start needs them."""
    kept_digest: str
    """What these are, hex: SHA-256 chained over their rows, hashes included."""


class SessionOpened(Message, frozen=True, kw_only=True):
    """A login succeeded and its accounts are listed."""

    login: str
    """Name of the login in the configuration."""
    accounts: tuple[AccountRecord, ...]
    """Its active accounts."""
    unreadable: tuple[str, ...] = ()
    """What is wrong with the records of others, which cannot be understood."""
    gone: tuple[AccountRecord, ...] = ()
    """What the configuration names, earlier sessions listed, and this one does not."""


class AccountGuarded(AccountMessage, frozen=True, kw_only=True):
    """An account is taken under guard with these effective rules."""

    name: str
    """Account name."""
    login: str
    """Login it belongs to."""
    rules: tuple[str, ...]
    """One line per enabled rule: what it does with its parameters."""
    shadow: bool = False
    """Until the next such event nothing is closed, cancelled or locked in truth; it is only told."""


class RulesAdopted(AccountMessage, frozen=True, kw_only=True):
    """The account is judged by these rules until the next such event or the end of the trading day."""

    config: str
    """SHA-256 of the configuration file they come from, hex."""
    rules: tuple[RuleInForce, ...]
    """What is in force; a rule stands twice when its old and its new parameters are both judged."""
    applied: tuple[str, ...]
    """What changed at once, a line each, e.g. `RULE-003 max_loss_usd 800 → 500`."""
    queued: tuple[str, ...]
    """What waits for the reset, a line each, e.g. `RULE-003 max_loss_usd 500 → 800 at the reset`."""
    lock_unjudged_after_s: float | None = None
    """A rule that cannot judge the account for so long locks it; in force as they are; None = never."""


class AccountOpened(AccountMessage, frozen=True, kw_only=True):
    """The last judgement was clean: the account is OPEN."""


class RuleBreached(AccountMessage, frozen=True, kw_only=True):
    """A rule's limit is broken."""

    breach_id: str
    """Unique, e.g. `13298777/b3`."""
    trading_date: str
    """The trading day it belongs to, ISO date."""
    breach: Breach
    """The verdict with its arithmetic."""


class LockoutAsked(AccountMessage, frozen=True, kw_only=True):
    """The trader asked to be locked out; no rule is broken, but what follows is as after a breach."""

    lockout: Lockout
    """The lockout to come."""


class EnforcementStarted(AccountMessage, frozen=True, kw_only=True):
    """The intent: durable before the first broker command, and until it is discharged it is resumed."""

    enforcement_id: str
    """Unique, e.g. `13298777/e4`."""
    breaches: tuple[str, ...]
    """Breach ids it answers; empty for the standing duty of a lockout."""
    targets: tuple[Target, ...]
    """States to reach."""
    lockouts: tuple[Lockout, ...]
    """Lockouts that follow, in force as a duty from now on."""
    deadline_at: datetime
    """When the lock is applied even without confirmation, UTC."""
    allowances: tuple[Allowance, ...] | None = None
    """What may stay, where a `no_new_exposure` lockout begins to bind; None = none begins."""
    shadow: bool = False
    """Only pretended: the gateway keeps every command back."""
    closing: tuple[Closing, ...] = ()
    """Its closes that may still take effect, where it is carried over a reset."""


class EnforcementJoined(AccountMessage, frozen=True, kw_only=True):
    """A further breach joined the enforcement under way: one flatten, one more lockout."""

    enforcement_id: str
    """The enforcement under way."""
    breaches: tuple[str, ...]
    """Breach ids that joined."""
    targets: tuple[Target, ...]
    """All targets from now on."""
    lockouts: tuple[Lockout, ...]
    """All lockouts that follow."""
    deadline_at: datetime
    """When the lock is applied even without confirmation, UTC."""
    allowances: tuple[Allowance, ...] | None = None
    """What may stay, where a `no_new_exposure` lockout begins to bind; None = none begins."""


class EnforcementNarrowed(AccountMessage, frozen=True, kw_only=True):
    """A lockout ended while an enforcement was under way: what only it had asked for is dropped."""

    enforcement_id: str
    """The enforcement under way."""
    targets: tuple[Target, ...]
    """The targets that are left; none = only reads that show nothing is under way any more."""
    lockouts: tuple[Lockout, ...]
    """The lockouts that still follow."""


class EnforcementUnrecorded(AccountMessage, frozen=True, kw_only=True):
    """The journal did not answer in time; enforcement went ahead all the same."""

    enforcement_id: str
    """The enforcement."""
    waited_s: float
    """How long the journal was given."""
    reason: str
    """`late`, or the journal's error."""


class BrokerCommandSent(AccountMessage, frozen=True, kw_only=True):
    """A command was handed to the broker's port."""

    enforcement_id: str | None
    """The enforcement it belongs to; None = it moves a stop (RULE-012)."""
    command_id: str
    """The command."""
    command: str
    """Its kind, e.g. `close_contract`."""
    contract: str | None
    """Contract id where it has one."""
    size: int | None
    """Contracts where it has a size."""
    order_id: int | None
    """Order id where it has one."""
    stop_price: Decimal | None = None
    """New stop price where it has one."""
    limit_price: Decimal | None = None
    """New limit price where it has one."""


class BrokerCommandAnswered(AccountMessage, frozen=True, kw_only=True):
    """The broker's answer to a command, or the lack of one."""

    command_id: str
    """The command."""
    outcome: Outcome
    """Done, rejected with code, not sent, or uncertain."""


class StopMoved(AccountMessage, frozen=True, kw_only=True):
    """A protective stop was tightened, as a rule had wanted."""

    command_id: str
    """The command that moved it."""
    rule: str
    """Rule id."""
    order_id: int
    """The stop order."""
    contract: str
    """Contract it protects."""
    from_price: Decimal
    """Stop price it had."""
    stop_price: Decimal
    """Stop price it has now."""
    reason: str
    """The arithmetic, for people."""


class StopNotMoved(AccountMessage, frozen=True, kw_only=True):
    """A protective stop could not be tightened: the old one stays; tried again while it is wanted."""

    command_id: str
    """The command that failed."""
    rule: str
    """Rule id."""
    order_id: int
    """The stop order."""
    contract: str
    """Contract it protects."""
    from_price: Decimal
    """Stop price it keeps."""
    stop_price: Decimal
    """Stop price that was wanted."""
    reason: str
    """What the broker said, or what is not known."""
    again_in_s: float
    """Seconds until it may be tried again."""


class FlatConfirmed(AccountMessage, frozen=True, kw_only=True):
    """Two complete snapshots taken after the commands show that every target is reached."""

    enforcement_id: str
    """The enforcement."""
    targets: tuple[Target, ...]
    """What was reached."""
    read_at: datetime
    """When the confirming snapshot was requested, UTC; what the stream told later is newer."""
    positions: tuple[Position, ...]
    """What it shows to be held; the account takes it over."""
    orders: tuple[Order, ...]
    """What it shows to work; likewise."""
    waves: int
    """Waves of commands it took."""


class DeadlinePassed(AccountMessage, frozen=True, kw_only=True):
    """The enforcement deadline passed without confirmation; the lock is applied with exposure."""

    enforcement_id: str
    """The enforcement."""


class EnforcementWithheld(AccountMessage, frozen=True, kw_only=True):
    """An enforcement in shadow ends: its commands were kept back, and what was there is there still."""

    enforcement_id: str
    """The enforcement."""
    targets: tuple[Target, ...]
    """What would have been reached."""


class EnforcementFinished(AccountMessage, frozen=True, kw_only=True):
    """Every target of an enforcement is reached and its lockouts, if any, are in force.

    One of a shadow ends without that: it was withheld, or the account is armed now.
    """

    enforcement_id: str
    """The enforcement."""


class AccountLocked(AccountMessage, frozen=True, kw_only=True):
    """A lockout is in force; one event per lockout."""

    enforcement_id: str
    """The enforcement it follows."""
    lockout: Lockout
    """The lockout."""
    flat_confirmed: bool
    """False: locked with exposure; the enforcer keeps on."""


class LockoutReleased(AccountMessage, frozen=True, kw_only=True):
    """A lockout ended by what it was set to end on."""

    rule: str
    """The rule that had set it."""
    scope: str
    """Its scope."""
    released_by: str
    """`time`, `reset`, `session_start`, `can_trade` or `config`; `armed` = it was only pretended."""


class ExposureUnderLock(AccountMessage, frozen=True, kw_only=True):
    """PRE-CHECK: something appeared that a lockout forbids; it is closed or cancelled at once.

    Under a flat duty all rules are skipped; under `no_new_exposure` they go on judging.
    """

    appeared: str
    """What, e.g. `position CON.F.US.MNQ.Z26 2` or `order 77`."""
    rules_skipped: int
    """Rules that would otherwise have judged: the number running for this account, or none."""
    lockout: Lockout
    """The lockout that forbids it, the strictest if there are several."""
    attempt: int
    """Counts the times it happened under the present locks, from 1."""


class DayReset(AccountMessage, frozen=True, kw_only=True):
    """The trading day ended: closed with its result, and a new one begun; replay starts here."""

    closed_date: str | None
    """The day that was closed, ISO date; None at the very first start."""
    realised_usd: Decimal
    """Its realised P&L."""
    closed_trades: int
    """Its closing fills."""
    trading_date: str
    """The day that was begun, ISO date."""
    lockouts: tuple[Lockout, ...]
    """Lockouts that stay in force."""
    enforcement: EnforcementStarted | None
    """The enforcement still under way, as one intent."""
    breach_count: int
    """Breaches numbered so far."""
    enforcement_count: int
    """Enforcements numbered so far."""
    connected: bool
    """Whether the stream was up."""
    positions: tuple[Position, ...]
    """What is held, as far as it is known."""
    orders: tuple[Order, ...]
    """What works, likewise."""
    unprotected: tuple[Unprotected, ...]
    """What is held without a stop for its whole size."""
    can_trade: bool | None
    """The firm's flag; None when it was not told."""
    can_trade_at: datetime | None
    """When it was told, or asked for, UTC."""
    attempts: int = 0
    """Times something forbidden appeared under the lockouts that stay."""
    allowances: tuple[Allowance, ...] | None = None
    """What may stay under `no_new_exposure`; None = no such lockout binds."""
    recent_trades: tuple[OrderTrade, ...] = ()
    """Trades of the closed day's last hour, which windows of the new day still count."""
    terms: DayTerms | None = None
    """How the new day is counted; None = the journal of an earlier build, which did not say."""
    fills: tuple[Fill, ...] = ()
    """Fills of the day that was begun, told before it: the broker's clock was ahead."""
    unplaced: tuple[SizeChange, ...] = ()
    """Fills whose position was not told yet, in order."""
    unfilled: tuple[SizeChange, ...] = ()
    """Changes of positions whose fill was not told yet, in order."""
    unsettled: tuple[str, ...] = ()
    """Contracts whose position does not show a close that is booked already."""
    contracts: tuple[Contract, ...] = ()
    """The broker's records of contracts, as far as they were asked for."""
    told: tuple[LastTold, ...] = ()
    """What the stream said of positions and orders that are still there, and when."""
    balance_usd: Decimal | None = None
    """Cash balance; None when it was not told."""
    shadow: bool = False
    """The account is only watched as the day begins; it was so at its last `account_guarded`."""


class HealthChanged(AccountMessage, frozen=True, kw_only=True):
    """An account's health changed."""

    health: str
    """`live`, `stale` or `unknown`."""
    reason: str
    """Why."""


class AlarmRaised(Message, frozen=True, kw_only=True):
    """Something a person must look at."""

    account: int | None
    """Account id; None when it concerns more than one."""
    code: AlarmCode
    """What kind."""
    text: str
    """What, where, and what to do."""


class DeadLettered(Message, frozen=True, kw_only=True):
    """A message could not be handled; it is kept here and not tried again."""

    address: str
    """The actor it was for."""
    message: str
    """Kind and content, shortened."""
    error: str
    """Why."""


class ActorRestarted(Message, frozen=True, kw_only=True):
    """A supervisor replaced a failed actor, and it does its work again; its inbox was kept."""

    address: str
    """The actor."""
    error: str
    """What had failed."""
    restarts: int
    """Restarts in a row, this one included."""
    down_s: float | None = None
    """From its failure to the end of its successor's first turn, in seconds; None = of an older build."""


type Event = (
    TradeExecuted
    | PositionChanged
    | OrderChanged
    | AccountChanged
    | StreamConnected
    | StreamLost
    | SnapshotTaken
    | SnapshotFailed
    | ContractDescribed
    | ContractUnknown
    | PayloadQuarantined
    | SystemStarted
    | SystemStopped
    | AnchorAccepted
    | JournalArchived
    | SessionOpened
    | AccountGuarded
    | RulesAdopted
    | AccountOpened
    | RuleBreached
    | LockoutAsked
    | EnforcementStarted
    | EnforcementJoined
    | EnforcementNarrowed
    | EnforcementUnrecorded
    | BrokerCommandSent
    | BrokerCommandAnswered
    | StopMoved
    | StopNotMoved
    | FlatConfirmed
    | DeadlinePassed
    | EnforcementWithheld
    | EnforcementFinished
    | AccountLocked
    | LockoutReleased
    | ExposureUnderLock
    | DayReset
    | HealthChanged
    | AlarmRaised
    | DeadLettered
    | ActorRestarted
)
"""Everything the journal can hold. Closed: a new kind is added here or it cannot be stored."""
