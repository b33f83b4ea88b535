"""A news minute carried in other ways: `python -m tests.load.news [--accounts 1000] [--rounds 3]`.

The records of `minute.py`, four quotes to one user record, in turn through every way of `bodies.py`; the
floor and plain pykka once with the bands that Lockstep has, and once with every quote judged for every
holder. No way may conflate: after each beat it is waited for that the quotes in it were taken, and that
waiting is in the figures. Shown are records a second of one core's work. Prints, asserts nothing.
"""

import argparse
import statistics
from contextlib import ExitStack
from pathlib import Path

import msgspec

from tests.load.bodies import FLOOR, Body
from tests.load.compare import Results, spread
from tests.load.report import machine, table

EVERY = "every quote"
KINDS = (
    "Lockstep",
    "Lockstep, no disk",
    FLOOR,
    f"floor, {EVERY}",
    "plain pykka",
    f"plain pykka, {EVERY}",
)
BEATS, FEW = 120, 12
"""In a round, and where every holder judges every quote."""


def measure(accounts: int, rounds: int) -> Results:
    """Return records a second of one core's work, by way."""
    with ExitStack() as stack:
        bodies = [stack.enter_context(Body(kind, accounts)) for kind in KINDS]
        found: dict[str, list[float]] = {each.kind: [] for each in bodies}
        for number in range(1 + rounds):
            for body in bodies:
                cost = body.do("live", FEW if EVERY in body.kind else BEATS)
                if number:  # the first run warms up: it opens positions and fills caches
                    found[body.kind].append(cost.per_core_s)
    return {"accounts": accounts, "records_per_core_s": found}


def show(results: Results) -> None:
    """Print one table: how many times as much Lockstep carries, per way."""
    found = results["records_per_core_s"]

    def times(of: str, than: str) -> str:
        pairs = zip(found[of], found[than], strict=True)
        return spread((one / other for one, other in pairs), ",.2f")

    rows = [
        (
            kind,
            spread(found[kind]),
            f"{1e6 / statistics.median(found[kind]):,.0f}",
            *("1" if kind == of else times(of, kind) for of in ("Lockstep", "Lockstep, no disk")),
        )
        for kind in found
    ]
    head = (f"{results['accounts']:,} accounts, news", "records/core-s", "µs a record")
    table((*head, "times as much: Lockstep", "without disk"), rows)


def main() -> None:
    """Compare."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--accounts", type=int, default=1_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    machine()
    results = measure(chosen.accounts, chosen.rounds)
    show(results)
    if chosen.json:
        chosen.json.write_bytes(msgspec.json.format(msgspec.json.encode(results)))


if __name__ == "__main__":
    main()
