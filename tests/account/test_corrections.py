"""What the broker says otherwise later (row 34): it counts, it is judged, and people are told."""

from decimal import Decimal

import msgspec
import pytest

from messages.commands import ReconcileAccount
from messages.facts import TradeExecuted
from messages.values import ACCOUNT_SCOPE, AlarmCode
from tests.account.alone import MNQ, Alone, fill
from tests.account.replays import differences, rebuilt
from tests.account.world import ACCOUNT, World

LOSS = ("RULE-003", ACCOUNT_SCOPE)


@pytest.fixture
def world():
    world = World()
    world.drain()
    return world


def say_again(world, told_by, *, pnl):
    """Let the broker tell its last trade with another result, on the stream or in a read."""
    world.fills[-1] = msgspec.structs.replace(world.fills[-1], profit_and_loss_usd=Decimal(pnl))
    if told_by == "stream":
        world.tell(TradeExecuted(**world._head(), fill=world.fills[-1]))
    else:
        world.connect()
    world.drain()


@pytest.mark.parametrize("told_by", ["stream", "read"])
@pytest.mark.parametrize("first", [None, Decimal(-50)])
def test_a_result_told_later_is_judged(world, first, told_by):
    """A close came without its loss, or with a smaller one: with it the day is over."""
    world._book(MNQ, -1, first)
    world.drain()
    assert world.account.state.lockouts == {}

    say_again(world, told_by, pnl=-600)

    assert world.account.state.ledger.realised_usd == -600
    assert LOSS in world.account.state.lockouts
    assert differences(rebuilt(world.recorded), world.account.state) == {}


@pytest.mark.parametrize("told_by", ["stream", "read"])
def test_a_loss_that_is_told_smaller_later_unlocks_nothing(world, told_by):
    """Of two results the worse counts: nobody knows which of them is the true one."""
    world.fill(-600)
    world.drain()

    say_again(world, told_by, pnl=-10)

    assert world.account.state.ledger.realised_usd == -600
    assert LOSS in world.account.state.lockouts


@pytest.mark.parametrize("told_by", ["stream", "read"])
def test_a_void_that_overtakes_its_original_hides_no_loss(world, told_by):
    """A profit the broker has taken back is told behind its void: $600 are lost, not $100."""
    world._book(MNQ, -1, Decimal(500))
    late = world.queues["stream"].pop()
    world.fills[-1] = msgspec.structs.replace(world.fills[-1], voided=True)
    if told_by == "stream":
        world.tell(TradeExecuted(**world._head(), fill=world.fills[-1]))
    else:
        reconcile = ReconcileAccount(account=ACCOUNT, at=world.stamp(), cause="test")
        world.queues["account"].append(("gateway", reconcile))
    world.drain()
    world.queues["stream"].append(late)
    world.fill(-600)
    world.drain()

    assert world.account.state.ledger.realised_usd == -600
    assert LOSS in world.account.state.lockouts
    assert differences(rebuilt(world.recorded), world.account.state) == {}


def test_a_void_of_what_nobody_knew_takes_no_other_fill_back():
    """A fill of the same size waits for its position: that is held all the same."""
    account = Alone()
    account.connect()
    account.hear(TradeExecuted, 1, fill=fill(1, 1))

    account.hear(TradeExecuted, 1, fill=msgspec.structs.replace(fill(2, 1, 5), voided=True))

    assert account.core.state.held == {MNQ: 1}
    assert account.core.state.unsettled == set()


def test_a_trade_with_two_results_is_told_once():
    """Every later read says it again; a third result is news."""
    account = Alone()
    account.connect()
    account.hear(TradeExecuted, 1, fill=fill(1, -1, -5))

    account.hear(TradeExecuted, 2, fill=fill(1, -1, 5))
    assert account.alarms() == {
        AlarmCode.BALANCE_DIFFERED: "trade 1 was told with a P&L of -5.00 USD and now with +5.00 USD: "
        "the worse counts for the day"
    }
    account.hear(TradeExecuted, 3, fill=fill(1, -1, 5))
    assert account.alarms() == {}
    account.hear(TradeExecuted, 4, fill=fill(1, -1, -6))
    assert AlarmCode.BALANCE_DIFFERED in account.alarms()


def test_a_close_whose_result_comes_before_its_position_counts_once():
    """Until the position follows its open P&L is unknown; afterwards a result settles nothing anew."""
    account = Alone()
    account.connect()
    account.hear(TradeExecuted, 1, fill=fill(1, 2))
    account.hold(1, 2)
    account.hear(TradeExecuted, 2, fill=fill(2, -1))
    account.hear(TradeExecuted, 2, fill=fill(2, -1, -300))
    assert account.core.state.unsettled == {MNQ}
    account.hold(2, 1)
    account.hear(TradeExecuted, 3, fill=fill(2, -1, -301))

    assert account.core.state.unsettled == set()
