"""The simulator as software: start and stop, control from any thread and over HTTP, the record."""

import threading
from decimal import Decimal
from itertools import islice

import httpx
import pytest

from actors.runtime.clock import SystemClock
from actors.simulator import PortInUseError, Pushed, RefusedError, Request, SimAccount, Simulator
from actors.simulator.contracts import catalogue
from actors.simulator.walk import walk
from messages.values import OrderType, Side, product_of
from tests.simulator.conftest import USERS
from tests.simulator.support import AT, MNQ, WITHIN_S, A, Hub, Rest


def test_a_taken_port_is_a_clear_error(simulator):
    """The message names the port and the way out."""
    with pytest.raises(PortInUseError, match=f"{simulator.port}.*choose another"):
        Simulator(clock=SystemClock(), users=USERS, port=simulator.port).start()


def test_stop_hangs_up_and_a_new_start_is_the_same_broker(simulator, rest):
    """A gateway restart: same port, same positions, connections gone."""
    port = simulator.port
    hub = Hub(simulator, "user", rest.token)
    simulator.control.place_order(A, MNQ, Side.BUY, 1)
    simulator.stop()
    simulator.stop()
    with pytest.raises(httpx.ConnectError):
        Rest(simulator)
    hub.close()

    simulator.start()
    assert simulator.port == port
    again = Rest(simulator)
    assert len(again.ok("/Position/searchOpen", accountId=A)["positions"]) == 1
    again.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "simulator"][1:]


def test_it_serves_until_an_event_is_set():
    """What `main.py simulate` runs."""
    simulator = Simulator(clock=SystemClock(), users=USERS)
    stop = threading.Event()
    stop.set()
    simulator.serve_forever(stop)
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{simulator.api_url}/Status/ping")


