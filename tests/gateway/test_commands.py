"""What becomes of a command, for every way in which a broker can fail it."""

from decimal import Decimal

import pytest

from actors.simulator import FaultKind
from messages.commands import (
    CancelOrder,
    CloseContract,
    ModifyOrder,
    PartialCloseContract,
    PlaceOrder,
    TakeSnapshot,
)
from messages.events import AlarmRaised, BrokerCommandAnswered
from messages.facts import SnapshotFailed, SnapshotTaken
from messages.values import (
    AlarmCode,
    Done,
    NotSent,
    OrderStatus,
    OrderType,
    Rejected,
    Side,
    Uncertain,
)
from tests.gateway.support import IN_TIME_S, MNQ, A, B

CLOSE = "/Position/closeContract"
HANGS = (FaultKind.HANG_BEFORE, FaultKind.HANG_AFTER)


def answer_to(rig, command_id, account=A):
    return rig.enforcer(account).one(
        BrokerCommandAnswered, lambda answer: answer.command_id == command_id
    )


def close(rig, account=A, command_id="c1", deadline_s=IN_TIME_S):
    fields = {"command_id": command_id, "deadline_s": deadline_s, "contract": MNQ}
    rig.ask(CloseContract, account, **fields)
    return answer_to(rig, command_id, account).outcome


def test_every_kind_of_command_reaches_the_account_it_names(rig):
    """Not only the SDK's selected one: these go to the second account of the login."""
    rig.guard(A, B)
    rig.hold(B, size=5)
    common = {"deadline_s": IN_TIME_S}

    rig.ask(
        PlaceOrder,
        B,
        command_id="p",
        contract=MNQ,
        type=OrderType.LIMIT,
        side=Side.BUY,
        size=1,
        limit_price=Decimal("24000.25"),
        tag="t1",
        **common,
    )
    order_id = answer_to(rig, "p", B).outcome.order_id
    rig.ask(ModifyOrder, B, command_id="m", order_id=order_id, size=2, **common)
    assert answer_to(rig, "m", B).outcome == Done()
    (order,) = rig.sim.control.working_orders(B)
    assert (order["id"], order["size"], order["customTag"]) == (order_id, 2, "t1")
    assert order["limitPrice"] == Decimal("24000.25")

    rig.ask(CancelOrder, B, command_id="x", order_id=order_id, **common)
    assert answer_to(rig, "x", B).outcome == Done()
    rig.ask(PartialCloseContract, B, command_id="h", contract=MNQ, size=2, **common)
    assert answer_to(rig, "h", B).outcome == Done()
    assert rig.sim.control.positions(B) == {MNQ: 3}

    assert close(rig, B) == Done()
    assert (rig.sim.control.positions(B), rig.sim.control.working_orders(B)) == ({}, [])


@pytest.mark.parametrize(
    ("fault", "outcome", "applied"),
    [
        pytest.param({"kind": FaultKind.HANG_BEFORE}, Uncertain, False, id="hangs, not applied"),
        pytest.param({"kind": FaultKind.HANG_AFTER}, Uncertain, True, id="hangs, applied"),
        pytest.param({"kind": FaultKind.CUT_BEFORE}, Uncertain, False, id="cut, not applied"),
        pytest.param({"kind": FaultKind.CUT_AFTER}, Uncertain, True, id="cut, applied"),
        pytest.param({"kind": FaultKind.HTTP, "status": 503}, Uncertain, False, id="503"),
        pytest.param({"kind": FaultKind.HTTP, "status": 429}, NotSent, False, id="429"),
        pytest.param(
            {"kind": FaultKind.APPLIED_BUT_ERROR, "status": 504}, Uncertain, True, id="504, applied"
        ),
        pytest.param({"kind": FaultKind.GARBAGE}, Uncertain, False, id="no JSON"),
        pytest.param({"kind": FaultKind.REJECT, "code": 4}, Rejected, False, id="refused"),
        pytest.param({"kind": FaultKind.REJECT, "code": 6}, Uncertain, False, id="OrderPending"),
        pytest.param({"kind": FaultKind.REJECT, "code": 7}, Uncertain, False, id="UnknownError"),
        pytest.param({"kind": FaultKind.REJECT, "code": 77}, Uncertain, False, id="unknown code"),
        pytest.param(
            {"kind": FaultKind.APPLIED_BUT_ERROR, "code": 7}, Uncertain, True, id="code 7, applied"
        ),
    ],
)
def test_a_command_is_sent_once_and_its_outcome_claims_no_more_than_is_known(
    rig, fault, outcome, applied
):
    """What may have been applied is never called refused or unsent."""
    rig.guard(A)
    rig.hold()
    kind, how = fault["kind"], {key: each for key, each in fault.items() if key != "kind"}
    rig.sim.control.fault(kind, CLOSE, **how)

    answered = close(rig, deadline_s=1.5 if kind in HANGS else IN_TIME_S)

    assert isinstance(answered, outcome)
    (request,) = rig.sim.record().requests(CLOSE, A)
    assert request.applied == applied


