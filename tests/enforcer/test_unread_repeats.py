"""What had no effect is repeated though nothing can be read: once, and nothing beside its like."""

import pytest

from messages.commands import CloseContract, TakeSnapshot
from messages.facts import SnapshotFailed
from messages.values import Done, NotSent, Rejected, Uncertain
from tests.enforcer.test_refused_for_budget import HEAD, LATER, MNQ, Desk

CLOSED = Rejected(code=4, text="closed")
NOT_THERE = Rejected(code=2, text="PositionNotFound")


def blinded(desk):
    """Let the read that is under way fail."""
    (asked,) = desk.sent(TakeSnapshot)
    desk.tell(SnapshotFailed(**HEAD, at=desk.now, request_id=asked.request_id, reason="HTTP 500"))


@pytest.mark.parametrize(
    "fate", [Done(), Uncertain(reason="lost"), LATER], ids=["done", "lost", "refused"]
)
@pytest.mark.parametrize("blind", [False, True], ids=["no budget", "blind"])
def test_a_close_that_was_rejected_is_not_repeated_beside_the_one_that_took_its_place(fate, blind):
    """It was gone and came back, and was closed at once: the old rejection says nothing of that close."""
    desk = Desk()
    desk.enforce(MNQ)
    desk.answer(*desk.sent(), CLOSED)
    desk.enforce(MNQ, reappeared=(MNQ,))
    (again,) = desk.sent()
    desk.answer(again, fate)
    if fate is LATER:  # it is its turn that repeats it, once
        desk.wake(7.5)
        (again,) = desk.sent()
        desk.answer(again, Done())
    blinded(desk) if blind else desk.refuse_read(30.0)
    desk.wake(30.0)

    assert desk.sent() == []
    assert len(desk.sent(TakeSnapshot)) == 1


def test_an_answer_that_comes_after_the_next_close_repeats_nothing():
    """The first close hung; what was held again has been closed by a second that is filling."""
    desk = Desk()
    desk.enforce(MNQ)
    (first,) = desk.sent()
    desk.enforce(MNQ, reappeared=(MNQ,))
    (second,) = desk.sent()
    desk.answer(second, Done())
    desk.answer(first, CLOSED)
    desk.refuse_read(30.0)

    assert desk.pauses() == [30.0]
    desk.wake(30.0)
    assert desk.sent() == []


@pytest.mark.parametrize(
    "fate", [CLOSED, NotSent(reason="no connection")], ids=["rejected", "not sent"]
)
def test_a_contract_two_of_whose_closes_had_no_effect_is_closed_once(fate):
    """Two in one breath would turn the position."""
    desk = Desk()
    desk.enforce(MNQ)
    desk.answer(*desk.sent(), fate)
    desk.enforce(MNQ, reappeared=(MNQ,))
    desk.answer(*desk.sent(), fate)
    blinded(desk)
    desk.wake(0.1)

    assert [each.contract for each in desk.sent(CloseContract)] == [MNQ]


def test_a_close_of_what_is_not_there_waits_for_a_read():
    """The broker has said that there is nothing: asking again takes others' room and shows nothing."""
    desk = Desk()
    desk.enforce(MNQ)
    desk.answer(*desk.sent(), NOT_THERE)
    desk.refuse_read(30.0)

    assert desk.pauses() == [30.0]
    desk.enforce(MNQ)
    assert desk.sent() == []
    desk.wake(30.0)
    assert desk.sent() == []
    assert len(desk.sent(TakeSnapshot)) == 1


def test_so_does_an_order_that_is_not_there():
    """It has filled, or went with its sibling: only a read knows what is left."""
    desk = Desk()
    desk.enforce(orders=(9,))
    desk.answer(*desk.sent(), Rejected(code=2, text="OrderNotFound"))
    blinded(desk)
    desk.wake(0.1)

    assert desk.sent() == []
    assert len(desk.sent(TakeSnapshot)) == 1


def test_what_is_there_after_all_is_closed_once_a_read_shows_it():
    """The broker's own tables were behind each other for a moment."""
    desk = Desk()
    desk.enforce(MNQ)
    desk.answer(*desk.sent(), NOT_THERE)
    desk.refuse_read(30.0)
    desk.wake(30.0)
    desk.read(MNQ)
    desk.wake(0.1)
    desk.read(MNQ)

    assert [each.contract for each in desk.sent(CloseContract)] == [MNQ]
