"""What the fault campaign needs: counted strikes, shut hubs, short tokens, liquidation."""

from decimal import Decimal

import msgspec
import pytest
from websockets.exceptions import InvalidStatus

from messages.values import OrderType, Side
from tests.simulator.support import MNQ, A, Hub


def test_a_fault_tells_how_often_it_has_struck(simulator, rest):
    """Counted where it works, and still known when it is over."""
    fault = simulator.control.fault("http", "/Position/*", account=A, status=500, times=3)
    for _ in range(2):
        rest.post("/Position/searchOpen", accountId=A)
    simulator.control.end_fault(fault)
    rest.ok("/Position/searchOpen", accountId=A)

    assert simulator.control.struck(fault) == 2


def test_a_shut_hub_lets_nobody_in_and_the_other_hub_does(simulator, rest):
    """Whoever is connected stays; a new connection is answered with the status."""
    simulator.control.fault("http", "/hubs/user", status=503)

    with pytest.raises(InvalidStatus, match="503"):
        Hub(simulator, "user", rest.token)
    Hub(simulator, "market", rest.token).close()


def test_tokens_given_out_later_may_live_shorter(timed, clock):
    """The earlier one outlives the later one."""
    sessions = timed._broker.sessions
    before = sessions.issue("trader")
    timed.control.shorten_tokens(2.0)
    after = sessions.issue("trader")
    clock.advance(3)

    assert sessions.user_of(before) == "trader"
    assert sessions.user_of(after) is None


def test_a_liquidated_account_is_flat_without_orders_and_may_not_trade(simulator):
    """Long one and working one: both gone at once, the bracket's children too."""
    control = simulator.control
    control.set_price(MNQ, Decimal(21000))
    control.place_order(A, MNQ, Side.BUY, 2)
    control.place_order(
        A,
        MNQ,
        Side.BUY,
        1,
        OrderType.LIMIT,
        limit_price=Decimal(20000),
        stop_loss_ticks=40,
        take_profit_ticks=40,
    )
    control.liquidate(A)

    assert control.positions(A) == {}
    assert control.working_orders(A) == []
    assert control.state()[str(A)]["canTrade"] is False


def test_a_quote_can_be_pushed_as_it_stands(simulator, market):
    """Even what is no JSON number reaches whoever subscribed; the market has not moved."""
    market.invoke("SubscribeContractQuotes", MNQ)
    simulator.control.set_price(MNQ, Decimal(21000))
    market.events(1)
    simulator.control.push_raw_quote(MNQ, {"lastPrice": "NaN", "bestBid": msgspec.Raw(b"1e999")})

    (target, (contract, told)) = market.event()
    assert (target, contract, told["lastPrice"]) == ("GatewayQuote", MNQ, "NaN")
    assert simulator.control._broker.exchange.market.listing(MNQ).last == 21000
