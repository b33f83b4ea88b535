"""One enforcement by itself: commands, reads, pauses, the proof and the deadline, step by step."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from actors.enforcer.core import EnforcerCore
from messages.commands import (
    ApplyLockout,
    BrokerCommand,
    CancelOrder,
    CancelWake,
    CloseContract,
    Enforce,
    TakeSnapshot,
    WakeAfter,
    Woken,
)
from messages.events import AlarmRaised, BrokerCommandAnswered, BrokerCommandSent
from messages.facts import SnapshotFailed, SnapshotTaken
from messages.journal import Append
from messages.values import (
    AlarmCode,
    Done,
    FlatAccount,
    FlatContract,
    NotSent,
    Order,
    OrderStatus,
    OrderType,
    Position,
    Rejected,
    Side,
    Uncertain,
)

ACCOUNT = 13298777
MNQ, ES = "CON.F.US.MNQ.Z25", "CON.F.US.EP.Z25"
FLAT = (FlatAccount(),)


class Bench:
    """An enforcer with a clock, and what it has sent by kind."""

    def __init__(self):
        self.now = datetime(2025, 10, 29, 17, tzinfo=UTC)
        self.core = EnforcerCore(account=ACCOUNT, login="desk", epoch="t")
        self.commands, self.reads, self.reports, self.events = [], [], [], []
        self.wakes, self.keys = {}, {}

    def head(self):
        return {"account": ACCOUNT, "at": self.now, "cause": "test"}

    def tell(self, message):
        for _, sent in self.core.handle(message, self.now):
            match sent:
                case BrokerCommand():
                    self.commands.append(sent)
                case TakeSnapshot():
                    self.reads.append(sent)
                case ApplyLockout():
                    self.reports.append(sent)
                case Append():
                    self.events += sent.events
                case WakeAfter():
                    name = sent.key.split()[0]
                    self.wakes[name] = self.now + timedelta(seconds=sent.after_s)
                    self.keys[name] = sent.key
                case CancelWake():
                    self.wakes.pop(sent.key.split()[0], None)

    def enforce(self, *positions, orders=(), number="e1", deadline_s=5, targets=FLAT, **more):
        self.tell(
            Enforce(
                **self.head(),
                enforcement_id=number,
                targets=targets,
                deadline_at=self.now + timedelta(seconds=deadline_s),
                known_positions=positions,
                known_orders=orders,
                **more,
            )
        )

    def answer(self, outcome=None, place=-1):
        told = {"command_id": self.commands[place].command_id, "outcome": outcome or Done()}
        self.tell(BrokerCommandAnswered(**self.head(), **told))

    def show(self, held=(), orders=()):
        """Answer the last read."""
        self.tell(
            SnapshotTaken(
                **self.head(),
                request_id=self.reads[-1].request_id,
                generation=1,
                requested_at=self.now,
                positions=tuple(
                    Position(contract=name, size=1, average_price=Decimal(1)) for name in held
                ),
                orders=tuple(orders),
                fills=None,
                can_trade=None,
                balance_usd=None,
            )
        )

    def fail(self):
        """Let the last read fail."""
        self.tell(
            SnapshotFailed(**self.head(), request_id=self.reads[-1].request_id, reason="HTTP 500")
        )

    def left_s(self, key):
        """Return in how many seconds a wake is due; None = it is not asked for."""
        return (self.wakes[key] - self.now).total_seconds() if key in self.wakes else None

    def wake(self, key):
        """Let time pass until a wake is due."""
        self.now = self.wakes.pop(key)
        self.ring(self.keys[key])

    def ring(self, key):
        self.tell(Woken(at=self.now, cause="clock", key=key))

    def alarms(self):
        return [each.code for each in self.events if isinstance(each, AlarmRaised)]

    def sent(self):
        return [each.contract for each in self.commands if isinstance(each, CloseContract)]


@pytest.fixture
def bench():
    return Bench()


def working(number, size=1):
    return Order(
        order_id=number,
        contract=MNQ,
        side=Side.BUY,
        type=OrderType.LIMIT,
        size=size,
        filled=0,
        status=OrderStatus.OPEN,
    )


def test_what_is_known_goes_at_once_and_two_clean_reads_are_the_proof(bench):
    """Close, read, read, report; each read urgent, each step with its limit."""
    bench.enforce(MNQ, orders=(7,))
    assert [type(each) for each in bench.commands] == [CloseContract, CancelOrder]
    assert (bench.reads, bench.left_s("answers"), bench.left_s("deadline")) == ([], 4.5, 5)

    bench.answer(place=0)
    assert bench.reads == []
    bench.answer(place=1)
    assert (len(bench.reads), bench.left_s("answers"), bench.left_s("read")) == (1, None, 4.5)
    assert bench.reads[0].urgent

    bench.show()
    assert (len(bench.reads), bench.reports) == (2, [])
    bench.show()

    (report,) = bench.reports
    assert (report.flat_confirmed, report.waves, report.read_at) == (True, 1, bench.now)
    assert (bench.left_s("deadline"), bench.left_s("read")) == (None, None)
    assert sum(isinstance(each, BrokerCommandSent) for each in bench.events) == 2


def test_one_clean_read_between_two_others_proves_nothing(bench):
    """They must be in a row."""
    bench.enforce()
    bench.show()
    bench.show(held=[MNQ])
    bench.answer()
    bench.show()
    assert bench.reports == []

    bench.show()

    assert bench.reports[0].flat_confirmed


def test_what_is_still_there_is_commanded_again_only_after_a_pause(bench):
    """0.1, 0.2, 0.4 … at most 15 seconds, while nothing is closed twice on one read."""
    bench.enforce(MNQ, deadline_s=9999)
    pauses = []
    for wave in range(1, 11):
        bench.answer()
        bench.show(held=[MNQ])
        assert len(bench.commands) == wave
        pauses.append(bench.left_s("pause"))
        bench.wake("pause")
        assert len(bench.commands) == wave
        bench.show(held=[MNQ])

    assert pauses == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 15, 15])
    bench.answer()
    bench.show()
    bench.show()
    assert bench.reports[0].waves == 11


def test_what_a_read_shows_first_is_commanded_without_a_pause(bench):
    """Nothing was under way that could be doubled."""
    bench.enforce()
    assert (bench.commands, len(bench.reads)) == ([], 1)

    bench.show(held=[MNQ])

    assert bench.sent() == [MNQ]


def test_a_deadline_locks_all_the_same_and_the_work_goes_on(bench):
    """Reported once without the proof, and once more with it."""
    bench.enforce(MNQ)
    bench.wake("answers")
    assert AlarmCode.BROKER_UNCERTAIN in bench.alarms()
    bench.wake("deadline")

    bench.ring(bench.keys["deadline"])
    (late,) = bench.reports
    assert (late.flat_confirmed, late.read_at, late.positions) == (False, None, ())

    bench.show()
    bench.show()
    assert [each.flat_confirmed for each in bench.reports] == [False, True]


def test_a_deadline_after_the_proof_says_nothing(bench):
    """A wake that was on its way when the proof came."""
    bench.enforce()
    bench.show()
    bench.show()

    bench.ring(bench.keys["deadline"])

    assert len(bench.reports) == 1


def test_a_command_of_unknown_fate_has_two_seconds_before_anything_is_sent_again(bench):
    """It may still take effect."""
    bench.enforce(MNQ)
    bench.answer(Uncertain(reason="timeout"))
    bench.show(held=[MNQ])
    assert bench.left_s("pause") == 2

    bench.wake("pause")
    bench.show(held=[MNQ])
    bench.answer()
    bench.show(held=[MNQ])

    assert bench.left_s("pause") == pytest.approx(0.2)


def test_a_broker_that_cannot_be_read_is_asked_more_and_more_slowly(bench):
    """Each time with an alarm; what took effect, perhaps, is not sent again."""
    bench.enforce(MNQ, deadline_s=9999)
    bench.answer()
    pauses = []
    for _ in range(4):
        bench.fail()
        pauses.append(bench.left_s("pause"))
        bench.wake("pause")

    assert pauses == pytest.approx([0.1, 0.2, 0.4, 0.8])
    assert bench.alarms() == [AlarmCode.SNAPSHOT_FAILED] * 4
    assert len(bench.commands) == 1


@pytest.mark.parametrize(
    ("outcome", "again"),
    [
        (Rejected(code=4, text="closed"), True),
        (NotSent(reason="budget"), True),
        (Done(), False),
        (Uncertain(reason="?"), False),
    ],
    ids=["rejected", "not sent", "done", "uncertain"],
)
def test_without_a_read_only_what_certainly_had_no_effect_is_sent_again(bench, outcome, again):
    """Anything else might be doubled."""
    bench.enforce(MNQ)
    bench.answer(outcome)
    bench.fail()
    bench.wake("pause")

    assert bench.sent() == ([MNQ, MNQ] if again else [MNQ])


@pytest.mark.parametrize("answered_first", [True, False])
def test_without_a_read_nothing_is_closed_that_began_to_close_by_itself(bench, answered_first):
    """The trader's own market order is on its way: a second close beside it would flip the position."""
    bench.enforce(MNQ)
    if answered_first:
        bench.answer(Rejected(code=4, text="closed"))
        bench.enforce()
    else:
        bench.enforce()
        bench.answer(Rejected(code=4, text="closed"))
    bench.fail()
    bench.wake("pause")

    assert bench.sent() == [MNQ]
    assert len(bench.reads) == 2


