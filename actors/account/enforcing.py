"""From a breach to a lock: the intent, its durability, the enforcer's report, the standing duty.

Pure. I1: the intent is on disk (or the journal's own deadline has passed, loudly) before the
EnforcerActor hears of it; a lockout is recorded only on the enforcer's report. Only one enforcement is
under way; what comes meanwhile joins it.
"""

from dataclasses import dataclass, field
from datetime import timedelta

from msgspec import structs

from actors.account import standing
from actors.account.allowance import journaled
from actors.account.exposure import exposure_usd
from actors.account.intent import Enforcement, all_pending, lockouts_of
from actors.account.lockouts import ended, key_of, no_new_exposure, strictness
from actors.account.marks import Marks
from actors.account.narrowing import narrow
from actors.account.pretence import Pretence
from actors.account.reentry import Reentry, pattern_text
from actors.account.self_lock import lockout_of
from actors.account.settings import AccountSettings
from actors.account.state import AccountState
from actors.account.turn import Turn
from actors.enforcer import targets as algebra
from messages.commands import ApplyLockout, Enforce, LockAccount
from messages.events import (
    AccountLocked,
    DeadlinePassed,
    EnforcementFinished,
    EnforcementJoined,
    EnforcementStarted,
    EnforcementUnrecorded,
    EnforcementWithheld,
    ExposureUnderLock,
    FlatConfirmed,
    LockoutAsked,
    RuleBreached,
)
from messages.queries import EnforcementStatus
from messages.values import (
    AlarmCode,
    Allowance,
    Breach,
    Duty,
    FlatAccount,
    Lockout,
    Order,
    Target,
)

