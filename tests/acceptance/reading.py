"""The steps that only read: login, records, headers, hubs, quotes, and (when wanted) the rate limit."""

from decimal import Decimal
from typing import Any

import httpx
from websockets.exceptions import InvalidStatus

from actors.gateway.answers import expiry_of
from actors.gateway.errors import SubscriptionRefusedError
from actors.gateway.transport import Flight, date_of
from tests.acceptance.bench import WITHIN_S, Bench, Seen, judged, unseen
from tests.acceptance.wire import _json

_ACCOUNT = {"id", "name", "balance", "canTrade", "isVisible", "simulated"}
_SUBSCRIPTIONS = ("SubscribeOrders", "SubscribePositions", "SubscribeTrades")
_NO_ACCOUNT = 1
_SILENCE_S = 30.0
_DAY_H = 24
_TOO_MANY = 429
_TRIES = 260


async def login(bench: Bench) -> Seen:
    """Log in, read the token's end, and prolong it."""
    await bench.client.authenticate()
    first = bench.client.session_token
    expiry = expiry_of(first)
    life_h = expiry and (expiry - bench.clock.now()).total_seconds() / 3600
    prolonged = await bench.client.validate_session()
    renewed = bench.client.session_token != first
    return judged(
        life_h is not None and abs(life_h - _DAY_H) < 1 and prolonged,
        f"the token ends in {life_h and round(life_h, 1)} h; /Auth/validate "
        f"{'gave a new one' if renewed else 'gave none'}",
        life_h=life_h,
        renewed=renewed,
    )


async def account(bench: Bench) -> Seen:
    """Read the account's record, and look for limits in it."""
    answer = _json((await bench.post("/Account/search", onlyActiveAccounts=False)).content)
    rows = answer["accounts"]
    row = next(each for each in rows if each["id"] == bench.account)
    more = sorted(set(row) - _ACCOUNT)
    return judged(not more, f"its record has {', '.join(sorted(row))}", unknown=more)


async def headers(bench: Bench) -> Seen:
    """Look at the headers of an answer: the broker's time, and what it says of its limits."""
    await bench.post("/Account/search", onlyActiveAccounts=True)
    seen = bench.client.headers_seen
    limits = {name: each for name, each in seen.items() if "limit" in name.lower()}
    date = date_of(seen.get("Date", ""))
    skew_s = date and round((bench.clock.now() - date).total_seconds(), 1)
    return judged(
        date, f"Date {'is told' if date else 'is missing'}; of limits: {limits or 'nothing'}",
        skew_s=skew_s, limits=limits,
    )  # fmt: skip


async def direct(bench: Bench) -> Seen:
    """Reach both hubs without negotiating, as Lockstep does."""
    for hub in ("user", "market"):
        ears = await bench.ears(hub).open()
        await ears.close()
    return judged(True, "both hubs accept a connection that was not negotiated")


async def negotiated(bench: Bench) -> Seen:
    """Negotiate, use the connection id, and use it again."""
    token = await bench.client.token()
    async with httpx.AsyncClient(trust_env=True) as http:
        answer = await http.post(
            f"{bench.settings.user_hub_url}/negotiate?negotiateVersion=0",
            headers={"Authorization": f"Bearer {token}"},
        )
    bench.client.log.note("user hub", "negotiated", status=answer.status_code)
    if answer.status_code != httpx.codes.OK:
        return judged(False, f"negotiate answers {answer.status_code}")
    number = str(answer.json().get("connectionToken") or answer.json()["connectionId"])
    bench.client.secrets.learn(number)
    first = await bench.ears().open(id=number)
    await first.close()
    try:
        again = await bench.ears().open(id=number)
    except InvalidStatus as error:
        code = error.response.status_code
        return judged(code == httpx.codes.NOT_FOUND, f"a used id is answered with {code}")
    await again.close()
    return judged(False, "a used id is accepted again")


