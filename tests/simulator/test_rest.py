"""The REST door: logins, tokens, isolation, budgets, envelopes and codes, seen by a plain HTTP client."""

import base64
import json
from datetime import timedelta

import httpx
import pytest

from actors.simulator import Limits, Simulator
from messages.values import OrderType, Side
from tests.simulator.conftest import USERS
from tests.simulator.support import AT, FOREIGN, MNQ, A, B, Rest

ENVELOPE = {"success": True, "errorCode": 0, "errorMessage": None}


def order(**changes):
    return {"accountId": A, "contractId": MNQ, "type": 2, "side": 0, "size": 1, **changes}


def test_a_login_gives_a_jwt_and_wrong_credentials_give_200_with_code_3(rest):
    """Three dot parts, numeric exp; the refusal is a business error."""
    claims = rest.token.split(".")[1]
    assert isinstance(json.loads(base64.urlsafe_b64decode(claims + "==="))["exp"], int)
    assert rest.token.count(".") == 2

    wrong = rest.post("/Auth/loginKey", userName="trader", apiKey="no")
    assert wrong.status_code == 200
    assert wrong.json() == {"token": None, "success": False, "errorCode": 3, "errorMessage": None}


def test_a_token_dies_of_age_by_the_clock(timed, clock):
    """An expired token is 401, a validated one lives on."""
    old = Rest(timed)
    clock.advance(3000)
    renewed = old.ok("/Auth/validate")["newToken"]
    clock.advance(601)
    assert old.post("/Account/search").status_code == 401
    old.token = renewed
    assert old.post("/Account/search").status_code == 200
    old.close()


def test_revoked_and_logged_out_tokens_are_401(simulator, rest):
    """Without a token there is nothing but ping and login."""
    simulator.control.revoke_tokens("other")
    assert rest.post("/Account/search").status_code == 200
    simulator.control.revoke_tokens()
    assert rest.post("/Account/search").status_code == 401
    again = Rest(simulator)
    again.ok("/Auth/logout")
    assert again.post("/Account/search").status_code == 401
    again.close()
    assert httpx.get(f"{simulator.api_url}/Status/ping").json() == "pong"


def test_accounts_are_listed_per_user_with_every_field(simulator, rest):
    """The SDK crashes on a missing field; another user's accounts are not there."""
    simulator.control.set_account(B, active=False)
    accounts = rest.ok("/Account/search", onlyActiveAccounts=True)["accounts"]
    assert accounts == [
        {
            "id": A,
            "name": "50KTC-1",
            "balance": 50000,
            "canTrade": True,
            "isVisible": True,
            "simulated": True,
        }
    ]
    assert len(rest.ok("/Account/search")["accounts"]) == 2


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        ("/Position/searchOpen", {}),
        ("/Position/closeContract", {"contractId": MNQ}),
        ("/Position/partialCloseContract", {"contractId": MNQ, "size": 1}),
        ("/Order/place", {"contractId": MNQ, "type": 2, "side": 0, "size": 1}),
        ("/Order/cancel", {"orderId": 1}),
        ("/Order/modify", {"orderId": 1, "size": 1}),
        ("/Order/searchOpen", {}),
        ("/Order/searchById", {"orderId": 1}),
        ("/Order/search", {"startTimestamp": "2025-01-01T00:00:00Z"}),
        ("/Trade/search", {"startTimestamp": "2025-01-01T00:00:00Z"}),
    ],
)
@pytest.mark.parametrize("account", [FOREIGN, 1])
def test_another_users_account_does_not_exist(rest, endpoint, body, account):
    """Code 1 AccountNotFound everywhere, for foreign and for unknown accounts."""
    assert rest.code(endpoint, accountId=account, **body) == 1


