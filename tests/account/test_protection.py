"""Since when positions have had no stop: table by table, and replayed from any journal."""

from datetime import timedelta
from decimal import Decimal

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from actors.account import keeping
from actors.account.protection import followed, is_protected
from actors.account.state import AccountState
from actors.account.turn import Turn
from messages.events import DayReset, FlatConfirmed
from messages.facts import (
    AccountChanged,
    OrderChanged,
    PositionChanged,
    SnapshotTaken,
    StreamConnected,
)
from messages.values import Order, OrderStatus, OrderType, Position, Side
from tests.account.world import ACCOUNT, DAY, SETTINGS, START

MNQ, ES = "CON.F.US.MNQ.Z25", "CON.F.US.EP.Z25"
STOPS = (OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP)


def position(size, contract=MNQ):
    return Position(contract=contract, size=size, average_price=Decimal(1))


def order(size, kind=OrderType.STOP, status=OrderStatus.OPEN, *, contract=MNQ, filled=0, number=1):
    return Order(
        order_id=number,
        contract=contract,
        side=Side.BUY if size > 0 else Side.SELL,
        type=kind,
        size=abs(size),
        filled=filled,
        status=status,
        stop_price=Decimal(1),
    )


@pytest.mark.parametrize("sign", [1, -1], ids=["long", "short"])
@pytest.mark.parametrize(("size", "enough"), [(1, False), (2, True), (3, True)])
def test_a_stop_must_be_as_large_as_the_position(size, enough, sign):
    """One contract short of it, exactly it, one more."""
    assert is_protected(position(2 * sign), [order(-size * sign)]) is enough


@pytest.mark.parametrize("kind", range(8))
def test_only_stops_protect(kind):
    """Types 3, 4 and 5, whatever else works on the right side."""
    assert is_protected(position(1), [order(-1, kind)]) is (kind in STOPS)


@pytest.mark.parametrize("status", [*range(10), 42])
def test_only_what_is_open_or_pending_protects(status):
    """Suspended, pending cancellation, unknown and done orders might never fill."""
    assert is_protected(position(1), [order(-1, status=status)]) is (status in {1, 6})


def test_sides_contracts_and_remaining_sizes_count():
    """The same side adds, another contract is not this one, what has filled is gone."""
    assert not is_protected(position(1), [order(1)])
    assert not is_protected(position(1), [order(-1, contract=ES)])
    assert not is_protected(position(2), [order(-2, filled=1)])
    assert is_protected(position(1), [order(-2, filled=1)])
    assert is_protected(position(3), [order(-1), order(-2, OrderType.STOP_LIMIT)])


@pytest.mark.parametrize(
    ("was", "now", "stop", "since"),
    [
        pytest.param(0, 1, 0, 5, id="opened"),
        pytest.param(1, 3, 0, 1, id="increased"),
        pytest.param(3, 1, 0, 1, id="reduced"),
        pytest.param(1, 1, 0, 1, id="the same"),
        pytest.param(-1, -1, 0, 1, id="the same short"),
        pytest.param(-3, -2, 0, 1, id="a short reduced"),
        pytest.param(1, -1, 0, 5, id="flipped"),
        pytest.param(-1, 1, 0, 5, id="flipped back"),
        pytest.param(1, 0, 0, None, id="closed"),
        pytest.param(2, 2, 2, None, id="protected"),
        pytest.param(2, 2, 1, 1, id="protected in part"),
    ],
)
def test_the_grace_goes_on_while_it_is_the_same_position(was, now, stop, since):
    """It began at 1; what happens at 5 ends it, restarts it, or neither."""
    at = [START + timedelta(seconds=each) for each in range(6)]
    before = {MNQ: position(was)} if was else {}
    held = {MNQ: position(now)} if now else {}
    stops = [order(-stop)] if stop else []

    found = followed({MNQ: at[1]} if was else {}, before, held, stops, at[5])

    assert found == ({} if since is None else {MNQ: at[since]})


