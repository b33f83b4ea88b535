"""RULE-001 MaxContracts: at most so many contracts in the whole account, all products together."""

from decimal import Decimal
from typing import Literal

from actors.rules.rule import Rule, always, positive
from actors.rules.strictness import lower, ranked
from messages.values import (
    AccountView,
    Breach,
    BreachCode,
    CapAccount,
    FactKind,
    FlatAccount,
    LimitUse,
    Parameters,
)


class MaxContracts(Parameters, frozen=True):
    """Limit of the account's size."""

    limit: int
    """Contracts allowed, e.g. 5; exactly the limit is fine."""
    count: Literal["net", "gross"] = "net"
    """`net`: absolute value of the sum of signed sizes; `gross`: sum of absolute sizes."""
    action: Literal["reduce", "close_all"] = "reduce"
    """`reduce`: largest position first, exactly to the limit; `close_all`: flatten the account."""


def _total(view: AccountView, parameters: MaxContracts) -> int:
    sizes = [each.position.size for each in view.positions]
    return abs(sum(sizes)) if parameters.count == "net" else sum(map(abs, sizes))


def _usage(view: AccountView, parameters: MaxContracts) -> tuple[LimitUse, ...]:
    value, limit = Decimal(_total(view, parameters)), Decimal(parameters.limit)
    what = f"contracts ({parameters.count})"
    return (LimitUse(rule=RULE.id, what=what, value=value, limit=limit, unit="contracts"),)


def _evaluate(view: AccountView, parameters: MaxContracts) -> Breach | None:
    total = _total(view, parameters)
    if total <= parameters.limit:
        return None
    reduce = CapAccount(limit=parameters.limit, count=parameters.count)
    return Breach(
        rule=RULE.id,
        code=BreachCode.MAX_CONTRACTS,
        value=Decimal(total),
        limit=Decimal(parameters.limit),
        reason=f"Max contracts exceeded: {total} {parameters.count} (limit: {parameters.limit})",
        measure=f"Contracts ({parameters.count}): {total}, Limit: {parameters.limit}",
        targets=(reduce if parameters.action == "reduce" else FlatAccount(),),
    )


def _describe(parameters: MaxContracts) -> str:
    act = "reduces the largest position first" if parameters.action == "reduce" else "closes all"
    return f"more than {parameters.limit} contracts ({parameters.count}): {act}"


RULE = Rule(
    id="RULE-001",
    key="max_contracts",
    name="MaxContracts",
    parameters=MaxContracts,
    listens=always(FactKind.POSITION),
    evaluate=_evaluate,
    describe=_describe,
    usage=_usage,
    check=lambda parameters: positive("limit", parameters.limit),
    strictness={
        "limit": lower,
        "count": ranked("net", "gross"),
        "action": ranked("reduce", "close_all"),
    },
)
