"""Positions judged one by one by their open P&L: what RULE-004 and RULE-005 have in common.

Pure. A position that cannot be valued (no fresh quote, a close not settled) is not judged: the account's
health says so, and it is never taken for zero.
"""

from collections.abc import Callable
from decimal import Decimal

from actors.rules.rule import usd
from messages.values import (
    AccountView,
    Breach,
    BreachCode,
    FlatContract,
    OpenPosition,
)

type Valued = tuple[Decimal, OpenPosition]


def valued(view: AccountView, breaks: Callable[[Decimal], bool]) -> list[Valued]:
    """Return the positions whose open P&L breaks something, each with it."""
    return [
        (each.pnl_usd, each)
        for each in view.positions
        if each.pnl_usd is not None and breaks(each.pnl_usd)
    ]


def breach_of_worst(
    rule: str, code: BreachCode, text: str, broken: list[Valued], limit: Decimal
) -> Breach | None:
    """Return the breach of every broken position, told by the worst one; None if there is none.

    Args:
        rule: The rule's id.
        code: Its reason code.
        text: What was exceeded, for people, e.g. `Open loss limit exceeded`.
        broken: The positions that break it.
        limit: Signed dollars.
    """
    if not broken:
        return None
    value, worst = max(broken, key=lambda each: (abs(each[0]), each[1].position.contract))
    return Breach(
        rule=rule,
        code=code,
        value=value,
        limit=limit,
        reason=f"{text}: {worst.position.product} {usd(value)} (limit: {usd(limit)})",
        measure=f"{_arithmetic(worst)} = {usd(value)}, Limit: {usd(limit)}",
        targets=tuple(
            FlatContract(contract=each.position.contract)
            for _, each in sorted(broken, key=lambda each: each[1].position.contract)
        ),
    )


def _arithmetic(each: OpenPosition) -> str:
    held = each.position
    side = "long" if held.size > 0 else "short"
    return f"{held.contract} {side} {abs(held.size)} @ {held.average_price}, mark {each.mark}"
