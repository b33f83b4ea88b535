"""Moving stops without actors: one at a time, never looser, slower after failures, read when unsure."""

import itertools
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.enforcer.core import EnforcerCore
from actors.enforcer.stops import Stops
from messages.base import Message
from messages.commands import Enforce, ModifyOrder, MoveStops, TakeSnapshot, WakeAfter, Woken
from messages.events import AlarmRaised, BrokerCommandAnswered, StopMoved, StopNotMoved
from messages.facts import SnapshotFailed, SnapshotTaken
from messages.journal import Append
from messages.values import (
    AlarmCode,
    CapAccount,
    CapContract,
    CapProduct,
    Done,
    FlatAccount,
    FlatContract,
    FlatProduct,
    NoOpeningOrders,
    NotSent,
    Order,
    OrderStatus,
    OrderType,
    Outcome,
    Rejected,
    Side,
    StopMove,
    Uncertain,
)

ACCOUNT, ORDER = 13298777, 7
MNQ, MES = "CON.F.US.MNQ.Z25", "CON.F.US.MES.Z25"
REFUSED, LOST = Rejected(code=3, text="no"), Uncertain(reason="timeout")
UNSENT = NotSent(reason="no budget")


class Broker:
    """What stands around the stops of one account: a clock, a disk and a broker with one long's stop."""

    def __init__(self) -> None:
        self.now = datetime(2025, 10, 29, 17, tzinfo=UTC)
        self.stops = Stops(account=ACCOUNT, login="desk", epoch="t")
        self.price = Decimal(100)
        self.sent: list[ModifyOrder] = []
        self.reads: list[TakeSnapshot] = []
        self.events: list[Message] = []
        self.wakes: dict[str, datetime] = {}

    def head(self) -> dict[str, object]:
        return {"account": ACCOUNT, "at": self.now, "cause": "test"}

    def tell(self, message: Message) -> None:
        assert self.stops.is_for(message)
        for to, sent in self.stops.handle(message, self.now):
            match sent:
                case ModifyOrder():
                    self.sent.append(sent)
                case TakeSnapshot():
                    self.reads.append(sent)
                case Append():
                    self.events += sent.events
                case WakeAfter():
                    assert to == "clock"
                    self.wakes[sent.key] = self.now + timedelta(seconds=sent.after_s)
                case _:
                    raise TypeError(sent)

    def wish(
        self,
        price: float,
        *,
        seen: Decimal | None = None,
        contract: str = MNQ,
        picture: datetime | None = None,
    ) -> None:
        move = StopMove(
            rule="RULE-012",
            order_id=ORDER,
            contract=contract,
            from_price=self.price if seen is None else seen,
            stop_price=Decimal(str(price)),
            limit_price=None,
            reason="test",
            judged_at=picture or self.now,
        )
        self.tell(MoveStops(**self.head(), moves=(move,)))

    def apply(self, command: ModifyOrder) -> Outcome:
        assert command.stop_price is not None
        self.price = command.stop_price
        return Done()

    def answer(self, outcome: Outcome | None = None) -> None:
        """Answer the last command, by default as the broker would."""
        command = self.sent[-1]
        told = outcome or self.apply(command)
        self.tell(BrokerCommandAnswered(**self.head(), command_id=command.command_id, outcome=told))

    def advance(self, seconds: float) -> None:
        """Let time pass; what is due is told in order."""
        until = self.now + timedelta(seconds=seconds)
        while due := [(at, key) for key, at in self.wakes.items() if at <= until]:
            self.now, key = min(due)
            del self.wakes[key]
            self.tell(Woken(at=self.now, cause="clock", key=key))
        self.now = until

    def show(self, *, works: bool = True) -> None:
        """Answer the last read with the order as it is."""
        order = Order(
            order_id=ORDER,
            contract=MNQ,
            side=Side.SELL,
            type=OrderType.STOP,
            size=1,
            filled=0,
            status=OrderStatus.OPEN,
            stop_price=self.price,
        )
        self.tell(
            SnapshotTaken(
                **self.head(),
                request_id=self.reads[-1].request_id,
                generation=1,
                requested_at=self.now,
                positions=(),
                orders=(order,) if works else (),
                fills=None,
                can_trade=None,
                balance_usd=None,
            )
        )

    def said(self, kind: type) -> list:
        return [each for each in self.events if isinstance(each, kind)]

    @property
    def prices(self) -> list[float]:
        return [float(each.stop_price or 0) for each in self.sent]


