"""Measure the gateway: hub record → account told, and CloseContract told → request at the broker.

Run `.venv/bin/python tests/load/bench_gateway.py [closes]` from the repository's root. The simulator
runs in a process of its own, as a broker does; both share the machine's monotonic clock. Prints,
asserts nothing.
"""

# ruff: noqa: T201

import gc
import multiprocessing
import queue
import statistics
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from actors.gateway import GatewayActor, LoginSettings
from actors.runtime import Directory, LoopThread, OffsetClock, PooledActor, WorkerPool
from messages.commands import CloseContract, GuardAccounts, OpenSession
from messages.events import BrokerCommandAnswered
from messages.facts import AccountChanged, PositionChanged, StreamConnected
from messages.values import Side

ACCOUNT = 1001
CONTRACT = "CON.F.US.MNQ.Z26"
CLOCK = OffsetClock(datetime(2026, 10, 30, 15, 0, tzinfo=UTC))
# A day on which the contract trades; its monotonic seconds are the machine's.
WARM_UP = 20


def simulate(pipe: Connection) -> None:
    """Be the broker: open a position at each "buy", then report when things happened."""
    from actors.simulator import Limits, SimAccount, Simulator, SimUser

    user = SimUser("trader", "key", (SimAccount(ACCOUNT),))
    limits = Limits(enabled=False)
    with Simulator(clock=CLOCK, users=(user,), limits=limits) as sim:
        sim.control.set_price(CONTRACT, Decimal(25_000))
        gc.freeze()
        pipe.send((sim.api_url, sim.user_hub_url, sim.market_hub_url))
        while pipe.recv() == "buy":
            sim.control.place_order(ACCOUNT, CONTRACT, Side.BUY, 1)
        opened = sim.record().pushes("GatewayUserPosition", ACCOUNT)
        closed = sim.record().requests("/Position/closeContract", ACCOUNT)
        pipe.send([push.monotonic_s for push in opened if push.data["size"]])
        pipe.send([request.monotonic_s for request in closed])


class Probe(PooledActor):
    """Notes when it is told what."""

    def __init__(self, *, dispatcher: WorkerPool, heard: "queue.SimpleQueue[Any]") -> None:
        super().__init__(dispatcher=dispatcher)
        self._heard = heard

    def on_receive(self, message: Any) -> None:
        """Note one message."""
        self._heard.put((CLOCK.monotonic(), message))


def measure(pipe: Connection, closes: int) -> None:
    """Buy and close so many times; print the latencies."""
    api_url, user_hub_url, market_hub_url = pipe.recv()
    heard: queue.SimpleQueue[Any] = queue.SimpleQueue()
    directory, pool, loop = Directory(), WorkerPool(), LoopThread("gateway")
    for role in ("account", "enforcer"):
        directory.register(f"{role}/{ACCOUNT}", Probe.start(dispatcher=pool, heard=heard))
    login = LoginSettings(
        name="bench",
        username="trader",
        api_key="key",
        api_url=api_url,
        user_hub_url=user_hub_url,
        market_hub_url=market_hub_url,
        reconcile_every_s=3600.0,
        budget_requests=10 * closes,
    )
    gateway = GatewayActor.start(
        login=login, clock=CLOCK, directory=directory, dispatcher=loop, fence=str
    )
    head = {"at": CLOCK.now(), "cause": "bench"}
    gateway.ask(OpenSession(**head), timeout=10)
    gateway.tell(GuardAccounts(**head, accounts=(ACCOUNT,), poll_s=None))

    def wait(kind: type, wanted: Callable[[Any], bool] = bool) -> float:
        while True:
            at, message = heard.get(timeout=10)
            if isinstance(message, kind) and wanted(message):
                return at

    wait(StreamConnected)
    gc.freeze()
    facts, told, answered = [], [], []
    for number in range(closes):
        pipe.send("buy")
        facts.append(wait(PositionChanged, lambda fact: fact.position.size > 0))
        wait(AccountChanged)
        close = CloseContract(
            **head, account=ACCOUNT, command_id=str(number), deadline_s=2.5, contract=CONTRACT
        )
        told.append(CLOCK.monotonic())
        gateway.tell(close)
        answered.append(wait(BrokerCommandAnswered))
    pipe.send("report")
    show("hub record → account told", zip(pipe.recv(), facts, strict=True))
    show("close told → at the broker", zip(told, pipe.recv(), strict=True))
    show("close told → answered", zip(told, answered, strict=True))
    gateway.stop()
    loop.stop()


def show(name: str, pairs: Any) -> None:
    """Print the percentiles of a list of (begin, end)."""
    times = sorted(1000 * (end - begin) for begin, end in list(pairs)[WARM_UP:])
    parts = [statistics.median(times), times[int(0.9 * len(times))], times[int(0.99 * len(times))]]
    print(f"{name:28} p50 {parts[0]:.2f}  p90 {parts[1]:.2f}  p99 {parts[2]:.2f} ms")


if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    broker = context.Process(target=simulate, args=(theirs,), daemon=True)
    broker.start()
    theirs.close()
    measure(ours, int(sys.argv[1]) if len(sys.argv) > 1 else 500)
    broker.join()