def test_orders_and_trades_are_found_again(rest):
    """Place, search by every way, cancel; searchOpen knows status 1 only."""
    stop = order(type=4, side=1, stopPrice=20990, customTag="mine")
    stop_id = rest.ok("/Order/place", **stop)["orderId"]
    legs = {
        "stopLossBracket": {"ticks": -10, "type": 4},
        "takeProfitBracket": {"ticks": 8, "type": 1},
    }
    entry = rest.ok("/Order/place", **order(type=1, limitPrice=20000, **legs))["orderId"]

    found = rest.ok("/Order/searchById", accountId=A, orderId=stop_id)["order"]
    assert (found["status"], found["stopPrice"], found["customTag"]) == (1, 20990, "mine")
    assert found["limitPrice"] is None, "REST keeps nulls"
    working = rest.ok("/Order/searchOpen", accountId=A)["orders"]
    assert [o["id"] for o in working] == [stop_id, entry]
    since = {"startTimestamp": "2025-01-01T00:00:00Z"}
    assert len(rest.ok("/Order/search", accountId=A, **since)["orders"]) == 4

    rest.ok("/Order/modify", accountId=A, orderId=stop_id, stopPrice=20995)
    rest.ok("/Order/cancel", accountId=A, orderId=stop_id)
    assert rest.code("/Order/cancel", accountId=A, orderId=stop_id) == 3
    assert rest.code("/Order/cancel", accountId=A, orderId=7) == 2

    rest.ok("/Order/place", **order())
    trades = rest.ok("/Trade/search", accountId=A, **since)["trades"]
    assert trades[0]["profitAndLoss"] is None
    assert (
        rest.ok("/Trade/search", accountId=A, startTimestamp="2099-01-01T00:00:00Z")["trades"] == []
    )


def test_the_query_filters_by_status_and_pages(rest):
    """Suspended children are only visible here; the total count says when a page was short."""
    legs = {
        "stopLossBracket": {"ticks": 10, "type": 4},
        "takeProfitBracket": {"ticks": 8, "type": 1},
    }
    rest.ok("/Order/place", **order(type=1, limitPrice=20000, **legs))
    rest.ok("/Order/place", **order())

    def query(offset=0, size=50, **filters):
        asked = {"filter": {"accountId": A, **filters}, "pageSize": size, "pageOffset": offset}
        return rest.ok("/Order/v2/query", **asked, includeTotalCount=True)

    assert [o["status"] for o in query(statuses=[1, 6, 7, 8])["orders"]] == [1, 8, 8]
    first, second = query(size=3), query(offset=3, size=3)
    assert (len(first["orders"]), len(second["orders"]), first["totalCount"]) == (3, 1, 4)
    assert query(contractId="CON.F.US.EP.Z25")["orders"] == []


def test_closing_answers_with_the_envelope_alone(simulator, rest):
    """No order id; closing again says PositionNotFound; sizes are checked."""
    rest.ok("/Order/place", **order(size=3))
    part = {"accountId": A, "contractId": MNQ}
    assert rest.ok("/Position/partialCloseContract", **part, size=1) == ENVELOPE
    assert rest.code("/Position/partialCloseContract", **part, size=3) == 5
    (position,) = rest.ok("/Position/searchOpen", accountId=A)["positions"]
    assert (position["size"], position["type"], position["contractDisplayName"]) == (2, 1, "MNQZ5")
    assert rest.ok("/Position/closeContract", **part) == ENVELOPE
    assert rest.code("/Position/closeContract", **part) == 2
    assert simulator.control.positions(A) == {}


def test_after_hours_every_endpoint_has_its_own_code(simulator, rest):
    """Place 5, close 4, cancel 3, all with the same text."""
    rest.ok("/Order/place", **order())
    stop = rest.ok("/Order/place", **order(type=4, side=1, stopPrice=20990))["orderId"]
    simulator.control.set_market_open(is_open=False, contract=MNQ)
    refused = {
        "/Order/place": order(),
        "/Position/closeContract": {"accountId": A, "contractId": MNQ},
        "/Order/cancel": {"accountId": A, "orderId": stop},
    }
    answers = [rest.post(endpoint, **body).json() for endpoint, body in refused.items()]
    assert [answer["errorCode"] for answer in answers] == [5, 4, 3]
    assert {a["errorMessage"] for a in answers} == {"instrument is not in an active trading status"}


def test_an_account_with_live_funds_cannot_be_closed_through_the_api(simulator, rest):
    """AccountRejected, while the trader's own platform still can."""
    rest.ok("/Order/place", **order())
    simulator.control.set_account(A, simulated=False)
    assert rest.code("/Position/closeContract", accountId=A, contractId=MNQ) == 8
    assert rest.code("/Order/cancel", accountId=A, orderId=1) == 6
    simulator.control.trader_close(A, MNQ)
    assert simulator.control.positions(A) == {}


