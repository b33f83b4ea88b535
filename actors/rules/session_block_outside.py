"""RULE-009 SessionBlockOutside: outside the session nothing is held; by facts and by the clock.

Hours are wall times of a zone; special days are cut out of them (`calendar`). With `products` each
product listed there has hours of its own, less the closures of its product group, and every other one the
global hours; lockouts are then per product, since the account as a whole may still trade somewhere.
Where no session is in sight (a table long expired) the lockout lasts until the reset, and is judged anew.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from actors.rules.calendar import Calendar, is_listed, tables_for
from actors.rules.hours import Hours, KeptSessions, known, within
from actors.rules.rule import Caveat, ClockView, Rule, RuleContext, always
from actors.rules.strictness import each_key, same, value_of, wording
from actors.rules.weekly_session import DAYS, WeeklySession, daily, weekly
from messages.values import (
    ACCOUNT_SCOPE,
    AccountView,
    AlarmCode,
    Breach,
    BreachCode,
    Duty,
    FactKind,
    FlatAccount,
    FlatProduct,
    LockoutTerms,
    Parameters,
    ReleaseOn,
    canonical_product,
    product_of,
    product_scope,
)

type Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

_WALL = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_WEEK_WALL = re.compile(rf"({'|'.join(DAYS)}) ([01]\d|2[0-3]):([0-5]\d)")


class ProductHours(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One weekly session of a product."""

    start: str
    """Weekday and local time, e.g. `sun 18:00`."""
    end: str
    """Weekday and local time, e.g. `fri 15:55`; all is closed exactly then."""


class SessionBlockOutside(Parameters, frozen=True):
    """Trading hours."""

    start: str
    """Local time the session starts, e.g. `09:30`; exactly then trading is allowed."""
    end: str
    """Local time all is closed, so before the exchange is: `15:55`; before `start` = on the next day."""
    timezone: str | None = None
    """IANA zone of the times; by default the trading day's."""
    days: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri")
    """Weekdays on which a session starts."""
    holidays: bool = True
    """Whether the calendar's holidays and early closes are observed."""
    products: dict[str, ProductHours] = msgspec.field(default_factory=dict)
    """Hours of single products, e.g. `{ ES = { start = "sun 18:00", end = "fri 17:00" } }`."""


class ResolvedSessions(SessionBlockOutside, frozen=True, kw_only=True):
    """The same with its weekly sessions worked out."""

    everywhere: Hours
    """The global hours."""
    of_product: dict[str, Hours]
    """Hours of single products."""
    unlisted: tuple[str, ...]
    """Products with hours of their own that no calendar names."""

    @property
    def sessions(self) -> tuple[Hours, ...]:
        """Return all hours."""
        return (self.everywhere, *self.of_product.values())

    @property
    def tables(self) -> tuple[Calendar, ...]:
        """Return the calendars in use, each once."""
        weekly = (each for each in self.sessions if isinstance(each, WeeklySession))
        return tuple(dict.fromkeys(table for each in weekly for table in each.calendars))


def _resolve(parameters: SessionBlockOutside, context: RuleContext) -> SessionBlockOutside:
    zone = ZoneInfo(parameters.timezone) if parameters.timezone else context.trading_day.zone
    own, groups, observed = context.calendar, context.groups, parameters.holidays
    return ResolvedSessions(
        **_written(parameters),
        everywhere=daily(
            parameters.start, parameters.end, parameters.days, zone, (own,) if observed else ()
        ),
        of_product={
            product: weekly(
                hours.start, hours.end, zone, tables_for(product, own, groups) if observed else ()
            )
            for product, hours in parameters.products.items()
        },
        unlisted=tuple(
            product
            for product in sorted(parameters.products)
            if observed and not is_listed(product, own, groups)
        ),
    )


def _keep(parameters: SessionBlockOutside, now: datetime, day_end: datetime) -> KeptSessions:
    sessions = _resolved(parameters)
    return KeptSessions(
        everywhere=known(sessions.everywhere, now, day_end),
        of_product={
            product: known(hours, now, day_end) for product, hours in sessions.of_product.items()
        },
    )


def _recall(parameters: SessionBlockOutside, kept: str) -> SessionBlockOutside:
    sessions = msgspec.json.decode(kept, type=KeptSessions)
    return ResolvedSessions(
        **_written(parameters),
        everywhere=sessions.everywhere,
        of_product=dict(sessions.of_product),
        unlisted=(),  # of the calendar, and said when it was in force
    )


def _written(parameters: SessionBlockOutside) -> dict[str, Any]:
    return {name: getattr(parameters, name) for name in SessionBlockOutside.__struct_fields__}


def _evaluate(view: AccountView, parameters: SessionBlockOutside) -> Breach | None:
    sessions = _resolved(parameters)
    if not sessions.of_product:
        return _account_breach(view, sessions.everywhere)
    outside = {
        product: hours
        for product in _exposed_products(view)
        if not (hours := sessions.of_product.get(product, sessions.everywhere)).is_open(view.at)
    }
    return _product_breach(view, outside) if outside else None


def _resolved(parameters: SessionBlockOutside) -> ResolvedSessions:
    if not isinstance(parameters, ResolvedSessions):
        raise TypeError("RULE-009 needs its resolved parameters (Rule.resolve)")
    return parameters


def _exposed_products(view: AccountView) -> Iterator[str]:
    """Yield the products held or worked that this rule has not locked already, in order."""
    locked = {each.scope for each in view.lockouts if each.rule == RULE.id}
    products = {each.position.product for each in view.positions}
    products |= {product_of(order.contract) for order in view.orders}
    yield from (name for name in sorted(products) if product_scope(name) not in locked)