@pytest.fixture
def broker() -> Broker:
    return Broker()


def test_a_wish_is_sent_at_once_and_recorded_when_the_broker_has_taken_it(broker):
    """The journal says from where to where and why."""
    broker.wish(101)
    assert broker.prices == [101]
    assert broker.said(StopMoved) == []

    broker.answer()

    (moved,) = broker.said(StopMoved)
    assert (moved.order_id, moved.from_price, moved.stop_price) == (ORDER, 100, 101)
    assert moved.command_id == broker.sent[0].command_id


def test_an_order_is_modified_once_a_second_and_the_latest_wish_wins(broker):
    """Ticks in between cost no request."""
    broker.wish(101)
    broker.answer()
    for step in range(1, 9):
        broker.advance(0.1)
        broker.wish(101 + step / 4)
    assert broker.prices == [101]

    broker.advance(0.2)

    assert broker.prices == [101, 103]


def test_only_one_modification_of_an_order_is_under_way(broker):
    """However long the answer takes, the next one waits for it."""
    broker.wish(101)
    for step in range(1, 4):
        broker.advance(0.5)
        broker.wish(101 + step)
    assert broker.prices == [101]

    broker.answer()
    broker.advance(1)

    assert broker.prices == [101, 104]


@pytest.mark.parametrize("prices", [(104, 102), (102, 104), (104, 102, 104), (104, 102, 103)])
def test_of_the_wishes_of_one_picture_the_tightest_counts(broker, prices):
    """The rule stands twice after a reload: both settings judge one picture, in either order."""
    broker.wish(101)
    broker.answer()
    picture = broker.now
    for price in prices:
        broker.advance(0.01)
        broker.wish(price, picture=picture)

    broker.advance(1)

    assert broker.prices == [101, 104]


def test_a_wish_of_a_newer_picture_replaces_a_tighter_one(broker):
    """The market may have come back: the tighter one could lie beyond it by now."""
    broker.wish(101)
    broker.answer()
    broker.wish(104)
    broker.advance(0.5)
    broker.wish(102)

    broker.advance(1)

    assert broker.prices == [101, 102]


def test_orders_do_not_wait_for_each_other(broker):
    """The pause and the answer are those of one order."""
    broker.wish(101)
    other = StopMove(
        rule="RULE-012",
        order_id=8,
        contract=MES,
        from_price=Decimal(50),
        stop_price=Decimal(51),
        limit_price=Decimal("50.75"),
        reason="test",
        judged_at=broker.now,
    )

    broker.tell(MoveStops(**broker.head(), moves=(other,)))

    assert [(each.order_id, each.limit_price) for each in broker.sent] == [
        (ORDER, None),
        (8, Decimal("50.75")),
    ]


def test_a_wish_the_rule_repeats_before_it_knows_of_the_move_is_not_sent_again(broker):
    """The order's own event takes a moment."""
    old = broker.price
    broker.wish(101)
    broker.wish(101)
    broker.answer()
    broker.advance(0.3)
    broker.wish(101, seen=old)
    broker.advance(5)

    assert broker.prices == [101]


def test_a_looser_wish_never_follows_a_tighter_move(broker):
    """A scale-in starts the extreme anew while the account does not know of the last move yet."""
    old = broker.price
    broker.wish(103)
    broker.wish(101, seen=old)
    broker.answer()
    broker.advance(1)
    broker.wish(102, seen=old)
    broker.advance(5)

    assert broker.prices == [103]


