"""`journal show`: one account's day as its trader reads it the next morning."""

from datetime import date

import pytest

from actors.locking import LockRequest
from actors.ops.facts import say
from actors.ops.narrator import narrate
from messages.base import AccountMessage
from messages.facts import OrderChanged
from messages.values import Order, OrderType, Side
from tests.cli import lockstep, one_error
from tests.rig import NOON, A, B, config_of

RULES = config_of(daily_realized_loss={"max_loss_usd": 500, "include_open_loss": False})


@pytest.fixture
def journal(rig):
    """Leave the journal of a day with a fill, a self-lockout, a loss, its reset, and the day after."""
    run = rig(RULES)
    run.order(A, "MNQ", 2)
    run.order(A, "MNQ", -1, OrderType.LIMIT, limit=30_000)
    run.fill(A, "-35.5", fees="1.24")
    run.fill(B, "-77")
    run.system.lock(LockRequest(account=A, for_s=60, reason="a walk"))
    run.settle()
    run.advance(61)
    run.fill(A, "-600")
    run.at(NOON.replace(hour=22))
    run.advance(60)
    run.fill(A, "12")
    stored = [each.event for each in run.stored() if isinstance(each.event, AccountMessage)]
    run.stop()
    return run.folder / "lockstep.db", stored


def show(path, *words):
    return lockstep("journal", "show", *words, "--path", path)


def test_a_day_is_told_with_its_times_its_amounts_and_the_words_of_the_log(journal):
    """From the reset that began it to the one that closed it, in the zone of the trading day."""
    path, stored = journal

    done = show(path, A, "--date", "2025-10-29")

    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == f"Account {A}, trading day 2025-10-29, times of America/Chicago"
    assert lines[-1] == "10-29 17:00:00.000  day closed: realised $-636.74 in 3 closing fills"
    for said in (
        "10-29 12:00:00.000  bought 2 MNQ at 21000",
        "10-29 12:00:00.000  holds 2 MNQ at 21000",
        "sell 1 MNQ limit, limit 30000: open",
        "sold 1 MNQ at 26000, P&L $-35.50, costs $1.24",
        "   day's realised P&L $0.00 → $-36.74",
        "its trader locks it until 2025-10-29T17:01:00+00:00: a walk",
        "10-29 12:01:01.000  Account 13298777: lockout of SELF ended by time",
        "   day's realised P&L $-36.74 → $-636.74",
        "VIOLATION: RULE-003 - ",
    ):
        assert said in done.stdout, said
    assert str(B) not in done.stdout
    assert "$12.00" not in done.stdout
    day = stored[: next(n for n, each in enumerate(stored) if each.at.hour == 22)]
    words = [text for each in day for _, said in narrate(each) for text in said.splitlines()]
    assert len(words) > 10
    left = done.stdout
    for text in words:  # each of them, in their order
        assert text in left
        left = left.partition(text)[2]


def test_without_a_date_it_is_the_last_day_and_a_name_will_do(journal):
    """A day that was not closed says how it stands so far."""
    path, _ = journal

    done = show(path, f"50K-{A}")

    assert f"trading day {date(2025, 10, 30)}" in done.stdout.splitlines()[0]
    assert done.stdout.splitlines()[-1] == "So far: realised $12.00 in 1 closing fills"


def test_an_account_or_a_day_that_is_not_there_is_named_with_those_that_are(journal):
    """2 for both: the words were wrong, the journal is sound."""
    path, _ = journal

    assert f"{A} (50K-{A})" in one_error(show(path, "4711"), 2)
    assert "2025-10-29, 2025-10-30" in one_error(show(path, A, "--date", "2025-10-01"), 2)


def test_what_this_build_does_not_know_of_an_order_is_said_as_a_number():
    """An undocumented status is shown, never guessed at."""
    order = Order(
        order_id=7,
        contract="CON.F.US.MNQ.Z25",
        side=Side.BUY,
        type=99,
        size=3,
        filled=1,
        status=42,
    )

    ((_, text),) = say(OrderChanged(account=A, at=NOON, cause="order", order=order))

    assert text == "order 7 buy 3 MNQ unknown (99): unknown (42), 1 filled"
