"""The thirteen rules of `risk_config.yaml`, each as the table of our own rule.

Amounts lose their sign, what our rule always does is not a setting any more, and what the original
read and never used is told. An override of an account has only some of the fields.
"""

from collections.abc import Callable
from typing import Any

from config.importer.section import Section
from config.importer.timers import Timers
from messages.values import canonical_product

type Fields = dict[str, Any]

_EVENT_DRIVEN = "was never used; rules here are judged at every fact"
_CATEGORIES = ("category", "description", "lockout_type", "enforcement_type")


def rule_tables(section: Section, timers: Timers) -> dict[str, Fields]:
    """Return our rule tables for those of the original."""
    found: dict[str, Fields] = {}
    for name in section.names():
        convert = _RULES.get(name)
        if convert is None:
            continue
        each = section.table(name)
        if not each.is_there:
            continue
        each.assume("enabled", "true")
        enabled = each.flag("enabled", default=True)
        fields = convert(each, timers) if enabled or each.names() else {}
        each.ignored("only sorted the rules; it changed nothing", *_CATEGORIES)
        each.finish()
        if fields is not None:
            found[name] = ({} if enabled else {"enabled": False}) | fields
    section.finish()
    return found


def _max_contracts(section: Section, _timers: Timers) -> Fields:
    section.assume("count_type", "net")
    return {
        "limit": section.take("limit"),
        "count": section.take("count_type"),
        "action": _action(section, "close_all"),
    }


def _per_instrument(section: Section, _timers: Timers) -> Fields:
    limits = section.table("instrument_limits")
    found: Fields = {}
    for name in limits.names():
        product = canonical_product(str(name).upper())
        if product != name:
            limits.note("changed", name, f"is {product} here, the exchange's own root")
        found[product] = limits.take(name)
    return {
        "limits": found or None,
        "default_limit": section.take("default_limit"),
        "unknown": section.take("unknown"),
        "action": _action(section, "close"),
    }


def _action(section: Section, otherwise: str) -> str | None:
    section.assume("reduce_to_limit", "true")
    if not section.has("reduce_to_limit"):
        return None
    return "reduce" if section.flag("reduce_to_limit", default=True) else otherwise


def _unrealized_loss(section: Section, _timers: Timers) -> Fields:
    section.ignored(_EVENT_DRIVEN, "check_interval_seconds")
    return {"max_loss_usd": section.money("limit")}


def _unrealized_profit(section: Section, _timers: Timers) -> Fields:
    section.ignored(_EVENT_DRIVEN, "check_interval_seconds")
    return {"target_usd": section.money("target")}


def _realized_loss(section: Section, timers: Timers) -> Fields:
    timers.compare_reset(section, "reset_time", "timezone")
    section.note(
        "changed",
        "limit",
        "the original counted realised losses only, hence include_open_loss = false; fees count "
        'here, unless you write pnl = "gross" in [money]',
    )
    return {"max_loss_usd": section.money("limit"), "include_open_loss": False}


def _realized_profit(section: Section, timers: Timers) -> Fields:
    timers.compare_reset(section, "reset_time", "timezone")
    return {"target_usd": section.money("target"), "message": section.take("message")}


def _frequency(section: Section, timers: Timers) -> Fields:
    limits = section.table("limits")
    found = {name: limits.take(name) for name in ("per_minute", "per_hour", "per_session")}
    limits.finish()
    return found | {"cooldown_s": timers.frequency_s or None}


def _cooldown(section: Section, timers: Timers) -> Fields:
    loss = section.money("loss_threshold")
    if timers.cooldown_s is None:
        section.note(
            "decide", "loss_threshold", "no duration for its cooldown; write tiers[0].cooldown_s"
        )
    return {"tiers": [{"loss_usd": loss, "cooldown_s": timers.cooldown_s}]}


def _stop_loss(section: Section, _timers: Timers) -> Fields:
    within, grace = section.take("require_within_seconds"), section.take("grace_period_seconds")
    if within is not None and grace is not None and within != grace:
        section.note(
            "changed",
            "grace_period_seconds",
            f"ours is one time: require_within_seconds = {within} is taken, not {grace}",
        )
    return {"grace_s": grace if within is None else within}


