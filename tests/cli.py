"""main.py as a process: started, bounded in time, and read to its end."""

import itertools
import os
import random
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import msgspec

from actors.simulator import Simulator
from tests.rig import TOKENS

MAIN = Path(__file__).parents[1] / "main.py"
WITHIN_S = 100.0


def environment(**more: str) -> dict[str, str]:
    """Return the caller's environment without credentials, at 80 columns and without colour."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PROJECT_X")}
    return kept | {"COLUMNS": "80", "NO_COLOR": "1"} | more


def lockstep(*arguments: object, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(  # noqa: S603 - our own program
        [sys.executable, str(MAIN), *map(str, arguments)],
        env=environment(**env),
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )


def one_error(done: subprocess.CompletedProcess[str], code: int) -> str:
    """Return the one error of a command that failed as it must: no data, no traceback."""
    assert done.returncode == code, done
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert done.stderr.count("lockstep: ") == 1
    return done.stderr.removeprefix("lockstep: ")


_ports = itertools.count(random.randrange(20_000, 30_000))  # noqa: S311 - no secret


def free_port() -> int:
    """Return a port nobody listens on, and that no system gives to who asks for any.

    Whoever is to listen there has yet to be started: from the system's own range, another test that
    listens meanwhile might be given the same.
    """
    while True:
        port = 10_000 + next(_ports) % 22_000
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def config_for(simulator: Simulator | None, folder: Path, **parts: str) -> str:
    """Return a configuration for a simulator (None: nobody listens), with more tables appended."""
    root = (
        f"http://127.0.0.1:{free_port()}"
        if simulator is None
        else simulator.api_url.removesuffix("/api")
    )
    listen = parts.pop("listen", f"127.0.0.1:{free_port()}")
    return (
        parts.pop("logins", '[[logins]]\nname = "desk"\n')
        + f"""
[broker]
api_url = "{root}/api"
user_hub_url = "{root}/hubs/user"
market_hub_url = "{root}/hubs/market"
[http]
listen = "{listen}"
[journal]
path = "{folder}/lockstep.db"
[defaults.rules.daily_realized_loss]
max_loss_usd = 5
include_open_loss = false
"""
        + "".join(parts.values())
    )


class Running:
    """A command that runs until it is told to stop."""

    def __init__(self, *arguments: object, main: Path = MAIN, **env: str) -> None:
        self.process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, str(main), *map(str, arguments)],
            env=environment(**(TOKENS | {"PYTHONFAULTHANDLER": "1"} | env)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.out: list[str] = []
        self.err: list[str] = []
        self._changed = threading.Condition()
        self._readers = [
            threading.Thread(target=self._read, args=(stream, lines), daemon=True)
            for stream, lines in (
                (self.process.stdout, self.out),
                (self.process.stderr, self.err),
            )
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, stream, lines: list[str]) -> None:
        with stream:
            for line in stream:
                with self._changed:
                    lines.append(line)
                    self._changed.notify_all()

    def wait_line(self, *parts: str, count: int = 1) -> str:
        """Return the `count`-th line of either stream that contains all parts, waiting for it."""

        def found() -> list[str]:
            return [line for line in (*self.out, *self.err) if all(part in line for part in parts)]

        with self._changed:
            enough = self._changed.wait_for(lambda: len(found()) >= count, WITHIN_S)
            assert enough, "".join(self.err)[-3000:]
            return found()[count - 1]

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        hangs = False
        try:
            code = self.process.wait(WITHIN_S)
        except subprocess.TimeoutExpired:
            hangs = True
            self.process.send_signal(signal.SIGABRT)  # every thread's stack goes to stderr
            code = self.process.wait(WITHIN_S)
        for reader in self._readers:
            reader.join(WITHIN_S)
        assert not hangs, "".join(self.err)[-20_000:]
        return code

    def logs(self) -> list[dict]:
        """Return what was logged; every line of stderr must be one JSON object."""
        return [msgspec.json.decode(line) for line in self.err]
