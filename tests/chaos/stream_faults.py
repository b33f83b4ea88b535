"""The faults that strike one account in its streams: lost, doubled, late, foreign or nonsensical pushes.

Each is a `Card`; README.md says which rows of faults.md they play.
"""

from typing import Any

import msgspec

from actors.gateway.lulls import FIRST_S
from tests.chaos.faults import Card, Turn
from tests.chaos.request_faults import door

STREAM = "GatewayUser*"


def _stream(kind: str, *choices: dict[str, Any]) -> Any:
    return door((STREAM,), kind, *choices)


def _forgotten(turn: Turn) -> int:
    turn.control.forget_subscriptions(turn.account)
    turn.last()
    return 1


def _quotes_forgotten(turn: Turn) -> int:
    """Forget who wants the contract, and last until it is subscribed anew or nobody needs it."""
    after = turn.record.last_seq
    turn.control.forget_quotes(turn.contract)
    turn.until(
        lambda: (
            any(
                each.body == [turn.contract]
                for each in turn.record.requests(
                    "/hubs/market/SubscribeContractQuotes", after=after
                )
            )
            or (turn.breached.is_set() and turn.is_settled())
        ),
        longest_s=2 * FIRST_S,
    )
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
    Card(name="quotes forgotten", rows="2, 5", play=_quotes_forgotten, hides=True),
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
