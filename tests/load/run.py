"""One run of a profile: its processes, the load, the end of what it led to, and the figures of it.

A run is judged for correctness too: what is lost, out of order, left exposed, touched without a breach,
or sent beyond the budget is listed as a fault, beside figures that then mean nothing.
"""

import tempfile
import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from messages.events import AccountLocked, AccountOpened, EnforcementFinished
from tests.load.figures import closes_of
from tests.load.guard import CLOCK, Noted
from tests.load.profiles import FREE, Profile
from tests.load.shards import Shards, shares
from tests.load.venue import CLOSE, Seen, VenueProcess

FIRST_ACCOUNT = 1001
DRAINED_WITHIN_S = 30.0
ARRIVES_WITHIN_S = 0.5
LOCKED_WITHIN_S = 150.0
"""Two windows of the budget and more."""


@dataclass(slots=True)
class Run:
    """What is known of one run."""

    profile: Profile
    accounts: range
    logins: int
    processes: int
    seconds: float
    due: int = 0
    """Facts that are to be pushed, beside what the exchange itself pushes."""
    opened_s: float = 0.0
    wall_s: float = 0.0
    cpu_s: float = 0.0
    rss_mb: float = 0.0
    drained_s: float = 0.0
    """From the last push until every trade was on disk."""
    noted: Noted = field(default_factory=Noted)
    seen: Seen = field(default=None)  # type: ignore[assignment]
    closes: dict[int, list[float]] = field(default_factory=dict)
    """When closes of each account arrived at the broker."""
    faults: list[str] = field(default_factory=list)

    @property
    def broken(self) -> set[int]:
        """Return the accounts that broke a rule."""
        return {each.account for each in (*self.seen.probes, *self.seen.crashed)}


def play(profile: Profile, accounts: int, logins: int, seconds: float, processes: int = 1) -> Run:
    """Play a profile and return what is known of it."""
    numbers = range(FIRST_ACCOUNT, FIRST_ACCOUNT + accounts)
    run = Run(profile, numbers, logins, processes, seconds)
    with tempfile.TemporaryDirectory() as name, VenueProcess(numbers, logins) as venue:
        run.due = venue.do("prepare", profile, seconds)
        dealt = shares(numbers, logins, processes, Path(name))
        begun = CLOCK.monotonic()
        with Shards(venue.url, dealt, *venue.do("clock")) as guards:
            run.opened_s = CLOCK.monotonic() - begun
            _load(run, guards, venue)
            run.noted = guards.noted()
    run.faults += faults_of(run)
    return run


def _load(run: Run, guards: Shards, venue: VenueProcess) -> None:
    if run.profile.budget != FREE:
        guards.limit(run.profile.budget)
        # what left before is not in Lockstep's window; it must not be in the broker's either
        threading.Event().wait(ARRIVES_WITHIN_S)
    begun, (cpu, _) = CLOCK.monotonic(), guards.used()
    venue.do("play")
    sent = CLOCK.monotonic()
    run.seen = venue.do("seen")
    if not guards.wait_for_trades(run.seen.traders, DRAINED_WITHIN_S):
        run.faults.append(f"not every trade on disk {DRAINED_WITHIN_S:g} s after the last push")
    run.drained_s = CLOCK.monotonic() - sent
    run.wall_s, run.cpu_s = CLOCK.monotonic() - begun, guards.used()[0] - cpu
    for kind in (AccountLocked, EnforcementFinished):
        if not guards.wait(kind, run.broken, LOCKED_WITHIN_S):
            run.faults.append(f"not every breached account has its {kind.__name__}")
    run.rss_mb = guards.used()[1]
    run.seen = venue.do("seen")
    run.closes = closes_of(run.seen.calls)


def faults_of(run: Run) -> list[str]:
    """Return what went wrong, in words; empty = nothing was lost, mixed up or left open."""
    seen, noted = run.seen, run.noted
    booked = {
        account: [each for each in ids if each in seen.trades]
        for account, ids in noted.order.items()
    }
    told = sorted(seen.trades, key=lambda each: (seen.trades[each], each))
    place = {each: number for number, each in enumerate(told)}
    counts: list[tuple[int, str]] = [
        (run.due - len(seen.user_lag_s), "facts never written by the generator"),
        (len(seen.trades.keys() - noted.trades.keys()), "trades lost"),
        (
            sum(ids != sorted(ids, key=place.__getitem__) for ids in booked.values()),
            "accounts whose trades were booked out of order",
        ),
        (len(noted.dead), f"dead letters, of {Counter(each.message for each in noted.dead)}"),
        (len(seen.exposed), "breached accounts not flat at the broker"),
        (len(run.broken - _accounts(noted, AccountLocked)), "breached accounts not locked"),
        (len(_accounts(noted, AccountLocked) - run.broken), "accounts locked without a breach"),
        (len(seen.touched), "accounts sent a command without a breach"),
        (sum(each.status == 429 for each in seen.calls), "requests beyond the budget"),
        (
            sum(bool(each.error_code) for each in seen.calls if each.endpoint == CLOSE),
            "closes the broker refused",
        ),
        (len(set(run.accounts) - _accounts(noted, AccountOpened)), "accounts never open"),
    ]
    return [f"{count} {what}" for count, what in counts if count]


def _accounts(noted: Noted, kind: type) -> set[int]:
    return {account for account, each in noted.first if each is kind}
