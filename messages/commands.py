"""Commands: what an actor is asked to do. Every broker command has a deadline and one typed answer."""

from datetime import datetime
from decimal import Decimal

from messages.base import AccountMessage, Message, Value
from messages.journal import Appended, AppendFailed
from messages.values import (
    AccountView,
    Band,
    Breach,
    Closing,
    Order,
    OrderType,
    Parameters,
    Position,
    Side,
    StopMove,
    Target,
)

# --- to the RuleActors ---


class Evaluate(AccountMessage, frozen=True, kw_only=True):
    """Judge one picture of an account by one rule.

    Never leaves the process: the parameters are the rule's own type.
    """

    view: AccountView
    """The picture."""
    parameters: Parameters
    """The account's effective parameters of the rule."""
    judgement: str | None
    """Id of a last judgement, or of a question after a lost verdict: these want an answer in any case;
    None for ordinary facts."""


# --- to the AccountActor ---


class ReportVerdict(AccountMessage, frozen=True, kw_only=True):
    """A rule's answer: always when it found a breach, and to whatever has an id."""

    rule: str
    """Rule id."""
    breach: Breach | None
    """The breach, or None for clean (only in a last judgement)."""
    moves: tuple[StopMove, ...]
    """Stops it wants tightened; most rules never do."""
    trading_date: str
    """The trading day of the view that was judged, ISO date."""
    judgement: str | None
    """The last judgement it answers."""


class ReportRuleFailure(AccountMessage, frozen=True, kw_only=True):
    """A rule did not judge a picture: it raised, or its actor failed or hung at it."""

    rule: str
    """Rule id."""
    error: str
    """The exception, in one line."""
    judgement: str | None
    """The last judgement, or question after a lost verdict, it would have answered."""
    lost: bool = False
    """It cost the rule its actor, which all accounts share."""


class RuleParameters(Value, frozen=True, kw_only=True):
    """One enabled rule with an account's effective parameters."""

    rule: str
    """Rule id."""
    parameters: Parameters
    """Complete: resolved against the trading day and the calendar."""


class AdoptRules(AccountMessage, frozen=True, kw_only=True):
    """Go over to the rules of a changed configuration: stricter at once, looser at the next reset.

    Never leaves the process: the parameters are the rules' own types.
    """

    config: str
    """SHA-256 of the configuration file, hex."""
    rules: tuple[RuleParameters, ...]
    """Every rule that is on for the account."""
    lock_unjudged_after_s: float | None = None
    """Seconds after which a rule that cannot judge the account locks it; None = never."""


class LockAccount(AccountMessage, frozen=True, kw_only=True):
    """Flatten the account and lock it until then: its trader asks for it, and cannot take it back."""

    until: datetime
    """When it ends, UTC; nothing ends it earlier, nor does a later `LockAccount`."""
    reason: str
    """Why, in the trader's own words."""


class ApplyLockout(AccountMessage, frozen=True, kw_only=True):
    """Lock now: the targets are reached and verified, or the enforcement deadline has passed."""

    enforcement_id: str
    """The enforcement whose lockouts (there may be none) become effective."""
    targets: tuple[Target, ...]
    """What the enforcer had been told to reach."""
    flat_confirmed: bool
    """False: the account is locked with exposure, and the enforcer keeps on."""
    read_at: datetime | None
    """When the confirming snapshot was requested, UTC; None without confirmation."""
    deadline_at: datetime | None
    """The deadline that has passed, UTC; None where another reason led to this report."""
    positions: tuple[Position, ...]
    """What the confirming snapshot shows to be held (all that is left); empty without one."""
    orders: tuple[Order, ...]
    """What the confirming snapshot shows to work; empty without one."""
    waves: int
    """Waves of commands sent so far."""
    withheld: bool = False
    """The gateway keeps the account's commands back (shadow): the enforcer has given up."""


class ResumeEnforcement(AccountMessage, frozen=True, kw_only=True):
    """An EnforcerActor has (re)started and knows nothing: tell it what is under way."""


class ReconcileAccount(AccountMessage, frozen=True, kw_only=True):
    """Compare with the broker now; sent slowly, one account after another, inside the budget."""


class NoteLateness(AccountMessage, frozen=True, kw_only=True):
    """Take note that facts about the account are late; said again as long as they are."""

    late_s: float
    """By how many seconds, at least."""
    where: str
    """What is behind, e.g. `RULE-003`, `gateway-desk`."""


