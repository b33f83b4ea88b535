"""RULE-003 DailyRealizedLoss: the day's loss, realised alone or together with what is open.

What is open counts only as a whole. While one position cannot be valued (its quote is missing or old, or
its close is booked and not told yet) the sum is unknown: judging the others alone would value that one at
zero, and lock for the day one that its profit saves. The realised half goes on judging, RULE-004 goes on
for each position, the account is STALE and alarmed, and the next quote that values it judges the whole.
"""

from decimal import Decimal

from actors.rules.quiet import Loss, Quiet
from actors.rules.rule import Rule, account_lock, loss_of, positive, usd
from actors.rules.strictness import lower, true
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

_REALISED = frozenset({FactKind.TRADE})
_WITH_OPEN = _REALISED | {FactKind.POSITION, FactKind.QUOTE}


class DailyRealizedLoss(Parameters, frozen=True):
    """Limit of the day's loss."""

    max_loss_usd: Decimal
    """Dollars, positive, e.g. 500: a day at exactly -500 is a breach."""
    include_open_loss: bool = True
    """Whether realised and open P&L together must stay above the limit too."""


def _evaluate(view: AccountView, parameters: DailyRealizedLoss) -> Breach | None:
    limit = -parameters.max_loss_usd
    if view.realised_usd <= limit:
        value, code, what = view.realised_usd, BreachCode.DAILY_REALIZED_LOSS, "Daily P&L"
        reason = f"Daily loss limit exceeded: {usd(value)} (limit: {usd(limit)})"
    elif (
        parameters.include_open_loss
        and view.open_usd is not None
        and view.realised_usd + view.open_usd <= limit
    ):
        value, code = view.realised_usd + view.open_usd, BreachCode.DAILY_LOSS_WITH_OPEN
        what = f"Daily P&L with open: {usd(view.realised_usd)} + {usd(view.open_usd)} ="
        reason = f"Daily loss limit exceeded with open loss: {usd(value)} (limit: {usd(limit)})"
    else:
        return None
    measure = f"{what}{'' if what.endswith('=') else ':'} {usd(value)}, Limit: {usd(limit)}"
    return Breach(
        rule=RULE.id,
        code=code,
        value=value,
        limit=limit,
        reason=reason,
        measure=measure,
        targets=(FlatAccount(),),
        lockouts=(account_lock(view.next_reset, ReleaseOn.RESET),),
    )


def _usage(view: AccountView, parameters: DailyRealizedLoss) -> tuple[LimitUse, ...]:
    """Return the worse of both sums, for both are held against the one limit."""
    worst = view.realised_usd
    if parameters.include_open_loss and view.open_usd is not None:
        worst = min(worst, view.realised_usd + view.open_usd)
    value, limit = loss_of(worst), parameters.max_loss_usd
    return (LimitUse(rule=RULE.id, what="day's loss", value=value, limit=limit, unit="usd"),)


def _quiet(view: AccountView, parameters: DailyRealizedLoss) -> Quiet | None:
    limit, open_usd = -parameters.max_loss_usd, view.open_usd
    if open_usd is None or view.realised_usd <= limit:
        return None
    contracts = tuple(each.position.contract for each in view.positions)
    return (Loss(contracts, view.realised_usd + open_usd - limit),)


def _listens(parameters: DailyRealizedLoss) -> frozenset[FactKind]:
    return _WITH_OPEN if parameters.include_open_loss else _REALISED


def _describe(parameters: DailyRealizedLoss) -> str:
    what = "realised, or realised and open," if parameters.include_open_loss else "realised"
    return f"day's {what} loss of {usd(parameters.max_loss_usd)}: flat and locked until the reset"


RULE = Rule(
    id="RULE-003",
    key="daily_realized_loss",
    name="DailyRealizedLoss",
    parameters=DailyRealizedLoss,
    listens=_listens,
    evaluate=_evaluate,
    describe=_describe,
    quiet=_quiet,
    usage=_usage,
    check=lambda parameters: positive("max_loss_usd", parameters.max_loss_usd),
    strictness={"max_loss_usd": lower, "include_open_loss": true},
)
