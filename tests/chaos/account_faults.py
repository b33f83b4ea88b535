"""The faults that strike one account: at its requests, in its stream, at its orders, by its trader.

Each is a `Card`; README.md says which rows of faults.md they play. A card ends what it has begun, but for
what is over by itself.
"""

from typing import Any

import msgspec

from messages.values import OrderType
from tests.chaos.faults import CLOSES, COMMANDS, LOCKING, READS, Breach, Card, Turn
from tests.wire_rig import CANCEL

STREAM = "GatewayUser*"


# --- at its requests ---------------------------------------------------------------------------------


def _door(where: tuple[str, ...], kind: str, *choices: dict[str, Any]) -> Any:
    """Return a play: a fault at one of these endpoints, in one of these ways."""

    def play(turn: Turn) -> int:
        how = turn.random.choice(choices) if choices else {}
        place = turn.random.choice(where)
        fault = turn.control.fault(kind, place, account=turn.account, **how)
        turn.last(lambda: turn.control.struck(fault) > 0)
        turn.control.end_fault(fault)
        turn.control.release()
        return turn.control.struck(fault)

    return play


def _twice(where: tuple[str, ...], kind: str, *choices: dict[str, Any]) -> Any:
    """Return a play of what would be applied again and again: it strikes once or twice."""
    once_or_twice = [{**how, "times": times} for how in choices or ({},) for times in (1, 2)]
    return _door(where, kind, *once_or_twice)


ANYWHERE = (*COMMANDS, *READS)
AT_THE_DOOR = (
    Card(name="slow answers", rows="17", play=_door(ANYWHERE, "delay", {"seconds": 0.3})),
    Card(name="hangs before applying", rows="11", play=_door(COMMANDS, "hang_before")),
    Card(name="hangs after applying", rows="11, 12", play=_door((CLOSES,), "hang_after")),
    Card(name="reads hang", rows="11", play=_door(READS, "hang_before")),
    Card(name="cut before applying", rows="11", play=_twice(COMMANDS, "cut_before")),
    Card(name="cut after applying", rows="12", play=_twice(COMMANDS, "cut_after")),
    Card(
        name="applied, failure answered",
        rows="12, 16",
        play=_twice(COMMANDS, "applied_but_error", {"status": 500}, {"code": 1}, {}),
    ),
    Card(
        name="5xx",
        rows="11",
        play=_door(ANYWHERE, "http", {"status": 500}, {"status": 503}),
        hides=True,
    ),
    Card(
        name="429 for one account",
        rows="10",
        play=_door(("*",), "http", {"status": 429}),
        hides=True,
    ),
    Card(
        name="401 or 403 at a step",
        rows="13, 15",
        play=_twice(ANYWHERE, "http", {"status": 401}, {"status": 403}),
    ),
    Card(
        name="success: false",
        rows="16, 24",
        play=_door(COMMANDS, "reject", {}, {"code": 5}, {"code": 8}),
        hides=True,
    ),
    Card(name="success, nothing done", rows="16, 26", play=_twice(COMMANDS, "ok_not_applied")),
    Card(name="null lists", rows="9", play=_door(READS, "null_list"), hides=True),
    Card(name="answers that are no JSON", rows="9", play=_twice(ANYWHERE, "garbage")),
)


# --- in its stream -----------------------------------------------------------------------------------


def _stream(kind: str, *choices: dict[str, Any]) -> Any:
    return _door((STREAM,), kind, *choices)


def _forgotten(turn: Turn) -> int:
    turn.control.forget_subscriptions(turn.account)
    turn.last()
    return 1


def _pushes(*payloads: tuple[str, Any], own: bool) -> Any:
    """Return a play: pushes that nobody asked for, as they stand, down the account's own stream."""

    def play(turn: Turn) -> int:
        for target, fields in payloads:
            whose = turn.account if own else 4711
            row = {"id": 999_000 + turn.account % 1000, "accountId": whose}
            row |= {"contractId": turn.contract, **fields}
            turn.control.push_raw(target, {"action": 1, "data": row}, turn.account)
            turn.wait(turn.random.random() * turn.seconds / len(payloads))
        return len(payloads)

    return play


