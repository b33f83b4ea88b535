"""A breach finds a trader's closing order under way that is larger than the position it closes."""

import pytest

from messages.commands import CancelOrder, CloseContract
from messages.values import Phase
from tests.rig import A, config_of, contract

LOSS = config_of(daily_realized_loss={"max_loss_usd": 500, "include_open_loss": False})


@pytest.mark.parametrize("size", [-3, -5])
def test_nothing_is_closed_beside_a_closing_order_that_is_too_large(rig, size):
    """It is cancelled first, and only then its position closed: both filled would flip it."""
    run = rig(LOSS)
    run.order(A, "MNQ", 2)
    listing = run.broker.exchange.market.listing(contract("MNQ"))
    listing.liquidity = 0
    run.order(A, "MNQ", size)
    run.fill(A, "-600", product="ES")
    first = type(run.broker.received[0])
    listing.liquidity = None
    run.do(
        lambda gateway: gateway.trade(lambda exchange, now: exchange.rematch(contract("MNQ"), now))
    )
    for _ in range(10):
        run.advance(1)

    assert first is CancelOrder
    assert len(run.commands(CloseContract)) == 1
    assert run.held(A) == {}
    assert run.status(A).phase is Phase.LOCKED