def test_verbs_from_many_threads_all_happen(simulator):
    """Control is thread-safe: nothing is lost, nothing torn."""
    threads = [
        threading.Thread(
            target=lambda: [simulator.control.place_order(A, MNQ, Side.BUY, 1) for _ in range(25)]
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert simulator.control.positions(A) == {MNQ: 100}
    assert len({trade["id"] for trade in simulator.control.trades(A)}) == 100


def test_a_refusal_reaches_the_caller(simulator):
    """A test that places a wrong order hears of it."""
    with pytest.raises(RefusedError, match="aligned"):
        simulator.control.place_order(
            A, MNQ, Side.SELL, 1, OrderType.STOP, stop_price=Decimal("20990.1")
        )


def test_accounts_and_users_can_be_added_while_it_runs(simulator):
    """A new user logs in with its own key."""
    simulator.control.add_account("third", SimAccount(77), api_key="key3")
    rest = Rest(simulator, "third", "key3")
    assert [a["id"] for a in rest.ok("/Account/search")["accounts"]] == [77]
    rest.close()


def test_the_firm_and_the_trader_act_through_control(simulator, hub):
    """canTrade, modify, cancel, partial close, void and liquidity."""
    control = simulator.control
    hub.invoke("SubscribeAccounts")
    control.set_can_trade(A, can_trade=False)
    assert hub.event()[1][0]["data"]["canTrade"] is False
    control.set_can_trade(A, can_trade=True)
    control.set_liquidity(MNQ, 2)
    control.place_order(A, MNQ, Side.BUY, 3)
    assert control.positions(A) == {MNQ: 2}
    control.set_liquidity(MNQ, None)
    control.trader_close(A, MNQ, 1)
    assert control.positions(A) == {MNQ: 2}
    stop = control.place_order(A, MNQ, Side.SELL, 2, OrderType.STOP, stop_price=Decimal(20990))
    control.modify_order(A, stop, stop_price=Decimal(20995))
    assert control.working_orders(A)[0]["stopPrice"] == 20995
    control.cancel_order(A, stop)
    assert control.working_orders(A) == []
    control.void_trade(A, control.book_trade(A, MNQ, profit_and_loss=Decimal(-300)))
    assert control.trades(A)[-1]["voided"] is True


def test_the_same_verbs_work_over_http(simulator):
    """Arguments are checked against the signature; a refusal is 400 and says why."""

    def call(verb, **arguments):
        return httpx.post(f"{simulator.control_url}/{verb}", json=arguments)

    placed = call("place_order", account=A, contract=MNQ, side=0, size=2, stop_loss_ticks=10)
    assert placed.json()["result"] > 2**31
    call("set_price", contract=MNQ, last=21010.25)
    booked = call("book_trade", account=A, contract=MNQ, profit_and_loss="-35.50")
    assert booked.status_code == 200
    call("fault", kind="http", where="/Order/*", status=500, times=1)
    call("add_account", username="trader", account={"id": 78})
    assert call("positions", account=A).json() == {"result": {MNQ: 2}}

    assert "no verb" in call("explode").json()["error"]
    assert "sise" in call("place_order", account=A, contract=MNQ, side=0, sise=2).json()["error"]
    refused = call("trader_close", account=A, contract="CON.F.US.MES.Z25")
    assert (refused.status_code, refused.json()["error"]) == (400, "RefusedError: PositionNotFound")

    state = httpx.get(f"{simulator.control_url}/state").json()
    assert state[str(A)]["positions"][0]["size"] == 2
    record = httpx.get(f"{simulator.control_url}/record", params={"after": 2}).json()
    assert record[0]["seq"] == 3
    assert {"target", "account", "data", "monotonic_s"} <= record[0].keys()


def test_the_record_has_requests_and_pushes_in_one_order(timed, clock):
    """Arrival, application and answer of a request, then the pushes it caused; keys are not kept."""
    rest = Rest(timed)
    timed.control.place_order(A, MNQ, Side.BUY, 1)
    mark = timed.record().last_seq
    clock.advance(5)
    rest.ok("/Position/closeContract", accountId=A, contractId=MNQ)
    request, *pushes = timed.record().entries(after=mark)

    assert isinstance(request, Request)
    assert (request.user, request.account, request.status, request.error_code) == (
        "trader",
        A,
        200,
        0,
    )
    assert (request.applied, request.monotonic_s) == (True, 5.0)
    assert request.body == {"accountId": A, "contractId": MNQ}
    assert all(isinstance(push, Pushed) for push in pushes)
    assert [push.target for push in pushes][:2] == ["GatewayUserOrder", "GatewayUserTrade"]
    assert len(timed.record().pushes("GatewayUserTrade", A)) == 2
    (login,) = timed.record().requests("/Auth/loginKey")
    assert "key" not in login.body.values()
    rest.close()


def test_waiting_for_the_record_wakes_up_or_times_out(simulator):
    """Conditions, not sleeps; a timeout tells what was there."""
    record = simulator.record()
    trader = threading.Thread(target=lambda: simulator.control.place_order(A, MNQ, Side.BUY, 1))
    trader.start()
    trades = record.wait_for(
        lambda e: isinstance(e, Pushed) and e.target == "GatewayUserTrade", WITHIN_S
    )
    assert trades[0].data["size"] == 1
    record.wait_until(lambda: simulator.control.positions(A) == {MNQ: 1}, WITHIN_S)
    trader.join()
    with pytest.raises(TimeoutError, match="0 of 1"):
        record.wait_for(lambda e: e.account == 1, 0.01)
    with pytest.raises(TimeoutError, match="did not hold"):
        record.wait_until(lambda: False, 0.01)


def test_the_record_forgets_the_oldest_beyond_its_limit(clock):
    """A demo may run for days."""
    with Simulator(clock=clock, users=USERS, record_limit=10) as simulator:
        for _ in range(20):
            simulator.control.place_order(A, MNQ, Side.BUY, 1)
        entries = simulator.record().entries()
        assert 10 <= len(entries) <= 20
        assert entries[-1].seq == simulator.record().last_seq == 120


def test_prices_can_walk_by_themselves(simulator):
    """The same seed, the same market; orders trigger on the way."""
    first = list(islice(walk(Decimal(21000), Decimal("0.25"), seed=7), 50))
    assert first == list(islice(walk(Decimal(21000), Decimal("0.25"), seed=7), 50))
    assert all(price % Decimal("0.25") == 0 for price in first)

    simulator.control.set_price(MNQ, Decimal(21000))
    level = next(price for price in first if price != 21000)
    order_type = OrderType.STOP
    side = Side.BUY if level > 21000 else Side.SELL
    simulator.control.place_order(A, MNQ, side, 1, order_type, stop_price=level)
    simulator.control.start_walk(MNQ, every_s=0.001, seed=7)
    simulator.record().wait_until(lambda: simulator.control.positions(A) != {}, WITHIN_S)
    simulator.control.stop_walk(MNQ)


def test_every_product_is_listed_in_every_expiry_under_its_projectx_id():
    """ES is EP, NQ is ENQ, CL is CLE, MCL is MCLE, GC is GCE; one front month each."""
    contracts = catalogue(AT.date())
    assert len(contracts) == 12 * 6
    assert {product_of(cid) for cid in contracts} == {
        spec.product.symbol for spec in contracts.values()
    }
    assert contracts["CON.F.US.ENQ.H26"].name == "NQH6"
    assert {spec.id.rsplit(".", 1)[1] for spec in contracts.values() if spec.active} == {"Z25"}
    ticks = {spec.product.symbol: spec.value_per_point for spec in contracts.values()}
    assert (ticks["MNQ"], ticks["ES"], ticks["MYM"], ticks["RTY"]) == (2, 50, Decimal("0.5"), 50)
