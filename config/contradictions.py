"""Settings that are each valid but together cannot be meant. Each has a name for `[checks] allow`."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from actors.account.settings import RuleSetting
from actors.rules.max_contracts import MaxContracts
from actors.rules.max_contracts_per_instrument import MaxContractsPerInstrument
from actors.rules.session_block_outside import ResolvedSessions

type Name = Literal["product_limit_above_total", "calendar_expires_soon"]

_NOTICE = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two settings at odds."""

    name: Name
    """What `[checks] allow` calls it."""
    text: str
    """Both values, and why they cannot both be meant."""


def contradictions(settings: tuple[RuleSetting, ...], now: datetime) -> list[Contradiction]:
    """Return what contradicts itself in one account's effective rules."""
    parameters = {type(each.parameters): each.parameters for each in settings}
    found: list[Contradiction] = []
    total = parameters.get(MaxContracts)
    single = parameters.get(MaxContractsPerInstrument)
    if isinstance(total, MaxContracts) and isinstance(single, MaxContractsPerInstrument):
        found += _above_total(total, single)
    for each in settings:
        if isinstance(each.parameters, ResolvedSessions):
            found += _expiring(each.parameters, now)
    return found


def _above_total(total: MaxContracts, single: MaxContractsPerInstrument) -> list[Contradiction]:
    limits = dict(single.limits)
    if single.unknown == "default_limit" and single.default_limit is not None:
        limits["default_limit"] = single.default_limit
    return [
        Contradiction(
            "product_limit_above_total",
            f"max_contracts_per_instrument {name} = {limit} can never be reached: "
            f"max_contracts.limit = {total.limit}",
        )
        for name, limit in sorted(limits.items())
        if limit > total.limit
    ]


def _expiring(sessions: ResolvedSessions, now: datetime) -> list[Contradiction]:
    """Return the tables in use that end soon; those nobody uses may."""
    return [
        Contradiction(
            "calendar_expires_soon",
            f"session_block_outside observes holidays, but the calendar ends on {table.expires} "
            f"({table.source})",
        )
        for table in sessions.tables
        if now.date() + _NOTICE > table.expires
    ]
