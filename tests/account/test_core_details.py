"""Single decisions of the account core that must not depend on luck."""

from decimal import Decimal

import msgspec
import pytest

from actors.account.core import AccountCore
from actors.account.state import AccountState
from actors.enforcer.core import EnforcerCore
from messages.commands import (
    ApplyLockout,
    CloseContract,
    ReconcileAccount,
    ReportVerdict,
    ResumeEnforcement,
    TakeSnapshot,
    Woken,
)
from messages.events import (
    AccountLocked,
    EnforcementFinished,
    EnforcementJoined,
    FlatConfirmed,
    RuleBreached,
)
from messages.facts import PositionChanged, SnapshotTaken, TradeExecuted
from messages.values import ACCOUNT_SCOPE, Position
from tests.account.world import ACCOUNT, DAY, PARAMETERS, RULES, SETTINGS, START, World

MNQ = "CON.F.US.MNQ.Z25"


@pytest.fixture
def world():
    world = World()
    world.drain()
    return world


def recorded(world, kind):
    return [each for each in world.account_events() if isinstance(each, kind)]


def step_until(world, party, kind):
    """Deliver to everybody but one party until the first message there is of a kind."""
    for _ in range(200):
        queue = world.queues[party]
        if queue and isinstance(queue[0][1], kind):
            return
        others = [each for each in world.pending() if each != party]
        world.step(party if queue else others[0])
    raise AssertionError(f"{kind.__name__} never came to {party}")


def test_a_snapshot_does_not_undo_what_the_stream_told_later(world):
    """A position told after the read was requested is newer than the read."""
    world.connect()
    step_until(world, "gateway", msgspec.Struct)
    world.step("gateway")
    (_, snapshot) = world.queues["account"].pop()
    assert isinstance(snapshot, SnapshotTaken)
    fact = PositionChanged(
        account=ACCOUNT,
        at=world.stamp(),
        cause="test",
        position=Position(contract=MNQ, size=2, average_price=Decimal(1)),
    )

    world.post("account", world.account.handle(fact, world.now))
    world.post("account", world.account.handle(snapshot, world.now))

    assert world.account.state.positions[MNQ].size == 2


def test_a_snapshot_does_undo_what_an_earlier_stream_told(world):
    """After a reconnect everything told before is older than the new read."""
    world.set_position(MNQ, 2)
    world.drain()
    world.held.clear()

    world.connect()
    world.drain()

    assert world.account.state.positions == {}


def test_a_proof_does_not_cover_a_breach_that_joined_meanwhile(world):
    """The cap's proof is on its way when a loss joins: flat is confirmed only when it was asked."""
    world.set_position(MNQ, 8)
    step_until(world, "account", ApplyLockout)
    proof = world.queues["account"].popleft()
    world.fill(-600)
    while not recorded(world, EnforcementJoined):
        world.step(next(each for each in world.pending() if each != "journal"))

    world.queues["account"].appendleft(proof)
    world.step("account")
    assert recorded(world, EnforcementFinished) == []
    world.drain()

    assert world.held[MNQ] == 0
    confirmed = recorded(world, FlatConfirmed)[0]
    assert [type(target).__name__ for target in confirmed.targets] == ["FlatAccount"]


def test_a_late_and_shallower_verdict_shortens_nothing(world):
    """I4: a cooldown of 300 s that arrives after one of 1800 s changes nothing."""
    world.fill(-350)
    world.drain()
    (deep,) = world.account.state.lockouts.values()
    rule = next(each for each in RULES if each.id == "RULE-007")
    breach = msgspec.structs.replace(
        _breach_of(world),
        lockouts=(
            msgspec.structs.replace(
                _breach_of(world).lockouts[0], until=deep.until - (deep.until - START) / 2
            ),
        ),
    )

    verdict = ReportVerdict(
        account=ACCOUNT,
        at=START,
        cause="late",
        rule=rule.id,
        breach=breach,
        moves=(),
        trading_date="2025-10-29",
        judgement=None,
    )
    world.post("account", world.account.handle(verdict, world.now))
    world.drain()

    assert list(world.account.state.lockouts.values()) == [deep]
    assert len(recorded(world, AccountLocked)) == 1


def test_a_late_and_deeper_verdict_lengthens(world):
    """Two losses judged before the lock is applied take the deeper tier."""
    world.fill(-120)
    world.fill(-310)
    for party in ("stream", "stream", "account", "account"):
        world.step(party)
    world.drain()

    (lock,) = world.account.state.lockouts.values()

    assert (lock.until - START).total_seconds() == pytest.approx(1800, abs=1)


