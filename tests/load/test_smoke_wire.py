"""A flash crash over the wire, for correctness only: nothing lost, all enforced, others untouched.

Never speed. One short run, both processes real; what a run is judged by is itself made to fail, each
part once.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest

from messages.events import AccountLocked, AccountOpened, DeadLettered
from tests.load.figures import closes_of
from tests.load.profiles import PROFILES
from tests.load.report import NOON
from tests.load.run import Run, faults_of, play
from tests.load.venue import CLOSE, Called

ACCOUNTS, LOGINS, SECONDS = 30, 2, 2.5


@pytest.fixture(scope="module")
def run() -> Run:
    """Play the crash once."""
    return play(PROFILES["smoke"], ACCOUNTS, LOGINS, SECONDS)


def test_a_crash_loses_nothing_and_touches_nobody_else(run: Run):
    """Every trade booked once in order, every breached account flat and locked, no request too many."""
    assert run.faults == []
    assert len(run.seen.crashed) == PROFILES["smoke"].crash_share * ACCOUNTS
    assert len(run.seen.trades) > ACCOUNTS / 2


def test_several_processes_each_guard_their_logins():
    """Two of them, a login and a journal each: the same crash, the same judgement of the whole."""
    run = play(PROFILES["smoke"], ACCOUNTS, LOGINS, SECONDS, processes=LOGINS)

    assert run.faults == []
    assert {each.login for each in run.seen.crashed} == set(range(LOGINS))


def test_who_buys_again_under_lock_is_closed_again(run: Run):
    """The broker heard a close for every re-entry, after it."""
    closes = closes_of(run.seen.calls)

    assert run.seen.reentered
    assert [each for each in run.seen.reentered if closes[each.account][-1] < each.intended_s] == []


def test_every_push_that_was_due_was_written(run: Run):
    """The generator leaves nothing out, or the load would not be what it says.

    A quote is written to the one login that hears its contract.
    """
    quoted = run.profile.contracts * run.profile.quotes_per_s * SECONDS

    assert len(run.seen.user_lag_s) == run.due > 0
    assert len(run.seen.market_lag_s) == quoted
    assert min(run.seen.user_lag_s) >= 0


def _lose_a_trade(run: Run) -> None:
    del run.noted.trades[next(iter(run.seen.trades))]


def _write_less(run: Run) -> None:
    run.due += 1


def _swap_two_trades(run: Run) -> None:
    account, ids = next(
        (account, ids)
        for account, ids in run.noted.order.items()
        if len(run.seen.trades.keys() & ids) > 1
    )
    run.noted.order[account] = ids[::-1]


def _never_lock(run: Run) -> None:
    del run.noted.first[run.seen.crashed[0].account, AccountLocked]


def _lock_a_bystander(run: Run) -> None:
    bystander = next(each for each in run.accounts if each not in run.broken)
    run.noted.first[bystander, AccountLocked] = 0.0


def _never_open(run: Run) -> None:
    del run.noted.first[run.accounts[0], AccountOpened]


def _let_a_message_die(run: Run) -> None:
    letter = DeadLettered(at=NOON, cause="test", address="account/1", message="x", error="y")
    run.noted.dead.append(letter)


def _leave_one_exposed(run: Run) -> None:
    run.seen.exposed.append(run.seen.crashed[0].account)


def _touch_a_bystander(run: Run) -> None:
    run.seen.touched.append(run.accounts[0])


def _ask_too_often(run: Run) -> None:
    run.seen.calls.append(Called(0.0, "user-0", "/Position/searchOpen", 1, 429, None))


def _close_in_vain(run: Run) -> None:
    run.seen.calls.append(Called(0.0, "user-0", CLOSE, 1, 200, 2))


@pytest.mark.parametrize(
    "go_wrong",
    [
        _write_less,
        _lose_a_trade,
        _swap_two_trades,
        _never_lock,
        _lock_a_bystander,
        _never_open,
        _let_a_message_die,
        _leave_one_exposed,
        _touch_a_bystander,
        _ask_too_often,
        _close_in_vain,
    ],
)
def test_a_run_that_went_wrong_says_so(run: Run, go_wrong: Callable[[Run], None]):
    """A judgement that finds no fault would be worth nothing if it never found one."""
    spoilt = _copied(run)
    go_wrong(spoilt)

    assert len(faults_of(spoilt)) == 1


def _copied(run: Run) -> Run:
    noted = replace(
        run.noted,
        trades=dict(run.noted.trades),
        order=dict(run.noted.order),
        first=dict(run.noted.first),
        dead=list(run.noted.dead),
    )
    seen = replace(
        run.seen,
        calls=list(run.seen.calls),
        exposed=list(run.seen.exposed),
        touched=list(run.seen.touched),
    )
    return replace(run, noted=noted, seen=seen)
