"""The checker: does what a run left behind keep the invariants I1 to I10 of the architecture?

Given the evidence of a whole run (all its lives, the broker's own record, the status at rest) it returns
every violation it can see. README.md says per invariant how it is seen. Tested on mutated runs.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import timedelta

from actors.account.state import AccountState
from actors.account.trading_day import TradingDay
from actors.enforcer.targets import all_must_go, is_flat_target
from messages.base import AccountMessage
from messages.events import (
    ActorRestarted,
    AlarmRaised,
    BrokerCommandSent,
    DayReset,
    DeadlinePassed,
    EnforcementStarted,
    EnforcementUnrecorded,
    FlatConfirmed,
    SystemStarted,
)
from messages.queries import AccountStatus
from messages.values import AlarmCode, Duty, Lockout, Phase, Target, product_of, product_scope
from tests.chaos.evidence import AtBroker, Close, Evidence, is_account_flat
from tests.chaos.walk import LATE, AccountWalk, Violation

REACTION = timedelta(seconds=2)
"""From an intent to the first command, with nothing wrong at the broker and no kill in between."""


def check(evidence: Evidence, day: TradingDay, *, gross: bool = False) -> list[Violation]:
    """Return everything that must not be, in the order of the journal, then what is seen at the end."""
    walks = _walked(evidence)
    found = [violation for walk in walks.values() for violation in walk.found]
    found += _gaps(evidence)
    found += _failed(evidence)
    found += _commands_before_intents(evidence, walks)
    found += _judged_under_lock(evidence)
    found += _waited(evidence)
    found += _overshoots(evidence)
    for status in evidence.statuses:
        walk = walks.get(status.account) or AccountWalk(status.account)
        found += _unfinished(walk)
        found += _not_as_told(walk, status)
        if (held := evidence.broker.get(status.account)) is not None:
            found += _exposed(walk, held)
            found += _believed(status, held)
        found += _replayed(evidence, status, day, gross=gross)
    return found


def _walked(evidence: Evidence) -> dict[int, AccountWalk]:
    walks: dict[int, AccountWalk] = {}
    for stored in evidence.journal:
        event = stored.event
        if isinstance(event, SystemStarted):
            for walk in walks.values():
                walk.restarted()
        account = getattr(event, "account", None)
        if account is not None and isinstance(event, AccountMessage | AlarmRaised):
            walk = walks.setdefault(account, AccountWalk(account))
            walk.unrecorded |= isinstance(event, EnforcementUnrecorded)
            walk.take(stored)
    return walks


def _gaps(evidence: Evidence) -> Iterator[Violation]:
    for expected, stored in enumerate(evidence.journal, start=1):
        if stored.seq != expected:
            yield Violation("I10", None, stored.seq, f"the journal has no seq {expected}")
            return


def _failed(evidence: Evidence) -> Iterator[Violation]:
    """Nothing that happens makes an actor fail but what is told it to that end: a supervisor hides it."""
    for stored in evidence.journal:
        event = stored.event
        if isinstance(event, ActorRestarted) and "cannot be told str" not in event.error:
            yield Violation("failure", None, stored.seq, f"{event.address} failed: {event.error}")


def _commands_before_intents(
    evidence: Evidence, walks: dict[int, AccountWalk]
) -> Iterator[Violation]:
    """I1 at the broker's door: when a close comes, an intent that asks for it is on disk."""
    for close in evidence.closes:
        walk = walks.get(close.account)
        if walk is not None and walk.unrecorded:
            continue
        intents = walk.started if walk else []
        if not any(seq <= close.durable_seq and _asks(targets, close) for seq, targets in intents):
            text = f"the broker was told to close {close.contract}, and no intent was on disk"
            yield Violation("I1", close.account, close.durable_seq, text)


def _asks(targets: Iterable[Target], close: Close) -> bool:
    return any(
        all_must_go(each, close.contract) if is_flat_target(each) else not is_flat_target(each)
        for each in targets
    )


def _judged_under_lock(evidence: Evidence) -> Iterator[Violation]:
    for each in evidence.judged:
        if any(map(is_account_flat, each.duties)):
            yield Violation("I2", each.account, None, f"{each.rule} was asked at {each.at}")


def _waited(evidence: Evidence) -> Iterator[Violation]:
    """I3: an account with whom nothing is wrong is enforced at once, whatever hangs for others.

    One whose trader keeps re-entering is left out: its reads are spaced, so that they starve no other.
    """
    begun: dict[int, EnforcementStarted] = {}
    looping: set[int | None] = set()
    for _, event in evidence.journal:
        if isinstance(event, SystemStarted):
            begun.clear()
        if isinstance(event, AlarmRaised) and event.code == AlarmCode.REENTRY_PATTERN:
            looping.add(event.account)
        if getattr(event, "account", None) not in evidence.healthy - looping:
            continue
        match event:
            case EnforcementStarted():
                begun[event.account] = event
            case BrokerCommandSent() | FlatConfirmed() | DeadlinePassed():
                intent = begun.pop(event.account, None)
                if intent and event.at > intent.at + REACTION:
                    text = f"{intent.enforcement_id} waited {event.at - intent.at} for its start"
                    yield Violation("I3", event.account, None, text)
            case _:
                pass