def test_yesterdays_verdict_sets_no_lock_of_today(world):
    """A verdict on a view of the closed day is outdated."""
    world.fill(-600)
    breach = None
    while breach is None:
        party = next(each for each in world.pending() if each != "account" or not _verdict(world))
        world.step(party)
        breach = _verdict(world)
    world.advance(6 * 3600)
    world.drain()

    locks = {lock.rule for lock in world.account.state.lockouts.values()}
    assert "RULE-003" not in locks


def _verdict(world):
    queue = world.queues["account"]
    return (
        queue[0][1]
        if queue and isinstance(queue[0][1], ReportVerdict) and queue[0][1].breach
        else None
    )


def _breach_of(world):
    return recorded(world, RuleBreached)[0].breach


def test_a_lock_that_joins_after_the_deadline_has_a_deadline_of_its_own(world):
    """A hanging broker prevents no lock, the second one neither."""
    world.set_position(MNQ, 2)
    world.fill(-120)
    for party in ("stream", "stream", "account", "account"):
        world.step(party)
    world.fill(-500)
    for party in ("stream", "account"):
        world.step(party)
    late = [each for each in world.queues["rule"] if each[1].parameters is PARAMETERS["RULE-003"]]
    for each in late:
        world.queues["rule"].remove(each)
    world.hanging = True
    world.drain()
    world.advance(5)
    world.drain()
    assert {lock.rule for lock in world.account.state.lockouts.values()} == {"RULE-007"}

    world.queues["rule"].extend(late)
    world.drain()
    world.advance(5)
    world.drain()

    assert {lock.rule for lock in world.account.state.lockouts.values()} == {"RULE-003", "RULE-007"}


def test_a_fill_before_the_first_snapshot_is_judged_with_it():
    """A loss that is booked while the account is read for the first time still cools."""
    fresh = World()
    fresh.fill(-150)
    while fresh.queues["stream"]:
        fresh.step("stream")
    while fresh.queues["account"]:
        fresh.step("account")

    fresh.drain()

    assert {lock.rule for lock in fresh.account.state.lockouts.values()} == {"RULE-007"}


def test_a_fill_whose_verdict_died_with_the_process_is_judged_again(world):
    """Booked and durable, not judged yet, killed: the next life judges it."""
    world.fill(-150)
    for party in ("stream", "account"):
        world.step(party)
    while world.queues["journal"]:
        world.step("journal")
    state = AccountState.new(ACCOUNT, DAY, gross=False)
    for event in world.recorded:
        state.evolve(event)
    for queue in world.queues.values():
        queue.clear()

    world.account = AccountCore(SETTINGS, state, epoch="2")
    world.post("account", world.account.start(world.now))
    world.drain()

    assert {lock.rule for lock in state.lockouts.values()} == {"RULE-007"}


def test_a_loss_booked_under_lock_is_never_judged_later(world):
    """Nothing extends a cooldown, not even a restart after it: rules are skipped while it holds."""
    world.fill(-150)
    world.drain()
    world.fill(-350)
    world.drain()
    state = AccountState.new(ACCOUNT, DAY, gross=False)
    for event in world.recorded:
        state.evolve(event)

    assert [fill.profit_and_loss_usd for fill in state.unjudged_fills] == [Decimal(-150)]


def test_many_wishes_to_reconcile_are_one_snapshot_and_one_more(world):
    """A burst of bad records must not burn the request budget."""
    asked = [
        send
        for _ in range(20)
        for send in world.account.handle(
            ReconcileAccount(account=ACCOUNT, at=world.now, cause="quarantine"), world.now
        )
        if isinstance(send.message, TakeSnapshot)
    ]

    assert len(asked) == 1


def test_a_stale_wake_ends_no_lock_that_took_the_place_of_its_own(world):
    """The end of a lock is signalled for the breach that set it."""
    world.fill(-120)
    world.drain()
    (lock,) = world.account.state.lockouts.values()
    woken = Woken(at=world.now, cause="late", key=f"lockout RULE-007 {ACCOUNT}/b99 account")

    world.post("account", world.account.handle(woken, world.now))

    assert list(world.account.state.lockouts.values()) == [lock]


def test_a_lock_that_joins_after_the_proof_keeps_its_deadline(world):
    """The proof was for others: if reads fail from then on, the joined lock is applied in time."""
    world.set_position(MNQ, 1)
    world.drain()
    world.fill(-600)
    for party in ("stream", "account"):
        world.step(party)
    late = [each for each in world.queues["rule"] if each[1].parameters is PARAMETERS["RULE-007"]]
    for each in late:
        world.queues["rule"].remove(each)
    step_until(world, "account", ApplyLockout)
    proof = world.queues["account"].popleft()
    world.queues["rule"].extend(late)
    while world.queues["rule"]:
        world.step("rule")
    world.queues["account"].append(proof)
    world.answers.extend(["blind"] * 1000)

    for _ in range(20):
        world.drain()
        world.advance(0.5)

    assert {lock.rule for lock in world.account.state.lockouts.values()} >= {"RULE-007"}


