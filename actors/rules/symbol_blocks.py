"""RULE-011 SymbolBlocks: products that may not be traded at all; each is locked by itself."""

import re
from collections import Counter
from decimal import Decimal
from functools import lru_cache

from actors.rules.rule import Rule, always
from actors.rules.strictness import superset
from messages.values import (
    AccountView,
    Breach,
    BreachCode,
    Duty,
    FactKind,
    FlatProduct,
    LockoutTerms,
    Parameters,
    ReleaseOn,
    broker_root,
    product_of,
    product_scope,
    roots_of,
)


class SymbolBlocks(Parameters, frozen=True):
    """Products that are blocked."""

    patterns: tuple[str, ...]
    """Product roots, e.g. `["RTY", "MNQ*"]`; `*` is any text, `?` one character, case is ignored."""


@lru_cache
def _compiled(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """Return one expression of all patterns; everything but `*` and `?` stands for itself."""
    texts = (re.escape(each).replace(r"\*", ".*").replace(r"\?", ".") for each in patterns)
    return re.compile("|".join(texts), re.IGNORECASE)


@lru_cache(maxsize=1024)
def _blocked(patterns: tuple[str, ...], contract: str) -> bool:
    """Say whether a contract's product is blocked, by the exchange's root or by the broker's own."""
    matches = _compiled(patterns).fullmatch
    return any(matches(root) for root in (product_of(contract), broker_root(contract)))


def _evaluate(view: AccountView, parameters: SymbolBlocks) -> Breach | None:
    if not (view.positions or view.orders):
        return None
    exposed: Counter[str] = Counter()
    for each in view.positions:
        if _blocked(parameters.patterns, each.position.contract):
            exposed[each.position.product] += abs(each.position.size)
    for order in view.orders:
        if _blocked(parameters.patterns, order.contract):
            exposed[product_of(order.contract)] += abs(order.signed_remaining)
    # What is locked already is guarded by its lockout: it is neither locked nor told a second time.
    locked = {each.scope for each in view.lockouts if each.rule == RULE.id}
    fresh = sorted(product for product in exposed if product_scope(product) not in locked)
    if not fresh:
        return None
    found = ", ".join(f"{product} {exposed[product]}" for product in fresh)
    return Breach(
        rule=RULE.id,
        code=BreachCode.SYMBOL_BLOCKED,
        value=Decimal(sum(exposed[product] for product in fresh)),
        limit=Decimal(0),
        reason=f"Symbol blocked: {', '.join(fresh)} (patterns: {', '.join(parameters.patterns)})",
        measure=f"Contracts held or ordered: {found}, Limit: 0",
        targets=tuple(FlatProduct(product=product) for product in fresh),
        lockouts=tuple(
            LockoutTerms(
                scope=product_scope(product),
                duty=Duty.FLAT,
                until=None,
                release_on=ReleaseOn.CONFIG,
            )
            for product in fresh
        ),
    )


def _still_locks(parameters: SymbolBlocks, scope: str) -> bool:
    matches = _compiled(parameters.patterns).fullmatch
    return any(matches(root) for root in roots_of(scope.removeprefix(product_scope(""))))


def _describe(parameters: SymbolBlocks) -> str:
    return f"{', '.join(parameters.patterns)}: closed, orders cancelled, product locked"


def _check(parameters: SymbolBlocks) -> list[str]:
    if not parameters.patterns:
        return ["patterns: blocks nothing; name at least one product, e.g. 'RTY'"]
    blank = [each for each in parameters.patterns if not each or any(map(str.isspace, each))]
    return [
        f"patterns: {each!r} can match no product; write its root without spaces, e.g. 'RTY'"
        for each in blank
    ]


RULE = Rule(
    id="RULE-011",
    key="symbol_blocks",
    name="SymbolBlocks",
    parameters=SymbolBlocks,
    listens=always(FactKind.POSITION, FactKind.ORDER),
    evaluate=_evaluate,
    describe=_describe,
    check=_check,
    strictness={"patterns": superset},
    still_locks=_still_locks,
)
