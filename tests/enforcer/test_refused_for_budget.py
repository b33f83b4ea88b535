"""What the request budget has no room for goes out again in time for its turn, if it still counts."""

from datetime import timedelta
from decimal import Decimal

import pytest

from actors.enforcer.core import EnforcerCore
from messages.commands import (
    ApplyLockout,
    BrokerCommand,
    CancelOrder,
    CloseContract,
    Enforce,
    TakeSnapshot,
    WakeAfter,
    Woken,
)
from messages.events import AlarmRaised, BrokerCommandAnswered
from messages.facts import SnapshotFailed, SnapshotTaken
from messages.journal import Append
from messages.values import (
    CapContract,
    Done,
    FlatAccount,
    NoOpeningOrders,
    NotSent,
    Position,
    Rejected,
    Uncertain,
)
from tests.rig import NOON

MNQ, ES = "CON.F.US.MNQ.Z25", "CON.F.US.EP.Z25"
LATER = NotSent(reason="no budget", retry_after_s=7.5)
FLAT = (FlatAccount(),)
HEAD = {"account": 1, "cause": "test"}


class Desk:
    """One enforcer, told by hand."""

    def __init__(self):
        self.core = EnforcerCore(account=1, login="desk", epoch="1")
        self.now = NOON
        self.out = []
        self.keys = {}

    def tell(self, message):
        self.out = [each.message for each in self.core.handle(message, self.now)]
        self.keys |= {each.key.split()[0]: each.key for each in self.sent(WakeAfter)}

    def enforce(self, *positions, orders=(), targets=FLAT, **more):
        self.tell(
            Enforce(
                **HEAD,
                at=self.now,
                enforcement_id="1/e1",
                targets=targets,
                deadline_at=self.now + timedelta(seconds=5),
                known_positions=positions,
                known_orders=orders,
                exposure_usd=Decimal(42_000),
                **more,
            )
        )

    def sent(self, kind=BrokerCommand):
        return [each for each in self.out if isinstance(each, kind)]

    def answer(self, command, outcome):
        head = {**HEAD, "at": self.now, "command_id": command.command_id}
        self.tell(BrokerCommandAnswered(**head, outcome=outcome))

    def pauses(self):
        return [each.after_s for each in self.sent(WakeAfter) if each.key.startswith("pause")]

    def read(self, *held):
        (asked,) = self.sent(TakeSnapshot)
        positions = (Position(contract=each, size=1, average_price=Decimal(1)) for each in held)
        self.tell(
            SnapshotTaken(
                **HEAD,
                at=self.now,
                request_id=asked.request_id,
                generation=1,
                requested_at=self.now,
                positions=tuple(positions),
                orders=(),
                fills=None,
                can_trade=None,
                balance_usd=None,
            )
        )

    def refuse_read(self, after_s):
        (asked,) = self.sent(TakeSnapshot)
        head = {**HEAD, "at": self.now, "request_id": asked.request_id}
        self.tell(SnapshotFailed(**head, reason="no budget", retry_after_s=after_s))

    def journaled(self, kind):
        told = [event for each in self.sent(Append) for event in each.events]
        return [each for each in told if isinstance(each, kind)]

    def wake(self, after_s):
        self.now += timedelta(seconds=after_s)
        self.tell(Woken(at=self.now, cause="clock", key=self.keys["pause"]))


def test_a_refused_close_waits_for_its_turn_and_reads_nothing_meanwhile():
    """No growing pause, no read that would come later still; at its turn the same close again."""
    desk = Desk()
    desk.enforce(MNQ)
    (close,) = desk.sent()
    desk.answer(close, LATER)

    assert desk.pauses() == [7.5]
    assert desk.sent(TakeSnapshot) == []
    desk.wake(7.5)
    (again,) = desk.sent()
    assert isinstance(again, CloseContract)
    assert (again.contract, again.exposure_usd) == (MNQ, Decimal(42_000))
    assert again.command_id != close.command_id


def test_of_two_turns_the_first_counts():
    """A close and a cancel refused: both go out when the first of them is due."""
    desk = Desk()
    desk.enforce(MNQ, orders=(9,))
    close, cancel = desk.sent()
    desk.answer(close, NotSent(reason="no budget", retry_after_s=2.0))
    desk.answer(cancel, LATER)

    assert desk.pauses() == [2.0]
    desk.wake(2.0)
    assert [type(each) for each in desk.sent()] == [CloseContract, CancelOrder]


