"""What overtakes the facts that wait in an account's inbox, and what does not."""

from decimal import Decimal

import pytest

from actors.account.actor import AccountActor
from actors.gateway.peaks import Peaks
from actors.rules import cooldown_after_loss, daily_realized_loss
from actors.runtime import Directory, PooledActor, VirtualClock
from messages.commands import Enforce, Evaluate, MoveStops, ReportVerdict
from messages.facts import OrderChanged, PositionChanged, TradeExecuted
from messages.journal import Append, Appended
from messages.values import Order, OrderStatus, OrderType, Side, StopMove
from tests.account.alone import ES, MNQ, Alone, after, fill, position
from tests.account.world import ACCOUNT, PARAMETERS
from tests.runtime.nursery import ByHand

LOSING = (daily_realized_loss.RULE, PARAMETERS["RULE-003"])
COOLING = (cooldown_after_loss.RULE, PARAMETERS["RULE-007"])
HEAD = {"account": ACCOUNT, "at": after(1), "cause": "test"}


class Begun(AccountActor):
    """One whose core has begun already."""

    def on_start(self):
        """Do nothing: `Alone` has done it."""


class Listener(PooledActor):
    """Keeps what it is told."""

    def __init__(self, dispatcher, heard):
        super().__init__(dispatcher=dispatcher)
        self.heard = heard

    def on_receive(self, message):
        self.heard.append(message)


class Bench:
    """An account that holds 2 MNQ and has just lost too much; its turns run by hand."""

    def __init__(self, *more):
        self.hands, directory, self.heard = ByHand(), Directory(), []
        alone = Alone(LOSING, *more)
        alone.connect()
        alone.hold(0.5, 2)
        alone.hear(TradeExecuted, 0.6, fill=fill(9, -1, pnl=-600, contract=ES))
        alone.hear(PositionChanged, 0.6, position=position(0, ES))
        view = alone.core._picture.view(after(1))
        self.breach = daily_realized_loss.RULE.evaluate(view, LOSING[1])
        actor = Begun(
            core=alone.core,
            latest={},
            peaks=Peaks(),
            clock=VirtualClock(after(1)),
            directory=directory,
            dispatcher=self.hands,
        )
        actor._start_actor_loop()
        self.ref = actor.actor_ref
        for address in ("journal", "clock", f"enforcer/{ACCOUNT}", "rule/RULE-007"):
            listener = Listener(self.hands, self.heard)
            listener._start_actor_loop()
            directory.register(address, listener.actor_ref)
        self.hands.stop()

    def of(self, kind):
        """Return what of a kind it has told anybody."""
        return [each for each in self.heard if isinstance(each, kind)]

    def tell(self, kind, **fields):
        """Tell the account something."""
        self.ref.tell(kind(**HEAD, **fields))

    def report(self):
        """Have the rule report the breach; return the append that waits for the disk."""
        self.ref.tell(
            ReportVerdict(
                **HEAD,
                rule=LOSING[0].id,
                breach=self.breach,
                moves=(),
                judgement=None,
                trading_date="2025-10-29",
            )
        )
        self.hands.stop()
        return next(each for each in self.of(Append) if each.asker)


def leaving():
    """Return the trader's own market order that closes all that is held."""
    return Order(
        order_id=7,
        contract=MNQ,
        side=Side.SELL,
        type=OrderType.MARKET,
        size=2,
        filled=0,
        status=OrderStatus.OPEN,
    )


def stop(price):
    """Return the stop that protects what is held."""
    return Order(
        order_id=8,
        contract=MNQ,
        side=Side.SELL,
        type=OrderType.STOP,
        size=2,
        filled=0,
        status=OrderStatus.OPEN,
        stop_price=Decimal(price),
    )


@pytest.fixture
def bench():
    """An account in breach, by hand."""
    return Bench()


def test_a_close_the_trader_has_sent_and_the_stream_has_told_is_not_doubled(bench):
    """The fact waits in the inbox as the disk has the intent: a close beside it would flip."""
    append = bench.report()
    bench.tell(OrderChanged, order=leaving())
    bench.ref.tell(Appended(at=after(1), cause="test", token=append.token, last_seq=1))
    bench.hands.stop()

    (first, *_) = bench.of(Enforce)
    assert first.known_positions == ()


def test_a_stop_the_trader_has_tightened_is_not_moved_back(bench):
    """The fact waits in the inbox as the rule's wish, made before it, arrives."""
    bench.tell(OrderChanged, order=stop(95))
    bench.hands.stop()
    bench.tell(OrderChanged, order=stop(99))
    move = StopMove(
        rule="RULE-012",
        order_id=8,
        contract=MNQ,
        from_price=Decimal(95),
        stop_price=Decimal(97),
        limit_price=None,
        reason="trails",
        judged_at=after(1),
    )
    told = {"rule": "RULE-012", "breach": None, "judgement": None, "trading_date": "2025-10-29"}
    bench.tell(ReportVerdict, moves=(move,), **told)
    bench.hands.stop()

    assert [each for wish in bench.of(MoveStops) for each in wish.moves] == []


def test_a_fill_told_before_a_verdict_is_judged_by_the_other_rules():
    """Told behind the flat duty of the verdict it would be judged only when that has ended."""
    bench = Bench(COOLING)
    bench.tell(TradeExecuted, fill=fill(11, -1, pnl=-400))
    bench.report()
    bench.hands.stop()

    asked = [each for each in bench.of(Evaluate) if each.view.order_fills]
    assert [each.trade_id for view in asked for each in view.view.order_fills] == [11]
