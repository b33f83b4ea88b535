"""Strategies for what a broker could send: its own payloads, bent, and JSON of no kind."""

import json
from typing import Any

from hypothesis import strategies as st

from tests.gateway.test_decode import ACCOUNT, ORDER, POSITION, TRADE

GUARDED = ORDER["accountId"]
NUMBERS = st.one_of(
    st.integers(-5, 12),
    st.integers(),
    st.sampled_from([2**31 - 1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, 2**64, -(2**63), 10**400]),
    st.floats(allow_nan=False, allow_infinity=False),
)
TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [
            *("NaN", "Infinity", "-0", "1e999", "true", "null", "\0", "\ud83d\ude00", "x" * 5_000),
            *("0001-01-01T00:00:00", "2026-02-30T00:00:00Z", "9999-12-31T23:59:59+00:00"),
            *("2026-05-06T13:36:03.4962794+00:00", "CON.F.US.MNQ.Z26", "../../etc/passwd"),
        ]
    ),
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)
TARGETS = {
    "GatewayUserOrder": ORDER,
    "GatewayUserTrade": TRADE,
    "GatewayUserPosition": POSITION,
    "GatewayUserAccount": ACCOUNT,
}
ODD = st.sampled_from(
    [b"", b"{", b"[", b"nul", b"\xff\xfe", b'"\\ud800"', b"NaN", b"[1e999]", b"-", b"[" * 100_000]
)


@st.composite
def bent(
    draw: st.DrawFn, record: dict[str, Any], *, fields: int = 3, kept: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Draw a record with some fields missing, of another type, or of another value."""
    bent = dict(record)
    names = st.sampled_from(sorted(record.keys() - set(kept)))
    for name in draw(st.lists(names, max_size=fields, unique=True)):
        if draw(st.booleans()):
            bent[name] = draw(JSON)
        else:
            del bent[name]
    if draw(st.integers(0, 4)) == 0:
        bent[draw(st.text(max_size=5))] = draw(JSON)
    return bent


@st.composite
def frames(draw: st.DrawFn) -> bytes:
    """Draw the bytes of one hub record."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.one_of(ODD, st.binary(max_size=40), JSON.map(encoded)))
    target = draw(st.sampled_from([*TARGETS, "GatewayQuote", "GatewayLogoff", ""]))
    record = draw(bent(TARGETS.get(target, {"lastPrice": 1.5, "bestBid": 1, "bestAsk": 2})))
    entity = draw(st.sampled_from([record, {"action": 1, "data": record}, [record, None]]))
    if draw(st.integers(0, 6)) == 0:
        entity = {"action": draw(JSON), "data": draw(st.one_of(JSON, st.just(record)))}
    arguments = draw(
        st.sampled_from([[entity], ["CON.F.US.MYM.M26", entity], entity, [entity] * 3])
    )
    call = {"type": 1, "target": target, "arguments": arguments}
    if draw(st.integers(0, 6)) == 0:
        call = draw(bent(call))
    return encoded(call)


def rows(name: str, record: dict[str, Any]) -> st.SearchStrategy[bytes]:
    """Draw the bytes of an answer that lists records under a name."""
    listed = st.one_of(
        st.none(), JSON, st.lists(st.one_of(bent(record), st.just(record), JSON), max_size=3)
    )
    whole = st.fixed_dictionaries(
        {"success": st.just(True), "errorCode": st.just(0), name: listed},
        optional={"totalCount": JSON},
    )
    return st.one_of(whole.map(encoded), whole.flatmap(bent).map(encoded), JSON.map(encoded), ODD)


def encoded(value: Any) -> bytes:
    """Return JSON, with Python's own NaN and lone surrogates where they come."""
    return json.dumps(value).encode("utf-8", "surrogatepass")
