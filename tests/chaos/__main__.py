"""Kill Lockstep for minutes: `./run chaos --minutes 10 [--seed S] [--jobs 2]`.

Plays random schedules in process, and now and then one over the wire whose child process is really
killed or whose broker is faulty, until the time is up; prints a summary and, of every violation, the
schedule and how to play it again: `./run chaos --seed S --schedule N` (over the wire `--round N` for a
kill, `--fault-round N` for faults). Exit 1 on a violation.
"""

import argparse
import os
import sys
import time
from collections import Counter
from statistics import median

from tests.chaos.campaign import Played, played, quiet
from tests.chaos.fault_results import FaultRound, table
from tests.chaos.fault_rounds import play_fault_round
from tests.chaos.rounds import Round, play_round
from tests.chaos.schedule import Result, play

_FLAGS = {Result: "schedule", Round: "round", FaultRound: "fault-round"}


def summarise(results: list[Played], seed: str, seconds: float) -> None:
    """Print one table."""
    rounds = [each for each in results if isinstance(each, Round)]
    schedules = [each for each in results if isinstance(each, Result)]
    faults = [each for each in results if isinstance(each, FaultRound)]
    edges = Counter(edge for each in results for edge in each.deaths)
    violations = sum(len(each.violations) for each in results)
    say(f"seed {seed}, {seconds:.0f} s")
    rows: list[tuple[str, object]] = [
        ("schedules in process", len(schedules)),
        ("  systems killed", sum(len(each.deaths) for each in schedules)),
        ("  actors failed", sum(each.poisoned for each in schedules)),
        ("  worst virtual time to flat", _worst([each.to_flat_s for each in schedules])),
        ("  worst virtual time to lock", _worst([each.to_lock_s for each in schedules])),
        ("rounds over the wire", len(rounds)),
        ("  processes killed", sum(len(each.deaths) for each in rounds)),
        ("  kill to guarded again", _spread([s for each in rounds for s in each.guarded_s])),
        ("fault rounds over the wire", len(faults)),
        ("  breaches enforced", sum(len(each.enforced) for each in faults)),
        ("violations", violations),
    ]
    for name, value in rows:
        say(f"  {name:<34} {value}")
    say("  restarts by edge")
    for edge, times in edges.most_common():
        say(f"    {edge:<46} {times}")
    say("  by fault")
    for line in table(faults):
        say(line)


def _worst(times: list[float]) -> str:
    return f"{max(times, default=0.0):.1f} s"


def _spread(times: list[float]) -> str:
    return f"p50 {median(times):.2f} s, max {max(times):.2f} s" if times else "none"


def say(text: str) -> None:
    """Print a line."""
    print(text, flush=True)  # noqa: T201 - this is a program for people


def _chosen(options: argparse.Namespace) -> Played | None:
    """Play the one that is asked for; None = none is."""
    quiet()
    plays = (
        (play, options.schedule),
        (play_round, options.round),
        (play_fault_round, options.fault_round),
    )
    for play_one, index in plays:
        if index is not None:
            return play_one(options.seed, index)
    return None


def main() -> int:
    """Play and return the exit code."""
    options = argparse.ArgumentParser(prog="./run chaos", description=__doc__)
    options.add_argument("--minutes", type=float, default=1.0)
    options.add_argument("--seed", default=f"{int.from_bytes(os.urandom(4))}")
    options.add_argument("--jobs", type=int, default=2)
    options.add_argument("--schedule", type=int, help="play only this one, and print it")
    options.add_argument("--round", type=int, help="play only this one over the wire")
    options.add_argument("--fault-round", type=int, help="play only this one of faults")
    chosen = options.parse_args()
    if (only := _chosen(chosen)) is not None:
        say(str(only))
        return 1 if only.violations else 0
    say(f"seed {chosen.seed}")
    begun, results = time.monotonic(), []
    for result in played(chosen.seed, chosen.minutes, chosen.jobs):
        results.append(result)
        if result.violations:
            flag = _FLAGS[type(result)]
            say(f"{result}\n  again: ./run chaos --seed {result.seed} --{flag} {result.index}")
    summarise(results, chosen.seed, time.monotonic() - begun)
    return 1 if any(each.violations for each in results) else 0


if __name__ == "__main__":
    sys.exit(main())
