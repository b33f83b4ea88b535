"""The checker itself: silent about a good run, and it names what is wrong with every broken one."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from msgspec import structs

from actors.account.trading_day import TradingDay
from actors.locking import LockRequest
from messages.events import (
    AccountLocked,
    AccountOpened,
    ActorRestarted,
    BrokerCommandAnswered,
    BrokerCommandSent,
    DayReset,
    DeadlinePassed,
    EnforcementFinished,
    EnforcementJoined,
    EnforcementStarted,
    ExposureUnderLock,
    FlatConfirmed,
    LockoutAsked,
    LockoutReleased,
    RuleBreached,
    SystemStarted,
)
from messages.facts import SnapshotTaken, StreamConnected, TradeExecuted
from messages.values import Duty, FlatProduct, Lockout, OrderType, Phase, Position, ReleaseOn
from tests.chaos.checker import check
from tests.chaos.evidence import Evidence, Judged, Moved, Stored
from tests.chaos.world import World, fill, order
from tests.rig import NOON, A, B, config_of, contract

MNQ = contract("MNQ")
RULES = config_of(
    daily_realized_loss={"max_loss_usd": 500, "include_open_loss": False},
    cooldown_after_loss={"tiers": [{"loss_usd": 100, "cooldown_s": 60}]},
    daily_realized_profit={"target_usd": 900},
)
DAY_S = 5 * 3600 + 1
HELD = Position(contract=MNQ, size=1, average_price=Decimal(26000))
LOCKED = Lockout(
    rule="RULE-X",
    scope="account",
    duty=Duty.FLAT,
    until=None,
    release_on=ReleaseOn.CONFIG,
    reason="made up",
    breach_id="x",
    locked_at=NOON,
)


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> Iterator[tuple[Evidence, TradingDay]]:
    """A run with breaches, a joined one, a kill, re-entries, a cooldown's end, two resets and a wish."""
    random = Random(1)  # noqa: S311 - to be repeated
    world = World(tmp_path_factory.mktemp("good"), RULES, (A, B))
    world.trade(
        [order(A, "MNQ", 2), order(A, "MNQ", 1, OrderType.STOP, stop=Decimal(30000))], random
    )
    world.trade([fill(A, -150)], random)
    world.trade([order(A, "MNQ", 1)], random)
    world.advance(61, random)
    world.broker.hanging[B] = False
    world.trade([order(B, "MES", -1)], random)
    world.life.arm("intent is durable", 2)
    world.trade([fill(B, -300)], random)
    world.trade([order(B, "MNQ", 3)], random)
    world.restart()
    world.broker.hanging.clear()
    world.advance(5, random)
    world.trade([fill(B, -300)], random)
    world.advance(5, random)
    world.advance(60, random)
    assert world.rig is not None
    world.rig.system.lock(LockRequest(account=B, for_s=3600, reason="enough"))
    world.rig.settle()
    world.advance(DAY_S, random)
    world.broker.hanging[A] = False
    world.trade([order(A, "MNQ", 2), order(B, "MES", 1)], random)
    world.trade([fill(A, -600)], random)
    world.advance(10, random)
    world.heal(random)
    assert world.rig is not None
    yield world.evidence(), world.rig.system.config.context.trading_day
    world.close()


def of(evidence: Evidence, kind: type, nth: int = 0, account: int | None = None) -> int:
    """Return the place of the nth event of a kind."""
    places = [
        place
        for place, (_, event) in enumerate(evidence.journal)
        if isinstance(event, kind) and account in {None, getattr(event, "account", None)}
    ]
    return places[nth]


def journal(evidence: Evidence, events: list[Any]) -> Evidence:
    """Return the run with another journal, numbered anew."""
    return replace(
        evidence, journal=tuple(Stored(seq, each) for seq, each in enumerate(events, start=1))
    )


def without(kind: type, nth: int = 0) -> Callable[[Evidence], Evidence]:
    """Drop one event."""

    def mutate(evidence: Evidence) -> Evidence:
        events = [event for _, event in evidence.journal]
        del events[of(evidence, kind, nth)]
        return journal(evidence, events)

    return mutate


