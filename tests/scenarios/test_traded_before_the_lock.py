"""What was traded before a lock and told behind it is judged at its end; what was under it is not."""

from datetime import timedelta

import pytest

from messages.commands import CloseContract
from messages.events import AccountOpened, RuleBreached, TradeExecuted
from messages.values import Phase
from tests.rig import NOON, A, config_of, contract
from tests.scenarios.test_restart_in_force import again
from tests.scenarios.test_self_lock import lock

TIERS = {"tiers": [{"loss_usd": 100, "cooldown_s": 300}, {"loss_usd": 300, "cooldown_s": 1800}]}
COOLDOWN = config_of(cooldown_after_loss=TIERS)
FREQUENCY = config_of(trade_frequency_limit={"per_minute": 3})
MNQ = contract("MNQ")
SECOND = timedelta(seconds=1)


def ends(run):
    """Return which rules lock the account, and until how many seconds after noon."""
    return {each.rule: (each.until - NOON) / SECOND for each in run.status().lockouts}


def opened(run):
    return len(run.events(AccountOpened))


@pytest.fixture
def locked(rig):
    """Return an account that is locked for a minute, ten seconds after noon."""
    run = rig(COOLDOWN)
    run.advance(10)
    lock(run, for_s=60)
    return run


def test_a_loss_made_before_a_lock_and_told_behind_it_still_cools(locked):
    """The shorter lock of another ends; the account is OPEN only when the cooldown is over."""
    locked.fill(A, "-350", at=NOON + 9 * SECOND)
    before = opened(locked)
    assert ends(locked) == {"SELF": 70}

    locked.advance(60)

    assert ends(locked) == {"RULE-007": 1809}
    locked.at(NOON + 1808 * SECOND)
    assert (locked.status().phase, opened(locked)) == (Phase.LOCKED, before)
    locked.at(NOON + 1809 * SECOND)
    assert (locked.status().phase, opened(locked)) == (Phase.OPEN, before + 1)


def test_a_loss_that_only_a_read_shows_under_the_lock_still_cools(locked):
    """The stream said nothing of it."""
    locked.broker.muted.add(A)
    locked.fill(A, "-350", at=NOON + 9 * SECOND)
    locked.broker.muted.clear()
    locked.do(lambda gateway: gateway.reconnect())
    assert ends(locked) == {"SELF": 70}

    locked.advance(60)

    assert ends(locked) == {"RULE-007": 1809}


def test_it_waits_for_the_read_where_the_stream_is_down_as_the_lock_ends(locked):
    """Nothing becomes OPEN without a read, and the judgement that follows one has the loss."""
    locked.fill(A, "-350", at=NOON + 9 * SECOND)
    locked.do(lambda gateway: gateway.lose())
    before = opened(locked)
    locked.advance(60)
    locked.do(lambda gateway: gateway.reconnect())

    assert (ends(locked), opened(locked)) == ({"RULE-007": 1809}, before)


def test_a_restart_under_the_lock_forgets_it_no_more_than_a_read(rig, locked):
    """The first judgement of the new life comes when the lock ends."""
    locked.fill(A, "-350", at=NOON + 9 * SECOND)
    run = again(rig, locked)
    before = opened(run)

    run.advance(60)

    assert (ends(run), opened(run)) == ({"RULE-007": 1809}, before)


def test_a_verdict_that_died_with_the_process_is_asked_for_again_behind_another_lock(rig):
    """Journaled before the lock and judged by nobody: the rule came only with the restart."""
    run = rig(config_of(daily_realized_loss={"max_loss_usd": 5000}))
    run.fill(A, "-350")
    run.advance(10)
    lock(run, for_s=60)
    run = again(rig, run, COOLDOWN)
    assert ends(run) == {"SELF": 70}

    run.advance(60)

    assert ends(run) == {"RULE-007": 1800}