def test_what_was_done_is_not_sent_again_beside_what_was_refused():
    """ES is closed; only MNQ waits."""
    desk = Desk()
    desk.enforce(ES, MNQ)
    done, refused = sorted(desk.sent(), key=lambda each: each.contract)
    desk.answer(done, Done())
    desk.answer(refused, LATER)
    desk.wake(7.5)

    assert [each.contract for each in desk.sent()] == [MNQ]


def test_beside_a_command_of_unknown_fate_a_turn_waits_as_long_as_that_may_take():
    """Its close may still be under way: two seconds, though the turn is due at once."""
    desk = Desk()
    desk.enforce(ES, MNQ)
    unsure, refused = desk.sent()
    desk.answer(unsure, Uncertain(reason="lost"))
    desk.answer(refused, NotSent(reason="no budget", retry_after_s=0.1))

    assert desk.pauses() == [2.0]


def test_another_word_of_the_same_duty_does_not_disturb_the_turn():
    """The account repeats itself with every fact; asking again early would only be refused again."""
    desk = Desk()
    desk.enforce(MNQ)
    desk.answer(desk.sent()[0], LATER)
    desk.enforce(MNQ)

    assert desk.sent() == []
    assert desk.pauses() == []


def test_what_appears_while_a_turn_is_awaited_is_closed_at_once():
    """The turn of the other stays what it was."""
    desk = Desk()
    desk.enforce(MNQ)
    desk.answer(desk.sent()[0], LATER)
    desk.now += timedelta(seconds=3)
    desk.enforce(MNQ, ES)
    (close,) = desk.sent()
    assert close.contract == ES
    desk.answer(close, Done())

    assert desk.pauses() == [4.5]
    desk.wake(4.5)
    assert [each.contract for each in desk.sent()] == [MNQ]


def test_what_a_dropped_target_asked_for_is_not_sent_at_its_turn():
    """The lock that wanted MNQ flat has ended meanwhile: an order is cancelled, the position stays."""
    desk = Desk()
    desk.enforce(MNQ, orders=(9,))
    for each in desk.sent():
        desk.answer(each, LATER)
    desk.enforce(orders=(9,), targets=(NoOpeningOrders(), CapContract(contract=MNQ, size=1)))
    desk.wake(7.5)

    assert [type(each) for each in desk.sent()] == [CancelOrder]


def test_a_close_of_unknown_fate_keeps_its_time_whatever_appears_meanwhile():
    """Beside one that may be under way a second close would turn the position: two seconds since then."""
    desk = Desk()
    desk.enforce(MNQ)
    desk.answer(desk.sent()[0], Uncertain(reason="lost"))
    desk.read(MNQ)
    assert desk.pauses() == [2.0]
    desk.now += timedelta(seconds=0.2)
    desk.enforce(MNQ, ES)
    (close,) = desk.sent()
    desk.answer(close, Done())
    desk.read(MNQ)

    assert desk.sent() == []
    assert desk.pauses() == [1.8]


def test_reads_that_are_put_off_give_it_its_time_too():
    """A looping trader's next read is half a second away; an uncertain close is given two."""
    desk = Desk()
    desk.enforce(MNQ, verify_every_s=0.5)
    desk.answer(desk.sent()[0], Done())
    desk.read(MNQ)
    desk.wake(0.1)
    desk.wake(0.4)
    desk.read(MNQ)
    (close,) = desk.sent()
    desk.answer(close, Uncertain(reason="lost"))

    assert desk.pauses() == [2.0]


def test_what_is_closing_by_itself_when_its_turn_comes_is_left_to_a_read():
    """The trader's own market order is on its way: a second close beside it would flip the position."""
    desk = Desk()
    desk.enforce(MNQ, ES)
    for close in desk.sent():
        desk.answer(close, LATER)
    desk.now += timedelta(seconds=3)

    desk.enforce(ES)
    desk.wake(4.5)

    assert [each.contract for each in desk.sent()] == [ES]


def test_a_turn_nothing_is_left_for_is_used_to_read():
    """All that was refused has been closed meanwhile, as far as the account knows."""
    desk = Desk()
    desk.enforce(MNQ)
    desk.answer(desk.sent()[0], LATER)

    desk.enforce()
    desk.wake(7.5)

    assert desk.sent() == []
    assert len(desk.sent(TakeSnapshot)) == 1


def test_what_was_closed_again_meanwhile_is_not_closed_a_third_time_at_the_turn():
    """It was gone and came back: that close went at once and may be filling when the turn comes."""
    desk = Desk()
    desk.enforce(MNQ, ES)
    for close in desk.sent():
        desk.answer(close, LATER)
    desk.enforce(MNQ, ES, reappeared=(MNQ,))
    (at_once,) = desk.sent()
    desk.answer(at_once, Done())
    desk.wake(7.5)

    assert [each.contract for each in desk.sent()] == [ES]


