"""The duty no_new_exposure through the whole system: S-72, its allowances, and re-entries under lock."""

from datetime import timedelta
from decimal import Decimal

import pytest

from actors.simulator.ledger import Bracket, Ticket
from messages.commands import CancelOrder, CloseContract, PartialCloseContract, ReconcileAccount
from messages.events import (
    AccountLocked,
    AlarmRaised,
    DayReset,
    EnforcementNarrowed,
    EnforcementStarted,
    ExposureUnderLock,
    FlatConfirmed,
    RuleBreached,
)
from messages.values import AlarmCode, CapContract, NoOpeningOrders, OrderType, Phase, Side
from tests.rig import NOON, A, B, config_of, contract

FREQUENCY = {"per_minute": 1, "cooldown_s": {"per_minute": 600}}
ONLY = config_of(trade_frequency_limit=FREQUENCY)
MNQ, ES = contract("MNQ"), contract("ES")
FAR = {"limit": Decimal(20000)}


def locked(rig, config=ONLY, **how):
    """Return a system whose account A holds 3 MNQ, the last of them bought by the order too many."""
    run = rig(config, **how)
    run.price("MNQ", "26000")
    run.order(A, "MNQ", 2)
    run.order(A, "MNQ", 1)
    assert [lock.rule for lock in run.status().lockouts] == ["RULE-006"]
    assert run.status().phase is Phase.LOCKED
    return run


def test_what_was_held_stays_the_last_fill_included(rig):
    """S-72: the order that was too many was filled before the lock: nothing is closed."""
    run = locked(rig)

    run.advance(5)

    assert run.held() == {MNQ: 3}
    assert run.broker.received == []
    assert run.events(ExposureUnderLock) == []
    (intent,) = run.events(EnforcementStarted)
    assert [(each.contract, each.size) for each in intent.allowances] == [(MNQ, 3)]


@pytest.mark.parametrize("size", [1, 4], ids=["one", "more than is held"])
def test_an_increase_is_closed_back_to_what_was_held(rig, size):
    """S-72: exactly the excess goes, by one partial close, as soon as a read has shown it."""
    run = locked(rig)

    run.order(A, "MNQ", size)

    assert run.held() == {MNQ: 3}
    assert [each.size for each in run.commands(PartialCloseContract)] == [size]
    assert run.commands(CloseContract) == []
    assert [each.attempt for each in run.events(ExposureUnderLock)] == [1]


def test_a_new_contract_is_closed(rig):
    """S-72: nothing may be held of what was not held; what was held stays."""
    run = locked(rig)

    run.order(A, "ES", -2)
    run.advance(1)

    assert run.held() == {MNQ: 3}
    assert [each.contract for each in run.commands(CloseContract)] == [ES]
    assert [each.rules_skipped for each in run.events(ExposureUnderLock)] == [0]


def test_a_reduction_is_left_alone_and_may_not_be_taken_back(rig):
    """3 to 1 is fine; back to 2 is closed back to 1."""
    run = locked(rig)
    run.order(A, "MNQ", -2)
    assert run.held() == {MNQ: 1}
    assert run.broker.received == []

    run.order(A, "MNQ", 1)
    run.advance(1)

    assert run.held() == {MNQ: 1}
    assert run.status().phase is Phase.LOCKED


def test_a_flip_is_closed(rig):
    """Selling 5 of 3 leaves short 2: bought back, and nothing may be held any more."""
    run = locked(rig)

    run.order(A, "MNQ", -5)
    run.advance(1)
    assert run.held() == {}
    run.order(A, "MNQ", 1)
    run.advance(1)

    assert run.held() == {}
    assert [each.attempt for each in run.events(ExposureUnderLock)] == [1, 2]


def test_opening_orders_are_cancelled_and_the_exits_stay(rig):
    """S-72: stop and take-profit work on, together larger than the position; what could add is gone."""
    run = rig(ONLY)
    run.price("MNQ", "26000")
    run.order(A, "MNQ", 2)
    kept = {
        run.order(A, "MNQ", -2, OrderType.STOP, stop=Decimal(25000)),
        run.order(A, "MNQ", -2, OrderType.LIMIT, limit=Decimal(27000)),
    }
    run.order(A, "MNQ", 1, OrderType.LIMIT, **FAR)
    run.order(A, "MES", -1, OrderType.LIMIT, limit=Decimal(9000))

    run.order(A, "ES", 1)
    run.advance(1)

    orders = run.broker.exchange.accounts[A].orders.values()
    assert {order.id for order in orders if order.working} == kept
    assert run.held() == {MNQ: 2, ES: 1}
    assert len(run.commands(CancelOrder)) == 2