def test_a_short_s_stop_goes_down_and_never_up_again(broker):
    """What is tighter depends on the side: 98 is, for a stop that came from 100."""
    old = broker.price
    broker.wish(97)
    broker.wish(99, seen=old)
    broker.answer()
    broker.advance(1)
    broker.wish(98, seen=old)
    broker.advance(1)
    broker.wish(96)
    broker.advance(5)

    assert broker.prices == [97, 96]


@pytest.mark.parametrize(("shown", "moved"), [(98, True), (99, False)])
def test_a_short_s_stop_of_unknown_fate_is_believed_where_the_broker_shows_it(broker, shown, moved):
    """98 was sent: 98 is there, 99 is not."""
    broker.wish(98)
    broker.answer(LOST)
    broker.advance(2)
    broker.price = Decimal(shown)
    broker.show()

    assert (len(broker.said(StopMoved)), len(broker.said(StopNotMoved))) == (moved, not moved)


def test_a_move_is_held_against_looser_wishes_for_a_minute(broker):
    """At sixty seconds still, a moment later no more."""
    broker.wish(103)
    broker.answer()
    broker.advance(60)
    broker.wish(102)
    assert broker.prices == [103]

    broker.advance(0.001)
    broker.wish(102)

    assert broker.prices == [103, 102]


@pytest.mark.parametrize(("answered_after_s", "sent"), [(1.5, [101, 102]), (1.501, [101])])
def test_a_wish_is_good_for_two_seconds(broker, answered_after_s, sent):
    """Wished half a second in, free to go a second after the answer: at exactly two seconds it goes."""
    broker.wish(101)
    broker.advance(0.5)
    broker.wish(102)
    broker.advance(answered_after_s - 0.5)
    broker.answer()
    broker.advance(1)

    assert broker.prices == sent


def test_the_read_of_one_order_says_nothing_of_another(broker):
    """Both are of unknown fate, and each waits for its own answer."""
    broker.wish(101)
    other = StopMove(
        rule="RULE-012",
        order_id=8,
        contract=MES,
        from_price=Decimal(50),
        stop_price=Decimal(51),
        limit_price=None,
        reason="test",
        judged_at=broker.now,
    )
    broker.tell(MoveStops(**broker.head(), moves=(other,)))
    broker.apply(broker.sent[0])
    for command in broker.sent:
        answer = {"command_id": command.command_id, "outcome": LOST}
        broker.tell(BrokerCommandAnswered(**broker.head(), **answer))
    broker.advance(2)
    assert [each.urgent for each in broker.reads] == [False, False]
    del broker.reads[1]

    broker.show()

    assert [each.order_id for each in broker.said(StopMoved)] == [ORDER]
    assert broker.said(StopNotMoved) == []


def test_a_broker_that_cannot_be_read_is_asked_more_and_more_slowly(broker):
    """1, 2, 4, 8 seconds after each failure."""
    broker.wish(101)
    broker.answer(LOST)
    broker.advance(2)
    asked_at = []
    while len(asked_at) < 5:
        if len(broker.reads) > len(asked_at):
            asked_at.append(broker.now)
            failed = {"request_id": broker.reads[-1].request_id, "reason": "HTTP 500"}
            broker.tell(SnapshotFailed(**broker.head(), **failed))
        broker.advance(0.25)

    assert [(b - a).total_seconds() for a, b in itertools.pairwise(asked_at)] == [1, 2, 4, 8]
    assert broker.prices == [101]


def test_a_stop_the_trader_has_loosened_since_is_tightened_again(broker):
    """After a minute the account's picture is newer than our last move."""
    broker.wish(103)
    broker.answer()
    broker.advance(61)
    broker.price = Decimal(99)

    broker.wish(102)

    assert broker.prices == [103, 102]


def test_a_wish_that_is_not_repeated_is_forgotten(broker):
    """The market may be elsewhere by then."""
    broker.wish(101)
    broker.advance(0.5)
    broker.wish(102)
    broker.advance(2.5)
    broker.answer()
    broker.advance(5)

    assert broker.prices == [101]