def test_the_deeper_of_two_losses_before_the_verdict_counts_though_it_is_told_after(rig):
    """Its cooldown began with the first; behind that it becomes the longer one."""
    run = rig(COOLDOWN)
    run.advance(10)
    run.fill(A, "-150", at=NOON + 8 * SECOND)
    run.fill(A, "-350", at=NOON + 9 * SECOND)
    before = opened(run)

    run.at(NOON + 308 * SECOND)

    assert (ends(run), opened(run)) == ({"RULE-007": 1809}, before)


def test_what_is_lost_under_a_lock_cools_nothing_behind_it(locked):
    """S-35: neither the flattening nor a close of what was opened under it, whenever it is told."""
    locked.fill(A, "-350", at=NOON + 10 * SECOND)
    locked.fill(A, "-350", at=NOON + 30 * SECOND)

    locked.advance(60)

    assert locked.status().phase is Phase.OPEN
    assert locked.events(RuleBreached) == []


def test_what_the_flattening_of_a_cooldown_loses_does_not_prolong_it(rig):
    """S-35 with a real position: the close costs more than the trade that led to it."""
    run = rig(COOLDOWN)
    run.price("MNQ", "26000")
    run.order(A, "MNQ", 10)
    run.price("MNQ", "25980")
    run.fill(A, "-150")
    assert sorted(each.fill.profit_and_loss_usd or 0 for each in run.events(TradeExecuted)) == [
        -400,
        -150,
        0,
    ]

    run.advance(300)

    assert run.status().phase is Phase.OPEN


def test_an_order_begun_before_the_lock_is_one_trade_with_its_last_part(rig):
    """Two parts of -60: the second is filled, and told, under the lock; the trade has lost 120."""
    run = rig(COOLDOWN)
    run.price("MNQ", "26000")
    run.order(A, "MNQ", 4)
    run.price("MNQ", "25985")
    book = run.broker.exchange.market.listing(MNQ)
    book.liquidity = 2
    run.order(A, "MNQ", -4)
    run.advance(1)
    lock(run, for_s=60)
    book.liquidity = 2
    run.do(lambda gateway: gateway.trade(lambda exchange, now: exchange.rematch(MNQ, now)))
    assert (run.held(), run.commands(CloseContract)) == ({}, [])

    run.advance(61)

    assert ends(run) == {"RULE-007": 301}


def test_an_exit_before_the_lock_that_is_told_behind_it_provokes_as_it_would_have(rig):
    """RULE-006: the fourth trade in a minute ends the lock, not the third."""
    run = rig(FREQUENCY)
    for second in (0, 10, 20):
        run.at(NOON + second * SECOND)
        run.fill(A, "1")
    run.at(NOON + 30 * SECOND)
    lock(run, for_s=20)
    run.fill(A, "1", at=NOON + 29 * SECOND)
    before = opened(run)

    run.at(NOON + 50 * SECOND)

    assert (ends(run), opened(run)) == ({"RULE-006": 89}, before)


def test_a_trade_before_its_own_lock_prolongs_a_frequency_lock_though_it_is_told_after(rig):
    """The fifth trade came before the lock for the fourth: the lock runs from it."""
    run = rig(FREQUENCY)
    for second in (0, 10, 20):
        run.at(NOON + second * SECOND)
        run.fill(A, "1")
    run.at(NOON + 30 * SECOND)
    run.fill(A, "1", at=NOON + 28 * SECOND)
    run.fill(A, "1", at=NOON + 29 * SECOND)
    run.fill(A, "1", at=NOON + 30 * SECOND)

    assert ends(run) == {"RULE-006": 89}


def test_in_shadow_what_is_lost_under_a_pretended_lock_cools_nothing_behind_it(rig):
    """In truth it would not have been traded."""
    run = rig(COOLDOWN, shadow=True)
    run.fill(A, "-150")
    run.advance(100)
    run.fill(A, "-350")

    run.advance(200)

    assert run.status().phase is Phase.OPEN
