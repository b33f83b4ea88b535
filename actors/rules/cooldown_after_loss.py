"""RULE-007 CooldownAfterLoss: one losing trade stops the account for a while; the deeper, the longer."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import msgspec

from actors.rules.rule import Rule, account_lock, always, positive, usd
from messages.values import (
    AccountView,
    Breach,
    BreachCode,
    FactKind,
    Fill,
    FlatAccount,
    Parameters,
    ReleaseOn,
)


class Tier(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One step: a loss and the cooldown it costs."""

    loss_usd: Decimal
    """Dollars lost by one closing trade, positive; exactly this much is in the tier."""
    cooldown_s: int
    """Seconds the account stays flat and locked, at most a week."""


_LONGEST_S = 7 * 86_400
_DEFAULT = tuple(
    Tier(loss_usd=Decimal(loss), cooldown_s=seconds)
    for loss, seconds in ((100, 300), (200, 900), (300, 1800))
)


class CooldownAfterLoss(Parameters, frozen=True):
    """Cooldowns by depth of loss."""

    tiers: tuple[Tier, ...] = _DEFAULT
    """Steps of loss and cooldown; the deepest one reached counts."""


def _evaluate(view: AccountView, parameters: CooldownAfterLoss) -> Breach | None:
    cooldowns = [
        (last.executed_at + timedelta(seconds=tier.cooldown_s), loss, tier)
        for loss, last in _trades(view.order_fills)
        if (tier := _tier(loss, parameters))
    ]
    running = [each for each in cooldowns if each[0] > view.at]
    if not running:
        return None
    until, loss, tier = max(running, key=lambda each: each[0])
    return Breach(
        rule=RULE.id,
        code=BreachCode.COOLDOWN_AFTER_LOSS,
        value=loss,
        limit=-tier.loss_usd,
        reason=(
            f"Cooldown after loss: {usd(loss)} (tier: {usd(-tier.loss_usd)}, {tier.cooldown_s} s)"
        ),
        measure=f"Trade P&L: {usd(loss)}, Tier: {usd(-tier.loss_usd)}",
        targets=(FlatAccount(),),
        lockouts=(account_lock(until, ReleaseOn.TIME),),
    )


def _trades(fills: Iterable[Fill]) -> Iterator[tuple[Decimal, Fill]]:
    """Yield each closing trade's P&L with its last fill; an order's partial fills are one trade."""
    by_order: dict[int, list[Fill]] = {}
    for fill in fills:
        if fill.profit_and_loss_usd is not None and not fill.voided:
            by_order.setdefault(fill.order_id, []).append(fill)
    for parts in by_order.values():
        total = sum((part.profit_and_loss_usd or Decimal(0) for part in parts), Decimal(0))
        yield total, max(parts, key=lambda part: part.executed_at)


def _tier(pnl_usd: Decimal, parameters: CooldownAfterLoss) -> Tier | None:
    """Return the deepest tier a trade's P&L (the broker's, gross) reaches."""
    reached = [tier for tier in parameters.tiers if pnl_usd <= -tier.loss_usd]
    return max(reached, key=lambda tier: tier.loss_usd, default=None)


def _check(parameters: CooldownAfterLoss) -> list[str]:
    found = [] if parameters.tiers else ["tiers: at least one is needed"]
    for place, tier in enumerate(parameters.tiers):
        found += positive(f"tiers[{place}].loss_usd", tier.loss_usd)
        found += positive(f"tiers[{place}].cooldown_s", tier.cooldown_s)
        if tier.cooldown_s > _LONGEST_S:
            found.append(
                f"tiers[{place}].cooldown_s: must be at most {_LONGEST_S} (a week), "
                f"not {tier.cooldown_s}"
            )
    ordered = sorted(parameters.tiers, key=lambda tier: tier.loss_usd)
    for lower, deeper in pairwise(ordered):
        if lower.loss_usd == deeper.loss_usd or deeper.cooldown_s < lower.cooldown_s:
            found.append(
                f"tiers: a loss of {deeper.loss_usd} ({deeper.cooldown_s} s) must differ from and not "
                f"cost less time than one of {lower.loss_usd} ({lower.cooldown_s} s)"
            )
    return found


def _costs_no_less(_field: str, new: CooldownAfterLoss, old: CooldownAfterLoss) -> bool:
    """Compare tiers: every loss that costs a cooldown must cost one no shorter."""
    cooldowns = ((_tier(-tier.loss_usd, new), tier) for tier in old.tiers)
    return all(mine is not None and mine.cooldown_s >= held.cooldown_s for mine, held in cooldowns)


def _describe(parameters: CooldownAfterLoss) -> str:
    steps = ", ".join(f"{usd(tier.loss_usd)} → {tier.cooldown_s} s" for tier in parameters.tiers)
    return f"one trade's loss of {steps}: flat and locked for that long"


RULE = Rule(
    id="RULE-007",
    key="cooldown_after_loss",
    name="CooldownAfterLoss",
    parameters=CooldownAfterLoss,
    listens=always(FactKind.TRADE),
    evaluate=_evaluate,
    describe=_describe,
    check=_check,
    strictness={"tiers": _costs_no_less},
)