def test_a_restarted_enforcer_reads_before_it_closes_anything(world):
    """I7: what its predecessor closed may still be filling; a second close beside it would flip."""
    world.set_position(MNQ, 2)
    world.drain()
    world.fill(-600)
    while not any(isinstance(each, CloseContract) for _, each in world.queues["gateway"]):
        world.step(world.pending()[0])
    world.enforcer = EnforcerCore(account=ACCOUNT, login="desk", epoch="2")
    resume = ResumeEnforcement(account=ACCOUNT, at=world.now, cause="start")
    world.post("account", world.account.handle(resume, world.now))

    world.step("enforcer")

    asked = [each for _, each in world.queues["gateway"]]
    assert sum(isinstance(each, CloseContract) for each in asked) == 1
    assert isinstance(asked[-1], TakeSnapshot)
    world.drain()
    assert world.held[MNQ] == 0


def test_the_status_says_flat_once_the_broker_has_shown_it(world):
    """Not before the proof, not without one; then until the lock is on disk, and no longer."""
    world.set_position(MNQ, 2)
    world.drain()
    world.fill(-600)
    step_until(world, "account", ApplyLockout)
    before = world.account.status(world.now)
    world.step("account")
    proved = world.account.status(world.now)
    world.drain()
    after = world.account.status(world.now)

    assert [each.phase for each in (before, proved, after)] == ["enforcing", "enforcing", "locked"]
    assert not before.enforcement.flat_confirmed
    assert proved.enforcement == msgspec.structs.replace(before.enforcement, flat_confirmed=True)
    assert after.enforcement is None


def test_the_status_does_not_say_flat_when_only_the_deadline_has_passed(world):
    """Locked with exposure: the enforcement goes on, and nothing has shown it done."""
    world.set_position(MNQ, 2)
    world.drain()
    world.hanging = True
    world.fill(-600)
    world.drain()
    world.advance(SETTINGS.deadline_s)
    step_until(world, "account", ApplyLockout)
    world.step("account")

    assert world.account.state.lockouts
    assert not world.account.status(world.now).enforcement.flat_confirmed


def test_the_status_does_not_say_flat_of_what_appeared_with_the_proof(world):
    """The position that comes before the report is enforced anew, in the same turn."""
    world.set_position(MNQ, 2)
    world.drain()
    world.fill(-600)
    step_until(world, "account", ApplyLockout)
    fact = PositionChanged(
        account=ACCOUNT,
        at=world.stamp(),
        cause="test",
        position=Position(contract=MNQ, size=1, average_price=Decimal(1)),
    )
    world.post("account", world.account.handle(fact, world.now))
    world.step("account")

    assert recorded(world, FlatConfirmed)
    assert not world.account.status(world.now).enforcement.flat_confirmed


@pytest.mark.parametrize("told_by", ["stream", "read"])
def test_costs_that_are_told_later_can_break_the_daily_limit(told_by):
    """A trade came without its commission: five times -99 reach 500 only with it; it is booked once."""
    world = World()
    world.drain()
    for _ in range(5):
        world.fill(-99)
        world.advance(61)
        world.drain()
    assert world.account.state.lockouts == {}
    world.fills[-1] = msgspec.structs.replace(world.fills[-1], commissions_usd=Decimal(5))

    if told_by == "stream":
        world.tell(TradeExecuted(**world._head(), fill=world.fills[-1]))
    else:
        world.connect()
    world.drain()

    assert world.account.state.ledger.realised_usd == -500
    assert ("RULE-003", ACCOUNT_SCOPE) in world.account.state.lockouts
    assert len(world.account.state.ledger.fills) == 5


def test_costs_told_later_have_no_loss_judged_that_was_made_under_the_lock(world):
    """What RULE-007's own flattening lost was not judged then, and is not when its costs are told."""
    world.fill(-100)
    world.drain()
    world.fill(-350)
    world.drain()
    world.advance(301)
    world.drain()
    assert world.account.state.lockouts == {}
    dearer = msgspec.structs.replace(world.fills[-1], fees_usd=Decimal(1))

    world.tell(TradeExecuted(**world._head(), fill=dearer))
    world.drain()

    assert world.account.state.ledger.realised_usd == -451
    assert world.account.state.lockouts == {}
