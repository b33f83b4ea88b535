"""Every fault does what its name says, as often as it was told, and nothing to anybody else."""

import threading
from decimal import Decimal

import httpx
import pytest

from actors.simulator import FaultKind, Refusal, Request
from messages.values import Side
from tests.simulator.support import MNQ, WITHIN_S, A, B

CLOSE = "/Position/closeContract"
ORDER = {"accountId": A, "contractId": MNQ, "type": 2, "side": 0, "size": 1}
POSITION = {"accountId": A, "contractId": MNQ}


@pytest.fixture
def control(simulator):
    """Hold one MNQ in account A."""
    simulator.control.place_order(A, MNQ, Side.BUY, 1)
    return simulator.control


def asked_to_close(entry):
    return isinstance(entry, Request) and entry.endpoint == CLOSE


def last_request(simulator):
    return simulator.record().requests()[-1]


@pytest.mark.parametrize("status", [401, 429, 500, 503])
def test_an_http_status_is_answered_without_doing_anything(simulator, control, rest, status):
    """Twice, then the close works."""
    control.fault(FaultKind.HTTP, CLOSE, status=status, times=2)
    assert [rest.post(CLOSE, **POSITION).status_code for _ in range(2)] == [status] * 2
    assert control.positions(A) == {MNQ: 1}
    assert (last_request(simulator).status, last_request(simulator).applied) == (status, False)
    rest.ok(CLOSE, **POSITION)


def test_a_rejection_carries_the_endpoints_own_code(control, rest):
    """By name the number is the endpoint's; any raw or unknown number can be asked for."""
    control.fault("reject", CLOSE, refusal=Refusal.PENDING, text="later", times=1)
    control.fault("reject", "/Order/*", refusal="UnknownError", times=1)
    control.fault("reject", CLOSE, code=99, times=1)
    answer = rest.post(CLOSE, **POSITION).json()
    assert (answer["success"], answer["errorCode"], answer["errorMessage"]) == (False, 6, "later")
    assert rest.code("/Order/place", **ORDER) == 7
    assert rest.code(CLOSE, **POSITION) == 99
    rest.ok(CLOSE, **POSITION)


def test_a_fault_that_makes_no_sense_is_refused_at_once(control):
    """A typo must not end as a test that tests nothing."""
    for nonsense in ({"kind": "http"}, {"kind": "explode"}, {"kind": "reject", "refusal": "Maybe"}):
        with pytest.raises(ValueError, match=r"status|explode|Maybe"):
            control.fault(**nonsense)


def test_a_fault_of_one_account_leaves_others_alone(control, rest):
    """Isolation between accounts can be tested."""
    control.fault("http", account=A, status=500)
    assert rest.post("/Position/searchOpen", accountId=A).status_code == 500
    query = {"filter": {"accountId": A}}
    assert rest.post("/Order/v2/query", **query).status_code == 500
    assert rest.post("/Position/searchOpen", accountId=B).status_code == 200


@pytest.mark.parametrize("late", [True, False])
def test_a_hang_before_applies_nothing_until_it_is_released(simulator, control, rest, late):
    """The client gives up; released, the close is carried out late, on stop it is not."""
    control.fault("hang_before", CLOSE, times=1)
    with pytest.raises(httpx.ReadTimeout):
        rest.post(CLOSE, timeout=0.05, **POSITION)
    arrived = simulator.record().wait_for(asked_to_close, WITHIN_S)
    assert (control.positions(A), arrived[0].status) == ({MNQ: 1}, None)
    if late:
        control.release()
        simulator.record().wait_for(lambda e: isinstance(e, Request) and e.applied, WITHIN_S)
    else:
        simulator.stop()
    assert control.positions(A) == ({} if late else {MNQ: 1})


def test_ending_one_fault_lets_what_hangs_by_another_hang(simulator, control, rest):
    """A push fault that ends in between does not carry a hanging close out."""
    control.fault("hang_before", CLOSE, times=1)
    other = control.fault("drop", "GatewayUserOrder")
    with pytest.raises(httpx.ReadTimeout):
        rest.post(CLOSE, timeout=0.05, **POSITION)
    simulator.record().wait_for(asked_to_close, WITHIN_S)

    control.end_fault(other)

    rest.post("/Position/searchOpen", accountId=A)
    assert control.positions(A) == {MNQ: 1}
    control.release()
    simulator.record().wait_for(lambda e: isinstance(e, Request) and e.applied, WITHIN_S)
    assert control.positions(A) == {}


