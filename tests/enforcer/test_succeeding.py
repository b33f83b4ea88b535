"""A successor whose earlier life may have commanded: nothing is closed beside what that has under way."""

from datetime import timedelta

import pytest

from messages.commands import ApplyLockout, CloseContract, TakeSnapshot
from messages.events import BrokerCommandAnswered
from messages.facts import SnapshotFailed
from messages.values import Done
from tests.enforcer.test_refused_for_budget import ES, HEAD, MNQ, Desk

OVER_S = 4.5
"""By when a command of the earlier life has had its effect, or never will."""


@pytest.fixture
def heir():
    """A successor of one that failed; its account's words wait in its inbox."""
    desk = Desk()
    desk.core.inherit(desk.now)
    return desk


def closes(desk):
    return [each.contract for each in desk.sent(CloseContract)]


def test_a_word_that_waited_in_the_inbox_is_not_acted_on_unread(heir):
    """The earlier life has heard the same, and closed it a moment before it failed."""
    heir.enforce(MNQ)

    assert heir.sent() == []
    assert len(heir.sent(TakeSnapshot)) == 1


def test_nor_is_what_the_account_says_while_it_reads(heir):
    """The fact may be the first part of the very fill that the earlier life has asked for."""
    heir.enforce()
    (asked,) = heir.sent(TakeSnapshot)
    heir.enforce(MNQ, reappeared=(MNQ,))

    assert heir.sent() == []
    assert asked


def test_an_account_that_is_not_sure_says_so():
    """It has begun anew with the enforcer: no fact of the stream closes anything before a read."""
    desk = Desk()
    desk.enforce(unsure=True)
    desk.enforce(MNQ)

    assert desk.sent() == []


def test_an_enforcer_that_lives_on_is_sure_of_itself():
    """Only the account began anew: what is new is closed at once."""
    desk = Desk()
    desk.enforce(MNQ)
    (close,) = desk.sent()
    desk.enforce(unsure=True)
    desk.enforce(MNQ, ES)

    assert closes(desk) == [ES]
    assert close.contract == MNQ


def test_what_two_reads_show_after_another_process_is_closed():
    """The first alone is not acted on: the fill may lie between its two answers."""
    desk = Desk()
    desk.enforce(unsure=True)
    desk.read(MNQ)
    assert desk.sent() == []
    assert desk.pauses() == [0.1]
    desk.wake(0.1)
    desk.read(MNQ)

    assert closes(desk) == [MNQ]


def test_what_a_read_shows_may_still_be_closing_by_the_gateways_queue(heir):
    """No read shows a close that hangs: it is given its time, and what is left then is closed."""
    heir.enforce(MNQ)
    heir.now += timedelta(seconds=0.5)
    heir.read(MNQ)
    assert heir.sent() == []
    assert heir.pauses() == [OVER_S - 0.5]
    heir.wake(OVER_S - 0.5)
    heir.read(MNQ)

    assert closes(heir) == [MNQ]


def test_no_fact_hastens_what_may_still_be_closing(heir):
    """What a read has shown is left to the next; what it has not is closed at once."""
    heir.enforce(MNQ)
    heir.read(MNQ)
    heir.enforce(MNQ)
    assert heir.sent() == []
    heir.enforce(MNQ, reappeared=(MNQ,))
    assert heir.sent() == []
    heir.enforce(MNQ, ES)

    assert closes(heir) == [ES]


def test_what_has_gone_meanwhile_is_proven_at_once(heir):
    """The earlier close was there in time: nothing is waited for."""
    heir.enforce(MNQ)
    heir.read()
    heir.read()

    (lock,) = heir.sent(ApplyLockout)
    assert lock.flat_confirmed


def test_where_nothing_can_be_read_it_waits_until_the_earlier_commands_are_over(heir):
    """Longer it waits for no budget: then what the account has said last is closed."""
    heir.enforce(MNQ)
    heir.refuse_read(40.0)
    assert heir.pauses() == [OVER_S]
    heir.wake(OVER_S)

    assert closes(heir) == [MNQ]


def test_with_nothing_to_close_it_waits_for_the_budget_as_ever(heir):
    """Asking again and again would only use it up."""
    heir.enforce()
    heir.refuse_read(40.0)
    heir.wake(OVER_S)
    heir.refuse_read(35.5)

    assert heir.pauses() == [35.5]


def test_so_it_does_where_reads_fail(heir):
    """Again and again, each a little later than the last."""
    heir.enforce(MNQ, ES)
    waited_s, asks = 0.0, heir.sent(TakeSnapshot)
    heir.enforce(MNQ)
    while not heir.sent(CloseContract):
        (asked,), asks = asks or heir.sent(TakeSnapshot), []
        failed = SnapshotFailed(**HEAD, at=heir.now, request_id=asked.request_id, reason="HTTP 500")
        heir.tell(failed)
        (pause,) = heir.pauses()
        waited_s += pause
        heir.wake(pause)

    assert closes(heir) == [MNQ]
    assert OVER_S <= waited_s < 2 * OVER_S


def test_what_appears_after_that_time_is_closed_at_once(heir):
    """Nothing of the earlier life can be under way any more."""
    heir.enforce()
    heir.now += timedelta(seconds=OVER_S)
    heir.enforce(MNQ)

    assert closes(heir) == [MNQ]


def test_an_answer_to_the_earlier_life_is_nothing_to_it(heir):
    """It has no such command."""
    heir.enforce()
    heir.tell(BrokerCommandAnswered(**HEAD, at=heir.now, command_id="1/e1/0.c1", outcome=Done()))

    assert heir.out == []
