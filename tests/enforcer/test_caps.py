"""An order that filled while it was being cancelled is closed back at once, not after a pause."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from actors.enforcer.core import EnforcerCore
from messages.commands import CancelOrder, Enforce, PartialCloseContract, TakeSnapshot
from messages.events import BrokerCommandAnswered
from messages.facts import SnapshotTaken
from messages.values import CapContract, NoOpeningOrders, Position, Rejected

MNQ = "CON.F.US.MNQ.Z25"
NOON = datetime(2025, 10, 29, 17, tzinfo=UTC)
HEAD = {"account": 1, "at": NOON, "cause": "test"}


def sent(sends, kind):
    return [each.message for each in sends if isinstance(each.message, kind)]


def test_an_order_that_filled_while_it_was_cancelled_is_closed_back_with_the_first_read():
    """Only orders were commanded, so a position the read shows doubles nothing."""
    core = EnforcerCore(account=1, login="desk", epoch="1")
    order = Enforce(
        **HEAD,
        enforcement_id="e1",
        targets=(NoOpeningOrders(), CapContract(contract=MNQ, size=2)),
        deadline_at=NOON + timedelta(seconds=5),
        known_positions=(),
        known_orders=(7,),
    )
    (cancel,) = sent(core.handle(order, NOON), CancelOrder)
    gone = Rejected(code=5, text="Order is not working.")
    answer = BrokerCommandAnswered(**HEAD, command_id=cancel.command_id, outcome=gone)
    (read,) = sent(core.handle(answer, NOON), TakeSnapshot)
    shown = SnapshotTaken(
        **HEAD,
        request_id=read.request_id,
        generation=1,
        requested_at=NOON,
        positions=(Position(contract=MNQ, size=3, average_price=Decimal(1)),),
        orders=(),
        fills=None,
        can_trade=None,
        balance_usd=None,
    )

    (close,) = sent(core.handle(shown, NOON), PartialCloseContract)

    assert (close.contract, close.size) == (MNQ, 1)
