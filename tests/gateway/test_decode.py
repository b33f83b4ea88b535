"""Payloads as seen on the live service, and everything that is not quite one."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.gateway.decode import (
    QuoteDelta,
    account_record_of,
    contract_of,
    fact_of,
    fill_of,
    items_of,
    order_of,
    position_of,
    quote_of,
    unwrap,
)
from actors.gateway.errors import DecodeError, shown
from actors.gateway.fields import Fields
from actors.gateway.signalr import parse
from messages.codec import pack, unpack
from messages.facts import AccountChanged, PositionChanged
from messages.values import Fill, Order, Position, Side

AT = datetime(2026, 5, 6, 13, 36, 4, tzinfo=UTC)
MYM = "CON.F.US.MYM.M26"

ORDER = {
    "id": 2934939764,
    "accountId": 20258288,
    "contractId": MYM,
    "symbolId": "F.US.MYM",
    "creationTimestamp": "2026-05-06T13:36:03.4962794+00:00",
    "updateTimestamp": "2026-05-06T13:36:03.4962794+00:00",
    "status": 6,
    "type": 2,
    "side": 0,
    "size": 15,
    "fillVolume": 0,
}
TRADE = {
    "id": 2555492505,
    "accountId": 20258288,
    "contractId": MYM,
    "creationTimestamp": "2026-05-06T13:36:03.4962794+00:00",
    "price": 49909,
    "fees": 5.55,
    "commissions": 3.75,
    "side": 0,
    "size": 15,
    "voided": False,
    "orderId": 2934939816,
}
POSITION = {
    "id": 703034494,
    "accountId": 20258288,
    "contractId": MYM,
    "contractDisplayName": "MYMM26",
    "creationTimestamp": "2026-05-06T13:36:03.4962794+00:00",
    "type": 1,
    "size": 15,
    "averagePrice": 49909,
}
ACCOUNT = {
    "id": 20258288,
    "name": "150KTC-V2",
    "balance": 150175.38,
    "canTrade": True,
    "isVisible": True,
    "simulated": True,
}


def facts(target, *arguments):
    return [fact_of(target, unwrap(each), at=AT) for each in items_of(list(arguments))]


def pascal(payload):
    return {key[0].upper() + key[1:]: value for key, value in payload.items()}


def test_a_live_order_becomes_an_order():
    """The captured payload, with its nulls left out."""
    (fact,) = facts("gatewayuserorder", {"action": 1, "data": ORDER})

    assert (fact.account, fact.at, fact.cause) == (20258288, AT, "order/2934939764")
    assert fact.order == Order(
        order_id=2934939764,
        contract=MYM,
        side=Side.BUY,
        type=2,
        size=15,
        filled=0,
        status=6,
    )


def test_a_live_trade_becomes_a_fill_with_both_costs_and_no_profit():
    """A half-turn without `profitAndLoss` opened; seven digits of a second are cut to six."""
    (fact,) = facts("gatewayusertrade", {"action": 0, "data": TRADE})

    assert fact.cause == "trade/2555492505"
    assert fact.fill == Fill(
        trade_id=2555492505,
        order_id=2934939816,
        contract=MYM,
        side=Side.BUY,
        size=15,
        price=Decimal(49909),
        profit_and_loss_usd=None,
        fees_usd=Decimal("5.55"),
        commissions_usd=Decimal("3.75"),
        voided=False,
        executed_at=datetime(2026, 5, 6, 13, 36, 3, 496279, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("changes", "action", "size"),
    [
        pytest.param({}, 1, 15, id="long"),
        pytest.param({"type": 2}, 1, -15, id="short"),
        pytest.param({"size": 0}, 1, 0, id="closed by size 0"),
        pytest.param({"size": 0, "type": 0}, 1, 0, id="closed, of no type"),
        pytest.param({}, 2, 0, id="closed by a deleting envelope"),
    ],
)
def test_the_sign_of_a_position_comes_from_its_type_and_its_end_from_size_or_action(
    changes, action, size
):
    """Sizes on the wire are never negative."""
    (fact,) = facts("gatewayuserposition", {"action": action, "data": POSITION | changes})

    assert fact.position.size == size


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param([{"action": 1, "data": POSITION}], id="enveloped"),
        pytest.param([POSITION], id="bare"),
        pytest.param([[POSITION, None]], id="list with null padding"),
        pytest.param([None, {"action": 1, "data": POSITION}, None], id="padded arguments"),
        pytest.param([{"Action": 1, "Data": pascal(POSITION)}], id="PascalCase"),
    ],
)
def test_every_wrapping_that_was_ever_seen_is_understood(arguments):
    """Live envelope, documented bare object, lists, nulls, other casing."""
    (fact,) = facts("gatewayuserposition", *arguments)

    assert isinstance(fact, PositionChanged)
    assert fact.position == Position(contract=MYM, size=15, average_price=Decimal(49909))


def test_several_entities_in_one_record_are_several_facts_in_order():
    """A list is told on one by one."""
    second = POSITION | {"contractId": "CON.F.US.MNQ.M26"}

    found = facts("gatewayuserposition", [POSITION, second])

    assert [fact.position.contract for fact in found] == [MYM, "CON.F.US.MNQ.M26"]


def test_an_account_push_says_only_what_it_says():
    """What is left out is None, which changes nothing."""
    full, bare = facts("gatewayuseraccount", ACCOUNT, {"id": 20258288})

    assert full == AccountChanged(
        account=20258288,
        at=AT,
        cause="account/20258288",
        can_trade=True,
        balance_usd=Decimal("150175.38"),
    )
    assert (bare.can_trade, bare.balance_usd) == (None, None)


@pytest.mark.parametrize("status", [0, 7, 8, 99])
def test_an_order_status_nobody_knows_is_kept_and_counts_as_working(status):
    """Suspended children and whatever comes next must not vanish."""
    order = order_of(Fields(ORDER | {"status": status}, "order"))

    assert order.status == status
    assert order.working


@pytest.mark.parametrize(
    ("decode", "payload", "field"),
    [
        pytest.param(position_of, POSITION | {"type": 0}, "type", id="position of no direction"),
        pytest.param(position_of, POSITION | {"type": 3}, "type", id="position of unknown type"),
        pytest.param(position_of, POSITION | {"type": True}, "type", id="position of type true"),
        pytest.param(position_of, POSITION | {"size": -1}, "size", id="negative size"),
        pytest.param(position_of, POSITION | {"size": 1.0}, "size", id="size is a float"),
        pytest.param(position_of, POSITION | {"size": None}, "size", id="no size"),
        pytest.param(position_of, POSITION | {"averagePrice": None}, "averagePrice", id="no price"),
        pytest.param(
            position_of, POSITION | {"averagePrice": float("nan")}, "averagePrice", id="NaN"
        ),
        pytest.param(
            position_of, POSITION | {"averagePrice": Decimal("Infinity")}, "averagePrice", id="inf"
        ),
        pytest.param(position_of, POSITION | {"averagePrice": 10**5000}, "averagePrice", id="huge"),
        pytest.param(position_of, POSITION | {"averagePrice": 1e300}, "averagePrice", id="absurd"),
        pytest.param(position_of, POSITION | {"averagePrice": "1"}, "averagePrice", id="a text"),
        pytest.param(position_of, POSITION | {"contractId": ""}, "contractId", id="no contract"),
        pytest.param(order_of, ORDER | {"side": 2}, "side", id="unknown side"),
        pytest.param(order_of, ORDER | {"side": False}, "side", id="side is false"),
        pytest.param(order_of, ORDER | {"id": 2**63}, "id", id="id beyond 63 bits"),
        pytest.param(order_of, ORDER | {"fillVolume": 16}, "fillVolume", id="filled beyond size"),
        pytest.param(order_of, ORDER | {"customTag": "\ud800"}, "customTag", id="lone surrogate"),
        pytest.param(fill_of, TRADE | {"orderId": None}, "orderId", id="fill of no order"),
        pytest.param(fill_of, TRADE | {"voided": 1}, "voided", id="voided is 1"),
        pytest.param(
            fill_of,
            TRADE | {"creationTimestamp": "2026-05-06T13:36:03"},
            "creationTimestamp",
            id="time without a zone",
        ),
        pytest.param(
            fill_of,
            TRADE | {"creationTimestamp": "0001-01-01T00:00:00+14:00"},
            "creationTimestamp",
            id="time before time",
        ),
        pytest.param(account_record_of, ACCOUNT | {"canTrade": 1}, "canTrade", id="flag of 1"),
        pytest.param(
            contract_of,
            {"id": MYM, "name": "MYMM6", "tickSize": 0, "tickValue": 0.5},
            "tickSize",
            id="tick of size 0",
        ),
    ],
)
def test_what_is_malformed_is_refused_naming_the_field(decode, payload, field):
    """The error starts with the field's name."""
    with pytest.raises(DecodeError, match=rf"^{field} is "):
        decode(Fields(payload, "payload"))


