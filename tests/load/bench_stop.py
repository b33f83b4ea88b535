"""Measure an orderly stop: `python -m tests.load.bench_stop [--accounts 1000] [--busy]`.

A whole system on a lean broker, the journal on disk too, is started and stopped in order; with `--busy`
while a cycle of facts still waits in the inboxes. Prints, asserts nothing; not collected by pytest.
"""

import argparse
import tempfile
from pathlib import Path

from actors.runtime import SystemClock, collector
from tests.load.recorded import Recording
from tests.load.report import cpu_s, logged, machine, table
from tests.load.whole import CHUNK, FIRST_ACCOUNT, Whole

CLOCK = SystemClock()


def push(run: Whole) -> None:
    """Have the broker push a cycle of facts, and wait until its accounts have been told all of them."""
    records = Recording(run.accounts).cycle()
    for at in range(0, len(records), CHUNK):
        run.do(lambda gateway, chunk=records[at : at + CHUNK]: gateway.hear(chunk))
    run.ask("gateway/")


def main() -> None:
    """Print one line."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--accounts", type=int, default=1000)
    options.add_argument("--busy", action="store_true", help="stop while facts wait in the inboxes")
    chosen = options.parse_args()
    machine()
    with tempfile.TemporaryDirectory() as name, logged(Path(name)):
        run = Whole(Path(name), range(FIRST_ACCOUNT, FIRST_ACCOUNT + chosen.accounts))
        begun = CLOCK.monotonic()
        run.start()
        start_s = CLOCK.monotonic() - begun
        collector.settle()  # as `main.py run` does
        if chosen.busy:
            push(run)
        begun, cpu = CLOCK.monotonic(), cpu_s()
        run.stop()
        stop_s, stop_cpu_s = CLOCK.monotonic() - begun, cpu_s() - cpu
    table(
        ("accounts", "start, s", "stop, s", "of the processor, s"),
        [(f"{chosen.accounts:,}", f"{start_s:.2f}", f"{stop_s:.2f}", f"{stop_cpu_s:.2f}")],
    )


if __name__ == "__main__":
    main()
