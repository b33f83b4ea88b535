"""The request budget of a login against the number of its accounts: pure arithmetic.

Counted is what the guard asks for, not what it takes: a start reads each account four times (positions,
orders, trades, its record) after one login and one list; closing an account that holds one position takes
one close, and two complete reads of two requests prove it. Of the window, reads may use three quarters
(those that prove an enforcement nearly all), closes the whole, less what runs all the time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from actors.gateway.budget import SHARES, Priority
from actors.gateway.settings import LoginSettings
from actors.ops.doctor.finding import Check, Finding

BUDGET = Check("request budget", "what has to wait for the broker's limit is closed late")
READS_OF_AN_ACCOUNT, PROOF_OF_AN_ACCOUNT = 4, 4
_OPENING, _ROSTER = 2, 1


@dataclass(frozen=True, slots=True)
class BudgetRead:
    """One login."""

    login: LoginSettings
    """How it reaches the broker, its limits included."""
    accounts: int | None
    """Accounts it is to guard; None = not known."""
    poll_s: float | None = None
    """How often a rule has all its records read; None = none does."""


@dataclass(frozen=True, slots=True)
class Times:
    """How long things take at best, seconds; 0 = at once."""

    start_s: float
    """Until every account of a start was read."""
    closed_s: float
    """After a fall of everything: until the last close has left."""
    proven_s: float
    """Until the last account is proven flat."""


def times_of(read: BudgetRead, accounts: int) -> Times:
    """Return how long the budget alone makes a start and a flash crash of all accounts take."""
    window, login = read.login.budget_window_s, read.login
    steady = ceil(window / login.reconcile_every_s) * READS_OF_AN_ACCOUNT * bool(accounts)
    steady += ceil(window / login.roster_every_s) * _ROSTER
    steady += ceil(window / read.poll_s) if read.poll_s else 0

    def waits(requests: int, priority: Priority, used: int) -> float:
        room = max(1, int(login.budget_requests * SHARES.get(priority, 1.0)) - used)
        return max(0, ceil(requests / room) - 1) * window

    all_of_it = accounts * (1 + PROOF_OF_AN_ACCOUNT)
    return Times(
        start_s=waits(accounts * READS_OF_AN_ACCOUNT + _OPENING, Priority.READ, 0),
        closed_s=waits(accounts, Priority.CLOSE, steady),
        proven_s=waits(all_of_it, Priority.URGENT_READ, steady),
    )


def judge_budget(read: BudgetRead) -> Iterator[Finding]:
    """Judge whether every account of a login could be closed at once."""
    about = read.login.name
    if read.accounts is None:
        fix = "mend the login first, then look again"
        yield BUDGET.unknown("how many accounts it has is not known", fix=fix, about=about)
        return
    times = times_of(read, read.accounts)
    what = (
        f"{read.accounts} accounts, {read.login.budget_requests} requests in 60 s: a complete start "
        f"waits {times.start_s:.0f} s, in a fall of all accounts the last close {times.closed_s:.0f} s "
        f"and the last proof {times.proven_s:.0f} s"
    )
    if times.closed_s:
        fix = "guard fewer accounts per login; the worst are closed first"
        yield BUDGET.warning(what, fix=fix, about=about)
    else:
        yield BUDGET.ok(what, about=about)
