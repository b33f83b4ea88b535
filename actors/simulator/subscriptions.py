"""Who subscribed what: topics of the two hubs and the connections that want them.

A topic is keyed by what a push is about, so publishing touches only those who want it. A user can only
subscribe accounts of its own; the account stream covers all of them at once.
"""

from collections import defaultdict
from typing import Any

from actors.simulator.exchange import Exchange
from actors.simulator.signalr import Connection, HubError

ACCOUNT_STREAMS = {
    "Orders": "GatewayUserOrder",
    "Positions": "GatewayUserPosition",
    "Trades": "GatewayUserTrade",
}
CONTRACT_STREAMS = {
    "ContractQuotes": "GatewayQuote",
    "ContractTrades": "GatewayTrade",
    "ContractMarketDepth": "GatewayDepth",
}
UNKNOWN_METHOD = (
    "Failed to invoke '{}' due to an error on the server. HubException: Method does not exist."
)

type Topic = tuple[str, int | str]
"""What is subscribed: target and account, contract or (for accounts) user."""


class Subscriptions:
    """The topics and their connections."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._subscribers: defaultdict[Topic, set[Connection]] = defaultdict(set)

    def change(self, connection: Connection, method: str, arguments: list[Any]) -> Topic:
        """Carry out `Subscribe…` or `Unsubscribe…` and return its topic.

        Raises:
            HubError: no such method, account or contract.
        """
        topic = self._topic_of(connection, method, arguments)
        if method.startswith("Subscribe"):
            self._subscribers[topic].add(connection)
        else:
            self._subscribers[topic].discard(connection)
        return topic

    def of_account(self, target: str, account: int) -> set[Connection]:
        """Return who wants a target of an account."""
        known = self._exchange.accounts.get(account)
        if target == "GatewayUserAccount" and known is not None:
            return self._subscribers[target, known.user]
        return self._subscribers[target, account]

    def of_contract(self, target: str, contract: str) -> set[Connection]:
        """Return who wants a target of a contract."""
        return self._subscribers[target, contract]

    def forget(self, connection: Connection) -> None:
        """Drop everything a connection subscribed."""
        for subscribers in self._subscribers.values():
            subscribers.discard(connection)

    def forget_subject(self, about: int | str) -> None:
        """Drop what every connection subscribed of an account or contract; the connections stay."""
        for (_, subject), subscribers in self._subscribers.items():
            if subject == about:
                subscribers.clear()

    def _topic_of(self, connection: Connection, method: str, arguments: list[Any]) -> Topic:
        stream = method.removeprefix("Unsubscribe").removeprefix("Subscribe")
        streams = ACCOUNT_STREAMS if connection.hub == "user" else CONTRACT_STREAMS
        if stream == method:
            raise HubError(UNKNOWN_METHOD.format(method))
        if connection.hub == "user" and stream == "Accounts":
            return "GatewayUserAccount", connection.user
        if stream in streams and arguments:
            return streams[stream], self._subject(connection, arguments[0])
        raise HubError(UNKNOWN_METHOD.format(method))

    def _subject(self, connection: Connection, argument: Any) -> int | str:
        if connection.hub == "market":
            if argument not in self._exchange.market.contracts:
                raise HubError("Contract not found.")
            return str(argument)
        account = self._exchange.accounts.get(argument) if isinstance(argument, int) else None
        if account is None or account.user != connection.user:
            raise HubError("Account not found.")
        return account.id