def test_a_refusal_names_its_code(rig):
    """Closing what is not there is code 2, and harmless."""
    rig.guard(A)

    assert close(rig) == Rejected(code=2, text="PositionNotFound")


def test_a_broker_that_cannot_be_reached_was_certainly_not_asked(rig):
    """Connection refused: nothing left this machine."""
    rig.guard(A)
    rig.sim.stop()
    # One that was kept open may be found closed only by what is sent over it: nobody knows of that.
    assert isinstance(close(rig, command_id="first"), NotSent | Uncertain)

    assert isinstance(close(rig, command_id="second"), NotSent)


def test_a_hanging_command_delays_no_other(rig):
    """One account's broker call hangs, the other account's close goes out at once."""
    rig.guard(A, B)
    rig.hold(B)
    rig.sim.control.fault(FaultKind.HANG_BEFORE, CLOSE, account=A)
    rig.ask(CloseContract, A, command_id="hangs", deadline_s=2 * IN_TIME_S, contract=MNQ)

    assert close(rig, B, command_id="goes") == Done()
    assert not rig.enforcer(A).all()


def test_every_command_is_answered_even_when_the_gateway_is_stopped(rig):
    """What is under way is uncertain; the enforcer is never left waiting for ever."""
    rig.guard(A)
    rig.sim.control.fault(FaultKind.HANG_BEFORE, CLOSE)
    for number in range(3):
        rig.ask(CloseContract, command_id=f"c{number}", deadline_s=30, contract=MNQ)
    rig.gateway.stop()

    answers = rig.enforcer().wait(BrokerCommandAnswered, count=3)
    assert {answer.command_id for answer in answers} == {"c0", "c1", "c2"}
    assert all(isinstance(answer.outcome, Uncertain) for answer in answers)


def test_a_close_goes_out_before_190_waiting_reads(rig):
    """Reads fill their share of the window and wait; commands have a reserve."""
    rig.guard(A)
    rig.hold()
    fields = {"asker": f"account/{A}", "trades_since": None, "urgent": False}
    for number in range(95):
        rig.ask(TakeSnapshot, request_id=f"r{number}", deadline_s=90, **fields)

    assert close(rig) == Done()
    assert len(rig.account().all(SnapshotTaken)) < 80
    assert not rig.account().all(SnapshotFailed)


def test_without_budget_a_command_is_not_sent_and_an_alarm_says_why(rig):
    """The window is small here, and full."""
    rig.guard(A, budget_requests=4)
    rig.hold()

    outcomes = [close(rig, command_id=f"c{number}", deadline_s=0.3) for number in range(6)]

    assert isinstance(outcomes[-1], NotSent)
    assert outcomes[-1].reason.startswith("no budget")
    rig.journal.one(AlarmRaised, lambda alarm: alarm.code == AlarmCode.BUDGET_EXHAUSTED)


def test_a_throttled_read_neither_blocks_nor_repeats_itself(rig):
    """The SDK would sleep for 60 s."""
    rig.guard(A)
    rig.sim.control.fault(FaultKind.HTTP, "/Position/searchOpen", status=429, times=1)
    snapshot = {"asker": f"account/{A}", "trades_since": None, "deadline_s": IN_TIME_S}

    rig.ask(TakeSnapshot, request_id="first", urgent=True, **snapshot)
    assert "HTTP 429" in rig.account().one(SnapshotFailed).reason
    rig.ask(TakeSnapshot, request_id="urgent", urgent=True, **snapshot)
    assert rig.account().one(SnapshotTaken).request_id == "urgent"


def test_an_order_that_is_only_pending_or_suspended_can_be_cancelled(rig):
    """Bracket children exist before they work."""
    rig.guard(A)
    control = rig.sim.control
    control.set_price(MNQ, 25_000)
    control.place_order(
        A, MNQ, Side.BUY, 1, OrderType.LIMIT, limit_price=24_000, stop_loss_ticks=20
    )
    suspended = [o for o in control.working_orders(A) if o["status"] == OrderStatus.SUSPENDED]

    for order in suspended:
        rig.ask(CancelOrder, command_id="x", deadline_s=IN_TIME_S, order_id=order["id"])
        assert answer_to(rig, "x").outcome == Done()
    assert suspended
