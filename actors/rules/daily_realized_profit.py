"""RULE-013 DailyRealizedProfit: the day's target is reached, so the day is over."""

from decimal import Decimal

from actors.rules.rule import Rule, account_lock, always, positive, usd
from actors.rules.strictness import lower, wording
from messages.values import (
    AccountView,
    Breach,
    BreachCode,
    FactKind,
    FlatAccount,
    LimitUse,
    Parameters,
    ReleaseOn,
)


class DailyRealizedProfit(Parameters, frozen=True):
    """Target of the day's realised profit."""

    target_usd: Decimal
    """Dollars, positive, e.g. 1000: a day at exactly 1000 is done."""
    message: str = "Daily profit target reached"
    """What the lockout says."""


def _usage(view: AccountView, parameters: DailyRealizedProfit) -> tuple[LimitUse, ...]:
    value = max(Decimal(0), view.realised_usd)
    limit, what = parameters.target_usd, "day's realised profit"
    return (LimitUse(rule=RULE.id, what=what, value=value, limit=limit, unit="usd", target=True),)


def _evaluate(view: AccountView, parameters: DailyRealizedProfit) -> Breach | None:
    value, target = view.realised_usd, parameters.target_usd
    if value < target:
        return None
    return Breach(
        rule=RULE.id,
        code=BreachCode.DAILY_REALIZED_PROFIT,
        value=value,
        limit=target,
        reason=f"{parameters.message}: {usd(value)} (target: {usd(target)})",
        measure=f"Daily P&L: {usd(value)}, Target: {usd(target)}",
        targets=(FlatAccount(),),
        lockouts=(account_lock(view.next_reset, ReleaseOn.RESET),),
    )


RULE = Rule(
    id="RULE-013",
    key="daily_realized_profit",
    name="DailyRealizedProfit",
    parameters=DailyRealizedProfit,
    listens=always(FactKind.TRADE),
    evaluate=_evaluate,
    describe=lambda parameters: (
        f"day's realised profit of {usd(parameters.target_usd)}: flat and locked until the reset"
    ),
    usage=_usage,
    check=lambda parameters: positive("target_usd", parameters.target_usd),
    strictness={"target_usd": lower, "message": wording},
)