def _account_breach(view: AccountView, hours: Hours) -> Breach | None:
    if hours.is_open(view.at):
        return None
    return _breach(
        view,
        value=len(view.positions),
        where=f"(next start: {_opens(hours, view)})",
        targets=(FlatAccount(),),
        lockouts=(_lock(ACCOUNT_SCOPE, hours, view),),
    )


def _product_breach(view: AccountView, outside: dict[str, Hours]) -> Breach:
    """Return one breach for all products that are outside: a target and a lockout for each."""
    starts = (f"{name} (next start: {_opens(hours, view)})" for name, hours in outside.items())
    return _breach(
        view,
        value=sum(each.position.product in outside for each in view.positions),
        where=f"for {', '.join(starts)}",
        targets=tuple(FlatProduct(product=name) for name in outside),
        lockouts=tuple(_lock(product_scope(name), hours, view) for name, hours in outside.items()),
    )


def _breach(
    view: AccountView,
    *,
    value: int,
    where: str,
    targets: tuple[FlatAccount | FlatProduct, ...],
    lockouts: tuple[LockoutTerms, ...],
) -> Breach:
    return Breach(
        rule=RULE.id,
        code=BreachCode.OUTSIDE_SESSION,
        value=Decimal(value),
        limit=Decimal(0),
        reason=f"Outside the session {where}",
        measure=f"Now: {view.at.isoformat()}, Outside the session {where}",
        targets=targets,
        lockouts=lockouts,
    )


def _lock(scope: str, hours: Hours, view: AccountView) -> LockoutTerms:
    return LockoutTerms(
        scope=scope,
        duty=Duty.FLAT,
        # with no session in sight: to the reset, then judged again; a lock without an end would outlive
        # the new table that is to follow
        until=hours.next_start(view.at) or view.next_reset,
        release_on=ReleaseOn.SESSION_START,
    )


def _opens(hours: Hours, view: AccountView) -> str:
    until = hours.next_start(view.at)
    return until.isoformat() if until else "none within four weeks, judged again at the reset"


def _next_check(view: ClockView, parameters: SessionBlockOutside) -> datetime | None:
    edges = (hours.next_boundary(view.at) for hours in _resolved(parameters).sessions)
    return min((edge for edge in edges if edge), default=view.next_reset)


def _caveats(parameters: SessionBlockOutside, now: datetime) -> tuple[Caveat, ...]:
    sessions = _resolved(parameters)
    ended = "the calendar ended on {} ({}): every session ends at the earliest known close"
    nameless = "no calendar names {}: it is closed whenever any market is; add it to one's products"
    expired = tuple(
        (AlarmCode.CALENDAR_EXPIRED, ended.format(table.expires, table.source))
        for table in sessions.tables
        if table.expired(now.astimezone(table.zone).date())
    )
    missing = tuple(
        (AlarmCode.CALENDAR_MISSING, nameless.format(product)) for product in sessions.unlisted
    )
    return expired + missing


def _check(parameters: SessionBlockOutside) -> list[str]:
    found = [
        f"{field}: must be a local time like 09:30, not {text!r}"
        for field, text in (("start", parameters.start), ("end", parameters.end))
        if not _WALL.fullmatch(text)
    ]
    if not found and parameters.start == parameters.end:
        found.append(f"start and end are both {parameters.start}: the session would be empty")
    if not parameters.days:
        found.append("days: at least one weekday is needed")
    if parameters.timezone is not None:
        try:
            ZoneInfo(parameters.timezone)
        except (ZoneInfoNotFoundError, ValueError):
            found.append(f"timezone: {parameters.timezone!r} is no IANA zone (America/Chicago)")
    for product, hours in parameters.products.items():
        found += _check_product(product, hours)
    return found


def _check_product(product: str, hours: ProductHours) -> list[str]:
    found = [
        f"products.{product}.{field}: must be a weekday and local time like 'sun 18:00', not {text!r}"
        for field, text in (("start", hours.start), ("end", hours.end))
        if not _WEEK_WALL.fullmatch(text)
    ]
    if product != (known := canonical_product(product)):
        found.append(f"products.{product}: write it as {known}, the exchange's own root")
    return found


def _within(field: str, new: Any, old: Any) -> bool:
    mine, held = value_of(new, field), value_of(old, field)
    return mine is not None and held is not None and within(mine, held)


def _describe(parameters: SessionBlockOutside) -> str:
    zone = parameters.timezone or "the trading day's zone"
    special = ", holidays and early closes observed" if parameters.holidays else ""
    products = f", own hours for {', '.join(parameters.products)}" if parameters.products else ""
    return (
        f"outside {parameters.start} to {parameters.end} {zone} on {' '.join(parameters.days)}"
        f"{special}{products}: flat and locked until the next session"
    )


RULE = Rule(
    id="RULE-009",
    key="session_block_outside",
    name="SessionBlockOutside",
    parameters=SessionBlockOutside,
    listens=always(FactKind.POSITION, FactKind.ORDER, FactKind.TRADE, FactKind.CLOCK),
    evaluate=_evaluate,
    describe=_describe,
    check=_check,
    resolve=_resolve,
    keep=_keep,
    recall=_recall,
    next_check=_next_check,
    caveats=_caveats,
    # hours that moved: until the reset one must be inside the old hours and inside the new ones
    strictness={
        **dict.fromkeys(("start", "end", "timezone", "days", "holidays", "products"), same),
        "everywhere": _within,
        "of_product": each_key(_within),
        "unlisted": wording,
    },
)
