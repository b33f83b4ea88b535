"""What the account core answers to single messages: what is recorded, shown, locked or told."""

from decimal import Decimal

import pytest

from actors.account.core import AccountCore, is_account_input
from actors.account.state import AccountState
from actors.rules.max_contracts import MaxContracts
from messages.commands import ReconcileAccount
from messages.events import AccountLocked, AccountOpened, AlarmRaised, LockoutReleased
from messages.facts import AccountChanged, OrderChanged, PositionChanged
from messages.values import (
    ACCOUNT_SCOPE,
    AlarmCode,
    Duty,
    Lockout,
    Order,
    OrderStatus,
    OrderType,
    Phase,
    ReleaseOn,
    Side,
)
from tests.account.world import ACCOUNT, CAP, DAY, PARAMETERS, SETTINGS, START, World

MNQ = "CON.F.US.MNQ.Z25"
HEAD = {"account": ACCOUNT, "at": START, "cause": "test"}


@pytest.fixture
def world():
    world = World()
    world.drain()
    return world


def recorded(world, kind):
    return [each for each in world.account_events() if isinstance(each, kind)]


def locked(state, scope=ACCOUNT_SCOPE):
    """Let a lock that only the firm can end hold an account."""
    lock = Lockout(
        rule="RULE-010",
        scope=scope,
        duty=Duty.FLAT,
        until=None,
        release_on=ReleaseOn.CAN_TRADE,
        reason="test",
        breach_id="b1",
        locked_at=START,
    )
    state.evolve(AccountLocked(**HEAD, enforcement_id="e1", lockout=lock, flat_confirmed=True))


def test_a_position_told_again_as_it_was_is_written_down_once(world):
    """The broker repeats itself; after a close that is booked the same size says something."""
    for _ in range(2):
        world.set_position(MNQ, 1)
        world.drain()
    assert len(recorded(world, PositionChanged)) == 1

    world.fill(5)
    world.set_position(MNQ, 1)
    world.drain()

    assert len(recorded(world, PositionChanged)) == 2
    assert world.account.state.unsettled == set()


@pytest.mark.parametrize(("status", "alarms"), [(OrderStatus.OPEN, 0), (99, 1)])
def test_an_order_in_a_state_nobody_knows_is_told_and_counts_as_working(world, status, alarms):
    """The broker may invent one; that the order may fill is the safe reading."""
    order = Order(
        order_id=5,
        contract=MNQ,
        side=Side.BUY,
        type=OrderType.LIMIT,
        size=1,
        filled=0,
        status=status,
        limit_price=Decimal(1),
    )

    world.tell(OrderChanged(**world._head(), order=order))
    world.drain()

    codes = [each.code for each in recorded(world, AlarmRaised)]
    assert codes == [AlarmCode.UNKNOWN_ORDER_STATUS] * alarms
    assert list(world.account.state.orders) == [5]


@pytest.mark.parametrize(
    ("scope", "phase"), [(ACCOUNT_SCOPE, Phase.LOCKED), ("product:MNQ", Phase.STARTING)]
)
def test_only_a_lock_of_the_whole_account_makes_it_locked(scope, phase):
    """Another product may be traded; and a lock that a restart finds is one from the first moment."""
    state = AccountState.new(ACCOUNT, DAY, gross=False)
    locked(state, scope)

    assert AccountCore(SETTINGS, state, epoch="1").phase is phase


def test_the_firm_s_word_ends_its_lock_in_the_turn_that_tells_it(world):
    """Nothing else has to happen: RULE-010 is released by the message itself."""
    locked(world.account.state)

    world.tell(AccountChanged(**world._head(), can_trade=True, balance_usd=None))
    world.drain()

    assert [each.released_by for each in recorded(world, LockoutReleased)] == ["can_trade"]
    assert world.account.state.lockouts == {}


def test_the_status_shows_what_waits_for_the_reset(world):
    """Nothing before anything was adopted; then what was loosened, line by line."""
    fresh = AccountCore(SETTINGS, AccountState.new(ACCOUNT, DAY, gross=False), epoch="1")
    assert fresh.status(START).queued == ()

    world.adopt(**{rule.replace("-", "_"): each for rule, each in PARAMETERS.items()})
    world.adopt(RULE_001=MaxContracts(limit=CAP + 1, count="gross"))
    world.drain()

    queued = world.account.status(START).queued
    assert f"RULE-001 limit {CAP} → {CAP + 1} at the reset" in queued


def test_an_account_takes_facts_and_commands_and_nothing_else():
    """The actor hands on only what the core can answer."""
    assert is_account_input(AccountChanged(**HEAD, can_trade=None, balance_usd=None))
    assert is_account_input(ReconcileAccount(**HEAD))
    assert not is_account_input(AccountOpened(**HEAD))