@pytest.mark.parametrize(
    ("product", "size", "kind", "price", "stays"),
    [
        ("MNQ", -3, OrderType.STOP, {"stop": Decimal(25000)}, True),
        ("MNQ", -3, OrderType.LIMIT, {"limit": Decimal(27000)}, True),
        ("MNQ", -4, OrderType.LIMIT, {"limit": Decimal(27000)}, False),
        ("MNQ", 1, OrderType.LIMIT, {"limit": Decimal(20000)}, False),
        ("MNQ", 1, OrderType.STOP, {"stop": Decimal(30000)}, False),
        ("ES", -1, OrderType.STOP, {"stop": Decimal(1000)}, False),
    ],
)
def test_an_order_under_the_lock_works_only_if_it_reduces(rig, product, size, kind, price, stays):
    """S-72: side and size decide; the first broker call is the cancel, without a read before it."""
    run = locked(rig)

    run.order(A, product, size, kind, **price)
    run.advance(2)

    assert run.working() == (1 if stays else 0)
    assert len(run.commands(CancelOrder)) == (0 if stays else 1)
    assert run.held() == {MNQ: 3}


def test_a_stop_that_a_partial_close_made_too_large_still_protects(rig):
    """The trader closes one of three: his stop for three is not taken from him."""
    run = locked(rig)
    run.order(A, "MNQ", -3, OrderType.STOP, stop=Decimal(25000))

    run.order(A, "MNQ", -1)
    run.advance(5)

    assert (run.held(), run.working()) == ({MNQ: 2}, 1)
    assert run.events(ExposureUnderLock) == []


def test_an_order_left_behind_by_an_exit_is_cancelled_after_a_moment(rig):
    """Closed by hand: the stop could now open a short; it has a second to go with the position."""
    run = locked(rig)
    run.order(A, "MNQ", -3, OrderType.STOP, stop=Decimal(25000))
    run.order(A, "MNQ", -3)
    assert run.commands(CancelOrder) == []

    run.advance(1)

    assert run.working() == 0


def test_the_leg_an_oco_exit_leaves_is_no_attempt(rig):
    """The broker cancels the other leg by itself: nothing is sent, nothing is counted."""
    run = rig(ONLY)
    run.price("MNQ", "26000")
    bracket(run, "MNQ", 2)
    run.order(A, "ES", 1)
    assert run.status().phase is Phase.LOCKED

    run.price("MNQ", "26200")
    run.advance(2)

    assert (run.held(), run.working()) == ({ES: 1}, 0)
    assert run.broker.received == []
    assert run.events(ExposureUnderLock) == []


def bracket(run, product, size):
    ticket = Ticket(
        contract(product),
        OrderType.MARKET,
        Side.BUY,
        size,
        stop_loss=Bracket(400, OrderType.STOP),
        take_profit=Bracket(400, OrderType.LIMIT),
    )
    run.do(lambda gateway: gateway.trade(lambda ex, now: ex.place(A, ticket, now)[1]))


def test_the_rules_go_on_guarding_what_stays(rig):
    """S-72: RULE-003 with open loss flattens the position that was allowed to stay; flat wins."""
    config = config_of(trade_frequency_limit=FREQUENCY, daily_realized_loss={"max_loss_usd": 500})
    run = locked(rig, config)

    run.price("MNQ", "25900")

    assert run.held() == {}
    assert [lock.rule for lock in run.status().lockouts] == ["RULE-003", "RULE-006"]
    run.order(A, "MNQ", 1)
    assert run.held() == {}
    assert run.events(ExposureUnderLock)[-1].lockout.rule == "RULE-003"


def test_it_ends_with_the_lockout(rig):
    """After 600 s the account opens and may hold more again."""
    run = locked(rig)
    run.advance(600)
    assert run.status().phase is Phase.OPEN

    run.order(A, "MNQ", 1)
    run.advance(2)

    assert run.held() == {MNQ: 4}


def test_what_is_ordered_after_the_lock_is_not_cancelled_for_it(rig):
    """The cancel hung until the lock was over: order and position of later are left alone."""
    run = locked(rig)
    run.broker.hanging[A] = False
    run.order(A, "ES", 1, OrderType.LIMIT, limit=Decimal(5000))
    run.advance(610)
    assert run.commands(CancelOrder)
    run.broker.hanging.clear()

    run.order(A, "MES", 1, OrderType.LIMIT, limit=Decimal(5000))
    run.order(A, "MNQ", 1)
    run.advance(60)

    assert (run.working(), run.held()) == (2, {MNQ: 4})
    assert run.status().phase is Phase.OPEN
    assert [each.targets for each in run.events(EnforcementNarrowed)] == [()]


