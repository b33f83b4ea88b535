"""RULE-012 through the whole system: S-59 to S-61, refusals, retries, and giving way to closes."""

from decimal import Decimal

import pytest

from actors.ops.narrator import narrate
from messages.commands import ModifyOrder
from messages.events import (
    AlarmRaised,
    BrokerCommandAnswered,
    BrokerCommandSent,
    RuleBreached,
    StopMoved,
    StopNotMoved,
)
from messages.values import AlarmCode, Health, OrderType, Phase, Rejected
from tests.rig import A, B, config_of, contract

EVEN_4_1 = {"breakeven": {"after_ticks": 4, "offset_ticks": 1}}
EVEN_10 = {"breakeven": {"after_ticks": 10}}
TRAIL_20_10 = {"trailing": {"activate_ticks": 20, "trail_ticks": 10}}
TRAIL_8 = {"trailing": {"activate_ticks": 8, "trail_ticks": 8}}


def managed(**table):
    return config_of(trade_management=table)


def enter(run, size=1, price="16500", stop="16450", product="MNQ", account=A, **how):
    """Hold a position with a stop order and return the stop's id."""
    run.price(product, price)
    run.order(account, product, size)
    kind = OrderType.STOP_LIMIT if "limit" in how else OrderType.STOP
    return run.order(account, product, -size, kind, stop=Decimal(stop), **how)


def at_broker(run, order, account=A):
    return str(run.broker.exchange.accounts[account].orders[order].stop_price)


def marks(run, *prices, product="MNQ"):
    """Move the market, and let a second pass each time."""
    for price in prices:
        run.price(product, price)
        run.advance(1)


def alarms(run):
    return [each.code for each in run.events(AlarmRaised)]


@pytest.mark.parametrize(
    ("rule", "size", "stop", "path"),
    [
        (EVEN_4_1, 1, "16450", [("16500.75", "16450"), ("16501.00", "16500.25")]),
        (EVEN_10, 1, "16450", [("16502.25", "16450"), ("16502.50", "16500.00")]),
        (
            TRAIL_20_10,
            1,
            "16450",
            [
                ("16504.75", "16450"),
                ("16505.00", "16502.50"),
                ("16510.00", "16507.50"),
                ("16508.00", "16507.50"),
            ],
        ),
        (TRAIL_8, 1, "16450", [("16510", "16508.00")]),
        (TRAIL_8, -1, "16550", [("16490", "16492.00"), ("16491", "16492.00")]),
        (
            EVEN_4_1 | TRAIL_20_10,
            -1,
            "16550",
            [("16499", "16499.75"), ("16495", "16497.50"), ("16497", "16497.50")],
        ),
    ],
)
def test_the_stop_at_the_broker_follows_to_the_tick(rig, rule, size, stop, path):
    """S-59, S-60, S-61: the seed's numbers, long and short; it never goes back."""
    run = rig(managed(**rule))
    order = enter(run, size, stop=stop)
    for price, expected in path:
        marks(run, price)
        assert Decimal(at_broker(run, order)) == Decimal(expected), price

    assert run.events(RuleBreached) == []
    assert run.status().phase is Phase.OPEN
    assert run.status().lockouts == ()


def test_the_journal_has_the_command_the_answer_and_the_move(rig):
    """From where, to where, by which order, and the arithmetic."""
    run = rig(managed(**TRAIL_20_10))
    order = enter(run)
    marks(run, "16505")

    (sent,) = run.events(BrokerCommandSent)
    (moved,) = run.events(StopMoved)
    assert (sent.command, sent.order_id, sent.stop_price) == (
        "modify_order",
        order,
        Decimal("16502.50"),
    )
    assert sent.enforcement_id is None
    assert [each.command_id for each in run.events(BrokerCommandAnswered)] == [sent.command_id]
    assert (moved.from_price, moved.stop_price) == (16450, Decimal("16502.50"))
    assert moved.reason == (
        "trailing: best mark 16505, 20 ticks of profit (from 20), 10 ticks behind"
    )