def _session(section: Section, timers: Timers) -> Fields:
    fields = timers.session(section)
    section.assume("respect_holidays", "true")
    holidays = section.flag("respect_holidays", default=True)
    if timers.without_holidays and holidays:
        section.note("changed", "respect_holidays", f"{timers.without_holidays}: holidays = false")
    return fields | {"holidays": holidays and not timers.without_holidays}


def _auth(section: Section, _timers: Timers) -> Fields:
    section.drop("the reason of the lockout says canTrade is false", "reason")
    section.drop("the lockout ends when the broker says canTrade again", "lockout_permanently")
    return {"poll_s": section.take("check_interval_seconds")}


def _blocks(section: Section, _timers: Timers) -> Fields | None:
    if section.has("close_immediately") and not section.flag("close_immediately", default=True):
        section.note("changed", "close_immediately", "blocked products are always closed at once")
    section.take("close_immediately")
    patterns = section.take("blocked_symbols")
    if patterns == []:
        section.note("dropped", "blocked_symbols", "blocks nothing; the rule is not written")
        return None
    if isinstance(patterns, list):
        patterns = [
            canonical_product(each.upper()) if isinstance(each, str) else each for each in patterns
        ]
    return {"patterns": patterns}


def _management(section: Section, _timers: Timers) -> Fields:
    breakeven, trailing = section.table("auto_breakeven"), section.table("trailing_stop")
    found: Fields = {
        "breakeven": _part(
            breakeven,
            {
                "after_ticks": ("profit_threshold_ticks", "profit_trigger_ticks"),
                "offset_ticks": ("offset_ticks",),
            },
        ),
        "trailing": _part(
            trailing,
            {
                "activate_ticks": ("activation_profit_ticks", "activation_ticks"),
                "trail_ticks": ("trail_ticks", "trail_distance_ticks"),
            },
        ),
    }
    for each in (breakeven, trailing):
        each.ignored(_EVENT_DRIVEN, "update_frequency")
        each.finish()
    return found


def _part(section: Section, names: dict[str, tuple[str, ...]]) -> Fields | None:
    """Return the fields of one part of trade management, None where it is off or not there."""
    if not section.is_there:
        return None
    enabled = section.flag("enabled", default=True)
    found = {
        ours: next((section.take(name) for name in theirs if section.has(name)), None)
        for ours, theirs in names.items()
    }
    if not enabled:
        section.note("dropped", "", "is switched off; leave it out, or write it to switch it on")
        return None
    return found


_RULES: dict[str, Callable[[Section, Timers], Fields | None]] = {
    "max_contracts": _max_contracts,
    "max_contracts_per_instrument": _per_instrument,
    "daily_realized_loss": _realized_loss,
    "daily_unrealized_loss": _unrealized_loss,
    "max_unrealized_profit": _unrealized_profit,
    "trade_frequency_limit": _frequency,
    "cooldown_after_loss": _cooldown,
    "no_stop_loss_grace": _stop_loss,
    "session_block_outside": _session,
    "auth_loss_guard": _auth,
    "symbol_blocks": _blocks,
    "trade_management": _management,
    "daily_realized_profit": _realized_profit,
}


def general(section: Section, timers: Timers) -> None:
    """Tell what becomes of the `general` table: nothing of it is a setting here."""
    instruments = section.take("instruments")
    for name in instruments if isinstance(instruments, list) else []:
        known = canonical_product(str(name))
        alias = f"; {name} is {known} here" if known != name else ""
        section.note("dropped", "instruments", f"{name}: every product is guarded{alias}")
    timers.compare_zone(section, "timezone")
    section.drop(
        "logs are one JSON object a line on stderr; the service's log keeps them", "logging"
    )
    section.drop("the journal is begun anew, its place is [journal] path", "database")
    section.drop("was read and never sent", "notifications")
    section.finish()
