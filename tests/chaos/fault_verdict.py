"""What must be true after a fault round: at rest, the checker's invariants, and the fate of each account.

Whoever breached by a loss is flat at the broker and locked in journal and status; whoever held a blocked
symbol holds and orders none of it, and has its product locked; whoever had too many contracts is at the
limit; nobody else was touched at all.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import actors.system as wiring
from actors.journal import verify
from actors.rules.actor import RuleActor
from messages.commands import Evaluate
from messages.events import AccountLocked, EnforcementStarted
from messages.queries import AccountStatus
from messages.values import Health, Phase, product_of, product_scope
from tests.chaos.checker import check
from tests.chaos.evidence import Evidence, Judged, Stored, read_journal
from tests.chaos.exposure import Watched
from tests.chaos.fault_plan import AccountPlan
from tests.chaos.fault_results import Enforced, FaultRound
from tests.chaos.faults import LOCKING, Breach
from tests.chaos.walk import Violation

if TYPE_CHECKING:
    from tests.chaos.fault_rounds import Stage  # which judges by this

_LOOK_EVERY_S = 0.05
_REST_HARMS = frozenset(
    {
        "half-open: nothing answers",
        "logins refused",
        "429 storm",
        "the broker's budget is used up",
        "the exchange halts",
    }
)
"""What strikes every account's requests, so that nobody's first command is in time for certain."""


@contextmanager
def rules_watched() -> Iterator[list[Judged]]:
    """Let a system that is made meanwhile note what its rules are asked."""
    judged: list[Judged] = []

    class WatchedRule(RuleActor):
        """The real rule; what it is asked is noted."""

        def on_receive(self, message: Any) -> Any:
            if isinstance(message, Evaluate):
                view = message.view
                judged.append(Judged(message.account, self._rule.id, view.at, view.lockouts))
            return super().on_receive(message)

    wiring.RuleActor = WatchedRule  # type: ignore[misc]
    try:
        yield judged
    finally:
        wiring.RuleActor = RuleActor  # type: ignore[misc]


# --- rest --------------------------------------------------------------------------------------------


def wait_at_rest(stage: "Stage", within_s: float) -> None:
    """Return once every account is where it must end and believes what the broker holds.

    Raises:
        AssertionError: it is not within so many seconds; says what is missing of whom.
    """
    end, pause = time.monotonic() + within_s, threading.Event()
    while missing := _missing(stage):
        assert time.monotonic() < end, f"not at rest after {within_s:g} s: {missing}"
        pause.wait(_LOOK_EVERY_S)


def _missing(stage: "Stage") -> dict[int, str]:
    told = {each.account: each for each in stage.rig.system.status().accounts}
    found = {}
    for plan in stage.plan.accounts:
        status = told.get(plan.account)
        why = _unrest(stage, plan, status) if status else "gives no answer"
        if why:
            found[plan.account] = why
    return found


def _unrest(stage: "Stage", plan: AccountPlan, status: AccountStatus) -> str:
    account = plan.account
    held = {each.contract: each.size for each in status.positions}
    broker = stage.at_broker(status)
    working, realised = len(broker.working), broker.realised_usd
    phase = Phase.LOCKED if plan.breach in LOCKING else Phase.OPEN
    watched = stage.exposure.watched.get(account)
    told = (
        (status.phase is phase, f"is {status.phase}, not {phase}"),
        (status.enforcement is None, f"is being enforced: {status.enforcement}"),
        (status.health is Health.LIVE, f"is {status.health}"),
        (held == broker.positions, f"believes {held}, the broker holds {broker.positions}"),
        (status.working_orders == working, f"sees {status.working_orders} of {working} orders"),
        (status.realised_usd == realised, f"counts {status.realised_usd}, the broker {realised}"),
        (watched is None or watched.open_since_s is None, "holds what it must not"),
        (plan.breach is not Breach.SYMBOL or bool(status.lockouts), "has no lock of its product"),
    )
    return "; ".join(text for ok, text in told if not ok)


# --- judgement ---------------------------------------------------------------------------------------


def judge(stage: "Stage", round_: FaultRound) -> None:
    """Write down the times and every violation; ends the system."""
    statuses = stage.rig.system.status().accounts
    day = stage.rig.system.config.context.trading_day
    stage.rig.stop()
    verify(stage.rig.journal)
    journal = read_journal(stage.rig.journal)
    evidence = Evidence(
        journal=journal,
        closes=tuple(stage.watch.closes),
        moves=tuple(stage.watch.moves),
        judged=tuple(stage.judged),
        statuses=statuses,
        broker={each.account: stage.at_broker(each) for each in statuses},
        healthy=_healthy(stage),
    )
    round_.enforced = [_timed(stage, each) for each in stage.plan.accounts if each.breach]
    round_.violations = check(evidence, day)
    if stage.rig.given_up:
        round_.violations.append(Violation("I5", None, None, f"gave up: {stage.rig.given_up}"))
    told = {each.account: each for each in statuses}
    for plan in stage.plan.accounts:
        own = [each for each in journal if getattr(each.event, "account", None) == plan.account]
        round_.violations += _fate(stage, plan, told[plan.account], own)


def _healthy(stage: "Stage") -> frozenset[int]:
    if any(dealt.card.name in _REST_HARMS for dealt in stage.plan.login):
        return frozenset()
    return frozenset(each.account for each in stage.plan.accounts if not each.cards)


def _fate(
    stage: "Stage", plan: AccountPlan, status: AccountStatus, journal: list[Stored]
) -> Iterator[Violation]:
    locks = [each.event for each in journal if isinstance(each.event, AccountLocked)]
    begun = [each.seq for each in journal if isinstance(each.event, EnforcementStarted)]
    closes = [each for each in stage.watch.closes if each.account == plan.account]
    scopes = {each.lockout.scope for each in locks}
    due = _scopes(stage, plan)
    if scopes != due or {each.scope for each in status.lockouts} != due:
        told = sorted(each.scope for each in status.lockouts)
        text = f"{plan.breach}: locked {sorted(scopes)}, told {told}, due {sorted(due)}"
        yield Violation("I5", plan.account, None, text)
    if plan.breach is None and (begun or closes):
        text = f"did nothing wrong, and was enforced: {begun}, {closes}"
        yield Violation("I3", plan.account, begun[0] if begun else None, text)


def _scopes(stage: "Stage", plan: AccountPlan) -> set[str]:
    match plan.breach:
        case None | Breach.SIZE:
            return set()
        case Breach.SYMBOL:
            return {product_scope(product_of(stage.blocked[plan.account].id))}
        case _:
            return {"account"}


# --- times -------------------------------------------------------------------------------------------


def _timed(stage: "Stage", plan: AccountPlan) -> Enforced:
    watched = stage.exposure.watched[plan.account]
    assert plan.breach is not None
    hidden = [
        (each.begun_s, each.ended_s)
        for each in stage.strikes
        if each.hides and each.account in {None, plan.account}
    ]
    locks = plan.breach is not Breach.SIZE
    assert watched.locked_s is not None or not locks, f"{plan.account} has never been locked"
    lock = (watched.breached_s, watched.locked_s) if watched.locked_s and locks else None
    spans = watched.stretches
    return Enforced(
        account=plan.account,
        breach=plan.breach,
        begun_s=watched.breached_s,
        ended_s=_ended(watched),
        flat_s=max(end - start for start, end in spans),
        lock_s=lock[1] - lock[0] if lock else None,
        flat_after_s=max(_after(span, hidden) for span in spans),
        lock_after_s=_after(lock, hidden) if lock else None,
    )


def _ended(watched: Watched) -> float:
    return max(watched.locked_s or 0.0, *(end for _, end in watched.stretches))


def _after(span: tuple[float, float], hidden: list[tuple[float, float]]) -> float:
    """Return how long it took, not counted before the end of what hid it or barred the way."""
    start, end = span
    ends = [min(until, end) for since, until in hidden if since < end]
    return end - max([start, *ends])
