"""The reset as one account decides it: one turn, one `Append`, and what it carries over."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from actors.account.core import AccountCore
from actors.account.settings import RuleSetting
from actors.account.state import AccountState
from actors.rules import symbol_blocks
from actors.rules.symbol_blocks import SymbolBlocks
from messages.commands import ReconcileAccount, ReportVerdict, TakeSnapshot, Woken
from messages.events import (
    AccountLocked,
    AlarmRaised,
    DayReset,
    LockoutReleased,
    RuleBreached,
    RulesAdopted,
)
from messages.facts import AccountChanged, ContractDescribed, SnapshotTaken, TradeExecuted
from messages.journal import Append
from messages.values import (
    ACCOUNT_SCOPE,
    Breach,
    BreachCode,
    Contract,
    Duty,
    FlatAccount,
    Lockout,
    LockoutTerms,
    OrderStatus,
    ReleaseOn,
)
from tests.account.replays import differences, forgotten_at_reset, rebuilt, since_reset
from tests.account.world import ACCOUNT, DAY, SETTINGS, START, World

RESET = datetime(2025, 10, 29, 22, 0, tzinfo=UTC)
MNQ, ES, GC = (f"CON.F.US.{root}.Z25" for root in ("MNQ", "EP", "GCE"))
HOUR = timedelta(hours=1)


@pytest.fixture
def world():
    world = World()
    world.drain()
    return world


def appends(sends):
    return [each.message for each in sends if isinstance(each.message, Append)]


def lockout(rule, release_on, until, scope=ACCOUNT_SCOPE):
    return Lockout(
        rule=rule,
        scope=scope,
        duty=Duty.FLAT,
        until=until,
        release_on=release_on,
        reason="test",
        breach_id=f"{ACCOUNT}/{rule}",
        locked_at=START,
    )


def locked(*lockouts, settings=SETTINGS):
    """Return an account of this morning that these lockouts hold."""
    state = AccountState.new(ACCOUNT, DAY, gross=False)
    AccountCore(settings, state, epoch="1").start(START)
    for each in lockouts:
        state.evolve(
            AccountLocked(
                account=ACCOUNT,
                at=START,
                cause="test",
                enforcement_id="e1",
                lockout=each,
                flat_confirmed=True,
            )
        )
    return AccountCore(settings, state, epoch="2")


def woken(core, at, key="reset"):
    return core.handle(Woken(at=at, cause="wake", key=key), at)


def test_only_what_was_set_to_end_at_the_reset_ends_there():
    """S-69: of 003, 013, 009, 010 and a product's 011, only 003 and 013 go."""
    blocked = RuleSetting(rule=symbol_blocks.RULE, parameters=SymbolBlocks(patterns=("RTY",)))
    core = locked(
        lockout("RULE-003", ReleaseOn.RESET, RESET),
        lockout("RULE-013", ReleaseOn.RESET, RESET),
        lockout("RULE-009", ReleaseOn.SESSION_START, RESET + 16 * HOUR),
        lockout("RULE-010", ReleaseOn.CAN_TRADE, None),
        lockout("RULE-011", ReleaseOn.CONFIG, None, "product:RTY"),
        settings=replace(SETTINGS, rules=(*SETTINGS.rules, blocked)),
    )

    (append,) = appends(woken(core, RESET))

    kinds = [type(each) for each in append.events]
    assert kinds[:3] == [LockoutReleased, LockoutReleased, DayReset]
    assert {each.rule for each in append.events[:2]} == {"RULE-003", "RULE-013"}
    assert {rule for rule, _ in core.state.lockouts} == {"RULE-009", "RULE-010", "RULE-011"}
    assert {each.rule for each in append.events[2].lockouts} == {"RULE-009", "RULE-010", "RULE-011"}