def twice(kind: type, nth: int = 0) -> Callable[[Evidence], Evidence]:
    """Say one event a second time, at once."""

    def mutate(evidence: Evidence) -> Evidence:
        events = [event for _, event in evidence.journal]
        place = of(evidence, kind, nth)
        return journal(evidence, [*events[:place], events[place], *events[place:]])

    return mutate


def changed(
    kind: type, change: Callable[[Any], dict[str, Any]], nth: int = 0
) -> Callable[[Evidence], Evidence]:
    """Say something else in one event."""

    def mutate(evidence: Evidence) -> Evidence:
        events = [event for _, event in evidence.journal]
        place = of(evidence, kind, nth)
        events[place] = structs.replace(events[place], **change(events[place]))
        return journal(evidence, events)

    return mutate


def moved(kind: type, before: type, nth: int = 0) -> Callable[[Evidence], Evidence]:
    """Say one event before the last one of another kind that came before it."""

    def mutate(evidence: Evidence) -> Evidence:
        events = [event for _, event in evidence.journal]
        place = of(evidence, kind, nth)
        account = events[place].account
        target = max(
            other
            for other, event in enumerate(events[:place])
            if isinstance(event, before) and event.account == account
        )
        event = events.pop(place)
        return journal(evidence, [*events[:target], event, *events[target:]])

    return mutate


def gap(evidence: Evidence) -> Evidence:
    """Lose one row without anybody closing the gap."""
    rows = list(evidence.journal)
    del rows[of(evidence, TradeExecuted)]
    return replace(evidence, journal=tuple(rows))


def early_release(evidence: Evidence) -> Evidence:
    """Release the first lockout right after it was said, by what it waits for."""
    events = [event for _, event in evidence.journal]
    place = of(evidence, AccountLocked)
    locked = events[place]
    released = LockoutReleased(
        account=locked.account,
        at=locked.at,
        cause="x",
        rule=locked.lockout.rule,
        scope=locked.lockout.scope,
        released_by=locked.lockout.release_on,
    )
    return journal(evidence, [*events[: place + 1], released, *events[place + 1 :]])


def flipping(evidence: Evidence) -> Evidence:
    """Let a close of two contracts meet one."""
    return replace(evidence, moves=(*evidence.moves, Moved(A, MNQ, 1, -1, True, False)))


def doubled(evidence: Evidence) -> Evidence:
    """Let a second close reach a position that is gone."""
    return replace(evidence, moves=(*evidence.moves, Moved(A, MNQ, 0, -2, True, False)))


def undecided(evidence: Evidence) -> Evidence:
    """Let the first close reach the broker before any intent was on disk."""
    first = evidence.closes[0]
    return replace(evidence, closes=(first._replace(durable_seq=1), *evidence.closes[1:]))


def unasked(evidence: Evidence) -> Evidence:
    """Close for an account that never had an intent."""
    return replace(evidence, closes=(evidence.closes[0]._replace(account=99),))


def judged_under_lock(evidence: Evidence) -> Evidence:
    """Ask a rule while flat is a duty."""
    lockout = evidence.journal[of(evidence, AccountLocked)].event.lockout
    asked = Judged(A, "RULE-001", lockout.locked_at, (lockout,))
    return replace(evidence, judged=(*evidence.judged, asked))


def late_breach(evidence: Evidence) -> Evidence:
    """Let a rule find a breach an hour after the account was locked for the day."""
    events = [event for _, event in evidence.journal]
    place = of(evidence, AccountLocked, -1)
    breach = next(each for each in reversed(events) if isinstance(each, RuleBreached))
    late = structs.replace(breach, at=events[place].at + timedelta(hours=1), breach_id="x")
    return journal(evidence, [*events, late])


def unreleased(evidence: Evidence) -> Evidence:
    """Let a lockout end at the reset without a word."""
    events = [
        event
        for _, event in evidence.journal
        if not (isinstance(event, LockoutReleased) and event.released_by == ReleaseOn.RESET)
    ]
    return journal(evidence, events)