CONTRACTS = st.sampled_from([MNQ, ES])
SIZES = st.integers(-3, 3)
ORDERS = st.builds(
    order,
    SIZES.filter(bool),
    st.sampled_from([*STOPS, OrderType.LIMIT]),
    st.sampled_from([1, 6, 7, 8, 3, 42]),
    contract=CONTRACTS,
    number=st.integers(1, 4),
)
READS = st.tuples(
    st.dictionaries(CONTRACTS, SIZES.filter(bool)),
    st.lists(ORDERS, max_size=3, unique_by=lambda each: each.order_id),
)


class ProtectionMachine(RuleBasedStateMachine):
    """Facts, reads, proofs and resets in any order; the journal alone rebuilds the graces."""

    @initialize()
    def begin(self):
        self.now = START
        self.journal = []
        self.live = AccountState.new(ACCOUNT, DAY, gross=False)
        self.reset()

    def head(self, seconds=1):
        self.now += timedelta(seconds=seconds)
        return {"account": ACCOUNT, "at": self.now, "cause": "test"}

    def happen(self, event):
        self.journal.append(event)
        self.live.evolve(event)

    @rule(contract=CONTRACTS, size=SIZES)
    def position_changes(self, contract, size):
        self.happen(PositionChanged(**self.head(), position=position(size, contract)))

    @rule(told=ORDERS)
    def order_changes(self, told):
        self.happen(OrderChanged(**self.head(), order=told))

    @rule(read=READS, proof=st.booleans())
    def is_read(self, read, proof):
        held, working = read
        asked = self.now + timedelta(milliseconds=500)
        shown = {
            "positions": tuple(position(size, name) for name, size in held.items()),
            "orders": tuple(each for each in working if each.working),
        }
        if proof:
            confirmed = {"enforcement_id": "e", "targets": (), "read_at": asked, "waves": 1}
            self.happen(FlatConfirmed(**self.head(), **confirmed, **shown))
            return
        self.happen(
            SnapshotTaken(
                **self.head(),
                **shown,
                request_id="r",
                generation=1,
                requested_at=asked,
                fills=None,
                can_trade=None,
                balance_usd=None,
            )
        )

    @rule(can_trade=st.sampled_from([True, False, None]), late_s=st.integers(-3, 0))
    def account_changes(self, can_trade, late_s):
        told = AccountChanged(**self.head(), can_trade=can_trade, balance_usd=None)
        asked = self.now + timedelta(seconds=late_s)
        self.happen(msgspec.structs.replace(told, at=asked))

    @rule()
    def reconnects(self):
        self.happen(StreamConnected(**self.head(), generation=1))

    @rule()
    def reset(self):
        self.head(86_400)
        turn = Turn(state=self.live, now=self.now, cause="reset", token="t")
        assert keeping.reset_if_due(turn, SETTINGS)
        (append, _wake) = turn.sends()
        self.journal += append.message.events

    @invariant()
    def exactly_what_is_unprotected_has_a_beginning(self):
        live = self.live
        bare = {
            name
            for name, held in live.positions.items()
            if not is_protected(held, live.orders.values())
        }
        assert live.unprotected_since.keys() == bare
        assert all(since <= self.now for since in live.unprotected_since.values())

    @invariant()
    def the_journal_rebuilds_it(self):
        resets = [n for n, each in enumerate(self.journal) if isinstance(each, DayReset)]
        for begin in {0, resets[-1]}:
            again = AccountState.new(ACCOUNT, DAY, gross=False)
            for event in self.journal[begin:]:
                again.evolve(event)
            for name in ("positions", "orders", "unprotected_since", "can_trade", "can_trade_at"):
                assert getattr(again, name) == getattr(self.live, name), name


ProtectionMachine.TestCase.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None
)
TestProtectionMachine = ProtectionMachine.TestCase
