"""RULE-005 MaxUnrealizedProfit: one position's open profit target; entering again is allowed."""

from decimal import Decimal

from actors.rules.open_pnl import breach_of_worst, valued
from actors.rules.quiet import Gain, Quiet
from actors.rules.rule import Rule, always, positive, usd
from actors.rules.strictness import lower
from messages.values import AccountView, Breach, BreachCode, FactKind, LimitUse, Parameters


class MaxUnrealizedProfit(Parameters, frozen=True):
    """Target of the open profit of each position by itself."""

    target_usd: Decimal
    """Dollars, positive, e.g. 500: a position at exactly 500 open P&L is closed."""


def _evaluate(view: AccountView, parameters: MaxUnrealizedProfit) -> Breach | None:
    target = parameters.target_usd
    broken = valued(view, lambda pnl_usd: pnl_usd >= target)
    code = BreachCode.MAX_UNREALIZED_PROFIT
    return breach_of_worst(RULE.id, code, "Open profit target reached", broken, target)


def _usage(view: AccountView, parameters: MaxUnrealizedProfit) -> tuple[LimitUse, ...]:
    return tuple(
        LimitUse(
            rule=RULE.id,
            what=f"open profit of {each.position.contract}",
            value=max(Decimal(0), each.pnl_usd),
            limit=parameters.target_usd,
            unit="usd",
            target=True,
        )
        for each in view.positions
        if each.pnl_usd is not None
    )


def _quiet(view: AccountView, parameters: MaxUnrealizedProfit) -> Quiet:
    return tuple(
        Gain(each.position.contract, parameters.target_usd - each.pnl_usd)
        for each in view.positions
        if each.pnl_usd is not None
    )


def _describe(parameters: MaxUnrealizedProfit) -> str:
    return f"open profit of {usd(parameters.target_usd)} in one position: closes it and its orders"


RULE = Rule(
    id="RULE-005",
    key="max_unrealized_profit",
    name="MaxUnrealizedProfit",
    parameters=MaxUnrealizedProfit,
    listens=always(FactKind.QUOTE, FactKind.POSITION),
    evaluate=_evaluate,
    describe=_describe,
    quiet=_quiet,
    usage=_usage,
    check=lambda parameters: positive("target_usd", parameters.target_usd),
    strictness={"target_usd": lower},
)