def test_people_are_told_of_moves_and_of_refusals(rig):
    """The log lines come from the journal alone."""
    run = rig(managed(**TRAIL_20_10))
    order = enter(run)
    run.broker.refusing[A] = Rejected(code=3, text="Order is locked.")
    marks(run, "16505")
    run.broker.refusing.clear()
    marks(run, "16505")

    told = [line for each in run.testimony.events() for line in narrate(each)]
    said = [line for line in told if f"stop order {order}" in line[1]]
    moving, stays, alarm, _, moved = said
    assert moving[1].endswith(f"moving stop order {order} of {contract('MNQ')} to 16502.50")
    assert stays == (
        "warning",
        (
            f"Account {A}: stop order {order} of {contract('MNQ')} stays at 16450, again in 1 s: "
            "rejected by the broker: Order is locked. (3)"
        ),
    )
    assert alarm[0] == "error"
    assert "moved from 16450 to 16502.50: trailing" in moved[1]


def test_a_stop_limit_takes_its_limit_along(rig):
    """The distance between the two stays."""
    run = rig(managed(**TRAIL_20_10))
    enter(run, stop="16450", limit=Decimal(16440))
    marks(run, "16505")

    (command,) = run.commands(ModifyOrder)
    assert (command.stop_price, command.limit_price) == (Decimal("16502.50"), Decimal("16492.50"))


def test_many_ticks_in_a_second_cost_one_request(rig):
    """The latest wish wins; the budget is for closes."""
    run = rig(managed(**TRAIL_20_10))
    order = enter(run)
    marks(run, "16505")
    for tick in range(1, 20):
        run.price("MNQ", str(Decimal(16505) + tick * Decimal("0.25")))
        run.advance(0.02)
    before = len(run.commands(ModifyOrder))
    run.advance(1)

    assert before <= 2
    assert len(run.commands(ModifyOrder)) <= 3
    assert at_broker(run, order) == "16507.25"


def test_the_trailed_stop_fills_when_the_market_comes_back(rig):
    """The point of it: the profit is kept."""
    run = rig(managed(**TRAIL_20_10))
    enter(run, 2)
    marks(run, "16510")

    run.price("MNQ", "16507.50")

    assert run.held() == {}
    assert run.status().realised_usd > 0


def test_a_scale_in_starts_the_extreme_anew_and_loosens_nothing(rig):
    """The stop stays until the new average and the new best mark want a tighter one."""
    run = rig(managed(**TRAIL_20_10))
    order = enter(run)
    marks(run, "16510")
    run.price("MNQ", "16508")
    run.order(A, "MNQ", 1)
    marks(run, "16508.50", "16509")
    assert at_broker(run, order) == "16507.50"

    marks(run, "16511")

    assert at_broker(run, order) == "16508.50"


def test_a_reopened_position_does_not_inherit_the_old_extreme(rig):
    """High at 16510, flat, in again at 16505: at 16508 its own best is 12 ticks, too few."""
    run = rig(managed(**TRAIL_20_10))
    first = enter(run)
    marks(run, "16510")
    run.order(A, "MNQ", -1)
    run.do(lambda gateway: gateway.trade(lambda exchange, now: exchange.cancel(A, first, now)))

    second = enter(run, price="16505", stop="16490")
    marks(run, "16506", "16508")

    assert at_broker(run, second) == "16490"


@pytest.mark.parametrize("fresh", [True, False])
def test_a_refused_modification_keeps_the_old_stop_and_is_tried_again(rig, fresh):
    """1, 2, 4 seconds, one alarm; as long as the rule wants it, and only then."""
    run = rig(managed(**TRAIL_20_10))
    order = enter(run)
    run.broker.refusing[A] = Rejected(code=3, text="Order is locked.")
    for _ in range(30):
        run.price("MNQ", "16505")
        run.advance(0.25)
    assert at_broker(run, order) == "16450"
    assert [each.again_in_s for each in run.events(StopNotMoved)] == [1, 2, 4, 8]
    assert alarms(run) == [AlarmCode.STOP_NOT_MOVED]

    run.broker.refusing.clear()
    for _ in range(40):
        run.price("MNQ", "16505" if fresh else "16504")
        run.advance(0.25)

    # the best mark was 16505: the trailed stop is still wanted at 16504
    assert at_broker(run, order) == "16502.50"
    assert len(run.events(StopMoved)) == 1


