"""Load Lockstep as a bad minute does, and measure: `./run load --profile news [--accounts 1000]`.

Profiles are in `profiles.py`; `ceiling` raises the rate step by step until it is not held. Beside them,
`compare` carries the same facts in other ways, and `soak` plays a desk's week. Prints a table, with
`--json` writes it, and with `--compare` an earlier one's ratios stand beside it. Exit 1 when something
was lost, left open or sent beyond the budget; no figure is ever a reason.
"""

import sys
from pathlib import Path
from typing import Any

import cyclopts
import msgspec

from tests.load.bodies import KINDS
from tests.load.ceiling import climb
from tests.load.compare import compared
from tests.load.figures import Figures, figures_of
from tests.load.profiles import PROFILES
from tests.load.report import machine, say, table
from tests.load.run import play
from tests.load.soak import soak

MANY, DESK = 1_000, 20
_LATE_MS = 5.0
app = cyclopts.App(name="./run load", help=__doc__)


@app.default
def load(
    *,
    profile: str = "quiet",
    accounts: int | None = None,
    logins: int = 5,
    processes: int = 1,
    seconds: float = 20.0,
    json: Path | None = None,
    compare: Path | None = None,
) -> int:
    """Load Lockstep as a profile says.

    Parameters
    ----------
    profile
        One of idle, quiet, open, news, busy, stream, s111, s111-facts, crash, ceiling, smoke; or compare
        or soak.
    accounts
        Accounts, shared out over the logins; 1,000 unless said, a desk of 20 for a soak.
    logins
        ProjectX users, each with connections and a request budget of its own.
    processes
        Processes of Lockstep the logins are dealt out to, each with a journal of its own.
    seconds
        How long pushes are sent; of each step of `ceiling`.
    json
        Where the figures are written.
    compare
        Figures of an earlier run, to set beside these.
    """
    if profile == "compare":
        _write(json, compared((accounts or MANY,), 3, list(KINDS)))
        return 0
    machine()
    alarms: dict[str, int] = {}
    if profile == "soak":
        figures, faults = soak(accounts or DESK)
    elif (chosen := PROFILES[profile]).growth > 1:
        figures, faults = climb(chosen, accounts or MANY, logins, seconds, processes)
    else:
        run = play(chosen, accounts or MANY, logins, seconds, processes)
        figures, faults, alarms = figures_of(run), run.faults, run.noted.alarms
    show(profile, figures, msgspec.json.decode(compare.read_bytes()) if compare else {})
    for alarm, times in alarms.items():
        say(f"alarm {alarm}: {times}")
    for fault in faults:
        say(f"FAULT: {fault}")
    _write(json, figures | {"profile": profile, "faults": faults})
    return 1 if faults else 0


def _write(path: Path | None, figures: Figures) -> None:
    if path:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(figures)) + b"\n")


def show(profile: str, figures: Figures, before: Figures) -> None:
    """Print the figures, and how they stand to those of an earlier run."""
    spreads = {name: each for name, each in figures.items() if isinstance(each, dict)}
    rows = [
        (name, f"{value:,.2f}".removesuffix(".00"), *_ratio(before, value, name))
        for name, value in figures.items()
        if name not in spreads
    ]
    table((profile, "", *(("now ÷ then",) if before else ())), rows)
    say()
    table(
        ("ms", "count", "p50", "p99", "max", *(("p50 ÷", "p99 ÷", "max ÷") if before else ())),
        [
            (
                name,
                str(each["count"]),
                *(f"{each[key]:,.2f}" for key in ("p50", "p99", "max")),
                *(
                    cell
                    for key in ("p50", "p99", "max")
                    for cell in _ratio(before, each[key], name, key)
                ),
            )
            for name, each in spreads.items()
        ],
    )
    late = [
        name for name, each in spreads.items() if "generator" in name and each["p99"] > _LATE_MS
    ]
    if late:
        say("The generator itself was late: latencies from the time meant are partly its own.")


def _ratio(before: Figures, value: float, *path: str) -> tuple[str, ...]:
    if not before:
        return ()
    found: Any = before
    for key in path:
        found = found.get(key, {}) if isinstance(found, dict) else {}
    return (f"{value / found:.2f}" if isinstance(found, int | float) and found else "",)


if __name__ == "__main__":
    sys.exit(app())
