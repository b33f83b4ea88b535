"""How long nobody guards: after a kill, until a stand-by or the watchdog's next guard does again.

Run `.venv/bin/python -m tests.load.bench_takeover [kills]` from the repository's root. The broker is
`main.py simulate` in a process of its own, with two accounts and no events of earlier days. Each kill is
a SIGKILL of the process that guards; the end is its successor's own record, in the journal, that every
account is open. Nothing is asserted.
"""

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

from actors.runtime import SystemClock
from tests.cli import Running
from tests.desk import FIRST, SECOND, SIM_TOKENS, Venue
from tests.load.report import machine, say, table

CLOCK = SystemClock()


def opened_at(run: Running, count: int) -> datetime:
    """Return when the last account was open for the `count`-th time."""
    lines = [
        run.wait_line('"account_opened"', f'"account": {each}', count=count)
        for each in (FIRST, SECOND)
    ]
    return max(datetime.fromisoformat(json.loads(line)["at"]) for line in lines)


def kill(process: subprocess.Popen[str] | int) -> datetime:
    """Kill and return when."""
    at = CLOCK.now()
    os.kill(process if isinstance(process, int) else process.pid, signal.SIGKILL)
    return at


def by_stand_by(config: Path, kills: int) -> Iterator[float]:
    """Yield the seconds from each kill to the stand-by's guarding."""
    holder = Running("run", "--config", config, **SIM_TOKENS)
    opened_at(holder, 1)
    for _ in range(kills):
        spare = Running("run", "--standby", "--config", config, **SIM_TOKENS)
        spare.wait_line('"event": "stands_by"')
        at = kill(holder.process)
        yield (opened_at(spare, 1) - at).total_seconds()
        holder.stop()
        holder = spare
    holder.stop()


def by_watchdog(config: Path, kills: int) -> Iterator[float]:
    """Yield the seconds from each kill to the next guard's guarding."""
    for _ in range(kills):  # a new watchdog each time: a second kill within a minute waits longer
        watchdog = Running("watchdog", "--config", config, **SIM_TOKENS)
        opened_at(watchdog, 1)
        at = kill(json.loads(watchdog.wait_line('"guard_started"'))["pid"])
        yield (opened_at(watchdog, 2) - at).total_seconds()
        watchdog.stop()


def row(name: str, times: list[float]) -> list[str]:
    """Return p50 and the longest, in seconds."""
    return [name, f"{statistics.median(times):.2f}", f"{max(times):.2f}", str(len(times))]


def main() -> None:
    """Measure both ways."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    machine()
    rows = []
    for name, way in (("stand-by", by_stand_by), ("watchdog", by_watchdog)):
        with tempfile.TemporaryDirectory() as folder, closing(VenueOf(folder)) as config:
            rows.append(row(f"SIGKILL → guarded again, by {name}", list(way(config.path, kills))))
    say()
    table(("seconds", "p50", "max", "kills"), rows)


class VenueOf:
    """A broker and the configuration for it."""

    def __init__(self, folder: str) -> None:
        self._venue = Venue()
        self._venue.do("limit_requests", enabled=False)
        self.path = Path(folder) / "lockstep.toml"
        self.path.write_text(self._venue.config(Path(folder)))

    def close(self) -> None:
        """End the broker."""
        self._venue.stop()


if __name__ == "__main__":
    main()
