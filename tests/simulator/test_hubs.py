"""The hubs as a plain websocket client sees them: SignalR framing, acknowledgements, pushes, quotes."""

from decimal import Decimal

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from actors.simulator import Simulator
from messages.values import Side
from tests.simulator.conftest import USERS
from tests.simulator.support import FOREIGN, MNQ, WITHIN_S, A, B, Hub, Rest


def negotiate(simulator, token, hub="user"):
    url = f"{simulator.user_hub_url.rsplit('/', 1)[0]}/{hub}/negotiate"
    return httpx.post(url, params={"access_token": token})


def test_a_negotiated_connection_id_works_exactly_once(simulator, rest):
    """Reuse is 404, as in ASP.NET; both ways in need a valid token."""
    answer = negotiate(simulator, rest.token)
    assert answer.headers["content-type"].startswith("application/json")
    connection_id = answer.json()["connectionId"]
    Hub(simulator, "user", rest.token, connection_id).close()

    with pytest.raises(InvalidStatus, match="404"):
        Hub(simulator, "user", rest.token, connection_id)
    with pytest.raises(InvalidStatus, match="401"):
        Hub(simulator, "user", "bad")
    assert negotiate(simulator, "bad").status_code == 401


def test_a_subscription_is_acknowledged_and_a_bad_one_says_why(hub, market):
    """Foreign, unknown and misspelt subjects are errors of the completion."""
    assert hub.invoke("SubscribeOrders", A)["result"] is None
    for account in (FOREIGN, 1, "x"):
        assert hub.invoke("SubscribePositions", account)["error"] == "Account not found."
    assert "Method does not exist" in hub.invoke("SubscribeEverything")["error"]
    assert market.invoke("SubscribeContractQuotes", "CON.F.US.XYZ.Z25")["error"]
    assert "Method does not exist" in market.invoke("SubscribeOrders", A)["error"]


def test_connections_and_subscriptions_are_on_the_record(simulator, hub):
    """Tests wait for them instead of sleeping."""
    hub.invoke("SubscribeOrders", A)
    hub.invoke("SubscribeOrders", FOREIGN)
    (opened,) = simulator.record().requests("/hubs/user")
    good, refused = simulator.record().requests("/hubs/user/SubscribeOrders")
    assert (opened.status, opened.user) == (101, "trader")
    assert [(r.account, r.applied) for r in (good, refused)] == [(A, True), (FOREIGN, False)]


def test_an_unknown_invocation_without_id_is_ignored(hub):
    """The SDK sends an undefined Heartbeat all the time; pings want no answer either."""
    hub.send({"type": 1, "target": "Heartbeat", "arguments": []})
    hub.send({"type": 6})
    hub.socket.send("not json\x1e")
    assert hub.invoke("SubscribeTrades", A)["result"] is None


def test_several_records_may_come_in_one_frame(simulator, rest):
    """The handshake and the first invocation can arrive together."""
    url = f"{simulator.user_hub_url}?access_token={rest.token}".replace("http", "ws", 1)
    invocation = '{"type":1,"target":"SubscribeAccounts","arguments":[],"invocationId":"1"}'
    with connect(url, compression=None) as socket:
        socket.send(f'{{"protocol":"json","version":1}}\x1e{invocation}\x1e')
        assert socket.recv(timeout=WITHIN_S) == "{}\x1e"
        assert '"invocationId":"1"' in socket.recv(timeout=WITHIN_S)


def test_another_protocol_is_refused_in_the_handshake(simulator, rest):
    """Only JSON v1 is spoken."""
    url = f"{simulator.user_hub_url}?access_token={rest.token}".replace("http", "ws", 1)
    with connect(url, compression=None) as socket:
        socket.send('{"protocol":"messagepack","version":1}\x1e')
        assert "error" in socket.recv(timeout=WITHIN_S)
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=WITHIN_S)


def test_one_connection_sees_all_its_accounts_in_order_and_enveloped(simulator, hub):
    """Order, trade, order, position, account twice, each as {action, data} without nulls."""
    hub.subscribe(A, B)
    simulator.control.place_order(A, MNQ, Side.BUY, 2)
    simulator.control.place_order(B, MNQ, Side.SELL, 1)
    events = hub.events(12)

    kinds = ["Order", "Trade", "Order", "Position", "Account", "Account"]
    assert [target.removeprefix("GatewayUser") for target, _ in events] == kinds * 2
    rows = [arguments[0]["data"] for _, arguments in events]
    assert [row.get("accountId", row["id"]) for row in rows] == [A] * 6 + [B] * 6
    assert all(arguments[0].keys() == {"action", "data"} for _, arguments in events)
    assert not any(value is None for row in rows for value in row.values())
    assert all(row["id"] > 2**31 for row in rows[:4])
    assert isinstance(rows[1]["price"], int), "whole prices are integers on the wire"
    assert (rows[9]["type"], rows[9]["size"]) == (2, 1)


def test_nothing_is_replayed_and_unsubscribing_ends_it(simulator, hub):
    """A new subscription starts from now."""
    simulator.control.place_order(A, MNQ, Side.BUY, 1)
    hub.invoke("SubscribePositions", A)
    simulator.control.trader_close(A, MNQ)
    assert hub.event()[1][0]["data"]["size"] == 0
    hub.invoke("UnsubscribePositions", A)
    simulator.control.place_order(A, MNQ, Side.BUY, 1)
    assert hub.invoke("SubscribeTrades", A)["type"] == 3, "nothing came in between"


