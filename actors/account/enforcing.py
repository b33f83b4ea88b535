"""From a breach to a lock: the intent, its durability, the enforcer's report, the standing duty.

Pure. I1: the intent is on disk (or the journal's own deadline has passed, loudly) before the
EnforcerActor hears of it; a lockout is recorded only on the enforcer's report. Only one enforcement is
under way; what comes meanwhile joins it.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from actors.account.lockouts import flat_duty, joined, key_of, strictness
from actors.account.settings import AccountSettings
from actors.account.state import AccountState, Enforcement
from actors.account.turn import Turn
from actors.enforcer import targets as algebra
from messages.commands import ApplyLockout, Enforce
from messages.events import (
    AccountLocked,
    DeadlinePassed,
    EnforcementFinished,
    EnforcementJoined,
    EnforcementStarted,
    EnforcementUnrecorded,
    ExposureUnderLock,
    FlatConfirmed,
    RuleBreached,
)
from messages.values import (
    ACCOUNT_SCOPE,
    AlarmCode,
    Breach,
    FlatAccount,
    FlatProduct,
    Lockout,
    Target,
    product_of,
)


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
    _waiting: dict[str, _Waiting] = field(default_factory=dict)

    @property
    def busy(self) -> bool:
        """Say whether an enforcement is under way or its lock is not on disk yet."""
        unsaid = any(waiting.locked for waiting in self._waiting.values())
        return self.state.enforcement is not None or unsaid

    @property
    def _intent_waits(self) -> bool:
        return any(not waiting.locked for waiting in self._waiting.values())

    def guard(self, turn: Turn, appeared: str, contract: str) -> None:
        """Stand guard: under a flat duty whatever is held or works in its scope must go at once."""
        duty = flat_duty(self.state.duties, product_of(contract))
        if duty is None or not self._exposed(contract):
            return
        target = _target_of(duty, contract)
        under_way = self.state.enforcement
        if under_way and any(algebra.covers(each, target) for each in under_way.targets):
            self.resume(turn)
            return
        turn.record(
            ExposureUnderLock(
                **turn.head(),
                appeared=appeared,
                rules_skipped=self.settings.rule_count if duty.scope == ACCOUNT_SCOPE else 0,
                lockout=duty,
                attempt=self.state.attempts + 1,
            )
        )
        self._intend(turn, (), (target,), ())

    def guard_all(self, turn: Turn) -> None:
        """Stand guard over everything that is held or works."""
        for held in tuple(self.state.positions.values()):
            self.guard(turn, f"position {held.contract} {held.size}", held.contract)
        for order in tuple(self.state.orders.values()):
            self.guard(turn, f"order {order.order_id} {order.contract}", order.contract)

    def _exposed(self, contract: str) -> bool:
        working = any(order.contract == contract for order in self.state.orders.values())
        return working or contract in self.state.positions

    def breach(self, turn: Turn, breach: Breach, trading_date: str) -> None:
        """Turn a verdict into an intent, unless its lockout adds nothing to those that bind."""
        breach_id = f"{self.state.account}/b{self.state.breach_count + 1}"
        lockouts = _lockouts(breach, breach_id, turn.now)
        if lockouts and not self._adds(lockouts):
            return
        turn.record(
            RuleBreached(
                **turn.head(), breach_id=breach_id, trading_date=trading_date, breach=breach
            )
        )
        self._intend(turn, (breach_id,), breach.targets, lockouts)

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
                    lockouts=_all_pending(under_way, lockouts),
                    deadline_at=under_way.deadline_at if under_way.pending else deadline_at,
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
                )
            )
        self._await_disk(turn, locked=False)

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

    def _command(self, turn: Turn, under_way: Enforcement) -> Enforce:
        def goes(contract: str) -> bool:
            return any(algebra.in_scope(target, contract) for target in under_way.targets)

        orders = (key for key, order in self.state.orders.items() if goes(order.contract))
        return Enforce(
            **turn.head(),
            enforcement_id=under_way.id,
            targets=under_way.targets,
            deadline_at=under_way.deadline_at,
            known_positions=tuple(sorted(filter(goes, self.state.positions))),
            known_orders=tuple(sorted(orders)),
        )

    def apply(self, turn: Turn, report: ApplyLockout) -> tuple[Lockout, ...]:
        """Take the enforcer's report; return the lockouts that are in force from now on."""
        under_way = self.state.enforcement
        if under_way is None or under_way.id != report.enforcement_id:
            return ()
        if report.flat_confirmed and self._intent_waits:
            return ()  # a breach has joined whose targets the enforcer has not heard of yet
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
        if report.flat_confirmed:
            turn.record(EnforcementFinished(**head, enforcement_id=under_way.id))
        self.guard_all(turn)
        self._await_disk(turn, locked=True)
        return under_way.pending

    def _record_end(self, turn: Turn, under_way: Enforcement, report: ApplyLockout) -> None:
        head = turn.head(under_way.id)
        if report.flat_confirmed and report.read_at:
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
        turn.record(DeadlinePassed(**head, enforcement_id=under_way.id))
        what = "locked with exposure" if under_way.pending else "the limit is still exceeded"
        turn.alarm(
            AlarmCode.FLAT_NOT_CONFIRMED,
            f"the broker does not confirm that the targets are reached: {what}; closing goes on",
        )


def _all_pending(under_way: Enforcement, more: tuple[Lockout, ...]) -> tuple[Lockout, ...]:
    return tuple(joined({key_of(each): each for each in under_way.pending}, more).values())


def _target_of(duty: Lockout, contract: str) -> Target:
    if duty.scope == ACCOUNT_SCOPE:
        return FlatAccount()
    return FlatProduct(product=product_of(contract))


def _lockouts(breach: Breach, breach_id: str, now: datetime) -> tuple[Lockout, ...]:
    return tuple(
        Lockout(
            rule=breach.rule,
            scope=terms.scope,
            duty=terms.duty,
            until=terms.until,
            release_on=terms.release_on,
            reason=breach.reason,
            breach_id=breach_id,
            locked_at=now,
        )
        for terms in breach.lockouts
    )
