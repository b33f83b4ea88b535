"""Pictures of an account for the tests of pure rules, and how to ask a rule about one."""

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec

from actors.account.trading_day import TradingDay
from actors.rules import registry
from actors.rules.calendar import Calendar
from actors.rules.rule import RuleContext
from messages.values import AccountView, Fill, OpenPosition, Position, Side

NOW = datetime(2025, 10, 29, 17, tzinfo=UTC)
CHICAGO = ZoneInfo("America/Chicago")
CONTEXT = RuleContext(
    trading_day=TradingDay(reset=time(17), zone=CHICAGO),
    calendar=Calendar(
        zone=CHICAGO,
        holidays=frozenset(),
        early_closes={},
        expires=NOW.date() + timedelta(days=365),
        source="test",
    ),
)


def view(*, realised="0", positions=(), fills=(), at=NOW, **more):
    """Return a picture; `positions` are (root, size, open P&L), `fills` (order, P&L, voided).

    Anything else is a field of the view; `held(...)` makes positions with more to them.
    """
    known = AccountView(
        account=1,
        at=at,
        trading_date="2025-10-29",
        next_reset=datetime(2025, 10, 29, 22, tzinfo=UTC),
        realised_usd=Decimal(realised),
        closed_trades=0,
        positions=tuple(held(root, size, pnl=pnl) for root, size, pnl in positions),
        orders=(),
        order_fills=tuple(
            Fill(
                trade_id=number,
                order_id=order,
                contract="CON.F.US.MNQ.Z25",
                side=Side.SELL,
                size=1,
                price=Decimal(1),
                profit_and_loss_usd=None if pnl is None else Decimal(pnl),
                fees_usd=Decimal(0),
                commissions_usd=Decimal(0),
                voided=voided,
                executed_at=at,
            )
            for number, (order, pnl, voided) in enumerate(fills)
        ),
        lockouts=(),
        trades=(),
        day_start=datetime(2025, 10, 28, 22, tzinfo=UTC),
        read_at=None,
        can_trade=True,
    )
    return msgspec.structs.replace(known, **more)


def held(root, size, *, pnl=None, entry="1", mark=None, best=None, tick="0.25", bare_since=None):
    """Return a position as a rule sees it; `bare_since` is when it was last protected."""
    return OpenPosition(
        position=Position(contract=f"CON.F.US.{root}.Z25", size=size, average_price=Decimal(entry)),
        pnl_usd=None if pnl is None else Decimal(pnl),
        mark=None if mark is None else Decimal(mark),
        best=None if best is None else Decimal(best),
        tick_size=None if tick is None else Decimal(tick),
        unprotected_since=bare_since,
    )


def verdict(parameters, picture):
    """Return what the rule of these parameters finds, as the system would ask it."""
    rule = next(each for each in registry.all_rules() if each.parameters is type(parameters))
    assert rule.check(parameters) == []
    return rule.evaluate(picture, rule.resolve(parameters, CONTEXT))