def test_what_the_rule_no_longer_wants_is_not_retried(rig):
    """Breakeven was refused; the market has come back: the old stop is right."""
    run = rig(managed(**EVEN_4_1))
    order = enter(run)
    run.broker.refusing[A] = Rejected(code=3, text="Order is locked.")
    run.price("MNQ", "16501")
    run.broker.refusing.clear()
    marks(run, "16500.50", "16500.50", "16500.25")

    assert at_broker(run, order) == "16450"
    assert len(run.commands(ModifyOrder)) == 1


@pytest.mark.parametrize("applied", [True, False])
def test_a_modification_of_unknown_fate_is_read_first(rig, applied):
    """The gateway never answers: nothing more is sent for that order until it was read."""
    run = rig(managed(**TRAIL_20_10))
    order = enter(run)
    run.broker.hanging[A] = applied
    for _ in range(24):
        run.price("MNQ", "16505")
        run.advance(0.25)
    assert len(run.commands(ModifyOrder)) == 1

    run.broker.hanging.clear()
    for _ in range(16):
        run.price("MNQ", "16505")
        run.advance(0.25)

    assert at_broker(run, order) == "16502.50"
    assert len(run.commands(ModifyOrder)) == (1 if applied else 2)
    assert len(run.events(StopMoved)) == 1
    assert AlarmCode.STOP_NOT_MOVED in alarms(run)


def test_two_accounts_and_two_contracts_are_managed_apart(rig):
    """B's stop and A's other stop do not move with A's MNQ."""
    run = rig(managed(**TRAIL_20_10))
    mine = enter(run)
    other = enter(run, product="MES", price="6000", stop="5990")
    theirs = enter(run, -1, stop="16550", account=B)

    marks(run, "16505")

    assert at_broker(run, mine) == "16502.50"
    assert at_broker(run, other) == "5990"
    assert at_broker(run, theirs, B) == "16550"


def test_it_creates_no_stop_and_touches_no_other_order(rig):
    """A position without a stop is RULE-008's business; a target stays."""
    run = rig(managed(**TRAIL_20_10))
    run.price("MNQ", "16500")
    run.order(A, "MNQ", 1)
    run.order(A, "MNQ", -1, OrderType.LIMIT, limit=Decimal(16600))

    marks(run, "16505", "16510")

    assert run.broker.received == []


def test_while_a_close_is_under_way_no_stop_is_moved(rig):
    """The same quote that trails also reaches RULE-005: close and cancel only."""
    run = rig(config_of(trade_management=TRAIL_20_10, max_unrealized_profit={"target_usd": 20}))
    enter(run)
    run.broker.hanging[A] = False
    run.price("MNQ", "16510")
    for price in ("16511", "16512", "16513"):
        marks(run, price)
    after = [type(each).__name__ for each in run.broker.received]

    assert after.index("CloseContract") >= 0
    assert "ModifyOrder" not in after[after.index("CloseContract") :]


def test_under_a_lock_nothing_is_managed(rig):
    """PRE-CHECK: no rule is asked, and nothing is moved."""
    run = rig(config_of(trade_management=TRAIL_20_10, daily_realized_loss={"max_loss_usd": 100}))
    enter(run)
    run.broker.deaf.add(A)
    run.fill(A, "-100")
    run.advance(6)
    assert run.status().phase is not Phase.OPEN

    marks(run, "16505", "16510")

    assert run.commands(ModifyOrder) == []


def test_with_an_old_quote_or_a_lost_stream_nothing_is_moved(rig):
    """Unknown is not a price, and an order that may have changed unseen is left alone."""
    run = rig(managed(**TRAIL_20_10))
    order = enter(run)
    run.broker.blind.add(A)
    run.do(lambda gateway: gateway.lose())
    marks(run, "16505")
    assert run.status().health is not Health.LIVE
    assert run.commands(ModifyOrder) == []

    run.broker.blind.clear()
    run.do(lambda gateway: gateway.reconnect())
    marks(run, "16505")

    assert at_broker(run, order) == "16502.50"


def test_after_a_restart_the_stop_stays_and_trails_on_from_the_present(rig):
    """The extreme is not remembered; the stop at the broker is, and is never loosened."""
    config = managed(**TRAIL_20_10)
    run = rig(config)
    order = enter(run)
    marks(run, "16510")
    run.stop()

    again = rig(config, broker=run.broker)
    marks(again, "16508", "16509")
    assert at_broker(again, order) == "16507.50"
    marks(again, "16511")

    assert at_broker(again, order) == "16508.50"
