"""Measure how long an account is unguarded: `python -m tests.load.bench_restart [--accounts 200]`.

An AccountActor is made to fail in the middle of its work, one account after the other, each with a day of
fills behind it. Shown are: failure → a successor has started and done its first turn (what the supervisor
journals), and message that kills → answer of the successor, as anybody outside sees it. All is real, the
journal on disk too, except the broker. Prints, asserts nothing; not collected by pytest.
"""

import argparse
import tempfile
from datetime import datetime
from pathlib import Path

from actors.runtime import SystemClock
from messages.base import Message
from messages.events import ActorRestarted
from messages.queries import GetAccountStatus
from tests.load.report import NOON, logged, machine, percentiles, say, table
from tests.load.watching import Watching
from tests.load.whole import FIRST_ACCOUNT, Whole

CLOCK = SystemClock()
PATIENCE_S = 60.0


def crash(run: Whole, account: int) -> float:
    """Have an account's actor fail; return the seconds until a successor answers."""
    ref = run.system.directory.ref(f"account/{account}")
    question = GetAccountStatus(account=account, at=NOON, cause="load")
    begun = CLOCK.monotonic()
    ref.tell("no message at all")
    ref.ask(question, timeout=PATIENCE_S)
    return CLOCK.monotonic() - begun


def row(name: str, seconds: list[float]) -> tuple[str, ...]:
    """Return a line of the table: p50, p99 and the worst, in milliseconds."""
    p50, p99 = percentiles(seconds)
    return (name, *(f"{each * 1e3:.2f}" for each in (p50, p99, max(seconds))))


def main() -> None:
    """Print one table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--accounts", type=int, default=200)
    options.add_argument("--rounds", type=int, default=50, help="two facts an account each, before")
    chosen = options.parse_args()
    machine()
    with tempfile.TemporaryDirectory() as name, logged(Path(name)):
        run = Whole(Path(name), range(FIRST_ACCOUNT, FIRST_ACCOUNT + chosen.accounts))
        downs: list[float] = []

        def note(event: Message, at: datetime) -> None:
            run.counts.note(event, at)
            if isinstance(event, ActorRestarted) and event.down_s is not None:
                downs.append(event.down_s)

        run.system.testimony = Watching(note)
        run.start()
        run.trade(chosen.rounds)
        seen = [crash(run, FIRST_ACCOUNT + each) for each in range(chosen.accounts)]
        run.counts.wait(ActorRestarted, chosen.accounts)
        run.system.stop("load")
    say(
        f"{chosen.accounts} accounts, each read back from {2 * chosen.rounds} facts and what they led to"
    )
    table(
        ("ms", "p50", "p99", "max"),
        [row("failure → first turn done", downs), row("killed → answers", seen)],
    )


if __name__ == "__main__":
    main()
