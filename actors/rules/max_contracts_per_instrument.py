"""RULE-002 MaxContractsPerInstrument: at most so many contracts of one product, all expiries together."""

from collections import Counter
from decimal import Decimal
from typing import Literal

import msgspec

from actors.rules.rule import Rule, always, positive
from actors.rules.strictness import ranked
from messages.values import (
    AccountView,
    Breach,
    BreachCode,
    CapProduct,
    FactKind,
    FlatProduct,
    LimitUse,
    Parameters,
    canonical_product,
)


class MaxContractsPerInstrument(Parameters, frozen=True):
    """Limits per product."""

    limits: dict[str, int] = msgspec.field(default_factory=dict)
    """Contracts allowed per product, e.g. `{ MNQ = 2, ES = 1 }`; exactly the limit is fine."""
    default_limit: int | None = None
    """Contracts allowed of a product without a limit of its own."""
    unknown: Literal["default_limit", "block", "allow"] = "default_limit"
    """What a product without a limit of its own gets: `default_limit`, `block` (closed) or `allow`."""
    action: Literal["reduce", "close"] = "reduce"
    """`reduce`: close back to the limit; `close`: close the product."""


def _limit(product: str, parameters: MaxContractsPerInstrument) -> int | None:
    """Return the limit of a product, or None where it has none."""
    if product in parameters.limits:
        return parameters.limits[product]
    match parameters.unknown:
        case "default_limit":
            return parameters.default_limit
        case "block":
            return 0
        case "allow":
            return None


def _held(view: AccountView) -> Counter[str]:
    held: Counter[str] = Counter()
    for each in view.positions:
        held[each.position.product] += abs(each.position.size)
    return held


def _usage(view: AccountView, parameters: MaxContractsPerInstrument) -> tuple[LimitUse, ...]:
    return tuple(
        LimitUse(
            rule=RULE.id,
            what=f"{product} contracts",
            value=Decimal(size),
            limit=Decimal(limit),
            unit="contracts",
        )
        for product, size in sorted(_held(view).items())
        if (limit := _limit(product, parameters))
    )


def _evaluate(view: AccountView, parameters: MaxContractsPerInstrument) -> Breach | None:
    held = _held(view)
    over = {
        product: limit
        for product, size in held.items()
        if (limit := _limit(product, parameters)) is not None and size > limit
    }
    if not over:
        return None
    worst = max(sorted(over), key=lambda product: held[product] - over[product])
    blocked = worst not in parameters.limits and parameters.unknown == "block"
    code = BreachCode.UNKNOWN_INSTRUMENT if blocked else BreachCode.MAX_CONTRACTS_PER_INSTRUMENT
    text = "Instrument not allowed" if blocked else "Max contracts per instrument exceeded"
    return Breach(
        rule=RULE.id,
        code=code,
        value=Decimal(held[worst]),
        limit=Decimal(over[worst]),
        reason=f"{text}: {worst} {held[worst]} (limit: {over[worst]})",
        measure=f"{worst} contracts: {held[worst]}, Limit: {over[worst]}",
        targets=tuple(
            CapProduct(product=product, limit=over[product])
            if parameters.action == "reduce" and over[product] > 0
            else FlatProduct(product=product)
            for product in sorted(over)
        ),
    )


def _describe(parameters: MaxContractsPerInstrument) -> str:
    limits = ", ".join(f"{product} {limit}" for product, limit in sorted(parameters.limits.items()))
    others = {
        "default_limit": f"others {parameters.default_limit}",
        "block": "others none",
        "allow": "others unlimited",
    }[parameters.unknown]
    act = "reduces to the limit" if parameters.action == "reduce" else "closes the product"
    return f"more contracts than {limits + ', ' if limits else ''}{others}: {act}"


def _limits_no_less(
    _field: str, new: MaxContractsPerInstrument, old: MaxContractsPerInstrument
) -> bool:
    """Compare the limits of every product that either names; one without falls under the others'."""
    products = new.limits.keys() | old.limits.keys()
    return all(_allows_no_more(_limit(each, new), _limit(each, old)) for each in products)


def _others_no_less(
    _field: str, new: MaxContractsPerInstrument, old: MaxContractsPerInstrument
) -> bool:
    """Compare what a product gets that neither names."""
    nobody = ""
    return _allows_no_more(_limit(nobody, new), _limit(nobody, old))


def _allows_no_more(new: int | None, old: int | None) -> bool:
    return old is None or (new is not None and new <= old)


def _check(parameters: MaxContractsPerInstrument) -> list[str]:
    found = [
        complaint
        for product, limit in parameters.limits.items()
        for complaint in positive(f"limits.{product}", limit)
    ]
    found += [
        f"limits.{product}: write it as {known}, the exchange's own root"
        for product in parameters.limits
        if product != (known := canonical_product(product))
    ]
    if parameters.unknown == "default_limit":
        if parameters.default_limit is None:
            found.append("default_limit: needed unless unknown is 'block' or 'allow'")
        else:
            found += positive("default_limit", parameters.default_limit)
    return found


RULE = Rule(
    id="RULE-002",
    key="max_contracts_per_instrument",
    name="MaxContractsPerInstrument",
    parameters=MaxContractsPerInstrument,
    listens=always(FactKind.POSITION),
    evaluate=_evaluate,
    describe=_describe,
    usage=_usage,
    check=_check,
    strictness={
        "limits": _limits_no_less,
        "default_limit": _others_no_less,
        "unknown": _others_no_less,
        "action": ranked("reduce", "close"),
    },
)
