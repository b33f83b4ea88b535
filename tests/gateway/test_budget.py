"""The request budget, on a clock that only moves when a test moves it."""

import asyncio
from decimal import Decimal

import pytest
from msgspec.structs import fields

from actors.gateway.budget import Priority, RequestBudget
from actors.gateway.errors import NoBudgetError
from actors.gateway.settings import LoginSettings
from actors.runtime import VirtualClock
from tests.gateway.support import AT

WINDOW_S = 0.2
# Real seconds pass while the budget waits; the virtual ones decide.


def budget_of(requests, clock=None):
    return RequestBudget(clock=clock or VirtualClock(AT), requests=requests, window_s=WINDOW_S)


async def taken(budget, priority, count):
    """Return how many of `count` requests may leave at once."""
    left = 0
    for _ in range(count):
        try:
            await budget.take(priority, within_s=0.0)
        except NoBudgetError:
            break
        left += 1
    return left


def test_reads_leave_a_reserve_that_only_mutations_may_use():
    """Of 200: 150 for reads, 180 for those that verify an enforcement, all for commands."""

    async def scene():
        budget = budget_of(200)
        return [
            await taken(budget, priority, 300)
            for priority in (Priority.READ, Priority.URGENT_READ, Priority.CANCEL, Priority.CLOSE)
        ]

    assert asyncio.run(scene()) == [150, 30, 20, 0]


def test_what_is_worth_nothing_alone_leaves_together_or_not_at_all():
    """Nine of eleven may be urgent reads: four pairs leave, the fifth does not use up the last."""

    async def scene():
        budget, pairs = budget_of(11), 0
        for _ in range(5):
            try:
                await budget.take(Priority.URGENT_READ, within_s=0.0, count=2)
            except NoBudgetError:
                continue
            pairs += 1
        return pairs, await taken(budget, Priority.URGENT_READ, 10)

    assert asyncio.run(scene()) == (4, 1)


def test_a_pair_in_the_queue_waits_for_room_for_both():
    """It counts twice for whoever comes behind it, and leaves when two have gone out of the window."""

    async def scene():
        clock, left = VirtualClock(AT), []
        budget = budget_of(20, clock)
        await taken(budget, Priority.CLOSE, 18)
        clock.advance(WINDOW_S / 2)
        await taken(budget, Priority.CLOSE, 1)

        async def pair():
            await budget.take(Priority.URGENT_READ, within_s=5.0, count=2)
            left.append(await taken(budget, Priority.URGENT_READ, 20))

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(pair())
            await asyncio.sleep(0)
            clock.advance(WINDOW_S / 2)
        return left

    assert asyncio.run(scene()) == [15]


def test_the_window_slides():
    """A request is forgotten when it is as old as the window, not before."""

    async def scene():
        clock = VirtualClock(AT)
        budget = budget_of(4, clock)
        await taken(budget, Priority.CLOSE, 2)
        clock.advance(WINDOW_S / 2)
        await taken(budget, Priority.CLOSE, 2)
        clock.advance(WINDOW_S / 2)
        return await taken(budget, Priority.CLOSE, 4)

    assert asyncio.run(scene()) == 2


def test_who_waits_leaves_in_order_of_priority_and_then_of_arrival():
    """Closes before cancels before other mutations before urgent reads before reads."""
    arrivals = (
        Priority.KEEP_WARM,
        Priority.READ,
        Priority.URGENT_READ,
        Priority.MUTATION,
        Priority.CANCEL,
        Priority.CLOSE,
    )

    async def scene():
        clock, left = VirtualClock(AT), []
        budget = budget_of(8, clock)
        await taken(budget, Priority.CLOSE, 8)

        async def request(priority, name):
            await budget.take(priority, within_s=5.0)
            left.append(name)

        async with asyncio.TaskGroup() as tasks:
            for priority in arrivals:
                tasks.create_task(request(priority, priority))
            await asyncio.sleep(0)
            clock.advance(WINDOW_S)
        return left

    assert asyncio.run(scene()) == sorted(arrivals)