def test_the_api_rejects_stop_limits_unaligned_prices_and_used_tags(simulator, rest):
    """All are code 2; the trader's platform may place stop-limits."""
    stop_limit = {"type": 3, "limitPrice": 21000, "stopPrice": 21000}
    assert rest.code("/Order/place", **order(**stop_limit)) == 2
    text = rest.post("/Order/place", **order(type=4, stopPrice=0.1)).json()["errorMessage"]
    assert text == "Invalid stop price. Price is not aligned to tick size."
    rest.ok("/Order/place", **order(customTag="t"))
    assert rest.code("/Order/place", **order(customTag="t")) == 2
    assert rest.code("/Order/place", **order(contractId="CON.F.US.XYZ.Z25")) == 8
    simulator.control.place_order(
        A, MNQ, Side.BUY, 1, OrderType.STOP_LIMIT, stop_price=22000, limit_price=22001
    )


def test_contracts_are_searched_by_id_and_text(rest):
    """Ids carry ProjectX's roots, names the exchange's symbols; rows are at most 20."""
    es = rest.ok("/Contract/searchById", contractId="CON.F.US.EP.U25")["contract"]
    assert (es["name"], es["tickSize"], es["tickValue"], es["symbolId"]) == (
        "ESU5",
        0.25,
        12.5,
        "F.US.EP",
    )
    assert rest.code("/Contract/searchById", contractId="CON.F.US.XYZ.U25") == 1
    assert {c["name"][:3] for c in rest.ok("/Contract/search", searchText="mnq")["contracts"]} == {
        "MNQ"
    }
    assert len(rest.ok("/Contract/search", searchText="", live=False)["contracts"]) == 20
    assert len(rest.ok("/Contract/available", live=False)["contracts"]) == 12


def test_a_budget_refuses_with_429_and_refills_with_time(clock):
    """200 per minute and user, bars apart; the window slides."""
    limits = Limits(requests=3, window_s=60, bars=1, bars_window_s=30)
    with Simulator(clock=clock, users=USERS, limits=limits) as simulator:
        rest, other = Rest(simulator), Rest(simulator, "other", "key2")
        statuses = [rest.post("/Account/search").status_code for _ in range(4)]
        assert statuses == [200, 200, 200, 429]
        assert other.post("/Account/search").status_code == 200, "budgets are per user"
        bars = {"contractId": MNQ, "unit": 2, "unitNumber": 1, "limit": 10}
        assert rest.ok("/History/retrieveBars", **bars)["bars"][0]["c"] == 21000
        assert rest.post("/History/retrieveBars", **bars).status_code == 429
        clock.advance(60)
        assert rest.post("/Account/search").status_code == 200
        simulator.control.limit_requests(enabled=False)
        assert {rest.post("/Account/search").status_code for _ in range(5)} == {200}
        rest.close()
        other.close()


def test_times_are_the_clocks_with_seven_fractional_digits(timed):
    """Every instant on the wire comes from the Clock."""
    rest = Rest(timed)
    rest.ok("/Order/place", **order())
    (position,) = rest.ok("/Position/searchOpen", accountId=A)["positions"]
    assert position["creationTimestamp"] == "2025-10-31T16:43:00.1234560+00:00"
    window = {"accountId": A, "startTimestamp": AT.isoformat(), "endTimestamp": AT.isoformat()}
    assert len(rest.ok("/Trade/search", **window)["trades"]) == 1
    later = (AT + timedelta(microseconds=1)).isoformat()
    assert rest.ok("/Trade/search", accountId=A, startTimestamp=later)["trades"] == []
    rest.close()


def test_a_body_that_makes_no_sense_is_400_and_an_unknown_endpoint_404(rest):
    """Wrong types never reach the exchange."""
    assert rest.post("/Order/place", accountId="x").status_code == 400
    assert rest.post("/Order/closeEverything").status_code == 404


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"contractId": "CON.F.US.XYZ.Z25"}, 1),
        ({"unit": 9}, 2),
        ({"unitNumber": 0}, 3),
        ({"limit": 0}, 4),
    ],
)
def test_bars_have_their_own_codes(rest, changes, code):
    """What cannot be asked is refused by number."""
    asked = {"contractId": MNQ, "unit": 2, "unitNumber": 1, "limit": 10, **changes}
    assert rest.code("/History/retrieveBars", **asked) == code