@pytest.mark.parametrize(
    ("kind", "error"), [("hang_after", httpx.ReadTimeout), ("cut_after", httpx.HTTPError)]
)
def test_what_was_applied_may_never_be_answered(simulator, control, rest, kind, error):
    """The record knows: applied, no status."""
    control.fault(kind, CLOSE, times=1)
    with pytest.raises(error):
        rest.post(CLOSE, timeout=0.1, **POSITION)
    simulator.record().wait_until(lambda: control.positions(A) == {}, WITHIN_S)
    assert (last_request(simulator).applied, last_request(simulator).status) == (True, None)


def test_a_connection_cut_before_does_nothing(control, rest):
    """As if the request never arrived, but it did."""
    control.fault("cut_before", CLOSE, times=1)
    with pytest.raises(httpx.HTTPError):
        rest.post(CLOSE, **POSITION)
    assert control.positions(A) == {MNQ: 1}


@pytest.mark.parametrize(("fields", "status"), [({"status": 500}, 500), ({"code": 7}, 200)])
def test_applied_but_error_lies_about_a_success(simulator, control, rest, fields, status):
    """A 5xx or an ambiguous code after the fact."""
    control.fault("applied_but_error", CLOSE, times=1, **fields)
    assert rest.post(CLOSE, **POSITION).status_code == status
    assert control.positions(A) == {}
    assert last_request(simulator).applied


def test_ok_not_applied_lies_about_a_failure(simulator, control, rest):
    """Success is answered, an order id invented, nothing happens."""
    control.fault("ok_not_applied", times=2)
    rest.ok(CLOSE, **POSITION)
    assert rest.ok("/Order/place", **ORDER)["orderId"] > 2**31
    assert control.positions(A) == {MNQ: 1}
    assert not any(request.applied for request in simulator.record().requests())


def test_a_null_list_is_not_an_empty_one(control, rest):
    """A success without its list proves nothing."""
    control.fault("null_list", "/Position/searchOpen", times=1)
    assert rest.ok("/Position/searchOpen", accountId=A)["positions"] is None
    assert len(rest.ok("/Position/searchOpen", accountId=A)["positions"]) == 1


def test_garbage_is_not_json(control, rest):
    """A proxy's error page with status 200."""
    control.fault("garbage", "/Position/searchOpen", times=1)
    with pytest.raises(ValueError, match="Expecting"):
        rest.post("/Position/searchOpen", accountId=A).json()


def test_a_delay_only_takes_time(control, rest):
    """The answer comes, later than a short patience."""
    control.fault("delay", CLOSE, seconds=60, times=1)
    with pytest.raises(httpx.ReadTimeout):
        rest.post(CLOSE, timeout=0.02, **POSITION)


def test_a_login_can_be_refused(control, rest):
    """Codes of loginKey are its own."""
    control.fault("reject", "/Auth/loginKey", code=10, times=1)
    answer = rest.post("/Auth/loginKey", userName="trader", apiKey="key").json()
    assert (answer["errorCode"], answer["token"]) == (10, None)


def test_pushes_can_be_doubled_dropped_and_overtaken(control, hub):
    """Each kind by target, each so many times."""
    hub.subscribe(A)
    control.fault("drop", "GatewayUserOrder")
    control.fault("drop", "GatewayUserAccount")
    control.fault("duplicate", "GatewayUserTrade", copies=3, times=1)
    control.fault("late", "GatewayUserPosition", seconds=2, times=1)
    control.trader_close(A, MNQ)
    control.place_order(A, MNQ, Side.SELL, 1)
    got = [
        (target.removeprefix("GatewayUser"), args[0]["data"]["size"])
        for target, args in hub.events(6)
    ]
    assert got == [("Trade", 1)] * 4 + [("Position", 1), ("Position", 0)]


def test_reordering_shuffles_a_window_and_loses_nothing(control, hub):
    """Everything arrives, in another order, at the latest when the faults are cleared."""
    hub.subscribe(A)
    control.fault("reorder", seconds=60)
    for _ in range(4):
        control.book_trade(A, MNQ, profit_and_loss=Decimal(-20))
    control.clear_faults()
    targets = [target for target, _ in hub.events(4 * 5)]
    assert sorted(targets) == sorted(
        ["GatewayUserOrder"] * 8 + ["GatewayUserTrade"] * 4 + ["GatewayUserAccount"] * 8
    )
    assert targets[:3] != ["GatewayUserOrder", "GatewayUserTrade", "GatewayUserOrder"]


def test_stopping_ends_every_hang(simulator, control, rest):
    """Nobody waits for a simulator that is gone."""
    control.fault("hang_before", CLOSE)
    errors = []

    def close():
        try:
            rest.post(CLOSE, **POSITION)
        except httpx.HTTPError as error:
            errors.append(error)

    waiting = threading.Thread(target=close)
    waiting.start()
    simulator.record().wait_for(asked_to_close, WITHIN_S)
    simulator.stop()
    waiting.join(WITHIN_S)
    assert len(errors) == 1
    assert control.positions(A) == {MNQ: 1}
