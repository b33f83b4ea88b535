"""Two short days of a soak, for correctness only: the ledger agrees with the broker's books."""

import random
from decimal import Decimal
from pathlib import Path

from actors.simulator.ledger import Execution, Ticket
from messages.values import OrderType, Side
from tests.load.soak import MONDAY_MORNING, RULES, Soak, soak
from tests.rig import A, Rig, config_of, contract

MNQ = contract("MNQ")


def test_two_days_of_trading_breaches_and_resets_leave_no_drift():
    """Nothing differs from the broker, nothing is held overnight, no message dies."""
    figures, faults = soak(accounts=6, days=2, minutes=40)

    assert faults == []
    assert figures["breaches"] > 0


def test_a_fill_that_never_arrived_is_drift(tmp_path: Path):
    """The comparison would find what the ledger does not know."""
    rig = Rig(tmp_path, config_of(**RULES), start=MONDAY_MORNING, accounts=(A,))
    try:
        rig.broker.exchange.book_trade(
            A,
            Ticket(MNQ, OrderType.MARKET, Side.SELL, 1),
            Execution(1, Decimal(26000), Decimal("12.50"), Decimal(0), Decimal(0)),
            rig.clock.now(),
            order_id=None,
            moves_position=False,
        )

        assert Soak(rig, (A,), 1, random.Random(6)).drift(A) == Decimal("12.50")  # noqa: S311
    finally:
        rig.stop()
