"""The port to the broker: one GatewayActor per login, and one QuoteActor. See README.md.

Importing this package does not import the broker's SDK; making a GatewayActor does.
"""

from actors.gateway.actor import GatewayActor
from actors.gateway.errors import (
    BrokerUnreachableError,
    DecodeError,
    GatewayError,
    HubError,
    LoginRefusedError,
    ReadFailedError,
)
from actors.gateway.quotes import QuoteActor
from actors.gateway.settings import LoginSettings

__all__ = [
    "BrokerUnreachableError",
    "DecodeError",
    "GatewayActor",
    "GatewayError",
    "HubError",
    "LoginRefusedError",
    "LoginSettings",
    "QuoteActor",
    "ReadFailedError",
]