def _overshoots(evidence: Evidence) -> Iterator[Violation]:
    for move in evidence.moves:
        if not move.by_lockstep or move.raced:
            continue
        reduced = abs(move.after) < abs(move.before) and move.before * move.after >= 0
        if not reduced:
            text = f"a close took {move.contract} from {move.before} to {move.after}"
            yield Violation("I7", move.account, None, text)


def _unfinished(walk: AccountWalk) -> Iterator[Violation]:
    if walk.under_way:
        text = f"{walk.under_way.id} is still under way: {walk.under_way}"
        yield Violation("I5", walk.account, None, text)
    for breach_id in walk.owed:
        yield Violation("I5", walk.account, None, f"{breach_id} has led to no intent")


def _not_as_told(walk: AccountWalk, status: AccountStatus) -> Iterator[Violation]:
    told = {(each.rule, each.scope): each for each in status.lockouts}
    for key, lockout in walk.locks.items():
        if told.get(key) != lockout:
            text = f"the journal has {lockout}, the account {told.get(key)}"
            yield Violation("I5", walk.account, None, text)
    for key in told.keys() - walk.locks.keys():
        yield Violation("I9", walk.account, None, f"{key} is in force, and the journal ended it")
    locked = any(each.scope == "account" for each in walk.locks.values())
    if locked != (status.phase is Phase.LOCKED):
        yield Violation("I5", walk.account, None, f"the account is {status.phase}")


def _exposed(walk: AccountWalk, held: AtBroker) -> Iterator[Violation]:
    if any(each.shadow for each in walk.locks.values()):
        return  # only pretended: what would be closed is still there
    duties = tuple(walk.locks.values())
    for contract, size in held.positions.items():
        if _is_forbidden(duties, contract) or _is_beyond(walk, contract, size):
            text = f"{size} {contract} is held under {sorted(walk.locks)}"
            yield Violation("I6", walk.account, None, text)
    for order_id, contract in held.working.items():
        if _is_forbidden(duties, contract):
            text = f"order {order_id} in {contract} works under {sorted(walk.locks)}"
            yield Violation("I6", walk.account, None, text)


def _is_forbidden(duties: Iterable[Lockout], contract: str) -> bool:
    scopes = {"account", product_scope(product_of(contract))}
    return any(each.duty is Duty.FLAT and each.scope in scopes for each in duties)


def _is_beyond(walk: AccountWalk, contract: str, size: int) -> bool:
    binds = any(
        each.duty is Duty.NO_NEW_EXPOSURE and each.scope == "account"
        for each in walk.locks.values()
    )
    if not binds:
        return False
    allowed = {each.contract: each.size for each in walk.allowances or ()}.get(contract, 0)
    return allowed * size <= 0 or abs(size) > abs(allowed)


def _believed(status: AccountStatus, held: AtBroker) -> Iterator[Violation]:
    """I7, I8: once at rest, the account believes what the broker holds, each fill counted once."""
    believed = {each.contract: each.size for each in status.positions}
    pairs = (
        ("positions", believed, held.positions),
        ("working orders", status.working_orders, len(held.working)),
        ("realised", status.realised_usd, held.realised_usd),
    )
    for name, own, brokers in pairs:
        if own != brokers:
            text = f"{name}: the account says {own}, the broker {brokers}"
            yield Violation("I7", status.account, None, text)


def _replayed(
    evidence: Evidence, status: AccountStatus, day: TradingDay, *, gross: bool
) -> Iterator[Violation]:
    """I10: the journal alone, whole or from the last reset on, gives what the account says it is."""
    own = [s.event for s in evidence.journal if getattr(s.event, "account", None) == status.account]
    resets = [place for place, event in enumerate(own) if isinstance(event, DayReset)]
    for start in {0, resets[-1] if resets else 0}:
        state = AccountState.new(status.account, day, gross=gross)
        for event in own[start:]:
            state.evolve(event)
        told = (status.realised_usd, frozenset(each.contract for each in status.positions))
        replayed = (state.ledger.realised_usd, frozenset(state.positions))
        same = told == replayed and set(status.lockouts) == set(state.lockouts.values())
        if not same:
            text = f"replayed from event {start}: {replayed} {sorted(state.lockouts)}, not {told}"
            yield Violation("I10", status.account, None, text)


def by_invariant(found: Iterable[Violation]) -> dict[str, int]:
    """Return how many violations of each invariant there are."""
    counts: dict[str, int] = defaultdict(int)
    for each in found:
        counts[each.invariant] += 1
    return dict(counts)


__all__ = ["LATE", "Violation", "by_invariant", "check"]