def test_a_fill_whose_position_never_comes_allows_nothing_for_long(rig):
    """The read that proves the enforcement knows better than the fills: nothing is held."""
    run = rig(ONLY)
    for _ in range(2):
        run.fill(A, None)
    (intent,) = run.events(EnforcementStarted)
    assert [(each.contract, each.size) for each in intent.allowances] == [(MNQ, -2)]

    run.order(A, "MNQ", -1)
    run.advance(1)

    assert run.held() == {}


def test_the_allowance_survives_a_restart_and_a_position_taken_meanwhile(rig):
    """Stopped under the lock; 2 more are bought while it is down: closed back to 3 before all else."""
    run = locked(rig)
    run.stop()
    place(run, 2)

    again = rig(ONLY, broker=run.broker)
    again.advance(2)

    assert again.held() == {MNQ: 3}
    assert again.status().phase is Phase.LOCKED


def test_the_allowance_survives_the_reset_and_a_restart_after_it(rig):
    """The reset's record carries it: replay begins there and knows no position."""
    start = NOON + timedelta(hours=4, minutes=55)
    run = locked(rig, start=start)
    run.at(NOON + timedelta(hours=5))
    assert [each.size for each in run.events(DayReset)[-1].allowances] == [3]
    run.stop()
    place(run, 1)

    again = rig(ONLY, broker=run.broker)
    again.advance(2)
    assert again.held() == {MNQ: 3}
    again.advance(300)

    assert again.status().phase is Phase.OPEN


def test_a_lock_set_after_the_reset_knows_what_was_held_before_it(rig):
    """The positions of yesterday are in no event of today but the intent: a restart keeps them."""
    run = rig(ONLY, start=NOON + timedelta(hours=4, minutes=55))
    run.order(A, "MNQ", 3)
    run.at(NOON + timedelta(hours=5, minutes=1))
    for _ in range(2):
        run.order(A, "ES", 1)
    run.stop()

    again = rig(ONLY, broker=run.broker)
    again.advance(2)

    assert again.held() == {MNQ: 3, ES: 2}
    assert again.events(ExposureUnderLock) == []


def place(run, size):
    """Buy while nobody listens."""
    ticket = Ticket(MNQ, OrderType.MARKET, Side.BUY, size)
    run.broker.exchange.place(A, ticket, run.clock.now())


def test_a_missed_increase_is_found_by_a_read(rig):
    """The stream said nothing; the next comparison with the broker closes back what is too much."""
    run = locked(rig)
    run.broker.muted.add(A)
    run.order(A, "MNQ", 1)
    run.broker.muted.clear()

    ask = ReconcileAccount(account=A, at=run.clock.now(), cause="test")
    run.system.directory.tell(f"account/{A}", ask)
    run.settle()
    run.advance(2)

    assert run.held() == {MNQ: 3}


def test_the_journal_says_what_was_asked_and_confirmed(rig):
    """Intent, proof, lock: the breach asks for no opening orders, an increase for its cap as well."""
    run = locked(rig)
    run.order(A, "MNQ", 1)
    run.advance(1)

    cap = CapContract(contract=MNQ, size=3)
    assert [each.targets for each in run.events(FlatConfirmed)] == [
        (NoOpeningOrders(),),
        (NoOpeningOrders(), cap),
    ]
    assert len(run.events(RuleBreached)) == 1
    assert len(run.events(AccountLocked)) == 1


# --- re-entries ---


def alarms(run):
    return [each.text for each in run.events(AlarmRaised) if each.code is AlarmCode.REENTRY_PATTERN]


@pytest.mark.parametrize(
    ("config", "start"),
    [(ONLY, 3), (config_of(daily_realized_loss={"max_loss_usd": 500}), 0)],
    ids=["no_new_exposure", "flat"],
)
def test_five_reentries_in_a_minute_are_a_pattern(rig, config, start):
    """Closed every time, one lock, each attempt counted; one alarm for the whole episode."""
    run = rig(config)
    if start:
        run.order(A, "MNQ", 2)
        run.order(A, "MNQ", 1)
    else:
        run.fill(A, "-500")

    for count in range(1, 9):
        run.order(A, "ES", 1)
        assert ES not in run.held(), "closed at once"
        assert len(alarms(run)) == (1 if count >= 5 else 0)
        run.advance(3)

    assert [each.attempt for each in run.events(ExposureUnderLock)] == list(range(1, 9))
    assert len(run.events(AccountLocked)) == 1
    assert run.held() == ({MNQ: start} if start else {})
    assert "5 re-entries within 60 s" in alarms(run)[0]


