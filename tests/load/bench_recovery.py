"""Measure `kill -9` to guarded again: `python -m tests.load.bench_recovery [--runs 10] [--accounts 2]`.

The real program (`main.py run`) as a process, a simulated broker on the wire, the journal on disk. The
next process is started the moment the last is gone, as a service manager without delay would; what it
needs is the interpreter, the imports, the login and a complete snapshot of every account. Prints, asserts
nothing; not collected by pytest.
"""

import argparse
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from statistics import median

import httpx
import msgspec

from actors.runtime import SystemClock
from actors.simulator import SimAccount, Simulator, SimUser
from actors.simulator.broker import Limits
from messages.queries import AccountStatus, SystemStatus
from messages.values import Phase, Side
from tests.cli import MAIN, config_for, environment, free_port
from tests.load.report import machine, say, table
from tests.rig import TOKENS

CLOCK = SystemClock()
PATIENCE_S = 60.0
LOOK_EVERY_S = 0.005
FIRST_ACCOUNT = 1001


class Guard:
    """One `main.py run` after the other on one journal."""

    def __init__(self, folder: Path, simulator: Simulator) -> None:
        listen = f"127.0.0.1:{free_port()}"
        self._url = f"http://{listen}/api/status"
        self._config = folder / "lockstep.toml"
        self._config.write_text(config_for(simulator, folder, listen=listen))
        self._log = folder / "log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the program."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, str(MAIN), "run", "--config", str(self._config)],
                env=environment(**TOKENS),
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        """Send SIGKILL and wait until it is gone."""
        if self._process:
            self._process.kill()
            self._process.wait()

    def statuses(self) -> list[AccountStatus]:
        """Ask how all accounts stand; nothing while nobody answers."""
        try:
            answer = httpx.get(self._url, timeout=5.0, trust_env=False)
        except httpx.TransportError:
            return []
        return list(msgspec.json.decode(answer.content, type=SystemStatus).accounts)

    def wait(self, condition: Callable[[list[AccountStatus]], bool]) -> None:
        """Return once the accounts stand as asked."""
        end, pause = CLOCK.monotonic() + PATIENCE_S, threading.Event()
        while not condition(self.statuses()):
            if CLOCK.monotonic() > end:
                raise TimeoutError(f"{self.statuses()}\n{self._log.read_text()[-2000:]}")
            pause.wait(LOOK_EVERY_S)

    def kill_and_wait(self, condition: Callable[[list[AccountStatus]], bool]) -> float:
        """Return the seconds from the kill until the successor's accounts stand as asked."""
        begun = CLOCK.monotonic()
        self.kill()
        self.start()
        self.wait(condition)
        return CLOCK.monotonic() - begun


def guarded(accounts: list[AccountStatus]) -> bool:
    """Say whether every account was read completely and none waits for anything."""
    return bool(accounts) and all(
        each.health == "live" and each.starting is None and each.enforcement is None
        for each in accounts
    )


def main() -> None:
    """Print one table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=10)
    options.add_argument("--accounts", type=int, default=2)
    chosen = options.parse_args()
    machine()
    accounts = range(FIRST_ACCOUNT, FIRST_ACCOUNT + chosen.accounts)
    user = SimUser(
        TOKENS["PROJECT_X_USERNAME"], TOKENS["PROJECT_X_API_KEY"], tuple(map(SimAccount, accounts))
    )
    limits = Limits(enabled=False)
    with (
        tempfile.TemporaryDirectory() as name,
        Simulator(clock=CLOCK, users=(user,), limits=limits) as simulator,
    ):
        guard = Guard(Path(name), simulator)
        try:
            measure(guard, simulator, chosen.runs, chosen.accounts)
        finally:
            guard.kill()


def measure(guard: Guard, simulator: Simulator, runs: int, accounts: int) -> None:
    """Kill so many times: all open, then with an account locked that trades while nobody guards."""
    trader, account = simulator.control, FIRST_ACCOUNT
    contract = next(
        each
        for each, listing in simulator._broker.exchange.market.contracts.items()
        if listing.active and listing.product.symbol == "MNQ"
    )
    guard.start()
    guard.wait(guarded)
    plain = [guard.kill_and_wait(guarded) for _ in range(runs)]
    trader.book_trade(account, contract, profit_and_loss=Decimal(-600))
    guard.wait(lambda all_: any(each.phase is Phase.LOCKED for each in all_) and guarded(all_))
    exposed = []
    for _ in range(runs):
        begun = CLOCK.monotonic()
        guard.kill()
        trader.place_order(account, contract, Side.BUY, 2)
        guard.start()
        guard.wait(lambda all_: guarded(all_) and not trader.positions(account))
        exposed.append(CLOCK.monotonic() - begun)
    rows = [
        (f"kill -9 → {accounts} accounts guarded", *_shown(plain)),
        ("kill -9, re-entry under lock → closed and guarded", *_shown(exposed)),
    ]
    table(("s", "p50", "max"), rows)
    say()


def _shown(times: list[float]) -> tuple[str, str]:
    return f"{median(times):.2f}", f"{max(times):.2f}"


if __name__ == "__main__":
    sys.exit(main())
