"""Lockstep beside other ways to carry the same facts: `python -m tests.load.compare [--sizes 100 1000]`.

Every way has a process of its own and runs in turn (A B C A B C), so that a machine others use too hits
all alike. Shown are facts a second of wall time and of one core's work, medians with their spread; the
ratio of each run to the floor's run beside it; start-up and memory; what a quote costs by how many hold
the contract. Prints and, with `--json`, writes; asserts nothing.
"""

import argparse
import statistics
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec

from tests.load.bodies import FLOOR, KINDS, Body, Cost
from tests.load.plot import bars
from tests.load.report import machine, say, table

SIZES = (100, 1_000, 5_000, 10_000)
MOST_THREADS = 1_000
"""Accounts up to which a thread each is tried."""
QUOTES, MOST_QUOTES, JUDGED_QUOTES = 40, 1_000, 20_000
"""Quotes pushed: so many at least and at most, and as many as together are judged so often."""

type Results = dict[str, Any]


def spread(values: Iterable[float], form: str = ",.0f") -> str:
    """Return the median and how far the others are from it."""
    ordered = sorted(values)
    middle = statistics.median(ordered)
    return f"{middle:{form}} ({ordered[0]:{form}} to {ordered[-1]:{form}})"


def kinds_for(accounts: int, wanted: list[str]) -> list[str]:
    """Return the ways that are tried with so many accounts."""
    return [each for each in wanted if each != "plain pykka" or accounts <= MOST_THREADS]


def measure(accounts: int, rounds: int, wanted: list[str]) -> Results:
    """Return what each way costs with so many accounts."""
    with ExitStack() as stack:
        bodies = [stack.enter_context(Body(kind, accounts)) for kind in kinds_for(accounts, wanted)]
        facts: dict[str, list[Cost]] = {each.kind: [] for each in bodies}
        for _ in range(1 + rounds):
            for body in bodies:
                facts[body.kind].append(body.do("cycle"))
        quotes = {
            body.kind: {
                str(holders): 1e6 * cost.cpu_s / cost.count
                for holders in sorted({1, accounts // 10, accounts})
                for cost in [body.do("quotes", holders, _quotes_for(holders))]
            }
            for body in bodies
        }
        lost = {each.kind: each.do("lose").wall_s for each in bodies if each.kind == "Lockstep"}
    return {
        body.kind: {
            "accounts": accounts,
            "start_s": body.begun.start_s,
            "kb_an_account": body.begun.kb_an_account,
            # the first run warms up: it opens files, fills caches and grows the heap
            "facts_per_s": [each.per_s for each in facts[body.kind][1:]],
            "facts_per_core_s": [each.per_core_s for each in facts[body.kind][1:]],
            "quote_us_by_holders": quotes[body.kind],
            "all_locked_s": lost.get(body.kind),
        }
        for body in bodies
    }


def _quotes_for(holders: int) -> int:
    return max(QUOTES, min(MOST_QUOTES, JUDGED_QUOTES // holders))


def show(results: Results) -> None:
    """Print one table per number of accounts."""
    floor = results.get(FLOOR)
    rows = []
    for kind, each in results.items():
        ratio = "1"
        if floor and kind != FLOOR:
            pairs = zip(each["facts_per_core_s"], floor["facts_per_core_s"], strict=True)
            ratio = spread((own / of_floor for own, of_floor in pairs), ".2f")
        rows.append(
            (
                kind,
                spread(each["facts_per_s"]),
                spread(each["facts_per_core_s"]),
                ratio,
                f"{each['start_s']:.2f} s",
                f"{each['kb_an_account']:.0f}",
                *(f"{cost:,.0f}" for cost in each["quote_us_by_holders"].values()),
            )
        )
    some = next(iter(results.values()))
    holders = [f"µs a quote, {int(each):,} hold" for each in some["quote_us_by_holders"]]
    head = ("facts/s", "facts/core-s", "÷ floor", "start → open", "KB/account", *holders)
    table((f"{some['accounts']:,} accounts", *head), rows)
    if locked_s := results.get("Lockstep", {}).get("all_locked_s"):
        say(f"Lockstep: all {some['accounts']:,} breached at once → all locked: {locked_s:.2f} s")
    say()


def plot(by_size: dict[str, Results]) -> None:
    """Print how facts per core, memory and start-up grow."""
    quantities: tuple[tuple[str, Callable[[Results], float]], ...] = (
        ("facts/core-s", lambda each: statistics.median(each["facts_per_core_s"])),
        ("KB an account", lambda each: each["kb_an_account"]),
        ("start → open, ms an account", lambda each: 1e3 * each["start_s"] / each["accounts"]),
    )
    for name, value in quantities:
        for kind in ("Lockstep", FLOOR):
            lines = [
                (f"{int(size):,}", value(each[kind]))
                for size, each in by_size.items()
                if kind in each
            ]
            if lines:
                bars(f"{name}, {kind}, by accounts", lines)


def compared(sizes: Iterable[int], rounds: int, wanted: list[str]) -> dict[str, Results]:
    """Measure, print, and return what was measured, by number of accounts."""
    machine()
    by_size: dict[str, Results] = {}
    for size in sizes:
        by_size[str(size)] = measure(size, rounds, wanted)
        show(by_size[str(size)])
    if len(by_size) > 1:
        plot(by_size)
    return by_size


def main() -> None:
    """Compare."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="numbers of accounts")
    options.add_argument("--rounds", type=int, default=3)
    usual = [kind for kind in KINDS if "every quote" not in kind]  # those are for `news`
    options.add_argument("--only", nargs="+", choices=list(KINDS), default=usual)
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    results = compared(chosen.sizes, chosen.rounds, chosen.only)
    if chosen.json:
        chosen.json.write_bytes(msgspec.json.format(msgspec.json.encode(results)))


if __name__ == "__main__":
    main()
