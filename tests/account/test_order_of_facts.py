"""Rows 6 and 7: a window of facts in any order and any number of copies ends in the same account.

The whole account with its rules, its enforcer and a broker; what was told is shuffled and repeated before
it arrives, and one comparison with the broker follows, as it does after every gap and in turn.
"""

from collections import deque
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from messages.commands import ReconcileAccount
from messages.values import Duty
from tests.account.world import ACCOUNT, World

MNQ, ES = "CON.F.US.MNQ.Z25", "CON.F.US.EP.Z25"
actions = st.one_of(
    st.tuples(st.just("trade"), st.sampled_from([MNQ, ES]), st.sampled_from([-2, -1, 1, 2])),
    st.tuples(st.just("new_order"), st.sampled_from([MNQ, ES]), st.sampled_from([-1, 1])),
    st.tuples(st.just("fill"), st.sampled_from([-300, -200, -20, 50])),
)


def told(happened):
    """Return a world in which all this has happened, and none of it was heard yet."""
    world = World()
    world.drain()
    for verb, *arguments in happened:
        getattr(world, verb)(*arguments)
    return world


def settled(world):
    """Let everything arrive, compare with the broker, and return what the account knows then."""
    world.drain()
    for _ in range(3):
        compare = ReconcileAccount(account=ACCOUNT, at=world.stamp(), cause="reconcile")
        world.queues["account"].append(("gateway", compare))
        world.drain()
        world.advance(3.0)
        world.drain()
    state = world.account.state
    return {
        "positions": {name: each.size for name, each in state.positions.items()},
        "held": {name: size for name, size in world.held.items() if size},
        "orders": sorted(state.orders),
        "realised": state.ledger.realised_usd,
        "fills": sorted(each.trade_id for each in state.ledger.fills),
        "shut": any(each.duty is Duty.FLAT for each in state.lockouts.values()),
    }


@given(
    st.lists(actions, min_size=1, max_size=5), st.randoms(use_true_random=False), st.integers(1, 3)
)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_order_and_any_copies_of_what_was_told_end_the_same(happened, chance, copies):
    """Nothing counts twice, nothing is lost, no close turns a position, and a lost day is shut."""
    world = told(happened)
    stream = [each for each in world.queues["stream"] for _ in range(copies)]
    chance.shuffle(stream)
    world.queues["stream"] = deque(stream)
    fills = list(world.fills)

    known = settled(world)

    lost = sum((each.profit_and_loss_usd or Decimal(0) for each in fills), Decimal(0))
    assert known["realised"] == lost
    assert known["fills"] == sorted(each.trade_id for each in fills)
    assert known["positions"] == known["held"]
    assert world.violations == []
    if lost <= -500:
        assert known[
            "shut"
        ]  # by the daily loss, or by a cooldown that came first and skips the rules
        assert known["held"] == {}
        assert known["orders"] == []


@given(
    st.lists(actions.filter(lambda each: each[0] != "fill"), min_size=1, max_size=3),
    st.randoms(use_true_random=False),
    st.integers(1, 3),
)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_where_nothing_is_breached_the_account_is_the_one_told_in_order(happened, chance, copies):
    """Equal in all that it knows to an account that heard each fact once, in its order."""
    world = told(happened)
    stream = [each for each in world.queues["stream"] for _ in range(copies)]
    chance.shuffle(stream)
    world.queues["stream"] = deque(stream)

    assert settled(world) == settled(told(happened))
