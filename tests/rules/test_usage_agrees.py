"""How much of a limit is used up is never at odds with the verdict: a full bar is an enforcement."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.rules import (
    daily_realized_loss,
    daily_realized_profit,
    daily_unrealized_loss,
    max_unrealized_profit,
)
from tests.rules.pictures import verdict, view

LOSS, PROFIT = Decimal(500), Decimal(400)
CASES = {
    "with open": daily_realized_loss.DailyRealizedLoss(max_loss_usd=LOSS),
    "realised": daily_realized_loss.DailyRealizedLoss(max_loss_usd=LOSS, include_open_loss=False),
    "profit": daily_realized_profit.DailyRealizedProfit(target_usd=PROFIT),
    "open loss": daily_unrealized_loss.DailyUnrealizedLoss(max_loss_usd=LOSS),
    "open profit": max_unrealized_profit.MaxUnrealizedProfit(target_usd=PROFIT),
}
RULES = {
    "with open": daily_realized_loss.RULE,
    "realised": daily_realized_loss.RULE,
    "profit": daily_realized_profit.RULE,
    "open loss": daily_unrealized_loss.RULE,
    "open profit": max_unrealized_profit.RULE,
}


@pytest.mark.parametrize("case", CASES)
@given(
    realised=st.decimals(-1000, 1000, places=2),
    pnls=st.lists(st.decimals(-1000, 1000, places=2), max_size=3),
)
def test_a_limit_of_money_is_used_up_exactly_when_the_rule_finds_a_breach(case, realised, pnls):
    """Whatever the day made of it, as long as everything can be valued."""
    positions = [(root, 1, str(pnl)) for root, pnl in zip(("MNQ", "ES", "CL"), pnls, strict=False)]
    picture = view(realised=str(realised), positions=positions)

    full = any(each.share >= 1 for each in RULES[case].usage(picture, CASES[case]))

    assert full is (verdict(CASES[case], picture) is not None)