def test_the_reset_is_one_append_so_a_crash_leaves_one_day_or_the_other(world):
    """Without it replay gives the old day with its lock, with it the new one without."""
    world.fill(-500)
    world.drain()

    sends = woken(world.account, RESET)

    (append,) = appends(sends)
    assert sends[0].message is append
    assert _replayed(world.recorded) == ("2025-10-29", {("RULE-003", ACCOUNT_SCOPE)}, -500)
    assert _replayed([*world.recorded, *append.events]) == ("2025-10-30", set(), 0)
    (reset,) = [each for each in append.events if isinstance(each, DayReset)]
    assert (reset.closed_date, reset.realised_usd) == ("2025-10-29", Decimal(-500))


def _replayed(events):
    state = AccountState.new(ACCOUNT, DAY, gross=False)
    for event in events:
        state.evolve(event)
    until_reset = {key for key in state.lockouts if key[0] == "RULE-003"}
    return str(state.trading_date), until_reset, state.ledger.realised_usd


def test_after_a_long_sleep_the_day_is_reset_before_anything_else_is_done():
    """Whatever is due first: the session's start of two days ago finds the new day begun."""
    core = locked(
        lockout("RULE-003", ReleaseOn.RESET, RESET),
        lockout("RULE-009", ReleaseOn.SESSION_START, START + HOUR),
    )

    (append,) = appends(
        woken(core, RESET + 48 * HOUR, f"lockout RULE-009 {ACCOUNT}/RULE-009 {ACCOUNT_SCOPE}")
    )

    told = [(type(each), getattr(each, "rule", None)) for each in append.events[:4]]
    assert told == [
        (LockoutReleased, "RULE-003"),
        (DayReset, None),
        (RulesAdopted, None),
        (LockoutReleased, "RULE-009"),
    ]
    assert core.state.lockouts == {}


def test_a_clock_that_was_set_back_ends_nothing_and_is_waited_for_again():
    """The wake comes, the wall clock is not there: the lock stays, the wake is asked for anew."""
    lock = lockout("RULE-009", ReleaseOn.SESSION_START, START + HOUR)
    core = locked(lock)

    sends = woken(core, START, f"lockout RULE-009 {lock.breach_id} {ACCOUNT_SCOPE}")

    assert list(core.state.lockouts.values()) == [lock]
    assert [each.message.due for each in sends if each.to == "clock"] == [lock.until]


def test_a_day_that_has_begun_is_not_begun_again_by_an_earlier_clock():
    """An hour back over the reset: no second reset, and the day ends when it was to end."""
    core = locked()
    woken(core, RESET)

    sends = woken(core, RESET - HOUR)

    assert [event for append in appends(sends) for event in append.events] == []
    assert str(core.state.trading_date) == "2025-10-30"
    view = core._picture.view(RESET - HOUR)
    assert (view.trading_date, view.next_reset) == ("2025-10-30", RESET + 24 * HOUR)


@pytest.mark.parametrize(("days", "begun_anew"), [(1, False), (2, True), (200, True)])
def test_only_a_day_that_lies_far_ahead_is_given_up(days, begun_anew):
    """No clock a little wrong begins it, and no fill would count until then; the lockouts stay."""
    lock = lockout("RULE-010", ReleaseOn.CAN_TRADE, None)
    core = locked(lock)
    ahead = START + timedelta(days=days)
    woken(core, ahead)

    sends = woken(core, START)

    events = [event for append in appends(sends) for event in append.events]
    assert [type(each) for each in events] == (
        [AlarmRaised, DayReset, RulesAdopted] if begun_anew else []
    )
    expected = START if begun_anew else ahead
    assert core.state.trading_date == DAY.label(expected)
    assert list(core.state.lockouts.values()) == [lock]