def test_with_a_read_the_read_decides_what_is_sent_again(bench):
    """What was refused is forgotten as soon as the broker can be read."""
    bench.enforce(MNQ)
    bench.answer(Rejected(code=4, text="closed"))
    bench.show(held=[MNQ])
    bench.wake("pause")
    assert bench.sent() == [MNQ]

    bench.show(held=[MNQ])

    assert bench.sent() == [MNQ, MNQ]


def test_a_read_that_is_never_answered_counts_as_failed(bench):
    """The gateway itself may have been restarted; a late answer is void."""
    bench.enforce()
    bench.wake("read")
    assert bench.alarms() == [AlarmCode.SNAPSHOT_FAILED]

    bench.show()
    bench.wake("pause")
    bench.show()
    assert bench.reports == []


def test_what_appears_while_it_waits_goes_at_once_and_the_wait_is_short_again(bench):
    """A new contract; one that is known already waits for the read."""
    bench.enforce(MNQ, deadline_s=9999)
    for _ in range(5):
        bench.answer()
        bench.show(held=[MNQ])
        bench.wake("pause")
        bench.show(held=[MNQ])
    bench.answer()
    bench.show(held=[MNQ])
    assert bench.left_s("pause") == pytest.approx(3.2)

    bench.enforce(MNQ, deadline_s=9999)
    assert bench.left_s("pause") == pytest.approx(0.1)
    bench.enforce(MNQ, ES, deadline_s=9999)

    assert bench.sent()[-1] == ES
    assert bench.sent().count(MNQ) == 6


