"""A successor whose earlier life may have commanded: nothing is closed beside what that has under way."""

from datetime import timedelta

import pytest

from messages.commands import ApplyLockout, CloseContract, TakeSnapshot
from messages.events import BrokerCommandAnswered, BrokerCommandSent
from messages.facts import SnapshotFailed
from messages.values import Closing, Done, NotSent, Rejected
from tests.enforcer.test_refused_for_budget import ES, HEAD, MNQ, Desk

CLOSING = Closing(command_id="1/e1/0.c1", contract=MNQ)
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


def fail_reads(desk, seconds):
    """Let every read fail for so long."""
    until, asks = desk.now + timedelta(seconds=seconds), desk.sent(TakeSnapshot)
    sent = []
    while desk.now < until:
        (asked,), asks = asks or desk.sent(TakeSnapshot), []
        failed = SnapshotFailed(**HEAD, at=desk.now, request_id=asked.request_id, reason="HTTP 500")
        desk.tell(failed)
        (pause,) = desk.pauses()
        desk.wake(pause)
        sent += closes(desk)
        for command in desk.sent():
            desk.answer(command, Done())
    return sent


def test_what_an_earlier_life_has_sent_a_close_for_waits_for_a_read():
    """It may hang at the exchange for as long as nothing can be read: found by tests/chaos."""
    desk = Desk()
    desk.enforce(unsure=True, closing=(CLOSING,))
    (asked,) = desk.sent(TakeSnapshot)
    desk.enforce(MNQ, ES, closing=(CLOSING,))
    desk.out = [asked]

    assert fail_reads(desk, 120) == [ES]

    desk.read(MNQ)
    desk.wake(desk.pauses()[0])
    desk.read(MNQ)
    assert closes(desk) == [MNQ]


def test_nor_where_words_of_before_waited_in_its_inbox(heir):
    """The account's answer to the failure comes behind what it had said already."""
    heir.enforce(MNQ)
    (asked,) = heir.sent(TakeSnapshot)
    heir.enforce(unsure=True, closing=(CLOSING,))
    heir.enforce(MNQ, ES, closing=(CLOSING,))
    heir.out = [asked]

    assert fail_reads(heir, 60) == [ES]


def test_one_that_lives_on_knows_its_own_commands(heir):
    """What the account says of them is nothing new to it."""
    heir.enforce(MNQ)
    heir.read()
    heir.read()
    heir.enforce(ES, MNQ, reappeared=(MNQ,), closing=(CLOSING,))

    assert closes(heir) == [ES, MNQ]


@pytest.mark.parametrize("early", [True, False], ids=["before it is known of", "after that"])
def test_a_close_that_certainly_had_no_effect_is_repeated_unread(heir, early):
    """The budget had no room for it, nor has it for reads: whoever is told nothing waits a minute."""
    told = {**HEAD, "at": heir.now, "command_id": CLOSING.command_id}
    answer = BrokerCommandAnswered(**told, outcome=NotSent(reason="no budget"))
    if early:
        heir.tell(answer)
        assert heir.sent(BrokerCommandAnswered) == [answer]
        assert heir.journaled(BrokerCommandAnswered) == [answer]
    heir.enforce(unsure=True, closing=(CLOSING,))
    (asked,) = heir.sent(TakeSnapshot)
    heir.enforce(MNQ, closing=(CLOSING,))
    if not early:
        heir.tell(answer)
    heir.out = [asked]

    assert fail_reads(heir, OVER_S) == [MNQ]


def test_what_was_gone_and_is_held_again_was_closed_by_it():
    """Nothing of that close is left."""
    desk = Desk()
    desk.enforce(unsure=True, closing=(CLOSING,))
    (asked,) = desk.sent(TakeSnapshot)
    desk.enforce(MNQ, reappeared=(MNQ,), closing=(CLOSING,))
    desk.out = [asked]

    assert fail_reads(desk, OVER_S) == [MNQ]


def test_its_account_hears_of_every_close_and_of_those_without_effect():
    """Whoever succeeds it is told by the account what may still be closing."""
    desk = Desk()
    desk.enforce(MNQ, ES, orders=(7,))
    assert [each.contract for each in desk.sent(BrokerCommandSent)] == [MNQ, ES]

    mnq, es, cancel = desk.sent()
    desk.answer(mnq, Done())
    assert desk.sent(BrokerCommandAnswered) == []
    desk.answer(cancel, Rejected(code=5, text="no such order"))
    assert desk.sent(BrokerCommandAnswered) == []
    desk.answer(es, Rejected(code=2, text="no position"))
    (answer,) = desk.sent(BrokerCommandAnswered)
    assert answer.command_id == es.command_id


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