def test_a_looping_trader_costs_few_reads_and_is_closed_at_once_every_time(rig):
    """Ten entries a second for 20 s: every one is closed before the next; reads are 2 s apart."""
    run = rig(config_of(daily_realized_loss={"max_loss_usd": 500}))
    run.fill(A, "-500")
    for _ in range(5):
        run.order(A, "MNQ", 1)
        run.advance(1)
    reads = count_reads(run)

    for _ in range(200):
        run.order(A, "MNQ", 1)
        assert run.held() == {}
        run.advance(0.1)

    assert len(run.commands(CloseContract)) == 205
    assert [each.attempt for each in run.events(ExposureUnderLock)] == list(range(1, 206))
    assert len(reads) <= 11
    assert len(alarms(run)) == 1


def count_reads(run):
    """Return a list that grows with every read an enforcer asks for from now on."""
    reads = []

    def watch(gateway):
        take = gateway._snapshot

        def counted(command):
            if command.asker.startswith("enforcer/"):
                reads.append(command)
            return take(command)

        gateway._snapshot = counted

    run.do(watch)
    return reads


def test_a_pattern_that_comes_again_is_an_episode_of_its_own(rig):
    """A minute without an attempt ends it; slower attempts than five in a minute are none."""
    run = rig(config_of(daily_realized_loss={"max_loss_usd": 500}))
    run.fill(A, "-500")
    for _ in range(6):
        run.order(A, "MNQ", 1)
        run.advance(15)
    assert alarms(run) == []

    for _ in range(2):
        run.advance(60)
        for _ in range(6):
            run.order(A, "MNQ", 1)
            run.advance(5)

    assert len(alarms(run)) == 2


def test_another_account_is_not_slowed(rig):
    """B's breach is proved as ever while A loops."""
    run = rig(config_of(daily_realized_loss={"max_loss_usd": 500}))
    run.fill(A, "-500")
    for _ in range(6):
        run.order(A, "MNQ", 1)
    run.order(B, "MNQ", 1)

    run.fill(B, "-500")

    assert run.held(B) == {}
    assert run.status(B).phase is Phase.LOCKED


def test_a_close_that_fills_in_parts_is_no_attempt(rig):
    """What was there when the lock began is closed, part by part: nothing has appeared."""
    run = rig(config_of(daily_realized_loss={"max_loss_usd": 500}))
    run.price("MNQ", "26000")
    run.order(A, "MNQ", 4)
    listing = run.broker.exchange.market.listing(MNQ)
    listing.liquidity = 1

    run.fill(A, "-500")
    assert run.held() == {MNQ: 3}
    listing.liquidity = None
    run.do(lambda gateway: gateway.trade(lambda exchange, now: exchange.rematch(MNQ, now)))
    run.advance(5)

    assert run.held() == {}
    assert (len(run.commands(CloseContract)), run.commands(CancelOrder)) == (1, [])
    assert run.events(ExposureUnderLock) == []


@pytest.mark.parametrize("whose", ["the trader's", "the enforcer's"])
def test_a_close_that_rests_in_a_thin_market_is_neither_doubled_nor_cancelled(rig, whose):
    """I7: two closes would flip the position; without any it would stay when the market returns."""
    run = rig(config_of(daily_realized_loss={"max_loss_usd": 500}))
    run.order(A, "MNQ", 2)
    run.broker.exchange.market.listing(MNQ).liquidity = 0
    if whose == "the trader's":
        run.order(A, "MNQ", -2)
    run.fill(A, "-500")
    run.advance(0.3)
    assert (run.held(), run.working()) == ({MNQ: 2}, 1)

    run.order(A, "ES", 1)  # has the enforcer told what is known once more

    assert (run.held(), run.working()) == ({MNQ: 2}, 1)
    run.broker.exchange.market.listing(MNQ).liquidity = None
    run.do(lambda gateway: gateway.trade(lambda exchange, now: exchange.rematch(MNQ, now)))
    run.advance(3)
    assert (run.held(), run.working()) == ({}, 0)
    closes = [each for each in run.commands(CloseContract) if each.contract == MNQ]
    assert len(closes) == (whose == "the enforcer's")
    assert run.status().phase is Phase.LOCKED