def test_a_trader_who_loops_costs_few_reads_but_no_close_waits(bench):
    """At least two seconds between two reads."""
    bench.enforce(MNQ, verify_every_s=2.0)
    bench.answer()
    assert len(bench.reads) == 1
    bench.show()
    assert (len(bench.reads), bench.left_s("pause")) == (1, 2)

    bench.now += timedelta(seconds=0.5)
    bench.enforce(MNQ, reappeared=(MNQ,), verify_every_s=2.0)
    bench.answer()

    assert bench.sent() == [MNQ, MNQ]
    assert (len(bench.reads), bench.left_s("pause")) == (1, 1.5)


def test_a_read_waits_even_for_half_a_second_of_the_spacing(bench):
    """Not only for whole ones."""
    bench.enforce(verify_every_s=2.0)
    bench.now += timedelta(seconds=1.5)
    bench.show()

    assert (len(bench.reads), bench.left_s("pause")) == (1, 0.5)


def test_a_lock_that_joins_with_its_own_deadline_has_it_and_a_repetition_has_none(bench):
    """The same order again moves nothing."""
    bench.enforce(MNQ)
    deadline = bench.wakes["deadline"]
    bench.now += timedelta(seconds=1)
    bench.enforce(MNQ, deadline_s=4)
    assert bench.wakes["deadline"] == deadline

    bench.enforce(MNQ, deadline_s=6)

    assert bench.wakes["deadline"] == deadline + timedelta(seconds=2)


def test_an_order_that_works_is_cancelled_as_a_read_shows_it(bench):
    """And is waited for before it is cancelled again."""
    bench.enforce()
    bench.show(orders=[working(7)])

    (cancel,) = bench.commands
    assert cancel.order_id == 7
    bench.answer()
    bench.show(orders=[working(7)])
    assert len(bench.commands) == 1


