"""The highest rate that is held: step by step more, each step a run of its own, until one is not.

Held is a rate at which nothing is lost and no backlog is left: all is on disk soon after the last push.
"""

from tests.load.figures import Figures, figures_of
from tests.load.profiles import Profile
from tests.load.report import say, table
from tests.load.run import Run, play

_STEPS = 12
_DRAINED_S = 0.5
_P99_MS = 1_000.0
_GENERATOR_CORES = 0.9
_LOST = "trades"


def climb(
    profile: Profile, accounts: int, logins: int, seconds: float, processes: int
) -> tuple[Figures, list[str]]:
    """Raise the rate until it is not held; return the figures of the last that was, and its faults."""
    best: tuple[Figures, list[str]] | None = None
    rows = []
    for _ in range(_STEPS):
        run = play(profile, accounts, logins, seconds, processes)
        figures = figures_of(run)
        rows.append(_row(figures))
        say("  ".join(rows[-1]))
        if not _held(run, figures):
            break
        best = figures, run.faults
        profile = profile._replace(
            facts_per_s=profile.facts_per_s * profile.growth,
            quotes_per_s=profile.quotes_per_s * profile.growth,
        )
    head = ("facts/s", "quotes/s", "p50", "p99 → on disk", "drained, s", "its cores", "ours")
    table(head, rows)
    if _generator_bound(figures):
        say("The generator was the bottleneck of the last step: the ceiling is its own.")
    return best or (figures, [*run.faults, "not even the first rate was held"])


def _row(figures: Figures) -> tuple[str, ...]:
    disk = figures["trade meant → on disk"]
    return (
        f"{figures['facts pushed a second']:,.0f}",
        f"{figures['quote records pushed a second']:,.0f}",
        f"{disk['p50']:,.1f}",
        f"{disk['p99']:,.1f}",
        f"{figures['drained after, s']:.2f}",
        f"{figures['generator: cores used']:.2f}",
        f"{figures['Lockstep: cores used']:.2f}",
    )


def _held(run: Run, figures: Figures) -> bool:
    behind = figures["drained after, s"] > _DRAINED_S
    late = figures["trade meant → on disk"]["p99"] > _P99_MS
    return not (behind or late or any(_LOST in each for each in run.faults))


def _generator_bound(figures: Figures) -> bool:
    return bool(figures["generator: cores used"] > _GENERATOR_CORES)
