"""Facts that are judged late: alarmed once, STALE until caught up, and judged all the same."""

from datetime import timedelta
from decimal import Decimal

import pytest

from actors.account.lateness import WOKEN
from messages.commands import NoteLateness, Woken
from messages.events import AlarmRaised, EnforcementStarted, HealthChanged, RuleBreached
from messages.facts import AccountChanged, PositionChanged, StreamConnected, StreamLost
from messages.values import AlarmCode, Health, Position
from tests.account.replays import differences, rebuilt
from tests.account.world import ACCOUNT, World


@pytest.fixture
def world():
    """An account that is OPEN and up to date."""
    world = World()
    world.drain()
    assert health(world) is Health.LIVE
    return world


def health(world):
    return world.account.status(world.now).health


def alarms(world):
    events = [each for each in world.account_events() if isinstance(each, AlarmRaised)]
    return [each.text for each in events if each.code is AlarmCode.FACTS_LATE]


def wait_in_the_inbox(world, seconds):
    """Deliver what the stream says, but let the account come to it only so much later."""
    while world.queues["stream"]:
        world.step("stream")
    world.advance(seconds)


def note(world, late_s, where="RULE-003"):
    told = NoteLateness(account=ACCOUNT, at=world.now, cause="test", late_s=late_s, where=where)
    world.post("account", world.account.handle(told, world.now))


@pytest.mark.parametrize(("waited_s", "late"), [(0.999999, 0), (1.0, 0), (1.000001, 1)])
def test_a_fact_that_waited_longer_than_the_limit_is_late(world, waited_s, late):
    """At the very limit it is in time."""
    came = world.now - timedelta(seconds=waited_s)
    position = Position(contract="CON.F.US.MNQ.Z25", size=1, average_price=Decimal(100))
    told = PositionChanged(account=ACCOUNT, at=came, cause="test", position=position)
    world.post("account", world.account.handle(told, world.now))

    assert health(world) is (Health.STALE if late else Health.LIVE)
    assert len(alarms(world)) == late


def test_an_episode_is_alarmed_once_and_says_what_and_how_late(world):
    """However many facts are behind."""
    for _ in range(5):
        world.fill(-10)
    wait_in_the_inbox(world, 5)
    world.drain()

    (text,) = alarms(world)
    assert "5.0 s late (limit 1 s)" in text
    assert world.account.status(world.now).health_reason.startswith("behind: a ")


def test_it_is_live_again_when_nothing_was_late_for_a_while(world):
    """Not as soon as one fact is in time; and a later episode is alarmed anew."""
    world.fill(-10)
    wait_in_the_inbox(world, 5)
    world.drain()
    world.fill(-10)
    world.drain()
    assert health(world) is Health.STALE
    for _ in range(3):
        world.advance(2)
        world.drain()

    assert health(world) is Health.LIVE
    changes = [each for each in world.account_events() if isinstance(each, HealthChanged)]
    assert [each.health for each in changes[-2:]] == ["stale", "live"]
    world.fill(-10)
    wait_in_the_inbox(world, 5)
    world.drain()
    assert len(alarms(world)) == 2


def test_as_long_as_something_is_late_it_stays_stale(world):
    """Who watches rules and threads says so again and again; the end of that ends it."""
    for _ in range(6):
        note(world, 3.0, "gateway-desk")
        world.advance(1)
        world.drain()
        assert health(world) is Health.STALE
    world.advance(2)
    world.drain()
    world.advance(2)
    world.drain()

    assert health(world) is Health.LIVE
    assert len(alarms(world)) == 1


def test_a_late_timer_is_lateness_too(world):
    """It waited in the same inbox as the facts would have."""
    woken = Woken(at=world.now, cause="test", key="leftovers")
    world.advance(2)
    world.post("account", world.account.handle(woken, world.now))

    assert health(world) is Health.STALE


def test_before_it_is_up_to_date_lateness_is_not_worth_an_alarm(world):
    """It is STALE and says so; at a start of thousands everything would be late."""
    lost = StreamLost(account=ACCOUNT, at=world.now, cause="test", generation=1, reason="test")
    world.post("account", world.account.handle(lost, world.now))
    note(world, 3.0)
    late = StreamConnected(
        account=ACCOUNT, at=world.now - timedelta(seconds=3), cause="test", generation=2
    )
    world.post("account", world.account.handle(late, world.now))
    world.drain()

    assert alarms(world) == []
    assert health(world) is Health.LIVE


def test_a_poll_that_took_its_time_is_not_late(world):
    """It is stamped when it was asked for, and a broker may take seconds to answer."""
    told = AccountChanged(
        account=ACCOUNT,
        at=world.now - timedelta(seconds=5),
        cause="test",
        can_trade=True,
        balance_usd=None,
    )
    world.post("account", world.account.handle(told, world.now))

    assert alarms(world) == []


def test_a_late_breach_is_enforced_all_the_same(world):
    """Lateness holds nothing back."""
    world.fill(-500)
    wait_in_the_inbox(world, 5)
    world.drain()

    kinds = [type(each) for each in world.account_events()]
    assert RuleBreached in kinds
    assert EnforcementStarted in kinds
    assert health(world) is Health.STALE


def test_a_successor_is_not_confused_by_its_predecessors_timer(world):
    """An account that was restarted begins in time; what it finds waiting is measured anew."""
    world.post(
        "account",
        world.account.handle(Woken(at=world.now, cause="test", key=WOKEN), world.now),
    )
    world.drain()

    assert health(world) is Health.LIVE
    assert alarms(world) == []


def test_replay_rebuilds_an_account_that_was_late(world):
    """Lateness is told and journaled, and is no part of what decides."""
    world.fill(-10)
    wait_in_the_inbox(world, 5)
    world.drain()

    assert differences(rebuilt(world.account_events()), world.account.state) == {}