def slow(evidence: Evidence) -> Evidence:
    """Let an account whose broker is well wait for its first command."""
    events = [event for _, event in evidence.journal]
    place = of(evidence, BrokerCommandSent, account=A)
    later = events[place].at + timedelta(seconds=9)
    events[place] = structs.replace(events[place], at=later)
    return replace(journal(evidence, events), healthy=frozenset({A}))


def at_broker(account: int, **changes: Any) -> Callable[[Evidence], Evidence]:
    """Let the broker hold something else at the end."""

    def mutate(evidence: Evidence) -> Evidence:
        ends = dict(evidence.broker)
        ends[account] = ends[account]._replace(**changes)
        return replace(evidence, broker=ends)

    return mutate


def status(account: int, **changes: Any) -> Callable[[Evidence], Evidence]:
    """Let an account say something else of itself."""

    def mutate(evidence: Evidence) -> Evidence:
        statuses = tuple(
            structs.replace(each, **changes) if each.account == account else each
            for each in evidence.statuses
        )
        return replace(evidence, statuses=statuses)

    return mutate


def longer(lockout: Any) -> Any:
    return structs.replace(lockout, until=lockout.until + timedelta(hours=1))


MUTATIONS: dict[str, tuple[str, Callable[[Evidence], Evidence]]] = {
    "the lock is missing": ("I5", without(AccountLocked)),
    "the lock is said twice": ("I4", twice(AccountLocked)),
    "the lock is not the one that was intended": (
        "I1",
        changed(AccountLocked, lambda each: {"lockout": longer(each.lockout)}),
    ),
    "locked before flat": ("I1", moved(AccountLocked, FlatConfirmed)),
    "locked before flat, said to be so": ("I1", without(FlatConfirmed)),
    "locked although only the deadline passed": (
        "I1",
        changed(AccountLocked, lambda each: {"flat_confirmed": not each.flat_confirmed}),
    ),
    "the deadline passed early": (
        "I1",
        changed(DeadlinePassed, lambda each: {"at": each.at - timedelta(seconds=4)}),
    ),
    "a command before the intent": ("I1", moved(BrokerCommandSent, EnforcementStarted)),
    "a close before any intent is on disk": ("I1", undecided),
    "a close nobody intended": ("I1", unasked),
    "an order sent under lock": (
        "I1",
        changed(BrokerCommandSent, lambda _: {"command": "place_order"}),
    ),
    "a command of no enforcement": (
        "I1",
        changed(BrokerCommandSent, lambda _: {"enforcement_id": None}),
    ),
    "an answer to nothing": (
        "I1",
        changed(BrokerCommandAnswered, lambda _: {"command_id": "nothing"}),
    ),
    "a second enforcement beside the first": ("I1", twice(EnforcementStarted)),
    "confirmed by an old read": (
        "I1",
        changed(FlatConfirmed, lambda each: {"read_at": each.read_at - timedelta(hours=1)}),
    ),
    "a rule is asked under lock": ("I2", judged_under_lock),
    "a rule has judged under lock": ("I2", late_breach),
    "rules were not skipped under lock": (
        "I2",
        changed(ExposureUnderLock, lambda _: {"rules_skipped": 0}),
    ),
    "an account waited for another": ("I3", slow),
    "joining drops a lockout": (
        "I4",
        changed(EnforcementJoined, lambda each: {"lockouts": each.lockouts[:0]}),
    ),
    "joining narrows a target": (
        "I4",
        changed(EnforcementJoined, lambda _: {"targets": (FlatProduct(product="MNQ"),)}),
    ),
    "what is released was not locked": ("I4", twice(LockoutReleased)),
    "a breach without an intent": ("I5", without(EnforcementStarted)),
    "an enforcement that never ends": ("I5", without(EnforcementFinished, -1)),
    "an intent without its lockout": (
        "I5",
        changed(EnforcementStarted, lambda _: {"lockouts": ()}),
    ),
    "a lockout its trader asked for without its intent": (
        "I5",
        changed(LockoutAsked, lambda each: {"lockout": longer(each.lockout)}),
    ),
    "locked in the journal and not in memory": ("I5", status(A, lockouts=(), phase=Phase.OPEN)),
    "locked and said to be open": ("I5", status(A, phase=Phase.OPEN)),
    "held under lock": ("I6", at_broker(A, positions={MNQ: 1})),
    "an order works under lock": ("I6", at_broker(A, working={7: MNQ})),
    "exposure under no lock": (
        "I6",
        changed(
            ExposureUnderLock, lambda each: {"lockout": structs.replace(each.lockout, rule="R")}
        ),
    ),
    "a close flips": ("I7", flipping),
    "a position is closed twice": ("I7", doubled),
    "a trade is booked twice": ("I7", twice(TradeExecuted)),
    "a command is sent twice": ("I7", twice(BrokerCommandSent)),
    "the P&L is not the broker's": ("I7", at_broker(B, realised_usd=Decimal(-1))),
    "a position nobody knows of": ("I7", at_broker(B, positions={MNQ: 9})),
    "flat confirmed while something is held": (
        "I8",
        changed(
            FlatConfirmed,
            lambda _: {"positions": (HELD,)},
        ),
    ),
    "open before the first snapshot": ("I8", moved(AccountOpened, SnapshotTaken)),
    "open on an old generation": ("I8", without(SnapshotTaken)),
    "a lock released early": ("I9", early_release),
    "released by something else": (
        "I9",
        changed(LockoutReleased, lambda _: {"released_by": ReleaseOn.CONFIG}),
    ),
    "a lock vanishes in the reset": ("I9", unreleased),
    "a reset drops a lock": (
        "I9",
        changed(
            DayReset,
            lambda each: {"lockouts": (LOCKED, *each.lockouts)},
            nth=-1,
        ),
    ),
    "a row is missing": ("I10", gap),
    "the day is begun twice": ("I10", twice(DayReset, -1)),
    "a breach is numbered twice": (
        "I10",
        changed(RuleBreached, lambda each: {"breach_id": f"{each.account}/b99"}),
    ),
    "the journal replays to another P&L": ("I10", status(B, realised_usd=Decimal(123))),
    "the journal replays to other positions": ("I10", status(B, positions=())),
}
"""By name: the invariant that is broken, and how."""


