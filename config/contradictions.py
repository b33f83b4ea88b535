"""Settings that are each valid but together cannot be meant, and those that are only odd. Pure.

A contradiction refuses to start unless `[checks] allow` names it; an oddity is a warning. Parameters are
looked up by rule key and field, so a rule that is off or not there contradicts nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from actors.rules.rule import RuleContext
from config.effective import Effective, EffectiveRule
from config.keys import Key
from config.schema import Waivable

_NOTICE = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two settings at odds."""

    name: Waivable
    """What `[checks] allow` calls it."""
    key: Key
    """Where the first one is written."""
    text: str
    """Both values with their lines, and why they cannot both be meant."""


def contradictions(
    rules: Effective, context: RuleContext, now: datetime
) -> Iterator[Contradiction]:
    """Yield what contradicts itself in one account's effective rules."""
    yield from _looser(
        rules,
        "open_loss_above_daily_loss",
        ("daily_unrealized_loss", "max_loss_usd"),
        ("daily_realized_loss", "max_loss_usd"),
        "the day's loss limit comes first; a position's must not be greater",
    )
    yield from _looser(
        rules,
        "open_profit_above_daily_profit",
        ("max_unrealized_profit", "target_usd"),
        ("daily_realized_profit", "target_usd"),
        "a position's target must not be greater than the day's",
    )
    yield from _product_above_total(rules)
    yield from _expiring(rules, context, now)


def oddities(rules: Effective) -> Iterator[tuple[Key, str]]:
    """Yield what is allowed but hardly meant: where it is written, and why."""
    yield from _tier_beyond_limit(rules)
    yield from _limit_of_blocked(rules)
    yield from _idle_breakeven(rules)


def _looser(
    rules: Effective, name: Waivable, inner: tuple[str, str], outer: tuple[str, str], why: str
) -> Iterator[Contradiction]:
    one, all_ = rules.value(*inner), rules.value(*outer)
    rule = rules.enabled(inner[0])
    if rule and one is not None and all_ is not None and one > all_:
        text = f"{_says(rules, *inner)} is looser than {_says(rules, *outer)}: {why}"
        yield Contradiction(name, rule.key_of(inner[1]), text)


def _product_above_total(rules: Effective) -> Iterator[Contradiction]:
    key, total = "max_contracts_per_instrument", rules.value("max_contracts", "limit")
    rule = rules.enabled(key)
    if rule is None or total is None:
        return
    limits = {(product,): limit for product, limit in rules.value(key, "limits").items()}
    for product, limit in sorted(limits.items()):
        if limit > total:
            where = (*rule.key_of("limits"), *product)
            yield _above_total(rules, where, f"{key}.limits.{product[0]} = {limit}")
    default = rules.value(key, "default_limit")
    if rules.value(key, "unknown") == "default_limit" and default > total:
        yield _above_total(rules, rule.key_of("default_limit"), f"{key}.default_limit = {default}")


def _above_total(rules: Effective, where: Key, setting: str) -> Contradiction:
    text = (
        f"{setting} ({rules.place(where)}) can never be reached: "
        f"{_says(rules, 'max_contracts', 'limit')} is the limit of all together"
    )
    return Contradiction("product_limit_above_total", where, text)


def _expiring(rules: Effective, context: RuleContext, now: datetime) -> Iterator[Contradiction]:
    rule = rules.enabled("session_block_outside")
    if rule is None or rule.setting is None or not rules.value(rule.rule.key, "holidays"):
        return
    for table in getattr(rule.setting.parameters, "tables", (context.calendar,)):
        if now.date() + _NOTICE > table.expires:
            text = (
                f"{_says(rules, rule.rule.key, 'holidays')} observes a calendar "
                f"({rules.place(('calendar', 'file'))}) that ends on {table.expires} "
                f"({table.source}): it must cover the next {_NOTICE.days} days"
            )
            yield Contradiction("calendar_expires_soon", rule.key_of("holidays"), text)


def _tier_beyond_limit(rules: Effective) -> Iterator[tuple[Key, str]]:
    rule, limit = (
        rules.enabled("cooldown_after_loss"),
        rules.value("daily_realized_loss", "max_loss_usd"),
    )
    if rule is None or limit is None:
        return
    for place, tier in enumerate(rules.value("cooldown_after_loss", "tiers")):
        if tier.loss_usd >= limit:
            where = (*rule.key_of("tiers"), place, "loss_usd")
            text = (
                f"a tier at a loss of {tier.loss_usd} ({rules.place(where)}) only counts on a day "
                f"with profits before it: {_says(rules, 'daily_realized_loss', 'max_loss_usd')}"
            )
            yield where, text


def _limit_of_blocked(rules: Effective) -> Iterator[tuple[Key, str]]:
    rule, patterns = (
        rules.enabled("max_contracts_per_instrument"),
        rules.value("symbol_blocks", "patterns"),
    )
    if rule is None or not patterns:
        return
    for product in sorted(rules.value("max_contracts_per_instrument", "limits")):
        pattern = next(
            (each for each in patterns if fnmatchcase(product.upper(), each.upper())), None
        )
        if pattern:
            where = (*rule.key_of("limits"), product)
            text = (
                f"a limit for {product} ({rules.place(where)}) is never asked: "
                f"symbol_blocks.patterns has {pattern!r} "
                f"({rules.place(_key(rules, 'symbol_blocks', 'patterns'))})"
            )
            yield where, text


def _idle_breakeven(rules: Effective) -> Iterator[tuple[Key, str]]:
    rule = rules.enabled("trade_management")
    breakeven = rules.value("trade_management", "breakeven")
    trailing = rules.value("trade_management", "trailing")
    if rule is None or not breakeven or not trailing:
        return
    trailed = breakeven.after_ticks - trailing.trail_ticks
    if trailing.activate_ticks <= breakeven.after_ticks and trailed >= breakeven.offset_ticks:
        where = rule.key_of("breakeven")
        text = (
            f"breakeven ({rules.place(where)}) never moves a stop: after {breakeven.after_ticks} ticks "
            f"trailing ({rules.place(rule.key_of('trailing'))}) has it {trailed} ticks in profit already"
        )
        yield where, text


def _says(rules: Effective, key: str, field: str) -> str:
    """Return a setting with its value and where that comes from."""
    rule = rules.enabled(key)
    value = rules.value(key, field)
    written = str(value).lower() if isinstance(value, bool) else value
    where = rules.origin(rule, field) if rule else "off"
    if rule and field in rule.origins:
        where = rules.place(rule.key_of(field))
    return f"{key}.{field} = {written} ({where})"


def _key(rules: Effective, key: str, field: str) -> Key:
    rule: EffectiveRule | None = rules.enabled(key)
    return rule.key_of(field) if rule else ()