def test_an_account_that_does_not_say_so_is_not_simulated():
    """The documentation's own example leaves `simulated` out; live-funded is the cautious reading."""
    record = account_record_of(Fields({k: v for k, v in ACCOUNT.items() if k != "simulated"}, "x"))

    assert not record.simulated


def test_an_account_that_does_not_say_whether_it_can_trade_is_listed_all_the_same():
    """Unknown is None, never a guess, and no reason to leave the account unguarded."""
    record = account_record_of(Fields({k: v for k, v in ACCOUNT.items() if k != "canTrade"}, "x"))

    assert record.can_trade is None


@pytest.mark.parametrize(
    ("arguments", "delta"),
    [
        pytest.param(
            [MYM, {"lastPrice": 49909, "bestBid": 49908.5}],
            QuoteDelta(MYM, Decimal(49909), Decimal("49908.5"), None),
            id="sparse",
        ),
        pytest.param(
            [MYM, [{"BestAsk": 1.5}]], QuoteDelta(MYM, None, None, Decimal("1.5")), id="listed"
        ),
        pytest.param([MYM, {"volume": 3}], QuoteDelta(MYM, None, None, None), id="no price"),
    ],
)
def test_a_quote_is_a_sparse_delta(arguments, delta):
    """A side that is left out is None, never 0."""
    assert quote_of(arguments) == delta


