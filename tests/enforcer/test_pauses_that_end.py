"""A pause ends when it was to end, however often the account repeats itself meanwhile."""

from datetime import timedelta

import pytest

from messages.commands import TakeSnapshot
from messages.values import Done, Uncertain
from tests.enforcer.test_refused_for_budget import ES, MNQ, Desk


@pytest.mark.parametrize("every_s", [0.05, 0.5, 1.2, 1.9])
def test_facts_that_keep_coming_do_not_put_off_what_a_lost_answer_waits_for(every_s):
    """A busy account whose close is of unknown fate is read again two seconds later, not never."""
    desk = Desk()
    desk.enforce(MNQ)
    desk.answer(desk.sent()[0], Uncertain(reason="lost"))
    desk.read(MNQ)
    (due_s,) = desk.pauses()
    begun, dues = desk.now, [due_s]
    while desk.now + timedelta(seconds=every_s) < begun + timedelta(seconds=10):
        desk.now += timedelta(seconds=every_s)
        desk.enforce(MNQ)
        passed_s = (desk.now - begun).total_seconds()
        dues += [passed_s + each for each in desk.pauses()]

    assert dues[-1] == pytest.approx(2.0)


def test_facts_that_keep_coming_do_not_put_off_the_first_short_pause():
    """Twenty facts a second: the read a tenth of a second after the close is not starved."""
    desk = Desk()
    desk.enforce(MNQ)
    desk.answer(desk.sent()[0], Done())
    desk.read(MNQ)
    assert desk.pauses() == [0.1]
    for _ in range(3):
        desk.now += timedelta(seconds=0.05)
        desk.enforce(MNQ)

        assert desk.pauses() == []


def test_a_fact_shortens_a_long_pause():
    """What was waited for has grown long; something has happened, so the read comes soon."""
    desk = Desk()
    desk.enforce(MNQ)
    desk.answer(desk.sent()[0], Done())
    for _ in range(4):
        desk.read(MNQ)
        desk.wake(desk.pauses()[0])
        desk.read(MNQ)
        (close,) = desk.sent()
        desk.answer(close, Done())
    desk.read(MNQ)
    assert desk.pauses()[0] > 0.5
    desk.enforce(MNQ)

    assert desk.pauses() == [0.1]


def test_a_second_lost_answer_is_given_its_own_time():
    """ES is of unknown fate a second later than MNQ: two seconds from then."""
    desk = Desk()
    desk.enforce(MNQ)
    desk.answer(desk.sent()[0], Uncertain(reason="lost"))
    desk.read(MNQ)
    desk.now += timedelta(seconds=1)
    desk.enforce(MNQ, ES)
    (close,) = desk.sent()
    desk.answer(close, Uncertain(reason="lost"))
    desk.read(MNQ, ES)

    assert desk.pauses() == [2.0]
    desk.wake(2.0)
    assert len(desk.sent(TakeSnapshot)) == 1