def test_a_close_that_is_refused_after_its_trader_began_to_close_is_not_repeated_unread():
    """The account spoke while the answer was still out: at the turn a second close would flip."""
    desk = Desk()
    desk.enforce(MNQ, ES)
    first, second = desk.sent()
    desk.enforce(ES)
    desk.answer(first, LATER)
    desk.answer(second, LATER)
    desk.wake(7.5)

    assert {first.contract, second.contract} == {MNQ, ES}
    assert [each.contract for each in desk.sent()] == [ES]


@pytest.mark.parametrize("read", [False, True])
def test_a_close_the_broker_has_rejected_is_not_repeated_at_the_turn_of_another(read):
    """The broker can be read, as far as is known: what was rejected waits for that."""
    desk = Desk()
    if read:
        desk.enforce()
        desk.read(MNQ, ES)
    else:
        desk.enforce(MNQ, ES)
    rejected, refused = desk.sent()
    desk.answer(rejected, Rejected(code=4, text="closed"))
    desk.answer(refused, LATER)
    desk.wake(7.5)

    assert [each.contract for each in desk.sent()] == [refused.contract]


def closed():
    """Return a desk whose one close is done, and which reads what it has achieved."""
    desk = Desk()
    desk.enforce(MNQ)
    desk.answer(desk.sent()[0], Done())
    return desk


def test_a_read_the_budget_has_no_room_for_is_asked_for_when_it_has():
    """Not again and again meanwhile, and without an alarm each time."""
    desk = closed()
    desk.refuse_read(40.0)

    assert desk.pauses() == [40.0]
    assert desk.journaled(AlarmRaised) == []
    desk.wake(40.0)
    assert len(desk.sent(TakeSnapshot)) == 1


@pytest.mark.parametrize(
    "outcome",
    [NotSent(reason="no connection"), Rejected(code=3, text="try again")],
    ids=["not sent", "rejected"],
)
def test_a_close_that_had_no_effect_does_not_wait_for_a_read_the_budget_has_no_room_for(outcome):
    """Mutations have room of their own: it goes out again after a pause, as where no read is answered."""
    desk = Desk()
    desk.enforce(MNQ)
    desk.answer(*desk.sent(), outcome)
    desk.refuse_read(30.0)

    (pause,) = desk.pauses()
    assert pause < 1.0
    desk.wake(pause)
    (again,) = desk.sent()
    assert isinstance(again, CloseContract)
    desk.answer(again, Done())
    desk.refuse_read(29.0)
    assert desk.pauses() == [29.0]


def test_facts_do_not_make_it_ask_the_budget_again():
    """The account repeats itself with each of them."""
    desk = closed()
    desk.refuse_read(40.0)
    desk.enforce()

    assert desk.pauses() == []
    assert desk.sent(TakeSnapshot) == []


def test_what_appears_meanwhile_is_closed_at_once():
    """Only the proof waits for the budget."""
    desk = closed()
    desk.refuse_read(40.0)
    desk.enforce(ES)

    assert [each.contract for each in desk.sent(CloseContract)] == [ES]


def test_a_clean_read_still_counts_after_one_that_was_never_sent():
    """Two complete reads that show it flat, and none between them that shows anything else."""
    desk = closed()
    desk.read()
    desk.refuse_read(40.0)
    desk.wake(40.0)
    desk.read()

    (lock,) = desk.sent(ApplyLockout)
    assert lock.flat_confirmed


def test_a_read_that_failed_in_another_way_begins_the_proof_anew():
    """It was sent, and what it would have shown is not known."""
    desk = closed()
    desk.read()
    (asked,) = desk.sent(TakeSnapshot)
    head = {**HEAD, "at": desk.now, "request_id": asked.request_id}
    desk.tell(SnapshotFailed(**head, reason="HTTP 500"))
    desk.wake(0.1)
    desk.read()

    assert desk.sent(ApplyLockout) == []


def test_the_first_reads_of_all_go_before_the_second_read_of_any():
    """What one complete read shows flat has nothing at stake any more."""
    desk = closed()
    first = desk.sent(TakeSnapshot)[0]
    desk.read()
    second = desk.sent(TakeSnapshot)[0]

    assert (first.exposure_usd, second.exposure_usd) == (Decimal(42_000), Decimal(0))