def test_quotes_are_whole_at_first_and_sparse_afterwards(simulator, market):
    """Only what changed is sent; a client has to merge."""
    control = simulator.control
    assert market.invoke("SubscribeContractQuotes", MNQ)["result"] is None
    control.set_price(MNQ, Decimal(21000), Decimal("20999.75"), Decimal("21000.25"))
    control.set_price(MNQ, Decimal(21000), Decimal("20999.50"), Decimal("21000.25"))
    (_, (cid, whole)), (_, (_, delta)) = market.events(2)
    assert (cid, whole["lastPrice"], whole["bestAsk"]) == (MNQ, 21000, 21000.25)
    assert delta.keys() == {"symbol", "bestBid", "volume", "lastUpdated", "timestamp"}


def test_a_late_subscriber_gets_the_quote_once_whole(simulator, market):
    """Without it a quiet market would stay unknown; the acknowledgement follows."""
    simulator.control.set_price(MNQ, Decimal(21000))
    market.send(
        {"type": 1, "target": "SubscribeContractQuotes", "arguments": [MNQ], "invocationId": "9"}
    )
    target, (_, quote) = market.event()
    assert (target, quote["lastPrice"]) == ("GatewayQuote", 21000)
    assert market.next()["invocationId"] == "9"


def test_market_trades_are_lists(simulator, market):
    """Live payloads are lists where the docs show objects."""
    market.invoke("SubscribeContractTrades", MNQ)
    market.invoke("SubscribeContractMarketDepth", MNQ)
    simulator.control.set_price(MNQ, Decimal(21000))
    target, (cid, prints) = market.event()
    assert (target, cid, prints[0]["price"]) == ("GatewayTrade", MNQ, 21000)


def test_the_server_pings(clock):
    """A client's watchdog lives on these."""
    with Simulator(clock=clock, users=USERS, ping_every_s=0.01) as simulator:
        rest = Rest(simulator)
        client = Hub(simulator, "market", rest.token)
        assert client.next() == {"type": 6}
        client.close()
        rest.close()


def test_dropped_connections_see_a_reset_or_a_proper_close(simulator, rest):
    """Both happen to the live service."""
    for abruptly, code in ((True, 1006), (False, 1001)):
        client = Hub(simulator, "user", rest.token)
        assert simulator.control.drop_connections("trader", abruptly=abruptly) == 1
        with pytest.raises(ConnectionClosed) as closed:
            client.next()
        assert (closed.value.rcvd.code if closed.value.rcvd else 1006) == code


def test_a_session_conflict_says_gateway_logout_and_hangs_up(simulator, hub):
    """The kick comes with a reason."""
    simulator.control.log_out("trader", "Session opened on another device.")
    assert hub.event() == ("GatewayLogout", ["Session opened on another device."])
    with pytest.raises(ConnectionClosed):
        hub.next()


def test_a_silent_hub_answers_websocket_pings_and_nothing_else(simulator, hub):
    """Connected, alive by TCP, and useless: what is not sent is lost."""
    hub.subscribe(A)
    simulator.control.silence(on=True)
    simulator.control.place_order(A, MNQ, Side.BUY, 1)
    assert hub.socket.ping().wait(WITHIN_S)
    assert {push.receivers for push in simulator.record().pushes(account=A)} == {0}
    simulator.control.silence(on=False)
    simulator.control.trader_close(A, MNQ)
    assert hub.event()[1][0]["data"]["side"] == Side.SELL


def test_a_frozen_gateway_does_nothing_and_catches_up(simulator, hub, rest):
    """TCP is up, REST and hub hang; thawed, everything that was due comes."""
    hub.subscribe(A)
    simulator.control.freeze(on=True)
    simulator.control.place_order(A, MNQ, Side.BUY, 1)
    with pytest.raises(httpx.ReadTimeout):
        rest.post("/Account/search", timeout=0.05)
    with pytest.raises(TimeoutError):
        hub.next(timeout=0.05)
    simulator.control.freeze(on=False)
    assert hub.event()[0] == "GatewayUserOrder"


def test_the_record_tells_when_a_push_was_written_to_the_socket(simulator, hub):
    """Made and written are two instants; what nobody was sent has the first only."""
    simulator.control.place_order(A, MNQ, Side.BUY, 1)
    hub.subscribe(A)
    simulator.control.freeze(on=True)
    before = simulator.record().last_seq
    simulator.control.trader_close(A, MNQ)
    record = simulator.record()
    unsent = record.pushes("GatewayUserTrade", A)[0]
    frozen = record.pushes("GatewayUserTrade", A, after=before)[0]
    assert (unsent.receivers, unsent.written_s, frozen.written_s) == (0, None, None)
    simulator.control.freeze(on=False)
    while hub.event()[0] != "GatewayUserTrade":
        pass
    written = record.pushes("GatewayUserTrade", A, after=before)[0]
    assert written.written_s is not None
    assert written.written_s > written.monotonic_s


def test_raw_payloads_go_out_as_they_stand(simulator, hub):
    """Malformed, bare, null-padded: whatever a test wants."""
    hub.invoke("SubscribeTrades", A)
    simulator.control.push_raw("GatewayUserTrade", {"id": "NaN", "price": None}, A)
    simulator.control.push_raw("GatewayUserOrder", [None, {"x": 1}])
    assert hub.event() == ("GatewayUserTrade", [{"id": "NaN", "price": None}])
    assert hub.event() == ("GatewayUserOrder", [[None, {"x": 1}]])