_AGAIN_S = 0.1
"""The deadline, from now, of what an earlier life had begun and whose own may have passed."""
_LEFTOVERS_S = 1.0
"""How long an order that a closed position has left behind is given to be cancelled by the broker."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """What goes on once a turn is durable."""

    enforcement_id: str
    locked: bool
    """True: a lock that may then be said; False: an intent that may then be enforced."""


@dataclass(slots=True)
class Enforcing:
    """The one enforcement of an account, and what waits for the disk."""

    settings: AccountSettings
    state: AccountState
    marks: Marks
    _waiting: dict[str, _Waiting] = field(default_factory=dict)
    _reentry: Reentry = field(default_factory=Reentry)
    _pretence: Pretence = field(default_factory=Pretence)
    _reappeared: set[str] = field(default_factory=set)
    """Contracts the enforcer is to close again although it has closed them before."""
    _proved: Enforcement | None = None
    """The last one that the broker's own answer showed to be done; its lock may wait for the disk."""

    @property
    def shown(self) -> EnforcementStatus | None:
        """Return what is under way, as the status shows it."""
        proved = self.state.enforcement is None
        shown = self.state.enforcement or self._proved
        if shown is None or not self.busy:
            return None
        return EnforcementStatus(
            since=shown.since,
            targets=shown.targets,
            deadline_at=shown.deadline_at,
            flat_confirmed=proved,
        )

    @property
    def busy(self) -> bool:
        """Say whether an enforcement is under way or its lock is not on disk yet."""
        unsaid = any(waiting.locked for waiting in self._waiting.values())
        return self.state.enforcement is not None or unsaid

    @property
    def _intent_waits(self) -> bool:
        return any(not waiting.locked for waiting in self._waiting.values())

    def note(self, contract: str) -> None:
        """Note what a fact has changed about a contract: what appears anew is a new attempt."""
        if self.settings.shadow:
            self._pretence.saw(self.state.held)
        if self.state.duties:
            exposed = standing.is_exposed(self.state, contract)
            self._reentry.saw(contract, exposed=exposed)
            if not exposed:
                self._reappeared.discard(contract)

    def guard_position(self, turn: Turn, contract: str, size: int) -> None:
        """Stand guard over a position that was told."""
        self.note(contract)
        asked = standing.demand(self.state, contract)
        if asked is None:
            return
        if asked.lockout.duty is Duty.FLAT or standing.is_beyond(self.state, contract):
            self.guard(turn, f"position {contract} {size}", contract)
        else:  # the other leg of an OCO pair is told to be cancelled a moment after this
            turn.wake_after("leftovers", _LEFTOVERS_S)

    def guard_order(self, turn: Turn, order: Order, *, new: bool) -> None:
        """Stand guard over an order that was told; `new` = it was not known to work."""
        self.note(order.contract)
        if not order.working:
            return
        if standing.forbids(self.state, order):
            self.guard(turn, f"order {order.order_id} {order.contract}", order.contract)
        elif new and standing.is_leaving_by_itself(self.state, order):
            self.resume(turn)  # a close that waits for its turn must not go out beside it

    def guard(self, turn: Turn, appeared: str, contract: str) -> None:
        """Have what the lockouts forbid of a contract closed and cancelled at once, if it is there."""
        asked = standing.demand(self.state, contract)
        if asked is None:
            return
        under_way, new = self._is_under_way(asked.targets), self._reentry.is_new(contract)
        if new:
            self._count(turn, appeared, contract, asked)
            if under_way:
                self._reappeared.add(contract)
        if under_way:
            self.resume(turn)
        elif new or not self.settings.shadow:  # in shadow it stays there, and is told once
            self._intend(turn, (), asked.targets, ())

    def guard_all(self, turn: Turn) -> None:
        """Stand guard over everything that is held or works."""
        if self.settings.shadow:
            self._pretence.saw(self.state.held)
        for contract in self._reentry.watched:
            self.note(contract)
        for held in tuple(self.state.positions.values()):
            self.note(held.contract)
            self.guard(turn, f"position {held.contract} {held.size}", held.contract)
        for order in tuple(self.state.orders.values()):
            self.note(order.contract)
            self.guard(turn, f"order {order.order_id} {order.contract}", order.contract)

    def _is_under_way(self, targets: tuple[Target, ...]) -> bool:
        under_way = self.state.enforcement
        return under_way is not None and algebra.covers_all(under_way.targets, targets)

    def _count(self, turn: Turn, appeared: str, contract: str, asked: standing.Demand) -> None:
        turn.record(
            ExposureUnderLock(
                **turn.head(),
                appeared=appeared,
                rules_skipped=self.settings.rule_count if asked.skips_rules else 0,
                lockout=asked.lockout,
                attempt=self.state.attempts + 1,
            )
        )
        if self._reentry.attempted(contract, turn.now):
            turn.alarm(AlarmCode.REENTRY_PATTERN, pattern_text(asked.lockout.rule))

    def lockouts_ended(self, turn: Turn) -> None:
        """Ask no more for what only lockouts that have ended asked for, and forget what they forbade."""
        self._reentry.forget(
            contract
            for contract in self._reentry.watched
            if not standing.is_exposed(self.state, contract)
        )
        if narrow(turn):
            self.resume(turn)

    def breach(self, turn: Turn, breach: Breach, trading_date: str) -> None:
        """Turn a verdict into an intent, unless its lockout adds nothing to those that bind."""
        breach_id = f"{self.state.account}/b{self.state.breach_count + 1}"
        lockouts = lockouts_of(breach, breach_id, turn.now, shadow=self.settings.shadow)
        if lockouts and not self._adds(lockouts):
            return
        if self.settings.shadow and not lockouts and self._pretence.told(breach, self.state.held):
            return
        turn.record(
            RuleBreached(
                **turn.head(), breach_id=breach_id, trading_date=trading_date, breach=breach
            )
        )
        self._intend(turn, (breach_id,), breach.targets, lockouts)
        self.know_what_is_there()

    def lock_out(self, turn: Turn, asked: LockAccount) -> None:
        """Turn what its trader asks for into an intent, unless it adds nothing or is over already."""
        lockout = lockout_of(asked, turn.now, shadow=self.settings.shadow)
        if ended(lockout, turn.now) or not self._adds((lockout,)):
            return
        turn.record(LockoutAsked(**turn.head(), lockout=lockout))
        self._intend(turn, (), (FlatAccount(),), (lockout,))
        self.know_what_is_there()

    def know_what_is_there(self) -> None:
        """Take what is held and works for no attempt: it was there when the duty began."""
        there = {*self.state.held, *(order.contract for order in self.state.orders.values())}
        for contract in there:
            if standing.is_exposed(self.state, contract):
                self._reentry.knew(contract)

    def _adds(self, lockouts: tuple[Lockout, ...]) -> bool:
        duties = {key_of(each): each for each in self.state.duties}
        return any(
            key_of(each) not in duties or strictness(each) > strictness(duties[key_of(each)])
            for each in lockouts
        )

    def _intend(
        self,
        turn: Turn,
        breaches: tuple[str, ...],
        targets: tuple[Target, ...],
        lockouts: tuple[Lockout, ...],
    ) -> None:
        """Write the intent, alone or joined to the one under way; enforced once it is durable."""
        head = turn.head(breaches[0] if breaches else None)
        deadline_at = turn.now + timedelta(seconds=self.settings.deadline_s)
        if under_way := self.state.enforcement:
            turn.record(
                EnforcementJoined(
                    **head,
                    enforcement_id=under_way.id,
                    breaches=breaches,
                    targets=algebra.joined((*under_way.targets, *targets)),
                    lockouts=all_pending(under_way, lockouts),
                    deadline_at=under_way.deadline_at if under_way.pending else deadline_at,
                    allowances=self._baseline(lockouts),
                )
            )
        else:
            turn.record(
                EnforcementStarted(
                    **head,
                    enforcement_id=f"{self.state.account}/e{self.state.enforcement_count + 1}",
                    breaches=breaches,
                    targets=algebra.joined(targets),
                    lockouts=lockouts,
                    deadline_at=deadline_at,
                    allowances=self._baseline(lockouts),
                    shadow=self.settings.shadow,
                )
            )
        self._await_disk(turn, locked=False)

    def _baseline(self, lockouts: tuple[Lockout, ...]) -> tuple[Allowance, ...] | None:
        """Return what may stay from now on, where `no_new_exposure` begins to bind."""
        if self.state.allowances is not None or not no_new_exposure(lockouts):
            return None
        return journaled(self.state.held)

    def _await_disk(self, turn: Turn, *, locked: bool) -> None:
        under_way = self.state.enforcement
        turn.durable = True
        # an intent of the same turn as a lock (new exposure seen at once) waits for the same answer
        if not (turn.token in self._waiting and locked):
            self._waiting[turn.token] = _Waiting(under_way.id if under_way else "", locked=locked)
        turn.wake_after(f"journal {turn.token}", self.settings.journal_deadline_s)

    def on_durable(self, turn: Turn, token: str) -> bool:
        """Go on after the disk; return whether a lock may be said now."""
        waiting = self._waiting.pop(token, None)
        if waiting is None:
            return False
        turn.cancel_wake(f"journal {token}")
        return self._go_on(turn, waiting)

    def on_unrecorded(self, turn: Turn, token: str, reason: str) -> bool:
        """Go on without the disk, loudly; return whether a lock may be said now."""
        waiting = self._waiting.pop(token, None)
        if waiting is None:
            return False
        late = reason == "late"
        turn.record(
            EnforcementUnrecorded(
                **turn.head(token),
                enforcement_id=waiting.enforcement_id,
                waited_s=self.settings.journal_deadline_s if late else 0.0,
                reason=reason,
            )
        )
        code = AlarmCode.JOURNAL_LATE if late else AlarmCode.JOURNAL_FAILED
        turn.alarm(code, f"not on disk ({reason}); enforcement goes on in memory")
        return self._go_on(turn, waiting)

    def _go_on(self, turn: Turn, waiting: _Waiting) -> bool:
        if not waiting.locked:
            self.resume(turn)
        return waiting.locked

    def resume(self, turn: Turn) -> None:
        """Tell the enforcer what is under way, unless the intent still waits for the disk."""
        if self.state.enforcement and not self._intent_waits:
            turn.send(f"enforcer/{self.state.account}", self._command(turn, self.state.enforcement))

    def resume_unsure(self, turn: Turn) -> None:
        """Do so where an earlier life may have commanded already: it must read before it closes.

        A close beside one that is still on its way would flip the position.
        """
        if self.state.enforcement and not self._intent_waits:
            under_way = self.state.enforcement
            # That life may have lost the report that the deadline has passed: given another deadline the
            # enforcer says so again, or the lock would wait for a proof for ever.
            soonest = turn.now + timedelta(seconds=_AGAIN_S) if under_way.pending else turn.now
            turn.send(
                f"enforcer/{self.state.account}",
                structs.replace(
                    self._command(turn, under_way),
                    known_positions=(),
                    known_orders=(),
                    unsure=True,
                    deadline_at=max(under_way.deadline_at, soonest),
                ),
            )

    def _command(self, turn: Turn, under_way: Enforcement) -> Enforce:
        held, orders = standing.known(self.state, under_way.targets)
        reappeared = self._reappeared.intersection(held)
        self._reappeared -= reappeared  # an order that is not a position yet stays noted
        return Enforce(
            **turn.head(),
            enforcement_id=under_way.id,
            targets=under_way.targets,
            deadline_at=under_way.deadline_at,
            known_positions=held,
            known_orders=orders,
            reappeared=tuple(sorted(reappeared)),
            verify_every_s=self._reentry.verify_every_s(turn.now),
            exposure_usd=exposure_usd(self.state, self.marks),
            closing=under_way.closing,
        )

    def apply(self, turn: Turn, report: ApplyLockout) -> tuple[Lockout, ...]:
        """Take the enforcer's report; return the lockouts that are in force from now on."""
        under_way = self.state.enforcement
        if under_way is None or under_way.id != report.enforcement_id:
            return ()
        unheard = not algebra.covers_all(report.targets, under_way.targets)
        over = report.flat_confirmed or (report.withheld and under_way.shadow)
        if over and (unheard or self._intent_waits):
            return ()  # a breach has joined that the enforcer had not heard of
        if report.deadline_at is not None and report.deadline_at < under_way.deadline_at:
            return ()  # a breach has joined with a deadline of its own
        head = turn.head(under_way.id)
        self._record_end(turn, under_way, report)
        for lockout in under_way.pending:
            turn.record(
                AccountLocked(
                    **head,
                    enforcement_id=under_way.id,
                    lockout=lockout,
                    flat_confirmed=report.flat_confirmed,
                )
            )
        if over:
            turn.record(EnforcementFinished(**head, enforcement_id=under_way.id))
            self._proved = under_way
        self.guard_all(turn)
        self._await_disk(turn, locked=True)
        return under_way.pending

    def _record_end(self, turn: Turn, under_way: Enforcement, report: ApplyLockout) -> None:
        head = turn.head(under_way.id)
        if report.read_at is not None:  # confirmed: it names the read
            turn.record(
                FlatConfirmed(
                    **head,
                    enforcement_id=under_way.id,
                    targets=under_way.targets,
                    read_at=report.read_at,
                    positions=report.positions,
                    orders=report.orders,
                    waves=report.waves,
                )
            )
            return
        if report.withheld and under_way.shadow:
            turn.record(
                EnforcementWithheld(**head, enforcement_id=under_way.id, targets=under_way.targets)
            )
            return
        turn.record(DeadlinePassed(**head, enforcement_id=under_way.id))
        what = "locked with exposure" if under_way.pending else "the limit is still exceeded"
        turn.alarm(
            AlarmCode.FLAT_NOT_CONFIRMED,
            f"the broker does not confirm that the targets are reached: {what}; closing goes on",
        )