def test_what_joins_after_the_deadline_is_reported_as_late_too(bench):
    """With other targets the same deadline counts anew; the same order again does not."""
    bench.enforce(MNQ, targets=(FlatContract(contract=MNQ),))
    bench.wake("deadline")
    bench.enforce(MNQ, deadline_s=0, targets=(FlatContract(contract=MNQ),))
    assert "deadline" not in bench.wakes

    bench.enforce(MNQ, deadline_s=0)
    assert bench.left_s("deadline") == 0
    bench.wake("deadline")

    assert [each.flat_confirmed for each in bench.reports] == [False, False]


def test_an_order_that_appears_while_it_waits_is_cancelled_once(bench):
    """What is known to be cancelled is left to the read."""
    bench.enforce(orders=(7,))
    bench.answer()
    bench.show(orders=[working(7)])
    assert bench.left_s("pause") is not None

    bench.enforce(orders=(7, 8))

    assert [each.order_id for each in bench.commands] == [7, 8]


def test_a_position_shown_while_only_orders_were_cancelled_is_closed_without_a_pause(bench):
    """No close is under way that could be doubled: none was sent, or it has had its time."""
    bench.enforce(orders=(7,))
    bench.answer()
    bench.show([MNQ])
    assert bench.sent() == [MNQ]

    bench.answer()
    bench.show([MNQ])
    bench.wake("pause")
    bench.enforce(MNQ, orders=(7, 8))
    bench.answer()
    bench.show([MNQ])

    assert bench.sent() == [MNQ, MNQ]


def test_what_reappears_after_the_proof_has_a_deadline_again(bench):
    """The same enforcement, asked again: a broker that hangs now must not go unreported."""
    bench.enforce()
    bench.show()
    bench.show()
    assert bench.left_s("deadline") is None

    bench.enforce(MNQ, reappeared=(MNQ,))
    assert bench.left_s("deadline") == 5
    bench.wake("deadline")

    assert [each.flat_confirmed for each in bench.reports] == [True, False]


def test_the_deadline_of_an_enforcement_before_is_not_the_one_of_this(bench):
    """It waited in the inbox as that was proven and this began: found by tests/chaos."""
    bench.enforce(MNQ)
    before = bench.keys["deadline"]
    bench.answer()
    bench.show()
    bench.show()
    bench.enforce(MNQ, number="e2")

    bench.ring(before)
    assert [each.flat_confirmed for each in bench.reports] == [True]
    bench.wake("deadline")
    assert [each.flat_confirmed for each in bench.reports] == [True, False]


def test_a_pause_that_was_replaced_ends_no_other(bench):
    """What has two seconds to take effect would be read as if they were over, and closed twice."""
    bench.enforce(MNQ)
    bench.answer()
    bench.show(held=[MNQ])
    before = bench.keys["pause"]
    bench.enforce(MNQ, ES)
    bench.answer(Uncertain(reason="lost"))
    bench.show(held=[MNQ])
    assert bench.left_s("pause") >= 2

    reads = len(bench.reads)
    bench.ring(before)

    assert len(bench.reads) == reads
    assert bench.sent() == [MNQ, ES]


def test_a_deadline_is_reported_once(bench):
    """A wake may come twice."""
    bench.enforce(MNQ)
    bench.wake("deadline")
    bench.ring(bench.keys["deadline"])

    assert len(bench.reports) == 1


def test_an_order_a_read_has_shown_is_not_cancelled_again_when_the_account_hears_of_it(bench):
    """The stream lags behind the read; its cancel is under way."""
    bench.enforce()
    bench.show((), orders=(working(7),))
    bench.enforce(orders=(7,))

    assert [each.order_id for each in bench.commands] == [7]


@pytest.mark.parametrize(("code", "alarms"), [(2, []), (4, [AlarmCode.BROKER_REJECTED])])
def test_nothing_left_to_close_is_no_refusal(bench, code, alarms):
    """Code 2 is a position that is gone already."""
    bench.enforce(MNQ)
    bench.answer(Rejected(code=code, text="no"))

    assert bench.alarms() == alarms


def test_the_same_enforcement_after_its_proof_reads_before_it_closes(bench):
    """What was known then may be gone; another enforcement closes at once."""
    bench.enforce(MNQ)
    bench.answer()
    bench.show()
    bench.show()
    bench.enforce(MNQ)
    assert (bench.sent(), len(bench.reads)) == ([MNQ], 3)
    bench.show()
    bench.show()

    bench.enforce(MNQ, number="e2")

    assert bench.sent() == [MNQ, MNQ]
