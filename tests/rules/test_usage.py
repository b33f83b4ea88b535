"""How much of each limit is used up: what warnings and the bars of the dashboard are made of."""

from datetime import timedelta
from decimal import Decimal

import pytest

from actors.rules import registry
from actors.rules.daily_realized_loss import DailyRealizedLoss
from actors.rules.daily_realized_profit import DailyRealizedProfit
from actors.rules.daily_unrealized_loss import DailyUnrealizedLoss
from actors.rules.max_contracts import MaxContracts
from actors.rules.max_contracts_per_instrument import MaxContractsPerInstrument
from actors.rules.max_unrealized_profit import MaxUnrealizedProfit
from actors.rules.trade_frequency_limit import TradeFrequencyLimit
from messages.values import OrderTrade
from tests.rules.pictures import NOW, verdict, view

LOSS = DailyRealizedLoss(max_loss_usd=Decimal(100))
REALISED = DailyRealizedLoss(max_loss_usd=Decimal(100), include_open_loss=False)
HELD = [("MNQ", 2, "-30"), ("RTY", -1, "10")]


def trade(order, ago_s):
    return OrderTrade(order_id=order, at=NOW - timedelta(seconds=ago_s), closing=False)


def used(parameters, picture):
    rule = next(each for each in registry.all_rules() if each.parameters is type(parameters))
    return {
        each.what: (str(each.value), str(each.limit)) for each in rule.usage(picture, parameters)
    }


@pytest.mark.parametrize(
    ("parameters", "picture", "seen"),
    [
        pytest.param(
            *(LOSS, view(realised="-50", positions=HELD)),
            {"day's loss": ("70", "100")},
            id="realised and open",
        ),
        pytest.param(
            *(LOSS, view(realised="-50", positions=[("MNQ", 2, "30")])),
            {"day's loss": ("50", "100")},
            id="what is open in profit does not make it less",
        ),
        pytest.param(
            *(LOSS, view(realised="-50", positions=[("MNQ", 1, None)])),
            {"day's loss": ("50", "100")},
            id="what cannot be valued is left out, not zero",
        ),
        pytest.param(*(REALISED, view(realised="20")), {"day's loss": ("0", "100")}, id="a gain"),
        pytest.param(
            *(DailyRealizedProfit(target_usd=Decimal(200)), view(realised="150")),
            {"day's realised profit": ("150", "200")},
            id="profit target",
        ),
        pytest.param(
            *(DailyUnrealizedLoss(max_loss_usd=Decimal(60)), view(positions=HELD)),
            {
                "open loss of CON.F.US.MNQ.Z25": ("30", "60"),
                "open loss of CON.F.US.RTY.Z25": ("0", "60"),
            },
            id="open loss by position",
        ),
        pytest.param(
            MaxUnrealizedProfit(target_usd=Decimal(40)),
            view(positions=[*HELD, ("ES", 1, None)]),
            {
                "open profit of CON.F.US.MNQ.Z25": ("0", "40"),
                "open profit of CON.F.US.RTY.Z25": ("10", "40"),
            },
            id="open profit by position",
        ),
        pytest.param(
            *(MaxContracts(limit=5), view(positions=HELD)),
            {"contracts (net)": ("1", "5")},
            id="net contracts",
        ),
        pytest.param(
            *(MaxContracts(limit=5, count="gross"), view(positions=HELD)),
            {"contracts (gross)": ("3", "5")},
            id="gross contracts",
        ),
        pytest.param(
            MaxContractsPerInstrument(limits={"MNQ": 4}, unknown="block"),
            view(positions=HELD),
            {"MNQ contracts": ("2", "4")},
            id="by product, but for those that are not allowed at all",
        ),
        pytest.param(
            TradeFrequencyLimit(per_minute=3, per_session=9),
            view(trades=(trade(1, 100), trade(2, 59), trade(3, 0))),
            {"trades in a minute": ("2", "3"), "trades in the session": ("3", "9")},
            id="trades by window",
        ),
    ],
)
def test_a_rule_says_how_much_of_its_limit_is_used(parameters, picture, seen):
    """In the unit of the limit, never negative."""
    assert used(parameters, picture) == seen


@pytest.mark.parametrize(
    ("parameters", "broken", "whole"),
    [
        (LOSS, view(realised="-100"), True),
        (LOSS, view(realised="-99.99"), False),
        (LOSS, view(realised="-70", positions=HELD[:1]), True),
        (DailyUnrealizedLoss(max_loss_usd=Decimal(30)), view(positions=HELD), True),
        (DailyUnrealizedLoss(max_loss_usd=Decimal("30.01")), view(positions=HELD), False),
        (MaxUnrealizedProfit(target_usd=Decimal(10)), view(positions=HELD), True),
        (DailyRealizedProfit(target_usd=Decimal(10)), view(realised="10"), True),
    ],
)
def test_a_limit_in_dollars_is_used_up_exactly_where_its_rule_finds_a_breach(
    parameters, broken, whole
):
    """Else a bar would be full too late, or too early."""
    rule = next(each for each in registry.all_rules() if each.parameters is type(parameters))

    assert (verdict(parameters, broken) is not None) is whole
    assert (max(each.share for each in rule.usage(broken, parameters)) >= 1) is whole
