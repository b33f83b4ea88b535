"""Whatever is traded, the simulated broker's books balance."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from messages.values import OrderType, Side
from tests.simulator.support import ES, MNQ, A, exchange_with, move, place

deals = st.lists(
    st.tuples(
        st.sampled_from([MNQ, ES]),
        st.sampled_from(Side),
        st.integers(1, 9),
        st.integers(-200, 200).map(lambda ticks: 6000 + ticks * Decimal("0.25")),
    ),
    max_size=30,
)


@given(deals)
def test_realised_and_open_profit_add_up_to_the_cash_that_flowed(traded):
    """The mark-to-market identity holds over opening, adding, reducing and reversing, to the cent."""
    exchange = exchange_with()
    exchange.matcher.costs.set(Decimal("0.37"), Decimal("0.25"))
    signed = dict.fromkeys((MNQ, ES), 0)
    cash = Decimal(0)
    for contract, side, size, price in traded:
        move(exchange, contract, price)
        place(exchange, contract, OrderType.MARKET, side, size)
        change = size if side is Side.BUY else -size
        signed[contract] += change
        cash -= change * price * exchange.market.contracts[contract].value_per_point

    account = exchange.accounts[A]
    open_value = sum(
        position.size * position.average_price * position.spec.value_per_point
        for position in account.positions.values()
    )
    realised = sum((trade.profit_and_loss or 0) for trade in account.trades.values())
    assert {c: p.size for c, p in account.positions.items()} == {
        c: s for c, s in signed.items() if s
    }
    assert abs(cash + open_value - realised) <= len(traded) * Decimal("0.006")
    assert account.balance == 50_000 + sum(trade.net for trade in account.trades.values())
