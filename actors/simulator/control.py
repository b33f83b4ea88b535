"""The control API: everything a test, a demo or a load run does to the simulated broker.

Put together from what the trader does, what the venue and the firm do, and what goes wrong; this adds
what the broker knows. Thread-safe; the same verbs are served under `/sim`.
"""

from actors.simulator.sabotage import Sabotage
from actors.simulator.trader import Trader
from actors.simulator.venue import Venue
from actors.simulator.verbs import verb
from actors.simulator.wire import Row, account_row, order_row, position_row, trade_row


class Control(Trader, Venue, Sabotage):
    """All verbs."""

    @verb
    def positions(self, account: int) -> dict[str, int]:
        """Return signed sizes by contract id; a flat account has none."""
        held = self._broker.exchange.account(account).positions
        return {contract: position.size for contract, position in held.items()}

    @verb
    def working_orders(self, account: int) -> list[Row]:
        """Return every order that may still fill, suspended children too, as REST rows."""
        orders = self._broker.exchange.account(account).orders.values()
        return [order_row(order) for order in orders if order.working]

    @verb
    def trades(self, account: int) -> list[Row]:
        """Return every fill as REST rows, oldest first."""
        return [
            trade_row(trade) for trade in self._broker.exchange.account(account).trades.values()
        ]

    @verb
    def state(self) -> dict[str, Row]:
        """Return every account with its positions and working orders, by account id."""
        return {
            str(account.id): {
                **account_row(account),
                "positions": [position_row(position) for position in account.positions.values()],
                "workingOrders": [order_row(o) for o in account.orders.values() if o.working],
            }
            for account in self._broker.exchange.accounts.values()
        }
