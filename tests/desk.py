"""A desk of processes: `main.py simulate` as the broker, and the trader's hand on its control API."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx

from actors.runtime import SystemClock
from actors.simulator.contracts import catalogue
from messages.values import Side
from tests.cli import WITHIN_S, Running, config_for, free_port

CLOSE = "/Position/closeContract"
FIRST, SECOND = 1001, 1002
SIM_TOKENS = {"PROJECT_X_USERNAME": "sim", "PROJECT_X_API_KEY": "sim-api-key"}


def front_month() -> str:
    """Return the contract of MNQ that is traded now."""
    listed = catalogue(SystemClock().now().date()).values()
    return next(each.id for each in listed if each.active and each.product.symbol == "MNQ")


class Venue:
    """A simulated broker in a process of its own."""

    def __init__(self) -> None:
        self.port = free_port()
        self.process = Running(
            "simulate", "--port", self.port, "--accounts", 2, "--no-walk", **SIM_TOKENS
        )
        self.process.wait_line("accounts ", "1001")
        self._http = httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}/sim", trust_env=False, timeout=WITHIN_S
        )
        self.contract = front_month()
        self.do("set_price", contract=self.contract, last="25000")

    def do(self, verb: str, **arguments: Any) -> Any:
        """Act as trader, venue or misfortune."""
        answer = self._http.post(f"/{verb}", json=arguments)
        answer.raise_for_status()
        return answer.json()["result"]

    def lose(self, account: int, usd: int) -> None:
        """Book a fill that realises a loss."""
        loss = str(Decimal(-usd))
        self.do("book_trade", account=account, contract=self.contract, profit_and_loss=loss)

    def enter(self, account: int, size: int) -> None:
        """Go long."""
        where = {"account": account, "contract": self.contract}
        self.do("place_order", **where, side=Side.BUY, size=size)

    def positions(self, account: int) -> dict[str, int]:
        return self.do("positions", account=account)

    def requests(self, endpoint: str) -> list[dict[str, Any]]:
        """Return what the broker received at an endpoint."""
        record = self._http.get("/record").json()
        return [each for each in record if each.get("endpoint") == endpoint]

    def wait_request(self, endpoint: str, count: int = 1) -> dict[str, Any]:
        """Return the `count`-th request to an endpoint, asking until it is there."""
        clock = SystemClock()
        until = clock.monotonic() + WITHIN_S
        while len(found := self.requests(endpoint)) < count:
            assert clock.monotonic() < until, f"{endpoint}: {len(found)} of {count}"
        return found[count - 1]

    def config(self, folder, **parts: str) -> str:
        """Return a configuration for this broker, whose day ends half a day from now."""
        text = config_for(None, folder, **parts)
        reset = SystemClock().now() + timedelta(hours=12)
        table = f"""
[trading_day]
reset = "{reset:%H:%M}"
timezone = "UTC"
[broker]
api_url = "http://127.0.0.1:{self.port}/api"
user_hub_url = "http://127.0.0.1:{self.port}/hubs/user"
market_hub_url = "http://127.0.0.1:{self.port}/hubs/market"
"""
        before, _, rest = text.partition("\n[broker]")
        return before + table + "[http]" + rest.partition("[http]")[2]

    def stop(self) -> None:
        self._http.close()
        self.process.stop()
