"""What the features made of each other: defects found when they were put together."""

from decimal import Decimal

from actors.simulator.exchange import Exchange
from messages.commands import ModifyOrder
from messages.values import OrderType
from tests.rig import A, config_of


def test_a_stop_its_trader_tightens_meanwhile_is_not_loosened(rig):
    """RULE-012: a wish that waits for its turn is not sent behind a stop that was put closer."""
    run = rig(config_of(trade_management={"trailing": {"activate_ticks": 4, "trail_ticks": 20}}))
    run.price("MNQ", "16500")
    run.order(A, "MNQ", 1)
    stop = run.order(A, "MNQ", -1, OrderType.STOP, stop=Decimal(16450))
    run.price("MNQ", "16510")
    run.price("MNQ", "16512")
    assert [each.stop_price for each in run.commands(ModifyOrder)] == [16505]

    def tighten(exchange: Exchange, now):
        return exchange.modify(A, stop, now, stop_price=Decimal(16511))

    run.do(lambda gateway: gateway.trade(tighten))
    run.advance(1)

    assert run.broker.exchange.accounts[A].orders[stop].stop_price == 16511