def test_a_good_run_has_nothing_to_report(good):
    """Otherwise every violation would be worth nothing."""
    evidence, day = good

    assert check(evidence, day) == []


def test_the_good_run_has_everything_the_mutations_need(good):
    """A mutation of something that did not happen would prove nothing."""
    evidence, _ = good
    kinds = {type(event) for _, event in evidence.journal}

    assert {EnforcementJoined, DeadlinePassed, ExposureUnderLock, LockoutReleased} <= kinds
    assert sum(isinstance(event, SystemStarted) for _, event in evidence.journal) == 2
    assert sum(isinstance(event, StreamConnected) for _, event in evidence.journal) >= 4
    assert evidence.closes
    assert all(each.positions or each.lockouts for each in evidence.statuses)


@pytest.mark.parametrize("name", MUTATIONS)
def test_every_mutation_is_found(good, name):
    """Each breaks one invariant, and the checker names it."""
    evidence, day = good
    invariant, mutate = MUTATIONS[name]

    found = check(mutate(evidence), day)

    assert invariant in {each.invariant for each in found}, found


def test_an_actor_that_failed_by_itself_is_found(good):
    """Its supervisor hides it well: nothing is lost, and all goes on."""
    evidence, day = good
    told, own = (
        ActorRestarted(at=NOON, cause="test", address=f"account/{A}", error=error, restarts=1)
        for error in ("TypeError('an account cannot be told str')", "KeyError('MNQ')")
    )
    events = [event for _, event in evidence.journal]

    assert check(journal(evidence, [*events, told]), day) == []
    (found,) = check(journal(evidence, [*events, own]), day)
    assert "KeyError" in found.text


def test_every_invariant_has_a_mutation():
    """I1 to I10: none is only claimed to be checked."""
    assert {invariant for invariant, _ in MUTATIONS.values()} == {f"I{n}" for n in range(1, 11)}