@pytest.mark.parametrize("outcome", [REFUSED, UNSENT])
def test_a_failure_keeps_the_old_stop_and_is_tried_again_more_and_more_slowly(broker, outcome):
    """1, 2, 4 … at most 30 seconds, for as long as the rule wants it; one alarm for all of it."""
    sent_at = []
    for _ in range(400):
        broker.wish(101)
        if len(broker.sent) > len(sent_at):
            sent_at.append(broker.now)
            broker.answer(outcome)
        broker.advance(0.25)

    waits = [(b - a).total_seconds() for a, b in itertools.pairwise(sent_at)]
    assert waits == [1, 2, 4, 8, 16, 30, 30]
    assert [each.again_in_s for each in broker.said(StopNotMoved)][:7] == waits
    assert {each.from_price for each in broker.said(StopNotMoved)} == {100}
    assert [each.code for each in broker.said(AlarmRaised)] == [AlarmCode.STOP_NOT_MOVED]
    assert broker.said(StopMoved) == []


def test_a_failure_after_a_success_is_alarmed_anew_and_begins_with_one_second(broker):
    """The episode ends with the move that succeeds."""
    broker.wish(101)
    broker.answer(REFUSED)
    broker.advance(1)
    broker.wish(101)
    broker.answer()
    broker.advance(1)
    broker.wish(102)
    broker.answer(REFUSED)

    assert [each.again_in_s for each in broker.said(StopNotMoved)] == [1, 1]
    assert len(broker.said(AlarmRaised)) == 2


def test_nothing_is_retried_that_is_no_longer_wanted(broker):
    """The rule has stopped repeating it: the market has turned."""
    broker.wish(101)
    broker.answer(REFUSED)
    broker.advance(60)

    assert broker.prices == [101]


def test_a_move_that_was_accepted_and_is_not_there_is_alarmed_and_slowed_down(broker):
    """The broker says done and does nothing, or the trader takes it back each time."""
    for _ in range(80):
        broker.wish(101)
        if len(broker.sent) > len(broker.said(StopMoved)):
            broker.answer(Done())
        broker.advance(0.25)

    assert len(broker.sent) == 6
    assert [each.code for each in broker.said(AlarmRaised)] == [AlarmCode.STOP_NOT_MOVED]


@pytest.mark.parametrize("applied", [True, False])
def test_a_move_of_unknown_fate_is_read_before_anything_else_is_sent(broker, applied):
    """Only the broker's own answer says which of the two stops works."""
    broker.wish(101)
    if applied:
        broker.apply(broker.sent[-1])
    broker.answer(LOST)
    broker.advance(1.9)
    broker.wish(102, seen=Decimal(100))
    assert (len(broker.sent), broker.reads) == (1, [])

    broker.advance(0.2)
    assert (len(broker.sent), len(broker.reads)) == (1, 1)
    broker.show()
    broker.advance(1)

    assert (len(broker.said(StopMoved)), len(broker.said(StopNotMoved))) == (applied, not applied)
    assert broker.prices == [101, 102]
    assert [each.code for each in broker.said(AlarmRaised)] == [AlarmCode.STOP_NOT_MOVED]


def test_an_answer_that_never_comes_counts_as_unknown(broker):
    """The gateway itself was restarted; a late answer changes nothing."""
    broker.wish(101)
    broker.advance(5)
    assert isinstance(broker.said(BrokerCommandAnswered)[0].outcome, Uncertain)
    broker.advance(2)
    assert len(broker.reads) == 1
    broker.answer()
    broker.show()

    assert len(broker.said(StopMoved)) == 1
    assert len(broker.said(BrokerCommandAnswered)) == 1


def test_a_read_that_fails_or_is_lost_is_asked_for_again(broker):
    """Until the broker has said how the order stands, nothing is sent."""
    broker.wish(101)
    broker.answer(LOST)
    broker.advance(2)
    broker.tell(
        SnapshotFailed(**broker.head(), request_id=broker.reads[-1].request_id, reason="HTTP 500")
    )
    broker.advance(1)
    broker.advance(5)
    broker.wish(101)
    assert (len(broker.sent), len(broker.reads)) == (1, 3)

    broker.show(works=False)

    (failed,) = broker.said(StopNotMoved)
    assert failed.reason == "the broker shows no such stop any more"


