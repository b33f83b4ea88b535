"""Complete, or failed."""

import pytest

from actors.simulator import FaultKind
from messages.commands import DescribeContract, TakeSnapshot
from messages.events import AlarmRaised
from messages.facts import (
    ContractDescribed,
    ContractUnknown,
    PayloadQuarantined,
    SnapshotFailed,
    SnapshotTaken,
)
from messages.values import AlarmCode, OrderStatus, OrderType, Side
from tests.gateway.support import AT, IN_TIME_S, MES, MNQ, A, B

READS = ("/Position/searchOpen", "/Order/v2/query", "/Trade/search", "/Account/search")


def take(rig, account=A, *, since=AT, urgent=False, deadline_s=IN_TIME_S):
    rig.ask(
        TakeSnapshot,
        account,
        request_id="r1",
        asker=f"account/{account}",
        trades_since=since,
        urgent=urgent,
        deadline_s=deadline_s,
    )


def test_a_snapshot_shows_everything_the_broker_has(rig):
    """Positions with their sign, all fills, the account's record, and orders that do not work yet."""
    rig.guard(A, B)
    rig.hold(A, size=3)
    rig.hold(B)
    rig.sim.control.set_price(MES, 6_000)
    rig.sim.control.place_order(A, MES, Side.SELL, 2)
    rig.sim.control.place_order(
        A, MNQ, Side.BUY, 1, OrderType.LIMIT, limit_price=24_000, stop_loss_ticks=20
    )
    before = rig.clock.now()

    take(rig)

    taken = rig.account().one(SnapshotTaken)
    assert {each.contract: each.size for each in taken.positions} == {MNQ: 3, MES: -2}
    statuses = {order.status for order in taken.orders}
    assert {OrderStatus.OPEN, OrderStatus.SUSPENDED} <= statuses
    assert sorted(fill.size for fill in taken.fills) == [2, 3]
    assert (taken.can_trade, taken.balance_usd) == (True, 50_000)
    assert (taken.generation, taken.request_id) == (1, "r1")
    assert before <= taken.requested_at <= taken.at


def test_a_short_snapshot_reads_positions_and_orders_only(rig):
    """What enforcement needs, and no request more."""
    rig.guard(A)
    after = rig.sim.record().last_seq

    take(rig, since=None, urgent=True)

    taken = rig.account().one(SnapshotTaken)
    assert (taken.fills, taken.can_trade, taken.balance_usd) == (None, None, None)
    asked = {request.endpoint for request in rig.sim.record().requests(account=A, after=after)}
    assert asked == {"/Position/searchOpen", "/Order/v2/query"}


@pytest.mark.parametrize("budget", [20, 22])
def test_what_verifies_is_sent_whole_or_not_at_all(rig, budget):
    """Where there is room for one of two requests, none leaves, and it says when to come again."""
    rig.guard(A, budget_requests=budget)
    after = rig.sim.record().last_seq
    for number in range(1, 20):
        take(rig, since=None, urgent=True)
        answers = rig.account().wait(SnapshotTaken | SnapshotFailed, count=number)
        if isinstance(answers[-1], SnapshotFailed):
            break

    failed = answers[-1]
    assert failed.reason.startswith("no budget")
    assert failed.retry_after_s > 0
    asked = [each.endpoint for each in rig.sim.record().requests(account=A, after=after)]
    assert asked.count("/Position/searchOpen") == asked.count("/Order/v2/query") > 0


@pytest.mark.parametrize("endpoint", READS)
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"kind": FaultKind.NULL_LIST}, id="null list"),
        pytest.param({"kind": FaultKind.HTTP, "status": 500}, id="500"),
        pytest.param({"kind": FaultKind.REJECT, "code": 1}, id="refused"),
        pytest.param({"kind": FaultKind.CUT_BEFORE}, id="cut"),
        pytest.param({"kind": FaultKind.HANG_BEFORE}, id="hangs"),
    ],
)
def test_one_read_that_fails_fails_the_snapshot(rig, endpoint, fault):
    """A failed read is not "flat", and there is no half a snapshot."""
    rig.guard(A)
    rig.sim.control.fault(fault["kind"], endpoint, status=fault.get("status", 0), code=1)

    take(rig, deadline_s=0.5)

    failed = rig.account().one(SnapshotFailed)
    assert failed.request_id == "r1"
    assert failed.reason
    assert not rig.account().all(SnapshotTaken)


def test_all_pages_of_orders_are_read(rig):
    """More orders than a page holds."""
    rig.guard(A)
    rig.sim.control.set_price(MNQ, 25_000)
    for number in range(230):
        price = 24_000 - number
        rig.sim.control.place_order(A, MNQ, Side.BUY, 1, OrderType.LIMIT, limit_price=price)

    take(rig, since=None)

    assert len({order.order_id for order in rig.account().one(SnapshotTaken).orders}) == 230
    assert len(rig.sim.record().requests("/Order/v2/query", A)) == 3


def test_an_account_the_broker_does_not_know_cannot_be_read(rig):
    """The refusal's code is in the reason."""
    rig.guard(A)
    rig.ask(
        TakeSnapshot,
        999,
        request_id="r1",
        asker=f"account/{A}",
        trades_since=None,
        urgent=False,
        deadline_s=IN_TIME_S,
    )

    assert "code 1" in rig.account().one(SnapshotFailed).reason


def test_a_contract_is_described_once_and_then_known(rig):
    """Two accounts ask at the same time; the broker is asked once."""
    rig.guard(A, B)
    for account in (A, B, A):
        rig.ask(DescribeContract, account, contract=MNQ)

    described = rig.account(A).wait(ContractDescribed, count=2)[0].contract
    assert rig.account(B).one(ContractDescribed).contract == described
    assert (described.name, str(described.value_per_point_usd)) == ("MNQZ6", "2")
    assert len(rig.sim.record().requests("/Contract/searchById")) == 1


@pytest.mark.parametrize(
    ("fault", "reason"),
    [(FaultKind.NULL_LIST, "row is None"), (FaultKind.REJECT, "code 1")],
)
def test_a_contract_that_cannot_be_described_is_unknown_and_may_be_asked_for_again(
    rig, fault, reason
):
    """An unknown contract is never given a default tick value."""
    rig.guard(A)
    rig.sim.control.fault(fault, "/Contract/searchById", code=1, times=1)
    rig.ask(DescribeContract, contract=MNQ)
    unknown = rig.account().one(ContractUnknown)
    rig.ask(DescribeContract, contract=MNQ)

    assert (unknown.contract, reason in unknown.reason) == (MNQ, True)
    assert rig.account().one(ContractDescribed).contract.contract == MNQ


def test_a_row_that_cannot_be_understood_fails_the_snapshot_and_is_set_aside(rig):
    """Above all it is not left out of the list."""
    rig.guard(A)
    rig.hold()
    account = rig.sim._broker.exchange.account(A)
    account.positions[MNQ].average_price = "not a price"

    take(rig, since=None)

    assert "averagePrice" in rig.account().one(SnapshotFailed).reason
    quarantined = rig.journal.one(PayloadQuarantined)
    assert (quarantined.source, MNQ in quarantined.raw) == ("/Position/searchOpen", True)
    rig.journal.one(AlarmRaised, lambda alarm: alarm.code == AlarmCode.PAYLOAD_QUARANTINED)