@pytest.mark.parametrize(
    "arguments",
    [[], [MYM], [7, {}], [MYM, None], [MYM, {"lastPrice": 0}], [MYM, {"bestBid": "1"}], None],
)
def test_what_is_no_quote_is_refused(arguments):
    """A price of 0 is no price."""
    with pytest.raises(DecodeError):
        quote_of(arguments)


def test_json_numbers_never_pass_through_a_float():
    """The text of the number is what counts."""
    assert parse(b"[0.1, 1e-7, 12345678901234567.5]") == [
        Decimal("0.1"),
        Decimal("1E-7"),
        Decimal("12345678901234567.5"),
    ]


@pytest.mark.parametrize("record", [b"", b"{", b"NaN", b'"\xff"', b"[" * 100_000])
def test_what_is_no_json_is_refused(record):
    """Deep nesting included, which would otherwise exhaust the stack."""
    with pytest.raises(DecodeError):
        parse(record)


def test_a_value_too_long_to_print_can_still_be_named():
    """Python refuses to print integers of more than 4,300 digits."""
    assert shown(10**5000) == "<int too long to print>"
    assert len(shown("x" * 1000)) == 120


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals()
    | st.text(st.characters(), max_size=20)
    | st.sampled_from([MYM, "2026-05-06T13:36:03.4962794+00:00"])
)
NAMES = st.sampled_from(
    sorted({*ORDER, *TRADE, *POSITION, *ACCOUNT, "action", "data", "Data", "customTag", "x"})
)
JUNK = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=8),
    max_leaves=12,
)
SPOILT = st.builds(
    lambda payload, changes: {"action": 1, "data": payload | changes},
    st.sampled_from([ORDER, TRADE, POSITION, ACCOUNT]),
    st.dictionaries(NAMES, SCALARS, max_size=3),
)
TARGETS = st.sampled_from(
    ["gatewayuserorder", "gatewayusertrade", "gatewayuserposition", "gatewayuseraccount", "other"]
)


@settings(deadline=None)  # the machine is shared
@given(TARGETS, JUNK | SPOILT | st.lists(SPOILT))
def test_decoding_raises_nothing_but_its_own_error_and_yields_what_the_journal_can_hold(
    target, payload
):
    """Whatever the broker sends, the stream goes on."""
    try:
        found = facts(target, payload)
    except DecodeError:
        return
    for fact in found:
        assert unpack(pack(fact)) == fact


@settings(deadline=None)  # the machine is shared
@given(JUNK | st.lists(JUNK, max_size=3))
def test_quotes_raise_nothing_but_their_own_error(arguments):
    """Likewise for the market hub."""
    try:
        quote_of(arguments)
    except DecodeError:
        return


@settings(deadline=None)  # the machine is shared
@given(st.binary(max_size=200))
def test_parsing_raises_nothing_but_its_own_error(record):
    """Bytes that are no JSON are no crash."""
    try:
        parse(record)
    except DecodeError:
        return


@pytest.mark.parametrize("when", ["0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59+00:00"])
def test_a_time_that_is_none_is_refused(when):
    """The year 1 is what .NET writes where it has no time; it belongs to no trading day."""
    fields = Fields({"creationTimestamp": when}, "trade")

    with pytest.raises(DecodeError, match="creationTimestamp"):
        fields.instant("creationTimestamp")
