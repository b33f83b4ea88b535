"""What the load scripts share: percentiles, tables, the machine's line, memory, a log, the time of day.

Everything is printed, nothing is asserted: figures belong to one machine, ratios to one run.
"""

import logging
import os
import platform
import resource
import statistics
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from datetime import UTC, datetime
from pathlib import Path

import structlog

from actors.ops.logging import configure_logging

NOON = datetime(2025, 10, 29, 17, 0, tzinfo=UTC)
"""Wednesday, 12:00 in Chicago: no session rule and no daily reset disturbs a run, whenever it is run."""
PRODUCT, CONTRACT = "MNQ", "CON.F.US.MNQ.Z25"
ENVIRONMENT = {"PROJECT_X_USERNAME": "load", "PROJECT_X_API_KEY": "load-key"}
RULES = """
[checks]
allow = ["open_loss_above_daily_loss"]
[defaults.rules.max_contracts]
limit = 20
[defaults.rules.max_contracts_per_instrument]
limits = { MNQ = 10 }
default_limit = 4
[defaults.rules.daily_realized_loss]
max_loss_usd = LOSS
include_open_loss = OPEN
[defaults.rules.daily_unrealized_loss]
max_loss_usd = 2000
[defaults.rules.max_unrealized_profit]
target_usd = 2000
[defaults.rules.trade_frequency_limit]
per_minute = 50000
per_hour = 100000
per_session = 200000
[defaults.rules.cooldown_after_loss]
[defaults.rules.no_stop_loss_grace]
grace_s = 3600
[defaults.rules.session_block_outside]
start = "08:30"
end = "15:00"
[defaults.rules.auth_loss_guard]
poll_s = 30
[defaults.rules.symbol_blocks]
patterns = ["RTY"]
[defaults.rules.trade_management]
breakeven = { after_ticks = 4000 }
trailing = { activate_ticks = 8000, trail_ticks = 4000 }
[defaults.rules.daily_realized_profit]
target_usd = 5000
"""
MONEY = """
[money]
quote_max_age_s = 3600
"""
"""While others have their turn a process stands still: its quotes must not be old when it goes on."""


def rules(loss_usd: int, *, open_loss: bool) -> str:
    """Return all 13 rules, of which a run can break only the day's loss (with what is open, or not)."""
    return RULES.replace("LOSS", str(loss_usd)).replace("OPEN", str(open_loss).lower())


def percentiles(values: Iterable[float]) -> tuple[float, float]:
    """Return p50 and p99."""
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return cuts[49], cuts[98]


def ms(values: Iterable[float]) -> tuple[str, str]:
    """Return p50 and p99 of seconds as milliseconds."""
    p50, p99 = percentiles(values)
    return f"{p50 * 1e3:.2f}", f"{p99 * 1e3:.2f}"


def say(text: str = "") -> None:
    """Print a line at once, so that a long run shows where it is."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table: the first column to the left, figures to the right."""
    lines = [tuple(head), *(tuple(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    for first, *rest in lines:
        cells = [each.rjust(width) for each, width in zip(rest, widths[1:], strict=True)]
        say("  ".join([first.ljust(widths[0]), *cells]))


def machine() -> None:
    """Print what the figures belong to."""
    load = os.getloadavg()[0]
    say(
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"{platform.python_implementation()} {platform.python_version()}, load before {load:.1f}"
    )


def rss_mb() -> float:
    """Return the resident memory of this process in MB (Linux only)."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def cpu_s() -> float:
    """Return the processor seconds this process has used: what a busy machine moves least."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


@contextmanager
def logged(folder: Path) -> Iterator[None]:
    """Write the log that `main.py run` writes, but to a file; afterwards log as before."""
    root = logging.getLogger()
    before = root.handlers
    known = [root, *map(logging.getLogger, logging.Logger.manager.loggerDict)]
    levels = [(each, each.level) for each in known]
    with (folder / "log.jsonl").open("w") as log, redirect_stderr(log):
        configure_logging(logging.INFO)
        try:
            yield
        finally:
            structlog.reset_defaults()
            root.handlers = before
            for each, level in levels:
                each.setLevel(level)
