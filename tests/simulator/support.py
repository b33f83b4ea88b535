"""Raw clients of the wire: REST over httpx, a hub over plain websockets; nothing of the SDK."""

import json
from contextlib import ExitStack
from datetime import UTC, datetime
from decimal import Decimal

import httpx
from websockets.sync.client import connect

from actors.simulator.contracts import catalogue
from actors.simulator.exchange import Exchange
from actors.simulator.ledger import Account, Ticket

MNQ = "CON.F.US.MNQ.Z25"
ES = "CON.F.US.EP.Z25"
A, B, FOREIGN = 13298777, 13298778, 555
AT = datetime(2025, 10, 31, 16, 43, 0, 123456, tzinfo=UTC)
WITHIN_S = 100.0


def exchange_with(*accounts):
    """Return a pure exchange with these accounts and no costs."""
    exchange = Exchange(catalogue(AT.date()))
    for account in accounts or (A,):
        exchange.accounts[account] = Account(account, f"SIM-{account}", "trader", Decimal(50_000))
    exchange.matcher.costs.set(Decimal(0), Decimal(0))
    return exchange


def move(exchange, contract, last):
    """Move the last price (bid and ask with it); return the pushes it set off."""
    return exchange.move(contract, (Decimal(str(last)),) * 3, AT)[1]


def place(exchange, contract, type_, side, size, **prices):
    """Place an order on account A; return it and the pushes."""
    decimals = {k: Decimal(str(v)) if k.endswith("_price") else v for k, v in prices.items()}
    return exchange.place(A, Ticket(contract, type_, side, size, **decimals), AT)


def said(pushes):
    """Reduce pushes to what matters: short target and status, size, P&L."""
    fields = {"GatewayUserOrder": "status", "GatewayUserPosition": "size"}
    return [
        (
            push.target.removeprefix("GatewayUser"),
            push.data.get(fields.get(push.target, "profitAndLoss")),
        )
        for push in pushes
    ]


class Rest:
    """A REST client with a token of its own."""

    def __init__(self, simulator, username="trader", api_key="key"):
        self._http = httpx.Client(base_url=simulator.api_url, timeout=WITHIN_S)
        self.token = None
        self.login = self.post("/Auth/loginKey", userName=username, apiKey=api_key).json()
        self.token = self.login["token"]

    def post(self, endpoint, timeout=WITHIN_S, **body):
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return self._http.post(endpoint, json=body, headers=headers, timeout=timeout)

    def ok(self, endpoint, **body):
        answer = self.post(endpoint, **body).json()
        assert answer["success"], answer
        return answer

    def code(self, endpoint, **body):
        return self.post(endpoint, **body).json()["errorCode"]

    def close(self):
        self._http.close()


class Hub:
    """A hub client: skip-negotiate unless a connection id is given."""

    def __init__(self, simulator, hub, token, connection_id=None):
        url = f"{simulator.user_hub_url.rsplit('/', 1)[0]}/{hub}".replace("http", "ws", 1)
        suffix = f"&id={connection_id}" if connection_id else ""
        self._open = ExitStack()
        address = f"{url}?access_token={token}{suffix}"
        self.socket = self._open.enter_context(connect(address, compression=None))
        self.waiting = []
        self._invocations = 0
        self.send({"protocol": "json", "version": 1})
        assert self.next() == {}

    def send(self, message):
        self.socket.send(json.dumps(message) + "\x1e")

    def next(self, timeout=WITHIN_S):
        """Return the next record."""
        while not self.waiting:
            self.waiting += filter(None, self.socket.recv(timeout=timeout).split("\x1e"))
        return json.loads(self.waiting.pop(0))

    def invoke(self, method, *arguments):
        """Invoke a method and return its completion; events before it are an error."""
        self._invocations += 1
        message = {"type": 1, "target": method, "arguments": list(arguments)}
        self.send({**message, "invocationId": str(self._invocations)})
        completion = self.next()
        assert (completion["type"], completion["invocationId"]) == (3, str(self._invocations))
        return completion

    def subscribe(self, *accounts):
        self.invoke("SubscribeAccounts")
        for account in accounts:
            for stream in ("Orders", "Positions", "Trades"):
                assert "error" not in self.invoke(f"Subscribe{stream}", account)

    def event(self):
        """Return target and arguments of the next event."""
        message = self.next()
        assert message["type"] == 1, message
        return message["target"], message["arguments"]

    def events(self, count):
        return [self.event() for _ in range(count)]

    def close(self):
        self._open.close()