# --- to the EnforcerActor ---


class Enforce(AccountMessage, frozen=True, kw_only=True):
    """Bring the account to these targets and verify it at the broker; repeatable."""

    enforcement_id: str
    """The enforcement, e.g. `13298777/e4`."""
    targets: tuple[Target, ...]
    """All states to reach, those of earlier `Enforce` of the same enforcement included."""
    deadline_at: datetime
    """After this the lock is applied even if the targets are not confirmed."""
    known_positions: tuple[str, ...]
    """Contracts known to be held of which nothing may stay: closed at first without a read."""
    known_orders: tuple[int, ...]
    """Working orders known of which none may stay: likewise."""
    reappeared: tuple[str, ...] = ()
    """Contracts that were gone and are held again: closed at once, though closed before."""
    verify_every_s: float = 0.0
    """Least seconds between two reads, while a trader keeps re-entering; 0 = as soon as needed.

    Closes and cancels of what is known never wait for it: it keeps one looping account from using
    up the requests of its login.
    """
    exposure_usd: Decimal | None = None
    """Notional value of what is held; None = unknown, or nothing is known to be held."""
    unsure: bool = False
    """An earlier life may have commanded already: an enforcer that began anew closes nothing unread."""
    closing: tuple[Closing, ...] = ()
    """Closes sent that may still take effect; one that began anew repeats none of them before a read."""


class MoveStops(AccountMessage, frozen=True, kw_only=True):
    """Tighten these protective stops; repeated with every quote for as long as it is wanted."""

    moves: tuple[StopMove, ...]
    """At most one per order; the latest wish for an order replaces an earlier one, of wishes of one
    picture the tightest does."""
    withdrawn: tuple[int, ...] = ()
    """Orders that have changed: what was wanted of them before may loosen them now."""


# --- to the GatewayActor: what is asked of a broker ---


class BrokerCommand(AccountMessage, frozen=True, kw_only=True):
    """A mutation at the broker; answered to `enforcer/<account>` by one `BrokerCommandAnswered`."""

    command_id: str
    """Unique, e.g. `13298777/e4/c2`."""
    deadline_s: float
    """Seconds after which the outcome is `Uncertain` (or `NotSent` when it never left)."""
    exposure_usd: Decimal | None = None
    """What the account has at stake: where the budget is short the most goes first; None = unknown,
    which goes before any."""


class CloseContract(BrokerCommand, frozen=True, kw_only=True):
    """Close the whole position of one contract; without effect when it is flat already."""

    contract: str
    """Contract id."""


class PartialCloseContract(BrokerCommand, frozen=True, kw_only=True):
    """Close so many contracts of a position."""

    contract: str
    """Contract id."""
    size: int
    """Contracts to close, positive."""


class CancelOrder(BrokerCommand, frozen=True, kw_only=True):
    """Cancel one order."""

    order_id: int
    """The broker's order id."""


class ModifyOrder(BrokerCommand, frozen=True, kw_only=True):
    """Change one order; None leaves a field as it is."""

    order_id: int
    """The broker's order id."""
    size: int | None = None
    """Contracts, unsigned."""
    limit_price: Decimal | None = None
    """New limit price."""
    stop_price: Decimal | None = None
    """New stop price."""


class PlaceOrder(BrokerCommand, frozen=True, kw_only=True):
    """Place one order."""

    contract: str
    """Contract id."""
    type: OrderType
    """Order type."""
    side: Side
    """Buy or sell."""
    size: int
    """Contracts, unsigned."""
    limit_price: Decimal | None = None
    """Limit price where the type needs one."""
    stop_price: Decimal | None = None
    """Stop price where the type needs one."""
    tag: str | None = None
    """Unique per account."""


class TakeSnapshot(AccountMessage, frozen=True, kw_only=True):
    """Read an account completely; answered to `asker` by `SnapshotTaken` or `SnapshotFailed`."""

    request_id: str
    """Unique; repeated in the answer."""
    asker: str
    """Address of the actor that wants the answer, e.g. `account/13298777`."""
    trades_since: datetime | None
    """Read the fills since then and the account's record too; None = positions and orders only."""
    urgent: bool
    """Part of an enforcement: goes before other reads."""
    deadline_s: float
    """Seconds after which it counts as failed."""
    exposure_usd: Decimal | None = None
    """What the account has at stake; None = unknown. Of urgent ones the one with the most goes first."""


