"""From what both processes noted to figures with names. Pure.

All latencies are open-loop: they begin when a push was meant to go out, so the generator's own lag is
part of them, and is a figure itself. Milliseconds unless the name says otherwise.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from messages.events import (
    AccountLocked,
    BrokerCommandSent,
    EnforcementStarted,
    FlatConfirmed,
    RuleBreached,
)
from messages.facts import TradeExecuted
from tests.load.venue import CLOSE, Breach

if TYPE_CHECKING:
    from tests.load.run import Run

_ENFORCES_S = 2.0
"""How long after the fall bystanders count as beside an enforcement."""

type Figures = dict[str, Any]


def spread(seconds: Iterable[float]) -> Figures:
    """Return the percentiles of durations, in milliseconds."""
    ordered = sorted(1e3 * each for each in seconds)
    if not ordered:
        return {}
    at = lambda share: ordered[min(int(share * len(ordered)), len(ordered) - 1)]  # noqa: E731
    return {
        "count": len(ordered),
        "p50": at(0.5),
        "p99": at(0.99),
        "max": ordered[-1],
    }


def figures_of(run: "Run") -> Figures:
    """Return the figures of a run."""
    seen, noted = run.seen, run.noted
    told = [
        (seen.trades[each], *noted.trades[each]) for each in seen.trades if each in noted.trades
    ]
    pushed = len(seen.user_lag_s)
    scalars: Figures = {
        "accounts": len(run.accounts),
        "logins": run.logins,
        "processes of Lockstep": run.processes,
        "seconds": run.seconds,
        "start to all open, s": run.opened_s,
        "facts pushed a second": pushed / run.seconds,
        "quote records pushed a second": len(seen.market_lag_s) / run.seconds,
        "generator: cores used": seen.cpu_s / seen.wall_s,
        "Lockstep: cores used": run.cpu_s / run.wall_s,
        "Lockstep: µs of a core a record": 1e6
        * run.cpu_s
        / max(1, pushed + len(seen.market_lag_s)),
        "drained after, s": run.drained_s,
        "RSS, MB": run.rss_mb,
        "requests sent": len(
            [each for each in seen.calls if not each.endpoint.startswith("/hubs")]
        ),
    }
    spreads = {
        "generator: user hub, meant → written": spread(seen.user_lag_s),
        "generator: market hub, meant → written": spread(seen.market_lag_s),
        "trade meant → at its account": spread(at - meant for meant, at, _ in told),
        "trade meant → on disk": spread(disk - meant for meant, _, disk in told),
        **_probes(run),
        **_crash(run),
        **_bystanders(run, told),
    }
    if run.seen.crashed:
        scalars["closes that overtook a worse account"] = overtaken(run)
        scalars["requests an account breached"] = _requests_per_breach(run)
    return scalars | {name: each for name, each in spreads.items() if each}


def _probes(run: "Run") -> Figures:
    broken, first = run.seen.probes, run.noted.first
    steps: tuple[tuple[str, type], ...] = (
        ("at the gateway", TradeExecuted),
        ("decided", RuleBreached),
        ("durable, command told", BrokerCommandSent),
        ("flat confirmed", FlatConfirmed),
        ("locked, on disk", AccountLocked),
    )
    found = {
        f"probe meant → {name}": spread(
            first[each.account, kind] - each.intended_s
            for each in broken
            if (each.account, kind) in first
        )
        for name, kind in steps
    }
    found["probe meant → close at the broker"] = _closes(run, broken)
    found["probe written → close at the gateway"] = spread(
        commanded - written
        for each in broken
        if (written := run.seen.written_s.get(each.account))
        and (commanded := _after(run.noted.commanded.get(each.account, []), written))
    )
    return found


def _after(times: Sequence[float], begin: float) -> float | None:
    return next((each for each in times if each >= begin), None)


def _crash(run: "Run") -> Figures:
    broken, first = run.seen.crashed, run.noted.first
    return {
        "crash meant → intent on disk": spread(
            first[each.account, EnforcementStarted] - each.intended_s
            for each in broken
            if (each.account, EnforcementStarted) in first
        ),
        "crash meant → close at the broker": _closes(run, broken),
        "crash meant → flat at the broker": spread(
            _first_flat(run, each) - each.intended_s
            for each in broken
            if each.account in run.seen.flat_s
        ),
        "crash meant → locked, on disk": spread(
            first[each.account, AccountLocked] - each.intended_s
            for each in broken
            if (each.account, AccountLocked) in first
        ),
        "re-entry meant → close at the broker": _closes(run, run.seen.reentered),
    }


def _first_flat(run: "Run", breach: Breach) -> float:
    reentered = {each.account for each in run.seen.reentered}
    # one that has bought again was flat in between; what counts there is its first close's answer
    if breach.account in reentered:
        return _close_at(run, breach) + run.profile.answers_after_s
    return run.seen.flat_s[breach.account]


def _bystanders(run: "Run", told: list[tuple[float, float, float]]) -> Figures:
    if not run.seen.crashed:
        return {}
    falls = run.seen.begin + run.profile.falls_after_s
    before = [each for each in told if each[0] < falls]
    meanwhile = [each for each in told if falls <= each[0] < falls + _ENFORCES_S]
    return {
        f"bystander's trade → {where}, {when}": spread(each[step] - each[0] for each in trades)
        for step, where in ((1, "at its account"), (2, "on disk"))
        for when, trades in (("before", before), ("in the crash", meanwhile))
    }


def _closes(run: "Run", broken: Sequence[Breach]) -> Figures:
    return spread(
        at - each.intended_s
        for each in broken
        for at in [_close_at(run, each)]
        if at < float("inf")
    )


def _close_at(run: "Run", breach: Breach) -> float:
    """Return when the first close after a breach arrived, or infinity."""
    times = run.closes.get(breach.account, [])
    found = bisect_left(times, breach.intended_s)
    return times[found] if found < len(times) else float("inf")


def overtaken(run: "Run") -> int:
    """Count closes that left before that of an account of the login with more at stake that waited too.

    Waited: its breach was decided before the close arrived, by more than messages may cross.
    """
    slack_s = 0.02
    first = run.noted.first
    count = 0
    for own in run.seen.crashed:
        own_at = _close_at(run, own)
        for other in run.seen.crashed:
            if other.login == own.login and other.size > own.size:
                decided = first.get((other.account, EnforcementStarted), float("inf"))
                if decided + slack_s < own_at < _close_at(run, other):
                    count += 1
                    break
    return count


def _requests_per_breach(run: "Run") -> float:
    accounts = {each.account for each in run.seen.crashed}
    sent = [each for each in run.seen.calls if each.account in accounts]
    return len(sent) / len(accounts)


def closes_of(calls: Iterable[Any]) -> dict[int, list[float]]:
    """Return when closes of each account arrived, in order."""
    closes: dict[int, list[float]] = {}
    for each in calls:
        if each.endpoint == CLOSE and each.account is not None:
            closes.setdefault(each.account, []).append(each.monotonic_s)
    return closes