@pytest.mark.parametrize(
    "arrivals",
    [
        pytest.param((500, 20_000, None, 1_000_000, 0), id="scattered"),
        pytest.param((1_000_000, None, 20_000, 500, 0), id="the unknown after the largest"),
        pytest.param((0, 500, 20_000, 1_000_000, None), id="the least first"),
    ],
)
def test_of_one_priority_the_account_with_the_most_at_stake_goes_first(arrivals):
    """An unknown stake before any; a close of little before a cancel of much."""

    async def scene():
        clock, left = VirtualClock(AT), []
        budget = budget_of(6, clock)
        await taken(budget, Priority.CLOSE, 6)

        async def request(priority, stake):
            exposure_usd = None if stake is None else Decimal(stake)
            await budget.take(priority, within_s=5.0, exposure_usd=exposure_usd)
            left.append((priority, stake))

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(request(Priority.CANCEL, 5_000_000))
            for stake in arrivals:
                tasks.create_task(request(Priority.CLOSE, stake))
            await asyncio.sleep(0)
            clock.advance(WINDOW_S)
        return left

    stakes = (None, 1_000_000, 20_000, 500, 0)
    assert asyncio.run(scene()) == [
        *((Priority.CLOSE, stake) for stake in stakes),
        (Priority.CANCEL, 5_000_000),
    ]


def test_only_those_that_go_before_count_as_ahead():
    """The largest stake finds its turn within its time although the queue is long."""

    async def scene():
        clock = VirtualClock(AT)
        budget = budget_of(2, clock)
        await budget.take(Priority.CLOSE, within_s=0.0)
        clock.advance(WINDOW_S / 2)
        await budget.take(Priority.CLOSE, within_s=0.0)
        how = {"within_s": WINDOW_S, "exposure_usd": Decimal(5)}
        queue = [asyncio.create_task(budget.take(Priority.CLOSE, **how)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(NoBudgetError):
            await budget.take(Priority.CLOSE, within_s=WINDOW_S, exposure_usd=Decimal(4))
        large = {"within_s": WINDOW_S, "exposure_usd": Decimal(6)}
        larger = asyncio.create_task(budget.take(Priority.CLOSE, **large))
        await asyncio.sleep(0)
        clock.advance(WINDOW_S / 2)
        await larger
        for each in queue:
            each.cancel()

    asyncio.run(scene())


def test_who_is_refused_is_told_when_to_stand_in_the_queue():
    """Half of its patience before its turn: nobody comes too late for a slot."""

    async def scene():
        budget = budget_of(1)
        await budget.take(Priority.CLOSE, within_s=0.0)
        with pytest.raises(NoBudgetError) as refused:
            await budget.take(Priority.CLOSE, within_s=WINDOW_S / 2)
        return refused.value.retry_after_s

    assert asyncio.run(scene()) == pytest.approx(WINDOW_S * 3 / 4)


def test_a_request_that_would_miss_its_own_deadline_is_refused_at_once():
    """Waiting in vain would only delay the next attempt."""

    async def scene():
        budget = budget_of(1)
        await budget.take(Priority.CLOSE, within_s=0.0)
        with pytest.raises(NoBudgetError, match="1 of 1 requests used"):
            await budget.take(Priority.CLOSE, within_s=WINDOW_S / 2)

    asyncio.run(scene())


def test_a_request_that_was_given_up_uses_no_budget():
    """A cancelled waiter is passed over."""

    async def scene():
        clock = VirtualClock(AT)
        budget = budget_of(1, clock)
        await budget.take(Priority.CLOSE, within_s=0.0)
        given_up = asyncio.create_task(budget.take(Priority.CLOSE, within_s=5.0))
        waiting = asyncio.create_task(budget.take(Priority.CANCEL, within_s=5.0))
        await asyncio.sleep(0)
        given_up.cancel()
        clock.advance(WINDOW_S)
        await waiting

    asyncio.run(scene())


def test_after_a_429_ordinary_reads_rest_and_nothing_else_does():
    """The broker said enough; closes and their verification go on."""

    async def scene():
        clock = VirtualClock(AT)
        budget = budget_of(100, clock)
        budget.hold_reads(30.0)
        during = [await taken(budget, priority, 1) for priority in Priority]
        clock.advance(30.0)
        return during, await taken(budget, Priority.READ, 1)

    assert asyncio.run(scene()) == ([1, 1, 1, 1, 0, 0], 1)


@pytest.mark.parametrize("way_s", [0.15, 1.0])
def test_slow_requests_that_arrive_beside_the_next_window_do_not_exceed_the_broker(way_s):
    """200 leave at once and take long; the next 200 leave as soon as they may and take no time."""
    clock = VirtualClock(AT)
    defaults = {each.name: each.default for each in fields(LoginSettings)}
    window_s = defaults["budget_window_s"]
    budget = RequestBudget(clock=clock, requests=200, window_s=window_s)
    arrivals: list[float] = []
    while len(arrivals) < 400:
        gone = asyncio.run(taken(budget, Priority.CLOSE, 200))
        arrivals += [clock.monotonic() + (0 if arrivals else way_s)] * gone
        clock.advance(0.1)

    assert arrivals[200] - arrivals[199] >= 60