_WHEN = {"creationTimestamp": "2025-10-29T17:00:01+00:00"}
_TRADE = {**_WHEN, "orderId": 1, "price": 21000.0, "profitAndLoss": -5000.0, "fees": 0.0, "side": 1}
_FOREIGN = (
    ("GatewayUserTrade", {**_TRADE, "size": 5, "voided": False}),
    ("GatewayUserPosition", {**_WHEN, "type": 1, "size": 5, "averagePrice": 21000.0}),
    (
        "GatewayUserOrder",
        {**_WHEN, "status": 1, "type": 1, "side": 0, "size": 5, "limitPrice": 1.0},
    ),
)
_MALFORMED = (
    ("GatewayUserTrade", {**_TRADE, "size": "many"}),
    ("GatewayUserTrade", {**_TRADE, "size": 1, "profitAndLoss": "NaN", "voided": False}),
    ("GatewayUserTrade", {**_TRADE, "size": 1, "price": msgspec.Raw(b"1e999"), "voided": False}),
    ("GatewayUserPosition", {**_WHEN, "type": 7, "size": 3, "averagePrice": 21000.0}),
    ("GatewayUserPosition", {"type": 1, "size": None}),
    ("GatewayUserOrder", {**_WHEN, "status": "open"}),
    ("GatewayUserOrder", {"status": None}),
    ("GatewayUserSomethingNew", {"what": "is this"}),
)


def _unknown_enum(turn: Turn) -> int:
    """Tell each working order anew with a status or type that nobody knows."""
    rows = turn.control.working_orders(turn.account)
    for row in rows:
        strange = turn.random.choice(({"status": 99}, {"type": 42}, {"status": 99, "type": 42}))
        told = {key: value for key, value in {**row, **strange}.items() if value is not None}
        turn.control.push_raw("GatewayUserOrder", {"action": 1, "data": told}, turn.account)
    return len(rows)


def _bad_quotes(*payloads: dict[str, Any]) -> Any:
    def play(turn: Turn) -> int:
        for payload in payloads:
            turn.control.push_raw_quote(turn.contract, {"symbol": turn.spec.symbol_id, **payload})
            turn.wait(turn.random.random() * turn.seconds / len(payloads))
        return len(payloads)

    return play


_NAN, _ENDLESS = msgspec.Raw(b"NaN"), msgspec.Raw(b"1e999")
IN_THE_STREAM = (
    Card(name="pushes lost", rows="1, 26", play=_stream("drop"), hides=True),
    Card(name="pushes doubled", rows="6", play=_stream("duplicate", {"copies": 2}, {"copies": 4})),
    Card(name="pushes late", rows="7", play=_stream("late", {"seconds": 0.2}, {"seconds": 0.5})),
    Card(
        name="pushes reordered",
        rows="7",
        play=_stream("reorder", {"seconds": 0.1}, {"seconds": 0.3}),
    ),
    Card(name="subscription forgotten", rows="5", play=_forgotten),
    Card(name="a foreign account's facts", rows="8", play=_pushes(*_FOREIGN, own=False)),
    Card(name="malformed payloads", rows="9, 33, 37", play=_pushes(*_MALFORMED, own=True)),
    Card(name="unknown status and type", rows="9", play=_unknown_enum),
    Card(
        name="quotes that are no numbers",
        rows="37",
        play=_bad_quotes(
            {"lastPrice": "NaN"}, {"lastPrice": _NAN}, {"bestBid": _ENDLESS}, {"lastPrice": {}}
        ),
    ),
    Card(
        name="sparse quotes",
        rows="3, 37",
        play=_bad_quotes(
            {}, {"lastPrice": None}, {"bestBid": None, "bestAsk": None}, {"volume": 7}
        ),
    ),
)


# --- at its orders, by its trader and by the firm ----------------------------------------------------


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
    Card(name="not allowed to trade", rows="73", play=_may_not_trade),
)

ACCOUNT_CARDS = (*AT_THE_DOOR, *IN_THE_STREAM, *AT_THE_EXCHANGE)