class RenewStream(AccountMessage, frozen=True, kw_only=True):
    """Subscribe the account anew: its stream has kept something to itself; then `StreamConnected`."""


class DescribeContract(AccountMessage, frozen=True, kw_only=True):
    """Look a contract up; answered by `ContractDescribed` or `ContractUnknown`."""

    contract: str
    """Contract id."""


class WatchQuotes(Message, frozen=True, kw_only=True):
    """Subscribe exactly these contracts' quotes, and unsubscribe all others (QuoteActor → gateway)."""

    contracts: tuple[str, ...]
    """Contract ids."""


class OpenSession(Message, frozen=True, kw_only=True):
    """Log in and list the accounts; asked once at start, answered with `SessionOpened`."""


class GuardAccounts(Message, frozen=True, kw_only=True):
    """Connect the user hub and subscribe these accounts; from then on they get facts."""

    accounts: tuple[int, ...]
    """Account ids of this login."""
    poll_s: float | None
    """Every so often their records are read, all in one request; None = no rule needs it."""


class PollAccounts(Message, frozen=True, kw_only=True):
    """Read the guarded accounts' records every so often from now on: the rules have changed."""

    poll_s: float | None
    """Seconds between reads; None = no rule needs it."""


# --- to the QuoteActor ---


class HoldQuotes(AccountMessage, frozen=True, kw_only=True):
    """Tell this account the quotes of exactly these contracts (those it holds)."""

    contracts: tuple[str, ...]
    """Contract ids; empty = none."""


class WatchBands(AccountMessage, frozen=True, kw_only=True):
    """Tell this account of these contracts only quotes outside their bands, all quotes of any other.

    A band is good for one time: once a quote has left it every quote is told, until it is set anew.
    """

    bands: tuple[Band, ...]
    """At most one a contract; empty = every quote of everything held."""


# --- to the ClockActor ---


class WakeAfter(Message, frozen=True, kw_only=True):
    """Send a `Woken` after a duration of monotonic time; the same key replaces the earlier one."""

    to: str
    """Address that is woken."""
    key: str
    """Names the deadline within its owner."""
    after_s: float
    """Seconds from now."""


class WakeAt(Message, frozen=True, kw_only=True):
    """Send a `Woken` when the wall clock reaches an instant, also after sleep or a jump."""

    to: str
    """Address that is woken."""
    key: str
    """Names the deadline within its owner."""
    due: datetime
    """The instant, UTC."""


class CancelWake(Message, frozen=True, kw_only=True):
    """Forget a deadline; unknown ones are no error."""

    to: str
    """Address."""
    key: str
    """Key."""


class ReportBrokerTime(Message, frozen=True, kw_only=True):
    """The broker's clock was seen, in the `Date` of an answer or in a payload; weigh it against ours."""

    login: str
    """The login whose gateway saw it."""
    earliest: datetime
    """It stood no earlier, UTC."""
    latest: datetime | None
    """It stood no later, UTC; None = not known (a fill's time bounds it from below only)."""
    elapsed_s: float
    """Our monotonic seconds at that instant."""


class SettleTime(Message, frozen=True, kw_only=True):
    """The broker was asked: from now on time only goes on; answered with the time that is believed."""


class Woken(Message, frozen=True, kw_only=True):
    """A deadline has been reached."""

    key: str
    """Key of the `WakeAfter` or `WakeAt`."""


type AccountCommand = (
    ReportVerdict
    | ReportRuleFailure
    | LockAccount
    | ApplyLockout
    | ResumeEnforcement
    | ReconcileAccount
    | AdoptRules
    | Appended
    | AppendFailed
    | NoteLateness
    | Woken
)
"""Everything an AccountActor is told beside the facts."""
type GatewayCommand = (
    CloseContract
    | PartialCloseContract
    | CancelOrder
    | ModifyOrder
    | PlaceOrder
    | TakeSnapshot
    | RenewStream
    | DescribeContract
    | WatchQuotes
    | OpenSession
    | GuardAccounts
    | PollAccounts
)
type ClockCommand = WakeAfter | WakeAt | CancelWake | ReportBrokerTime | SettleTime
