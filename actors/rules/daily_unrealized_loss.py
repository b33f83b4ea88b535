"""RULE-004 DailyUnrealizedLoss: the open loss of one position; entering again is allowed."""

from decimal import Decimal

from actors.rules.open_pnl import breach_of_worst, valued
from actors.rules.quiet import Loss, Quiet
from actors.rules.rule import Rule, always, loss_of, positive, usd
from actors.rules.strictness import lower
from messages.values import AccountView, Breach, BreachCode, FactKind, LimitUse, Parameters


class DailyUnrealizedLoss(Parameters, frozen=True):
    """Limit of the open loss of each position by itself."""

    max_loss_usd: Decimal
    """Dollars, positive, e.g. 200: a position at exactly -200 open P&L is closed."""


def _evaluate(view: AccountView, parameters: DailyUnrealizedLoss) -> Breach | None:
    limit = -parameters.max_loss_usd
    broken = valued(view, lambda pnl_usd: pnl_usd <= limit)
    code = BreachCode.DAILY_UNREALIZED_LOSS
    return breach_of_worst(RULE.id, code, "Open loss limit exceeded", broken, limit)


def _usage(view: AccountView, parameters: DailyUnrealizedLoss) -> tuple[LimitUse, ...]:
    return tuple(
        LimitUse(
            rule=RULE.id,
            what=f"open loss of {each.position.contract}",
            value=loss_of(each.pnl_usd),
            limit=parameters.max_loss_usd,
            unit="usd",
        )
        for each in view.positions
        if each.pnl_usd is not None
    )


def _quiet(view: AccountView, parameters: DailyUnrealizedLoss) -> Quiet:
    return tuple(
        Loss((each.position.contract,), each.pnl_usd + parameters.max_loss_usd)
        for each in view.positions
        if each.pnl_usd is not None
    )


def _describe(parameters: DailyUnrealizedLoss) -> str:
    return f"open loss of {usd(parameters.max_loss_usd)} in one position: closes it and its orders"


RULE = Rule(
    id="RULE-004",
    key="daily_unrealized_loss",
    name="DailyUnrealizedLoss",
    parameters=DailyUnrealizedLoss,
    listens=always(FactKind.QUOTE, FactKind.POSITION),
    evaluate=_evaluate,
    describe=_describe,
    quiet=_quiet,
    usage=_usage,
    check=lambda parameters: positive("max_loss_usd", parameters.max_loss_usd),
    strictness={"max_loss_usd": lower},
)
