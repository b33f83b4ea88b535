"""What may stay under no_new_exposure: the ratchet, and fills whose position is still to come."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import hypothesis.strategies as st
import pytest
from hypothesis import given
from msgspec import structs

from actors.account.allowance import clipped, journaled, ratcheted, restored
from actors.account.unplaced import Unplaced
from messages.events import EnforcementStarted
from messages.facts import SnapshotTaken, TradeExecuted
from messages.values import Fill, Position, Side
from tests.account.world import World

MNQ, ES = "CON.F.US.MNQ.Z25", "CON.F.US.EP.Z25"
NOON = datetime(2025, 10, 29, 17, tzinfo=UTC)


def fill(signed, contract=MNQ):
    return Fill(
        trade_id=1,
        order_id=1,
        contract=contract,
        side=Side.BUY if signed > 0 else Side.SELL,
        size=abs(signed),
        price=Decimal(1),
        profit_and_loss_usd=None,
        fees_usd=Decimal(0),
        commissions_usd=Decimal(0),
        voided=False,
        executed_at=NOON,
    )


def held(size, contract=MNQ):
    return {contract: Position(contract=contract, size=size, average_price=Decimal(1))}


@pytest.mark.parametrize(
    ("allowed", "size", "left"),
    [
        (1, 1, 1),
        (1, 2, 1),
        (-1, -1, -1),
        (-1, -2, -1),
        (3, 2, 2),
        (3, 3, 3),
        (3, 4, 3),
        (3, 0, 0),
        (3, -1, 0),
        (-2, -1, -1),
        (-2, -3, -2),
        (0, 1, 0),
    ],
)
def test_an_allowance_shrinks_and_never_grows(allowed, size, left):
    """One less, the same, one more, closed, turned round; long and short."""
    assert clipped(allowed, size) == left
    assert ratcheted({MNQ: allowed, ES: 5}, MNQ, size).get(MNQ, 0) == left
    assert ratcheted({MNQ: allowed, ES: 5}, MNQ, size)[ES] == 5


@given(st.dictionaries(st.text(), st.integers().filter(bool)))
def test_what_is_journaled_is_restored(allowances):
    """Every allowance survives the journal."""
    assert restored(journaled(allowances)) == allowances


@pytest.mark.parametrize(
    ("before", "fills", "told", "held_after"),
    [
        (2, [1], 3, 3),
        (2, [1, 1], 3, 4),
        (2, [1, 1], 4, 4),
        (3, [-1, -2], 2, 0),
        (2, [1, -1, 1], 3, 3),
        (2, [1], 2, 2),
        (2, [1, 1], 9, 9),
    ],
)
def test_a_position_includes_the_first_fills_that_lead_to_it(before, fills, told, held_after):
    """The first of two, both, or all of them where no run of fills leads to the position."""
    unplaced = Unplaced()
    for signed in fills:
        unplaced.filled(fill(signed), NOON)
    assert unplaced.added_to(held(before) if before else {}).get(MNQ, 0) == before + sum(fills)

    unplaced.placed(MNQ, before, told, NOON)

    assert told + unplaced.size(MNQ) == held_after


@pytest.mark.parametrize(
    ("before", "told", "fills", "late_s", "held_after"),
    [
        (3, 4, [1], 0.02, 4),
        (0, -2, [-1, -1], 0.02, -2),
        (2, 0, [-2], 0.02, 0),
        (3, 4, [1, 1], 0.02, 5),
        (3, 4, [-1], 0.02, 3),
        (3, 4, [2], 0.02, 6),
        (3, 4, [1], 2.5, 5),
    ],
    ids=["one", "parts", "closed", "one more", "other side", "larger", "another, later"],
)
def test_a_fill_told_after_its_position_adds_nothing(before, told, fills, late_s, held_after):
    """The position has shown it: the same side, at most that size, and close behind it."""
    unplaced = Unplaced()
    unplaced.placed(MNQ, before, told, NOON)

    for signed in fills:
        unplaced.filled(fill(signed), NOON + timedelta(seconds=late_s))

    assert told + unplaced.size(MNQ) == held_after


def test_a_position_that_shows_one_fill_of_two_waits_for_the_other():
    """One told before and one after their common position: nothing is counted beside it."""
    unplaced = Unplaced()
    unplaced.filled(fill(1), NOON)
    unplaced.placed(MNQ, 0, 2, NOON)
    unplaced.filled(fill(1), NOON)

    assert 2 + unplaced.size(MNQ) == 2


def test_what_may_stay_is_what_is_held_though_its_fill_came_last():
    """RULE-006 fires on the fourth fill, told after its position: 4 may stay, not 5."""
    world = World()
    world.drain()
    for _ in range(3):
        world.trade(MNQ, 1)
    world.set_position(MNQ, 4)
    world._book(MNQ, 1, None)
    world.drain()

    (intent,) = [each for each in world.recorded if isinstance(each, EnforcementStarted)]

    assert [(each.contract, each.size) for each in intent.allowances] == [(MNQ, 4)]


def test_a_read_includes_what_was_told_before_it_was_requested():
    """A fill told later stays unplaced; contracts do not mix."""
    unplaced = Unplaced()
    unplaced.filled(fill(1), NOON)
    unplaced.filled(fill(2, ES), NOON + timedelta(seconds=1))

    unplaced.read(NOON + timedelta(milliseconds=1))

    assert MNQ not in unplaced
    assert unplaced.added_to(held(3)) == {MNQ: 3, ES: 2}


def test_a_fill_told_at_the_very_instant_of_the_request_stays_unplaced():
    """The read may not show it yet: counted once too often is safer than not at all."""
    unplaced = Unplaced()
    unplaced.filled(fill(1), NOON)

    unplaced.read(NOON)
    assert unplaced.size(MNQ) == 1

    unplaced.read(NOON + timedelta(microseconds=1))
    assert unplaced.size(MNQ) == 0


def test_a_broker_that_tells_no_positions_costs_no_memory():
    """Only so many fills without a position are remembered."""
    unplaced = Unplaced()
    for _ in range(1000):
        unplaced.filled(fill(1), NOON)

    assert unplaced.size(MNQ) == 16


def test_a_position_that_only_repeats_a_read_still_places_its_fill():
    """The read overtook the stream: fill, read, position; then the fill is not counted beside it."""
    world = World()
    world.drain()
    world.connect()
    while not world.queues["gateway"]:
        world.step(world.pending()[0])
    world.trade(MNQ, 2)
    world.step("gateway")
    snapshot = world.queues["account"].pop()
    assert isinstance(snapshot[1], SnapshotTaken)
    world.step("stream")
    while world.queues["account"]:
        world.step("account")
    world.queues["account"].append(snapshot)
    world.step("account")
    assert world.account.state.positions[MNQ].size == 2
    assert world.account.state.unplaced

    world.drain()

    assert world.account.state.held == {MNQ: 2}


def test_a_locked_account_is_not_judged_for_opening_again_and_again():
    """Under no_new_exposure the last judgement waits for the end of the lockout."""
    world = World()
    world.drain()
    for _ in range(6):
        world.trade(MNQ, 1)
        world.trade(MNQ, -1)
        world.drain()
    assert world.account.state.allowances is not None
    asked = []
    world._judge = asked.append

    for _ in range(4):
        world.advance(16)
        world.drain()

    assert asked == []


def test_a_fill_that_a_read_told_first_hides_no_later_one():
    """Its position had overtaken it: what that showed is accounted for, and the next order counts."""
    world = World()
    world.drain()
    world._book(MNQ, 2, None)
    world.queues["stream"].clear()
    world.set_position(MNQ, 2)
    world.connect()
    world.drain()

    world._book(MNQ, 2, None)
    world.drain()

    assert world.account.state.held == {MNQ: 4}


def test_a_fill_that_is_voided_before_its_position_is_told_is_not_held():
    """The broker took it back: no position will show it."""
    world = World()
    world.drain()
    world._book(MNQ, 2, None)
    world.drain()
    assert world.account.state.held == {MNQ: 2}

    voided = structs.replace(world.fills[-1], voided=True)
    world.tell(TradeExecuted(**world._head(), fill=voided))
    world.drain()

    assert world.account.state.held == {}