@pytest.mark.parametrize(
    ("target", "concerned"),
    [
        (FlatAccount(), True),
        (FlatProduct(product="MNQ"), True),
        (FlatProduct(product="MES"), False),
        (FlatContract(contract=MNQ), True),
        (FlatContract(contract=MES), False),
        (CapAccount(limit=1, count="net"), True),
        (CapProduct(product="MNQ", limit=1), True),
        (CapProduct(product="MES", limit=1), False),
        (CapContract(contract=MNQ, size=1), True),
        (CapContract(contract=MES, size=1), False),
        (NoOpeningOrders(), False),
    ],
)
def test_where_something_is_being_closed_no_stop_is_moved(broker, target, concerned):
    """Neither a new wish nor one that was waiting."""
    broker.wish(101)
    broker.answer()
    broker.wish(102)
    broker.stops.give_way((target,))
    broker.advance(1)
    broker.wish(103)
    assert broker.prices == ([101] if concerned else [101, 102])


def test_after_an_enforcement_stops_are_moved_again(broker):
    """What was wanted meanwhile is gone; what is wanted now goes."""
    broker.stops.give_way((FlatAccount(),))
    broker.wish(101)
    broker.stops.give_way(())
    broker.advance(1)
    assert broker.prices == []

    broker.wish(102)

    assert broker.prices == [102]


def test_an_enforcement_under_way_goes_first_and_ends_with_its_proof():
    """Through the enforcer itself: from `Enforce` to the second clean read no stop is moved."""
    now = datetime(2025, 10, 29, 17, tzinfo=UTC)
    head = {"account": ACCOUNT, "at": now, "cause": "test"}
    core = EnforcerCore(account=ACCOUNT, login="desk", epoch="t")
    wish = StopMove(
        rule="RULE-012",
        order_id=ORDER,
        contract=MNQ,
        from_price=Decimal(100),
        stop_price=Decimal(101),
        limit_price=None,
        reason="test",
        judged_at=now,
    )
    flat = {"positions": (), "orders": (), "fills": None, "can_trade": None, "balance_usd": None}

    def told(message: Message, kind: type) -> list:
        sent = [each.message for each in core.handle(message, now)]
        return [each for each in sent if isinstance(each, kind)]

    moving = MoveStops(**head, moves=(wish,))
    enforce = Enforce(
        **head,
        enforcement_id="e1",
        targets=(FlatContract(contract=MNQ),),
        deadline_at=now + timedelta(seconds=5),
        known_positions=(),
        known_orders=(),
    )
    (read,) = told(enforce, TakeSnapshot)
    for _ in range(2):
        assert told(moving, ModifyOrder) == []
        clean = SnapshotTaken(
            **head, request_id=read.request_id, generation=1, requested_at=now, **flat
        )
        read = (told(clean, TakeSnapshot) or [read])[0]

    assert len(told(moving, ModifyOrder)) == 1


STEPS = st.lists(
    st.tuples(
        st.integers(90, 130),
        st.sampled_from([None, None, REFUSED, UNSENT, LOST]),
        st.booleans(),
        st.sampled_from([0.1, 0.6, 1.0, 2.5]),
    ),
    max_size=20,
)


@given(steps=STEPS)
def test_whatever_is_wished_and_answered_the_broker_s_stop_is_never_loosened(steps):
    """The account may know of moves late: it always wishes relative to what it has seen."""
    broker, seen = Broker(), Decimal(100)
    for price, outcome, late, seconds in steps:
        before = broker.price
        if not late:
            seen = broker.price
        if price > seen:
            broker.wish(price, seen=seen)
        if broker.sent and len(broker.said(BrokerCommandAnswered)) < len(broker.sent):
            if outcome is LOST and late:
                broker.apply(broker.sent[-1])
            broker.answer(outcome)
        broker.advance(seconds)
        if broker.reads and broker.stops._stops[ORDER].fate.name == "READING":
            broker.show()
        assert broker.price >= before
