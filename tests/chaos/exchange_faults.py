"""The faults that strike one account at the exchange: its orders, its trader, the platform and the firm.

Each is a `Card`; README.md says which rows of faults.md they play. A card ends what it has begun, but for
what is over by itself.
"""

from contextlib import suppress
from typing import Any

from actors.simulator.refusals import RefusedError
from messages.values import OrderType
from tests.chaos.faults import CLOSES, LOCKING, Breach, Card, Turn
from tests.wire_rig import CANCEL


def _fills_in_part(turn: Turn) -> int:
    turn.control.set_liquidity(turn.contract, 1)
    turn.last(lambda: turn.held() == 1)
    left = turn.held()
    turn.control.set_liquidity(turn.contract, None)
    return left == 1


def _market_closed(turn: Turn) -> int:
    turn.control.set_market_open(False, turn.contract)
    tried = turn.requested(CLOSES)
    turn.last()
    turn.control.set_market_open(True, turn.contract)
    return tried


def _close_cancelled(turn: Turn) -> int:
    """A velocity pause: nothing fills, and the exchange takes our orders away."""
    turn.control.set_liquidity(turn.contract, 0)

    def ours() -> list[int]:
        working = turn.control.working_orders(turn.account)
        return [row["id"] for row in working if row["type"] == OrderType.MARKET]

    turn.last(lambda: bool(ours()))
    taken = ours()
    for order_id in taken:
        with suppress(RefusedError):  # filled, or the whole exchange is halted
            turn.control.cancel_order(turn.account, order_id)
    turn.control.set_liquidity(turn.contract, None)
    return len(taken)


def _near_order(turn: Turn) -> None:
    turn.order(2)
    turn.order(3, type=OrderType.LIMIT, limit_price=turn.near(-40))


def _fills_while_cancelled(turn: Turn) -> int:
    fault = turn.control.fault("delay", CANCEL, account=turn.account, seconds=0.3)
    if cancelled := turn.requested(CANCEL):
        turn.control.set_price(turn.contract, turn.near(-50))
    turn.control.end_fault(fault)
    return cancelled


def _stop_and_bracket(turn: Turn) -> None:
    turn.order(2)
    turn.order(-2, type=OrderType.STOP, stop_price=turn.near(-40))
    turn.order(
        1,
        type=OrderType.LIMIT,
        limit_price=turn.near(-200),
        stop_loss_ticks=40,
        take_profit_ticks=40,
    )


def _bracket_reopens(turn: Turn) -> int:
    """Flat, and a stop fills before its cancel comes through; later the price runs through the rest."""
    fault = turn.control.fault("delay", CANCEL, account=turn.account, seconds=0.4)
    reopened = 0
    if turn.requested(CANCEL):
        turn.wait(0.2)  # the close has gone through meanwhile
        turn.control.set_price(turn.contract, turn.near(-50))
        reopened = turn.held() < 0
    turn.control.end_fault(fault)
    turn.wait(turn.seconds)
    for ticks in (-260, 60):
        turn.control.set_price(turn.contract, turn.near(ticks))
    return int(reopened)


def _trader_closes_too(turn: Turn) -> int:
    fault = turn.control.fault("delay", CLOSES, account=turn.account, seconds=0.2, times=1)
    if raced := turn.requested(CLOSES):
        held = turn.held()
        part = turn.random.randint(1, max(1, held))
        turn.order(-part)
        turn.wait(turn.random.random() * 0.3)
        if left := turn.held():
            turn.order(-left)
    turn.control.end_fault(fault)
    return raced


def _platform_too(turn: Turn) -> int:
    fault = turn.control.fault("delay", CLOSES, account=turn.account, seconds=0.2, times=1)
    if raced := turn.requested(CLOSES):
        with suppress(RefusedError):  # the whole exchange is halted: nobody liquidates anything
            turn.control.liquidate(turn.account)
    turn.control.end_fault(fault)
    return raced


def _voided_later(turn: Turn) -> int:
    if not turn.locked():
        return 0
    worst = min(turn.control.trades(turn.account), key=lambda row: row["profitAndLoss"] or 0)
    turn.control.void_trade(turn.account, worst["id"])
    return 1


def _trades_on(turn: Turn) -> int:
    """The trader enters again and again under the lock, at the market and beside it."""
    if not turn.locked():
        return 0
    entries = 0
    for _ in range(turn.random.randint(1, 3)):
        size = turn.random.choice((1, -2, 3))
        entries += turn.order(size)
        entries += turn.order(1, type=OrderType.LIMIT, limit_price=turn.near(-2000))
        turn.wait(0.1 + turn.random.random() * turn.seconds)
    return entries


def _firm_changes(turn: Turn) -> int:
    changes: tuple[dict[str, Any], ...] = (
        {"balance": 47_000},
        {"name": f"150K-{turn.account}"},
        {"active": False},
        {"is_visible": False},
    )
    turn.control.set_account(turn.account, **turn.random.choice(changes))
    turn.last()
    turn.control.set_account(turn.account, name=f"50K-{turn.account}", active=True, is_visible=True)
    return 1


def _may_not_trade(turn: Turn) -> int:
    turn.control.set_can_trade(turn.account, False)
    turn.last()
    turn.control.set_can_trade(turn.account, True)
    return 1


AT_THE_EXCHANGE = (
    Card(
        name="our close fills in part",
        rows="23",
        play=_fills_in_part,
        breaches=LOCKING,
        hides=True,
    ),
    Card(
        name="market closed, reopened",
        rows="24",
        play=_market_closed,
        breaches=LOCKING,
        hides=True,
    ),
    Card(
        name="the exchange cancels our close",
        rows="25",
        play=_close_cancelled,
        breaches=LOCKING,
        hides=True,
    ),
    Card(
        name="fills while being cancelled",
        rows="19, 27",
        play=_fills_while_cancelled,
        breaches=(Breach.LOSS,),
        equip=_near_order,
        trades=True,
    ),
    Card(
        name="a bracket reopens",
        rows="20, 21",
        play=_bracket_reopens,
        breaches=(Breach.LOSS,),
        equip=_stop_and_bracket,
        trades=True,
    ),
    Card(name="the trader closes too", rows="28", play=_trader_closes_too, trades=True),
    Card(name="the platform liquidates too", rows="28", play=_platform_too, trades=True),
    Card(
        name="a trade voided later",
        rows="34",
        play=_voided_later,
        breaches=LOCKING,
        trades=True,
    ),
    Card(
        name="the trader trades on", rows="22, 39", play=_trades_on, breaches=LOCKING, trades=True
    ),
    Card(name="the firm changes the record", rows="73, 75, 76", play=_firm_changes),
    Card(name="not allowed to trade", rows="73", play=_may_not_trade, breaches=LOCKING),
)
