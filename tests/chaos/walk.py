"""One account's events read in order by what architecture.md promises, with a model of its own.

The model shares no code with `AccountState`: it knows which lockouts are in force, which enforcement is
under way and what was said of it, and finds fault with an event that cannot follow. Used by the checker.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from actors.enforcer.targets import covers, joined, plan
from messages.base import AccountMessage
from messages.events import (
    AccountLocked,
    AccountOpened,
    AlarmRaised,
    BrokerCommandAnswered,
    BrokerCommandSent,
    DayReset,
    DeadlinePassed,
    EnforcementFinished,
    EnforcementJoined,
    EnforcementNarrowed,
    EnforcementStarted,
    EnforcementWithheld,
    ExposureUnderLock,
    FlatConfirmed,
    LockoutAsked,
    LockoutReleased,
    RuleBreached,
    RulesAdopted,
)
from messages.facts import (
    AccountChanged,
    SnapshotTaken,
    StreamConnected,
    StreamLost,
    TradeExecuted,
)
from messages.values import (
    AlarmCode,
    Allowance,
    CapContract,
    Duty,
    Fill,
    Lockout,
    LockoutTerms,
    NoOpeningOrders,
    ReleaseOn,
    Target,
)
from tests.chaos.evidence import Stored, is_account_flat

ARMED = "armed"
"""What ends a lockout that was only pretended, when its account is guarded in truth."""

type Key = tuple[str, str]

LATE = timedelta(seconds=5)
"""A verdict of before a lock comes within this, if it comes."""
TOLERANCE = timedelta(seconds=1)
"""Between a deadline in monotonic seconds and the same in wall time."""
_REDUCING = {"close_contract", "partial_close_contract", "cancel_order"}
_FOREVER = datetime.max.replace(tzinfo=UTC)


class Violation(NamedTuple):
    """Something that must never be."""

    invariant: str
    account: int | None
    seq: int | None
    text: str

    def __str__(self) -> str:
        where = f"account {self.account}" + (f" at seq {self.seq}" if self.seq else "")
        return f"{self.invariant}: {where}: {self.text}"


@dataclass
class UnderWay:
    """An enforcement that is not finished."""

    id: str
    targets: tuple[Target, ...]
    pending: dict[Key, Lockout]
    deadline_at: datetime
    shadow: bool = False
    withheld: bool = False
    confirmed: bool = False
    late: bool = False
    commanded_at: datetime | None = None


def key_of(lockout: Lockout) -> Key:
    """Return what a lockout is kept under."""
    return (lockout.rule, lockout.scope)


def strength(lockout: Lockout | LockoutTerms) -> tuple[bool, bool, datetime]:
    """Return a sort key: the greater, the stricter."""
    return (lockout.duty == "flat", lockout.scope == "account", lockout.until or _FOREVER)


@dataclass
class AccountWalk:
    """What is known of one account so far, and what was wrong with it."""

    account: int
    found: list[Violation] = field(default_factory=list)
    locks: dict[Key, Lockout] = field(default_factory=dict)
    under_way: UnderWay | None = None
    allowances: tuple[Allowance, ...] | None = None
    trading_date: str | None = None
    flat_since: datetime | None = None
    rules: int = 0
    started: list[tuple[int, tuple[Target, ...]]] = field(default_factory=list)
    """Every intent: since which seq it was one, and for what."""
    unrecorded: bool = False
    owed: dict[str, RuleBreached] = field(default_factory=dict)
    """Breaches without an intent."""
    _asked: Lockout | None = None
    """What its trader has just asked for: the intent follows at once."""
    _seq: int = 0
    _breaches: int = 0
    _enforcements: int = 0
    _attempts: int = 0
    _known_breaches: dict[str, RuleBreached] = field(default_factory=dict)
    _said: set[tuple[Key, str]] = field(default_factory=set)
    _commands: set[str] = field(default_factory=set)
    _fills: dict[int, Fill] = field(default_factory=dict)
    _fresh: bool = False
    _finished: tuple[str, datetime] = ("", datetime.min.replace(tzinfo=UTC))
    _can_trade: tuple[datetime, bool] | None = None
    _reset_at: datetime | None = None
    _clock_wrong: bool = False

    @property
    def duties(self) -> dict[Key, Lockout]:
        """Return every lockout that binds: in force, or to come with the enforcement under way."""
        pending = self.under_way.pending if self.under_way else {}
        both = dict(self.locks)
        for key, lockout in pending.items():
            if key not in both or strength(lockout) > strength(both[key]):
                both[key] = lockout
        return both

    def restarted(self) -> None:
        """Note that the program began anew: what was known of the broker is old."""
        self._fresh = False

    def take(self, stored: Stored) -> None:
        """Read one event of this account."""
        self._seq = stored.seq
        event = stored.event
        assert isinstance(event, AccountMessage | AlarmRaised)
        self._decision(event)
        self._fact(event)
        flat = any(map(is_account_flat, self.duties.values()))
        self.flat_since = (self.flat_since or event.at) if flat else None

    def _fault(self, invariant: str, text: str) -> None:
        self.found.append(Violation(invariant, self.account, self._seq, text))

    def _expect(self, ok: bool, invariant: str, text: str) -> None:
        if not ok:
            self._fault(invariant, text)

    # --- facts ---

    def _fact(self, event: object) -> None:
        match event:
            case StreamConnected():
                self._fresh = False
                if self._can_trade:  # the clock may have been set back since
                    self._can_trade = (min(self._can_trade[0], event.at), self._can_trade[1])
            case StreamLost():
                self._fresh = False
            case SnapshotTaken():
                self._fresh = True
                self._told(event.can_trade, event.requested_at)
            case AccountChanged():
                self._told(event.can_trade, event.at)
            case TradeExecuted(fill=fill):
                again = self._fills.get(fill.trade_id) == fill
                self._expect(not again, "I7", f"trade {fill.trade_id} is booked a second time")
                self._fills[fill.trade_id] = fill
            case AlarmRaised(code=AlarmCode.CLOCK_WRONG):
                self._clock_wrong = True
            case _:
                pass

    def _told(self, can_trade: bool | None, at: datetime) -> None:
        if can_trade is not None and (self._can_trade is None or at >= self._can_trade[0]):
            self._can_trade = (at, can_trade)

    # --- decisions ---

    def _decision(self, event: object) -> None:  # noqa: PLR0912 - one case per event
        self._follow_wish(event)
        match event:
            case RulesAdopted():
                self.rules = len({each.rule for each in event.rules})
            case RuleBreached():
                self._on_breach(event)
            case EnforcementStarted():
                self._on_started(event)
            case EnforcementJoined():
                self._on_joined(event)
            case EnforcementNarrowed():
                self._on_narrowed(event)
            case BrokerCommandSent():
                self._on_command(event)
            case BrokerCommandAnswered():
                known = event.command_id in self._commands
                self._expect(known, "I1", f"an answer to {event.command_id}, which was not sent")
            case FlatConfirmed():
                self._on_flat(event)
            case DeadlinePassed():
                self._on_deadline(event)
            case EnforcementWithheld():
                self._on_withheld(event)
            case AccountLocked():
                self._on_locked(event)
            case EnforcementFinished():
                self._on_finished(event)
            case LockoutReleased():
                self._on_released(event)
            case ExposureUnderLock():
                self._on_exposure(event)
            case DayReset():
                self._on_reset(event)
            case AccountOpened():
                self._on_opened()
            case _:
                pass
        if not isinstance(event, RuleBreached | EnforcementStarted | EnforcementJoined):
            for breach_id in self.owed:
                self._fault("I5", f"{breach_id} has led to no intent")
            self.owed.clear()

    def _follow_wish(self, event: object) -> None:
        if (asked := self._asked) is not None:
            intends = isinstance(event, EnforcementStarted | EnforcementJoined)
            kept = intends and asked in event.lockouts
            self._expect(kept, "I5", f"the lockout asked for until {asked.until} led to no intent")
        self._asked = event.lockout if isinstance(event, LockoutAsked) else None

    def _on_breach(self, event: RuleBreached) -> None:
        self._breaches += 1
        expected = f"{self.account}/b{self._breaches}"
        self._expect(event.breach_id == expected, "I10", f"{event.breach_id} is not {expected}")
        if self.flat_since and event.at > self.flat_since + LATE:
            since = f"flat is a duty since {self.flat_since}"
            self._fault("I2", f"{event.breach.rule} has judged at {event.at} although {since}")
        self._known_breaches[event.breach_id] = event
        self.owed[event.breach_id] = event

    def _on_started(self, event: EnforcementStarted) -> None:
        self._enforcements += 1
        expected = f"{self.account}/e{self._enforcements}"
        same = event.enforcement_id == expected
        self._expect(same, "I10", f"{event.enforcement_id} is not {expected}")
        if self.under_way and not self.under_way.shadow:
            text = f"{event.enforcement_id} begins while {self.under_way.id} is under way"
            self._fault("I1", text)
        self.under_way = UnderWay(
            event.enforcement_id,
            event.targets,
            _by_key(event.lockouts),
            event.deadline_at,
            shadow=event.shadow,
        )
        self._intended(event)

    def _on_joined(self, event: EnforcementJoined) -> None:
        under_way = self._same(event.enforcement_id, "joins")
        if under_way is None:
            return
        pending = _by_key(event.lockouts)
        for key, lockout in under_way.pending.items():
            kept = key in pending and strength(pending[key]) >= strength(lockout)
            self._expect(kept, "I4", f"joining dropped or shortened the lockout {key}")
        wider = joined((*under_way.targets, *event.targets))
        for target in under_way.targets:
            kept = any(covers(each, target) for each in event.targets)
            self._expect(kept, "I4", f"joining dropped the target {target}")
        under_way.targets, under_way.pending = wider, pending
        under_way.deadline_at = event.deadline_at
        under_way.confirmed = under_way.late = False
        self._intended(event)

    def _on_narrowed(self, event: EnforcementNarrowed) -> None:
        under_way = self._same(event.enforcement_id, "is narrowed")
        if under_way is None:
            return
        pending = _by_key(event.lockouts)
        for key, lockout in under_way.pending.items():
            kept = pending.get(key) == lockout or self._may_end(lockout, event.at)
            self._expect(kept, "I9", f"narrowing dropped the lockout {key}")
        both = (*self.locks.values(), *event.lockouts)
        binds = any(each.duty is Duty.NO_NEW_EXPOSURE for each in both)
        for target in under_way.targets:
            kept = any(covers(each, target) for each in event.targets)
            ends = isinstance(target, NoOpeningOrders | CapContract) and not binds
            self._expect(kept or ends, "I5", f"narrowing dropped the target {target}")
        under_way.targets, under_way.pending = event.targets, pending

    def _intended(self, event: EnforcementStarted | EnforcementJoined) -> None:
        self.started.append((self._seq, event.targets))
        if event.allowances is not None:
            self.allowances = event.allowances
        duties = self.duties
        for breach_id in event.breaches:
            breach = self._known_breaches.get(breach_id)
            self.owed.pop(breach_id, None)
            if breach is None:
                self._fault("I1", f"{event.enforcement_id} answers {breach_id}, which is not known")
                continue
            for terms in breach.breach.lockouts:
                held = duties.get((breach.breach.rule, terms.scope))
                kept = held is not None and strength(held) >= strength(terms)
                self._expect(kept, "I5", f"the lockout of {breach_id} is not a duty")

    def _on_command(self, event: BrokerCommandSent) -> None:
        new = event.command_id not in self._commands
        self._expect(new, "I7", f"{event.command_id} is sent a second time")
        self._commands.add(event.command_id)
        if event.enforcement_id is None:
            early = self.flat_since is None or event.at <= self.flat_since + LATE
            moves_a_stop = early and event.command == "modify_order"
            self._expect(moves_a_stop, "I1", f"{event.command} belongs to no enforcement")
            return
        only_reduces = event.command in _REDUCING
        self._expect(only_reduces, "I1", f"{event.command} was sent to enforce")
        if self._just_finished(event):
            return
        under_way = self._same(event.enforcement_id, f"sends {event.command}")
        if under_way:
            under_way.commanded_at = event.at

    def _just_finished(self, event: BrokerCommandSent) -> bool:
        """Say whether the enforcer may have been told before its proof was accepted."""
        finished, at = self._finished
        return event.enforcement_id == finished and event.at <= at + TOLERANCE

    def _on_flat(self, event: FlatConfirmed) -> None:
        under_way = self._same(event.enforcement_id, "is confirmed")
        if under_way is None:
            return
        left = plan(under_way.targets, event.positions, event.orders)
        self._expect(left.satisfied, "I8", f"confirmed although there is left to do: {left}")
        if under_way.commanded_at and event.read_at < under_way.commanded_at:
            self._fault("I1", "confirmed by a read of before the last command")
        under_way.confirmed = True

    def _on_deadline(self, event: DeadlinePassed) -> None:
        under_way = self._same(event.enforcement_id, "passes its deadline")
        if under_way is None:
            return
        due = event.at >= under_way.deadline_at - TOLERANCE
        self._expect(due, "I1", f"the deadline {under_way.deadline_at} has not passed")
        under_way.late = True

    def _on_withheld(self, event: EnforcementWithheld) -> None:
        under_way = self._same(event.enforcement_id, "is withheld")
        if under_way is None:
            return
        self._expect(under_way.shadow, "I5", "withheld although the account is guarded in truth")
        under_way.withheld = True

    def _on_locked(self, event: AccountLocked) -> None:
        key, lockout = key_of(event.lockout), event.lockout
        once = (key, lockout.breach_id) not in self._said
        self._expect(once, "I4", f"the lockout {key} of {lockout.breach_id} is said twice")
        self._said.add((key, lockout.breach_id))
        under_way = self._same(event.enforcement_id, "locks")
        if under_way:
            intended = under_way.pending.pop(key, None)
            self._expect(intended == lockout, "I1", f"{key} is not the lockout that was intended")
            over = under_way.late or under_way.withheld
            proven = under_way.confirmed if event.flat_confirmed else over
            same = lockout.shadow == under_way.shadow
            self._expect(same, "I9", f"{key} is pretended, and what led to it is not")
            what = "flat was confirmed" if event.flat_confirmed else "the deadline had passed"
            self._expect(proven, "I1", f"locked before {what}")
        if key not in self.locks or strength(lockout) > strength(self.locks[key]):
            self.locks[key] = lockout

    def _on_finished(self, event: EnforcementFinished) -> None:
        under_way = self._same(event.enforcement_id, "finishes")
        if under_way is None:
            return
        over = under_way.confirmed or under_way.shadow
        self._expect(over, "I1", "finished before flat was confirmed")
        for key in under_way.pending if not under_way.shadow else ():
            self._fault("I5", f"finished without the lockout {key}")
        self.under_way = None
        self._finished = (event.enforcement_id, event.at)

    def _on_released(self, event: LockoutReleased) -> None:
        key = (event.rule, event.scope)
        pending = self.under_way.pending if self.under_way else {}
        lockout = self.locks.get(key) or pending.get(key)
        if lockout is None:
            self._fault("I4", f"{key} is released and was not in force")
            return
        if event.released_by == ARMED:
            self._expect(lockout.shadow, "I9", f"{key} binds in truth and was released: {lockout}")
            self.locks.pop(key, None)
            self._attempts = self._attempts if self.locks else 0
            return
        self._expect(
            event.released_by == lockout.release_on,
            "I9",
            f"{key} waits for {lockout.release_on} and was released by {event.released_by}",
        )
        self._expect(self._may_end(lockout, event.at), "I9", f"{key} was released early: {lockout}")
        if key in self.locks:
            del self.locks[key]
        elif self.under_way:
            del self.under_way.pending[key]
        self._attempts = self._attempts if self.locks else 0

    def _may_end(self, lockout: Lockout, at: datetime) -> bool:
        match lockout.release_on:
            case ReleaseOn.CAN_TRADE:
                return self._can_trade is not None and self._can_trade[1]
            case ReleaseOn.CONFIG:
                return self._reset_at == at
            case ReleaseOn.TIME:
                return lockout.until is not None and at >= lockout.until - TOLERANCE
            case _:
                return lockout.until is not None and at >= lockout.until

    def _on_exposure(self, event: ExposureUnderLock) -> None:
        binds = key_of(event.lockout) in self.duties
        self._expect(binds, "I6", f"exposure under {key_of(event.lockout)}, which does not bind")
        skipped = self.rules if is_account_flat(event.lockout) else 0
        same = event.rules_skipped == skipped
        self._expect(same, "I2", f"{event.rules_skipped} rules were skipped, not {skipped}")
        self._attempts += 1
        counted = event.attempt == self._attempts
        self._expect(counted, "I10", f"attempt {event.attempt} is not {self._attempts}")
        self._attempts = event.attempt

    def _on_reset(self, event: DayReset) -> None:
        later = self.trading_date is None or event.trading_date > self.trading_date
        self._expect(later or self._clock_wrong, "I10", f"{event.trading_date} is begun twice")
        closes = event.closed_date == self.trading_date
        self._expect(closes, "I10", f"closed {event.closed_date}, not {self.trading_date}")
        carried = _by_key(event.lockouts)
        if carried != self.locks:
            self._fault("I9", f"the reset carried {sorted(carried)}, not {sorted(self.locks)}")
        self._reset_enforcement(event)
        counted = (event.breach_count, event.enforcement_count, event.attempts)
        own = (self._breaches, self._enforcements, self._attempts)
        self._expect(counted == own, "I10", f"the reset counts {counted}, not {own}")
        self.trading_date, self._reset_at, self._clock_wrong = event.trading_date, event.at, False
        self.allowances = event.allowances
        # a lockout of the old day that was only intended has ended with it, though another was said
        self.locks = carried

    def _reset_enforcement(self, event: DayReset) -> None:
        under_way, carried = self.under_way, event.enforcement
        if under_way is None or carried is None:
            same = (under_way is None) == (carried is None)
            self._expect(same, "I5", "the enforcement under way was lost or made up by the reset")
            return
        self._expect(carried.enforcement_id == under_way.id, "I5", "the reset carried another one")
        covered = all(any(covers(c, t) for c in carried.targets) for t in under_way.targets)
        self._expect(covered, "I5", "the reset dropped a target")
        left = {
            key: each
            for key, each in under_way.pending.items()
            if not (each.release_on is ReleaseOn.RESET and each.until and each.until <= event.at)
        }
        kept = _by_key(carried.lockouts) == left
        self._expect(kept, "I5", "the reset dropped a lockout to come")
        under_way.pending = _by_key(carried.lockouts)

    def _on_opened(self) -> None:
        locked = [key for key, each in self.locks.items() if each.scope == "account"]
        self._expect(not locked, "I9", f"OPEN while {locked} is in force")
        self._expect(self.under_way is None, "I2", "OPEN while an enforcement is under way")
        self._expect(self._fresh, "I8", "OPEN before a complete snapshot of this generation")

    def _same(self, enforcement_id: str, what: str) -> UnderWay | None:
        under_way = self.under_way
        if under_way is None or under_way.id != enforcement_id:
            running = under_way.id if under_way else "none"
            self._fault("I1", f"{enforcement_id} {what}, but under way is {running}")
            return None
        return under_way


def _by_key(lockouts: tuple[Lockout, ...]) -> dict[Key, Lockout]:
    return {key_of(each): each for each in lockouts}
