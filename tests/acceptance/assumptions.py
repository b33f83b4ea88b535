"""What Lockstep assumes of the live service, and which step shows it; some of it no step can show."""

from typing import NamedTuple


class Assumption(NamedTuple):
    """One thing nobody has verified on the live service."""

    text: str
    steps: tuple[str, ...] = ()
    """The steps that show it."""
    not_provable: str = ""
    """Why no step can show (the rest of) it."""


ASSUMPTIONS = {
    "rate limit": Assumption(
        "200 requests in 60 s for each user; beyond that 429, with Retry-After or without",
        ("headers", "rate-limit"),
        "whether users of one address share it: that takes two users",
    ),
    "sessions": Assumption(
        "a second hub connection of the same user ends none",
        ("second-hub",),
        "how many are allowed at most: this tries two",
    ),
    "browser": Assumption(
        "the trader's own platform may be open beside us on the same device", ("browser",)
    ),
    "logout": Assumption("the hub says GatewayLogout, in whatever case", ("browser",)),
    "keepalive": Assumption("a hub says something at least every 30 s", ("keepalive",)),
    "connection id": Assumption("a connection id works once, then 404", ("negotiated",)),
    "negotiation": Assumption("a hub may be reached without negotiating", ("direct", "negotiated")),
    "live-funded": Assumption(
        "closing and cancelling may be refused on live-funded accounts and copy-trading followers",
        (),
        "this runs on practice accounts alone, and never on others",
    ),
    "firm limits": Assumption(
        "neither the account's record nor its stream tells daily or trailing limits", ("account",)
    ),
    "token": Assumption("a token lives 24 h and is prolonged by /Auth/validate", ("login",)),
    "broker's time": Assumption(
        "answers carry a Date, to check this machine's clock", ("headers",)
    ),
    "acknowledged": Assumption(
        "every subscription is acknowledged, a wrong one refused", ("subscriptions",)
    ),
    "quotes": Assumption(
        "the first quote is whole, later ones may leave out what is the same", ("quotes",)
    ),
    "orders": Assumption(
        "a working order is told in an envelope and listed by /Order/v2/query, whose pageOffset "
        "counts rows; a cancelled one has status 3; cancelling again is OrderNotFound or Rejected",
        ("resting",),
    ),
    "fills": Assumption(
        "order, fill, position and account are pushed with nulls left out; an opening fill has no "
        "P&L, and fees and commissions apart",
        ("market",),
    ),
    "closing": Assumption(
        "closeContract closes the position and cancels no stop; a second one is PositionNotFound",
        ("close",),
    ),
    "enforcement": Assumption(
        "all of it together: a breach is closed, proved flat and locked, in that order",
        ("lockstep",),
    ),
    "latency": Assumption(
        "how long the broker takes is what enforcement waits for",
        ("market", "close", "lockstep"),
        "only this line and this hour are measured",
    ),
    "devices": Assumption(
        "the firm allows this machine", (), "that is the firm's rule, not the API's: ask the firm"
    ),
}
