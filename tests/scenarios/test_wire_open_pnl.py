"""RULE-004 and RULE-005 on live quotes through the real SDK: S-20, S-24, S-25, on the broker's record."""

from decimal import Decimal

import pytest

from messages.events import (
    AccountLocked,
    AlarmRaised,
    EnforcementFinished,
    HealthChanged,
    RuleBreached,
)
from messages.facts import ContractDescribed
from messages.values import AlarmCode, OrderType, Phase
from tests.rig import A, B, contract
from tests.wire_rig import CANCEL, CLOSE, wire_config

SUBSCRIBE = "/hubs/market/SubscribeContractQuotes"


def subscriptions(run):
    return [
        each.body
        for each in run.sim.record().entries()
        if getattr(each, "endpoint", "") == SUBSCRIBE and each.status == 200
    ]


def enter(run, product, size, price, account=A):
    """Hold a position whose contract and price are known."""
    run.price(product, price)
    run.buy(account, product, size)
    name = contract(product)
    run.wait(ContractDescribed, lambda each: each.contract.contract == name, account=account)


@pytest.mark.parametrize(
    ("rules", "product", "size", "prices"),
    [
        ({"daily_unrealized_loss": {"max_loss_usd": 20}}, "MNQ", 2, ("20995.25", "20995")),
        ({"daily_unrealized_loss": {"max_loss_usd": 20}}, "MNQ", -1, ("21009.75", "21010")),
        ({"max_unrealized_profit": {"target_usd": 20}}, "MNQ", 2, ("21004.75", "21005")),
        ({"max_unrealized_profit": {"target_usd": 20}}, "MNQ", -2, ("20995.25", "20995")),
    ],
    ids=["RULE-004 long", "RULE-004 short", "RULE-005 long", "RULE-005 short"],
)
def test_a_position_is_closed_by_the_quote_that_breaks_its_limit(
    wire, rules, product, size, prices
):
    """A tick inside nothing; at the limit that contract and its orders go, and nothing else."""
    run = wire(wire_config(**rules))
    enter(run, "ES", 1, "6000")
    enter(run, product, size, "21000")
    kept = run.limit(A, "ES", 1, "5900")
    own = run.buy(
        A,
        product,
        -size,
        type=OrderType.LIMIT,
        limit_price=Decimal(22000 if size > 0 else 20000),
    )
    inside, at_limit = prices
    run.price(product, inside)
    run.mark()
    run.price(product, at_limit)
    run.wait(EnforcementFinished)

    (breached,) = run.events(RuleBreached)
    assert abs(breached.breach.value) == 20
    assert f"mark {at_limit}" in breached.breach.measure
    assert run.held(A) == {contract("ES"): 1}
    assert [each["id"] for each in run.trader.working_orders(A)] == [kept]
    assert [each.body["contractId"] for each in run.requests(CLOSE)] == [contract(product)]
    assert [each.body["orderId"] for each in run.requests(CANCEL)] == [own]
    assert run.status().phase is Phase.OPEN
    assert run.events(AccountLocked) == []

    run.buy(A, product, size)
    run.mark()
    assert run.held(A)[contract(product)] == size


def test_two_accounts_share_one_subscription_and_are_judged_apart(wire):
    """Quotes only of what is held; the same tick closes A's loss and leaves B's gain."""
    run = wire(wire_config(daily_unrealized_loss={"max_loss_usd": 20}))
    enter(run, "MNQ", 2, "21000")
    enter(run, "MNQ", -2, "21000", account=B)

    run.price("MNQ", "20990")
    run.wait(EnforcementFinished)

    assert run.held(A) == {}
    assert run.held(B) == {contract("MNQ"): -2}
    assert subscriptions(run) == [[contract("MNQ")]]


def test_a_market_hub_that_falls_silent_makes_the_account_stale_and_alarms(wire):
    """S-24: not zero, not closed; the next fresh quote is judged."""
    run = wire(wire_config(daily_unrealized_loss={"max_loss_usd": 20}))
    enter(run, "MNQ", 2, "21000")
    run.price("MNQ", "20999")

    run.wait(AlarmRaised, lambda each: each.code == AlarmCode.QUOTE_STALE)
    run.wait(HealthChanged, lambda each: each.health == "stale" and "quotes" in each.reason)
    assert run.status().open_usd is None
    assert run.held(A) == {contract("MNQ"): 2}
    assert run.requests(CLOSE) == ()

    run.price("MNQ", "20995")
    run.wait(EnforcementFinished)
    assert run.held(A) == {}
