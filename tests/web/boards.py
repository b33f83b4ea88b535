"""Boards of invented accounts, and a server that shows them: what the page makes of what it is told."""

import threading
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from itertools import starmap
from typing import Any

from msgspec import structs

from actors.runtime import SystemClock
from messages.queries import AccountBoard, AccountStatus, SystemBoard
from messages.values import (
    Duty,
    Health,
    LimitUse,
    Lockout,
    OpenPosition,
    Order,
    OrderType,
    Phase,
    Position,
    ReleaseOn,
    Side,
)
from tests.security.doors import NOW, PATIENCE_S, STATUS, Door

MNQ = "CON.F.US.MNQ.Z25"


def wait_for(happened: Callable[[], bool]) -> None:
    """Wait until something is so."""
    clock, tick = SystemClock(), threading.Event()
    until = clock.monotonic() + PATIENCE_S
    while not happened():
        assert clock.monotonic() < until, "it did not happen"
        tick.wait(0.01)


def row(account: int, name: str, realised: str = "0", **fields: Any) -> AccountBoard:
    """Return an account that is open and live, with a loss limit of $500; `fields` are of its status."""
    lost = max(Decimal(0), -Decimal(realised))
    use = LimitUse(rule="RULE-003", what="day's loss", unit="usd", value=lost, limit=Decimal(500))
    status = AccountStatus(
        account=account,
        name=name,
        login="desk",
        phase=Phase.OPEN,
        health=Health.LIVE,
        health_reason="stream up, snapshot complete",
        trading_date="2025-10-29",
        realised_usd=Decimal(realised),
        open_usd=Decimal(0),
        positions=(),
        working_orders=0,
        lockouts=(),
        enforcement=None,
        queued=(),
        starting=None,
        limits=(use,),
    )
    return AccountBoard(
        status=structs.replace(status, **fields),
        rules=(f"RULE-003 of {account}",),
        holdings=(),
        orders=(),
        can_trade=True,
        next_reset=NOW + timedelta(hours=5),
    )


def locked(account: int, name: str, seconds: float) -> AccountBoard:
    """Return an account that is locked for so long."""
    lock = Lockout(
        rule="RULE-003",
        scope="account",
        duty=Duty.FLAT,
        until=NOW + timedelta(seconds=seconds),
        release_on=ReleaseOn.TIME,
        reason="Daily loss limit exceeded",
        breach_id=f"{account}/b1",
        locked_at=NOW,
    )
    return row(account, name, "-510", phase=Phase.LOCKED, lockouts=(lock,))


def holding(account: int, name: str, *, stop: bool) -> AccountBoard:
    """Return an account that holds 2 MNQ, with a stop or without one for eight seconds."""
    position = Position(contract=MNQ, size=2, average_price=Decimal(21000))
    held = OpenPosition(
        position=position,
        pnl_usd=Decimal(-40),
        mark=Decimal(20990),
        best=None,
        tick_size=Decimal("0.25"),
        unprotected_since=None if stop else NOW - timedelta(seconds=8),
    )
    order = Order(
        order_id=77,
        contract=MNQ,
        side=Side.SELL,
        type=OrderType.STOP,
        size=2,
        filled=0,
        status=1,
        stop_price=Decimal(20950),
    )
    shown = row(account, name, open_usd=Decimal(-40), positions=(position,))
    return structs.replace(shown, holdings=(held,), orders=(order,) if stop else ())


def board(
    *rows: AccountBoard, profiles: dict[int, str] | None = None, **fields: Any
) -> SystemBoard:
    """Return a board of these accounts; `fields` are of the system's status."""
    status = structs.replace(STATUS, accounts=tuple(each.status for each in rows), **fields)
    of_accounts = {each.status.account: (profiles or {}).get(each.status.account) for each in rows}
    return SystemBoard(status=status, accounts=rows, profiles=of_accounts)


def desk(count: int) -> SystemBoard:
    """Return many accounts of two logins and profiles, each with another P&L."""
    rows = starmap(_of_desk, enumerate(range(1000, 1000 + count)))
    profiles = {1000 + place: ("small", "large")[place % 3 == 0] for place in range(count)}
    return board(*rows, profiles=profiles)


def _of_desk(place: int, account: int) -> AccountBoard:
    login = ("desk", "home")[place % 2]
    return row(account, f"50K-{place:03}", str(-(place % 500)), login=login)


class Window(Door):
    """A server that shows the board it is given."""

    def __init__(self, shown: SystemBoard, **how: Any) -> None:
        self.shown: SystemBoard | Exception = shown
        self.boards = 0
        self.asked_at: list[float] = []
        super().__init__(**how)

    def _board(self) -> SystemBoard:
        self.boards += 1
        self.asked_at.append(SystemClock().monotonic())
        if isinstance(self.shown, Exception):
            raise self.shown
        return self.shown
