"""Decoding in one pass says what careful reading says, or nothing."""

import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.gateway import signalr, typed
from actors.gateway.decode import fact_of, items_of, quote_of, unwrap
from actors.gateway.errors import DecodeError
from tests.gateway.test_decode import ACCOUNT, AT, MYM, ORDER, POSITION, TRADE, pascal

LIVE = {
    "GatewayUserOrder": ORDER,
    "GatewayUserTrade": TRADE,
    "GatewayUserPosition": POSITION,
    "GatewayUserAccount": ACCOUNT,
}
QUOTE = {"symbol": "F.US.MYM", "lastPrice": 49_909, "bestBid": 49_908.5, "bestAsk": 49_910}
VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-3, 9)
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=9)
    | st.sampled_from([MYM, "", 0, 1, 2, 2**31, 2**63, 1e16, "2026-05-06T13:36:03.4962794+00:00"])
)


def record(target, *arguments):
    return json.dumps({"type": 1, "target": target, "arguments": list(arguments)}).encode()


def carefully(raw):
    """Return what careful reading makes of a record of the user hub; None = it refuses it."""
    called = signalr.parse(raw)
    try:
        (item,) = items_of(called["arguments"])
        return fact_of(called["target"].lower(), unwrap(item), at=AT)
    except (DecodeError, ValueError):
        return None


@pytest.mark.parametrize("target", LIVE)
def test_what_the_live_gateway_sends_is_understood(target):
    """With its envelope; and means the same."""
    raw = record(target, {"action": 1, "data": LIVE[target]})

    assert typed.user_fact(raw, AT) == carefully(raw) is not None


def test_a_live_quote_is_understood():
    """Sides that are left out stay so."""
    found = typed.quote_delta(record("GatewayQuote", MYM, QUOTE))

    assert found == quote_of([MYM, QUOTE | {"bestBid": Decimal("49908.5")}])
    assert typed.quote_delta(record("GatewayQuote", MYM, {"bestAsk": 1.5})).last is None


def test_a_position_that_is_deleted_is_closed_whatever_its_size():
    """The envelope says so."""
    raw = record("GatewayUserPosition", {"action": 2, "data": POSITION})

    assert typed.user_fact(raw, AT).position.size == 0


@pytest.mark.parametrize(
    "raw",
    [
        record("gatewayuserorder", {"action": 1, "data": ORDER}),
        record("GatewayUserOrder", ORDER),
        record("GatewayUserOrder", {"action": 1, "data": pascal(ORDER)}),
        record("GatewayUserOrder", {"action": 1, "data": ORDER | {"new": 1}}),
        record("GatewayUserOrder", {"action": 1, "data": ORDER}, None),
        record("GatewayUserOrder", *[{"action": 1, "data": ORDER}] * 2),
        b'{"type":6}',
        b'{"type":7,"error":"x"}',
        b"{",
        b"\xff",
        record("GatewayUserAccount", {"data": ACCOUNT | {"name": "?"}}).replace(b"?", b"\xff"),
        record("GatewayQuote", MYM, {"symbol": "?"}).replace(b"?", b"\xff"),
        b"[" * 100_000,
    ],
)
def test_whatever_is_unusual_is_left_to_careful_reading(raw):
    """Other spellings and wrappings, more than one entity, other records, and no JSON at all."""
    assert typed.user_fact(raw, AT) is None
    assert typed.quote_delta(raw) is None


@settings(max_examples=400, deadline=None)  # the machine is shared
@given(st.sampled_from([*LIVE]), st.data())
def test_what_is_understood_means_what_careful_reading_says(target, data):
    """Of payloads spoilt in any way; what is refused with care is not understood."""
    live = LIVE[target]
    changes = data.draw(st.dictionaries(st.sampled_from([*live]), VALUES, max_size=3))
    gone = data.draw(st.sets(st.sampled_from([*live]), max_size=2))
    action = data.draw(st.sampled_from([0, 1, 2, None, -1, True, "1"]))
    payload = {key: value for key, value in (live | changes).items() if key not in gone}
    raw = record(target, {"action": action, "data": payload})
    found = typed.user_fact(raw, AT)

    assert found is None or found == carefully(raw)


@settings(max_examples=200, deadline=None)  # the machine is shared
@given(
    st.one_of(VALUES, st.just(MYM)),
    st.dictionaries(st.sampled_from([*QUOTE, "bestbid"]), VALUES, max_size=3),
)
def test_a_quote_that_is_understood_means_what_careful_reading_says(contract, changes):
    """Likewise for the market hub."""
    raw = record("GatewayQuote", contract, QUOTE | changes)
    found = typed.quote_delta(raw)

    assert found is None or found == quote_of(signalr.parse(raw)["arguments"])
