"""How far an account is from its limits, as the dashboard draws it: never at odds with the verdict."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from actors.rules import (
    daily_realized_loss,
    daily_realized_profit,
    daily_unrealized_loss,
    max_contracts,
    max_contracts_per_instrument,
    max_unrealized_profit,
    no_stop_loss_grace,
    trade_frequency_limit,
)
from messages.values import LimitUse, Lockout, OrderTrade
from tests.rules.pictures import NOW, held, verdict, view

LOSS = daily_realized_loss.DailyRealizedLoss(max_loss_usd=Decimal(500))
REALISED = structs.replace(LOSS, include_open_loss=False)
PROFIT = daily_realized_profit.DailyRealizedProfit(target_usd=Decimal(500))
OPEN_LOSS = daily_unrealized_loss.DailyUnrealizedLoss(max_loss_usd=Decimal(200))
OPEN_PROFIT = max_unrealized_profit.MaxUnrealizedProfit(target_usd=Decimal(200))
RULES = {
    LOSS: daily_realized_loss.RULE,
    REALISED: daily_realized_loss.RULE,
    PROFIT: daily_realized_profit.RULE,
    OPEN_LOSS: daily_unrealized_loss.RULE,
    OPEN_PROFIT: max_unrealized_profit.RULE,
}


def uses(rule, parameters, picture):
    """Return what a rule measures, as (scope, value, limit, share)."""
    found = list(rule.uses(picture, parameters))
    assert {each.rule for each in found} <= {rule.id}
    return [(each.scope, each.value, each.limit, each.share) for each in found]


def trade(order, seconds_ago, *, under_lock=False):
    at = NOW - timedelta(seconds=seconds_ago)
    return OrderTrade(order_id=order, at=at, closing=False, under_lock=under_lock)


@pytest.mark.parametrize(
    ("realised", "pnl", "parameters", "value", "share"),
    [
        ("-100", "-50", LOSS, "-150", "0.3"),
        ("-100", "50", LOSS, "-100", "0.2"),
        ("100", "-50", LOSS, "50", "0"),
        ("-100", None, LOSS, None, None),
        ("-100", None, REALISED, "-100", "0.2"),
        ("250", "400", PROFIT, "250", "0.5"),
        ("-250", "400", PROFIT, "-250", "0"),
        ("0", "-150", OPEN_LOSS, "-150", "0.75"),
        ("0", None, OPEN_PROFIT, None, None),
        ("0", "300", OPEN_PROFIT, "300", "1.5"),
    ],
)
def test_money_is_measured_against_its_limit(realised, pnl, parameters, value, share):
    """An open profit hides no realised loss; what cannot be valued is unknown, never zero."""
    picture = view(realised=realised, positions=[("MNQ", 1, pnl)])

    ((_, found, _, used),) = uses(RULES[parameters], parameters, picture)

    assert (found, used) == tuple(
        None if each is None else Decimal(each) for each in (value, share)
    )


@pytest.mark.parametrize("parameters", RULES, ids=str)
@given(
    realised=st.decimals(-1000, 1000, places=2),
    pnls=st.lists(st.decimals(-1000, 1000, places=2), max_size=3),
)
def test_a_limit_of_money_is_used_up_exactly_when_the_rule_finds_a_breach(
    parameters, realised, pnls
):
    """The bar is full when, and only when, the account is enforced."""
    positions = [(root, 1, str(pnl)) for root, pnl in zip(("MNQ", "ES", "CL"), pnls, strict=False)]
    picture = view(realised=str(realised), positions=positions)

    full = any(share >= 1 for *_, share in uses(RULES[parameters], parameters, picture))

    assert full is (verdict(parameters, picture) is not None)


@pytest.mark.parametrize(("count", "total"), [("net", 1), ("gross", 5)])
def test_contracts_are_counted_as_the_rule_counts_them(count, total):
    """Net or gross, against the same limit."""
    parameters = max_contracts.MaxContracts(limit=5, count=count)
    picture = view(positions=[("MNQ", 3, "0"), ("ES", -2, "0")])

    assert uses(max_contracts.RULE, parameters, picture) == [
        ("account", Decimal(total), Decimal(5), Decimal(total) / 5)
    ]


def test_products_have_limits_of_their_own():
    """All expiries together; one that may not be held is used up, one without a limit is left out."""
    picture = view(positions=[("MNQ", 2, "0"), ("MNQ", -1, "0"), ("RTY", 1, "0")])
    blocked = max_contracts_per_instrument.MaxContractsPerInstrument(
        limits={"MNQ": 4}, unknown="block"
    )
    allowed = structs.replace(blocked, unknown="allow")
    rule = max_contracts_per_instrument.RULE

    assert uses(rule, blocked, picture) == [
        ("product:MNQ", Decimal(3), Decimal(4), Decimal("0.75")),
        ("product:RTY", Decimal(1), Decimal(0), Decimal(1)),
    ]
    assert [scope for scope, *_ in uses(rule, allowed, picture)] == ["product:MNQ"]


def test_a_limit_of_nothing_is_unused_while_nothing_is_held():
    """Otherwise it would stand at the top of a list of near limits for ever."""
    nothing = LimitUse(
        rule="RULE-002",
        scope="product:RTY",
        measure="",
        unit="",
        value=Decimal(0),
        limit=Decimal(0),
    )

    assert nothing.share == 0


def test_trades_are_counted_by_window_as_the_rule_counts_them():
    """Under its own lockout, those made under it are left out."""
    parameters = trade_frequency_limit.TradeFrequencyLimit(per_minute=3, per_session=10)
    trades = (trade(1, 3000), trade(2, 30), trade(3, 10, under_lock=True))
    rule = trade_frequency_limit.RULE
    lock = Lockout(
        rule=rule.id,
        scope="account",
        duty="no_new_exposure",
        until=NOW + timedelta(seconds=30),
        release_on="time",
        reason="",
        breach_id="1/b1",
        locked_at=NOW,
    )

    free = uses(rule, parameters, view(trades=trades))
    bound = uses(rule, parameters, view(trades=trades, lockouts=(lock,)))

    assert [(value, limit) for _, value, limit, _ in free] == [(2, 3), (3, 10)]
    assert [value for _, value, *_ in bound] == [1, 2]


def test_a_position_without_a_stop_is_measured_against_its_grace():
    """One that is protected uses nothing of it, and is left out."""
    bare = held("MNQ", 1, bare_since=NOW - timedelta(seconds=8))
    picture = view(positions=[], at=NOW)
    picture = structs.replace(picture, positions=(bare, held("ES", 1)))

    found = uses(no_stop_loss_grace.RULE, no_stop_loss_grace.NoStopLossGrace(grace_s=10), picture)

    assert found == [("CON.F.US.MNQ.Z25", Decimal(8), Decimal(10), Decimal("0.8"))]