async def keepalive(bench: Bench) -> Seen:
    """Listen to a hub that has nothing to say, for a minute at most."""
    ears = await bench.ears().open()
    await ears.wait(lambda: len(ears.pings) > 2, 2 * _SILENCE_S)
    await ears.close()
    gaps = [round(b - a, 2) for a, b in zip(ears.pings, ears.pings[1:], strict=False)]
    if not gaps:
        return judged(False, f"{len(ears.pings)} pings in a minute; {ears.ended or 'still open'}")
    return judged(max(gaps) < _SILENCE_S, f"a ping every {max(gaps)} s at most", gaps_s=gaps)


async def subscriptions(bench: Bench) -> Seen:
    """Subscribe the account, and one that does not exist."""
    ears = await bench.ears().open()
    await ears.invoke("SubscribeAccounts")
    for method in _SUBSCRIPTIONS:
        await ears.invoke(method, bench.account)
    try:
        await ears.invoke("SubscribeOrders", _NO_ACCOUNT)
    except SubscriptionRefusedError as error:
        refused = str(error)
    else:
        refused = ""
    bench.user = ears
    return judged(refused, f"all acknowledged; a wrong account: {refused or 'acknowledged too'}")


async def second_hub(bench: Bench) -> Seen:
    """Open a second user hub connection beside the first, and see whether that one lives."""
    first = bench.user or await bench.ears().open()
    second = await bench.ears().open()
    await second.invoke("SubscribeOrders", bench.account)
    pings = len(first.pings)
    await first.wait(lambda: len(first.pings) > pings, _SILENCE_S)
    await second.close()
    return judged(not first.ended, f"the first one {first.ended or 'lives on'}")


async def quotes(bench: Bench) -> Seen:
    """Subscribe the contract's quotes, and compare the first with the later ones."""
    ears = await bench.ears("market").open()
    await ears.invoke("SubscribeContractQuotes", bench.contract_id)
    await ears.wait(lambda: len(ears.of("GatewayQuote")) > 1, _SILENCE_S)
    await ears.close()
    said = [each[1] for each in ears.of("GatewayQuote")]
    if not said:
        return unseen("no quote came: is the market open?")
    price = next((each["lastPrice"] for each in said if "lastPrice" in each), None)
    bench.quoted = None if price is None else Decimal(str(price))
    whole = {"lastPrice", "bestBid", "bestAsk"} <= set(said[0])
    later = sorted({name for each in said[1:] for name in said[0] if name not in each})
    return judged(
        whole, f"the first has {sorted(said[0])}; later ones left out {later or 'nothing'}"
    )


async def rate_limit(bench: Bench) -> Seen:
    """Ask until the broker has enough, and see what it says and whom it means. Disturbs the login."""
    start = bench.clock.monotonic()
    number, reply = 1, await _ask(bench)
    while reply.status != _TOO_MANY:
        if number == _TRIES:
            return judged(False, f"{_TRIES} requests in a row, and no 429")
        number, reply = number + 1, await _ask(bench)
    took_s, retry_after = round(bench.clock.monotonic() - start, 1), reply.retry_after
    limits = dict(bench.client.headers_seen)
    await bench.client.renew(bench.client.session_token)
    again = await _ask(bench)
    scope = "the user (or the address)" if again.status == _TOO_MANY else "the token"
    return judged(
        retry_after is not None,
        f"429 at request {number} after {took_s} s; Retry-After {retry_after}; it counts {scope}",
        request=number, after_s=took_s, headers=limits,
    )  # fmt: skip


async def _ask(bench: Bench) -> Any:
    """Send one read past our own budget, which would never let us see the broker's."""
    body = {"accountId": bench.account}
    return await bench.client._send("POST", "/Position/searchOpen", body, Flight())


async def browser(bench: Bench) -> Seen:
    """Have the person open the platform, and see whether we are thrown out."""
    ears = bench.user or await bench.ears().open()
    if not bench.ask(
        "Open the trading platform as the same user in a browser on this device, then"
    ):
        return unseen("nobody opened the platform")
    await ears.wait(lambda: ears.of("GatewayLogout"), WITHIN_S)
    spelt = [target for _, target, _ in ears.heard if target.lower() == "gatewaylogout"]
    if not spelt and not ears.ended:
        return judged(True, f"both are connected {WITHIN_S:g} s later; no logout was told")
    return judged(False, f"we were thrown out: {spelt or 'no word'}; {ears.ended or 'still open'}")