@pytest.mark.parametrize("by", ["its end", "its date"])
def test_a_verdict_on_yesterday_locks_nothing_today(world, by):
    """Judged before the reset, delivered after it, whichever of the two tells."""
    world.advance(6 * 3600)
    world.drain()
    terms = LockoutTerms(
        scope=ACCOUNT_SCOPE,
        duty=Duty.FLAT,
        until=RESET if by == "its end" else RESET + 24 * HOUR,
        release_on=ReleaseOn.RESET,
    )
    breach = Breach(
        rule="RULE-003",
        code=BreachCode.DAILY_REALIZED_LOSS,
        value=Decimal(-600),
        limit=Decimal(-500),
        reason="test",
        measure="test",
        targets=(FlatAccount(),),
        lockouts=(terms,),
    )
    verdict = ReportVerdict(
        account=ACCOUNT,
        at=world.now,
        cause="late",
        rule="RULE-003",
        breach=breach,
        moves=(),
        trading_date="2025-10-30" if by == "its end" else "2025-10-29",
        judgement=None,
    )

    world.post("account", world.account.handle(verdict, world.now))
    world.drain()

    assert [each for each in world.recorded if isinstance(each, RuleBreached)] == []
    assert world.account.state.lockouts == {}


def test_a_fill_ahead_of_the_reset_counts_once_the_day_has_begun(world):
    """The broker's clock is a little ahead: booked at once, counted and judged at the reset."""
    world.now = RESET + timedelta(seconds=1)
    world.fill(-600)
    world.now = RESET - timedelta(seconds=1)
    world.drain()
    assert world.account.state.ledger.realised_usd == 0

    world.advance(2)
    world.drain()

    assert len([each for each in world.recorded if isinstance(each, TradeExecuted)]) == 1
    assert ("RULE-003", ACCOUNT_SCOPE) in world.account.state.lockouts
    assert world.account.state.lockouts["RULE-003", ACCOUNT_SCOPE].until == RESET + 24 * HOUR


def test_a_restart_after_the_reset_knows_what_was_known_before_it(world):
    """Replay begins at the reset: all that outlasts it travels in it, and half-told changes too."""
    record = Contract(
        contract=MNQ, name="MNQZ5", tick_size=Decimal("0.25"), tick_value_usd=Decimal("0.5")
    )
    world.tell(ContractDescribed(**world._head(), contract=record))
    world.tell(AccountChanged(**world._head(), can_trade=True, balance_usd=Decimal(50_000)))
    world.set_position(MNQ, 3)
    world.new_order(MNQ, -3)
    world.drain()
    world.fill(-50)
    world._book(ES, 1, None)
    world.set_position(GC, 2)
    world.now = RESET + timedelta(seconds=1)
    world.fill(-10)
    world.now = RESET - timedelta(seconds=1)
    while world.queues["stream"]:
        world.step("stream")
        world.step("account")

    world.advance(1.5)
    world.drain()

    live, events = world.account.state, world.account_events()
    (reset,) = [each for each in events if isinstance(each, DayReset) and each.closed_date]
    halves = (reset.fills, reset.unplaced, reset.unfilled, reset.unsettled, reset.contracts)
    assert all(halves)
    assert forgotten_at_reset(events) == {}
    assert differences(rebuilt(since_reset(events)), live) == {}


@pytest.mark.parametrize("gone", ["position", "stop"])
def test_a_read_that_was_on_its_way_over_the_reset_brings_nothing_back(world, gone):
    """I7: asked for first, then it was told to be gone, then the day ended, then the read came."""
    account = world.account
    world.set_position(MNQ, 2)
    world.new_order(MNQ, -2)
    world.drain()
    read = {"positions": tuple(account.state.positions.values())}
    read |= {"orders": tuple(account.state.orders.values())}
    world.now = RESET - timedelta(seconds=1)
    sends = account.handle(ReconcileAccount(**world._head()), world.now)
    (asked,) = [each.message for each in sends if isinstance(each.message, TakeSnapshot)]
    requested_at = world.stamp()
    if gone == "position":
        world.set_position(MNQ, 0)
    else:
        world.set_order(1, OrderStatus.CANCELLED)
    world.step("stream")
    world.step("account")
    woken(account, RESET)

    world.now = RESET
    taken = SnapshotTaken(
        **world._head(),
        request_id=asked.request_id,
        generation=1,
        requested_at=requested_at,
        **read,
        fills=(),
        can_trade=None,
        balance_usd=None,
    )
    account.handle(taken, RESET)

    assert (MNQ in account.state.positions, 1 in account.state.orders) == (
        gone != "position",
        gone != "stop",
    )
