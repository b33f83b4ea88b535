"""How the simulated exchange says no: the gateway's refusals by name, and their number per endpoint.

The same refusal has another number on every endpoint (projectx.md §2.3); the engine knows only the name.
`UNKNOWN_ERROR` and `PENDING` are the ambiguous ones: they may or may not have been carried out.
"""

from enum import StrEnum

from actors.simulator.wire import Push

INACTIVE = "instrument is not in an active trading status"


class Refusal(StrEnum):
    """Why the exchange refuses, in the gateway's words."""

    ACCOUNT_NOT_FOUND = "AccountNotFound"
    ACCOUNT_REJECTED = "AccountRejected"
    ACCOUNT_VIOLATION = "AccountViolation"
    CONTRACT_NOT_ACTIVE = "ContractNotActive"
    CONTRACT_NOT_FOUND = "ContractNotFound"
    INVALID_CLOSE_SIZE = "InvalidCloseSize"
    LIMIT_INVALID = "LimitInvalid"
    ORDER_NOT_FOUND = "OrderNotFound"
    ORDER_REJECTED = "OrderRejected"
    OUTSIDE_TRADING_HOURS = "OutsideTradingHours"
    PENDING = "Pending"
    POSITION_NOT_FOUND = "PositionNotFound"
    REJECTED = "Rejected"
    UNIT_INVALID = "UnitInvalid"
    UNIT_NUMBER_INVALID = "UnitNumberInvalid"
    UNKNOWN_ERROR = "UnknownError"


class RefusedError(Exception):
    """The exchange refuses what was asked; `events` are what the streams say about it all the same."""

    def __init__(
        self, refusal: Refusal, text: str | None = None, events: tuple[Push, ...] = ()
    ) -> None:
        super().__init__(f"{refusal}: {text}" if text else str(refusal))
        self.refusal = refusal
        self.text = text
        self.events = events


_CANCEL = {
    Refusal.ACCOUNT_NOT_FOUND: 1,
    Refusal.ORDER_NOT_FOUND: 2,
    Refusal.REJECTED: 3,
    Refusal.PENDING: 4,
    Refusal.UNKNOWN_ERROR: 5,
    Refusal.ACCOUNT_REJECTED: 6,
}
_SEARCH = {Refusal.ACCOUNT_NOT_FOUND: 1}

CODES: dict[str, dict[Refusal, int]] = {
    "/Order/place": {
        Refusal.ACCOUNT_NOT_FOUND: 1,
        Refusal.ORDER_REJECTED: 2,
        Refusal.ACCOUNT_VIOLATION: 4,
        Refusal.OUTSIDE_TRADING_HOURS: 5,
        Refusal.PENDING: 6,
        Refusal.UNKNOWN_ERROR: 7,
        Refusal.CONTRACT_NOT_FOUND: 8,
        Refusal.CONTRACT_NOT_ACTIVE: 9,
        Refusal.ACCOUNT_REJECTED: 10,
    },
    "/Order/cancel": _CANCEL,
    "/Order/modify": {**_CANCEL, Refusal.CONTRACT_NOT_FOUND: 7},
    "/Position/closeContract": {
        Refusal.ACCOUNT_NOT_FOUND: 1,
        Refusal.POSITION_NOT_FOUND: 2,
        Refusal.CONTRACT_NOT_FOUND: 3,
        Refusal.CONTRACT_NOT_ACTIVE: 4,
        Refusal.ORDER_REJECTED: 5,
        Refusal.PENDING: 6,
        Refusal.UNKNOWN_ERROR: 7,
        Refusal.ACCOUNT_REJECTED: 8,
    },
    "/Position/partialCloseContract": {
        Refusal.ACCOUNT_NOT_FOUND: 1,
        Refusal.POSITION_NOT_FOUND: 2,
        Refusal.CONTRACT_NOT_FOUND: 3,
        Refusal.CONTRACT_NOT_ACTIVE: 4,
        Refusal.INVALID_CLOSE_SIZE: 5,
        Refusal.ORDER_REJECTED: 6,
        Refusal.PENDING: 7,
        Refusal.UNKNOWN_ERROR: 8,
        Refusal.ACCOUNT_REJECTED: 9,
    },
    "/Order/search": _SEARCH,
    "/Order/searchOpen": _SEARCH,
    "/Order/v2/query": _SEARCH,
    "/Order/searchById": {Refusal.ORDER_NOT_FOUND: 1, Refusal.ACCOUNT_NOT_FOUND: 1},
    "/Position/searchOpen": _SEARCH,
    "/Trade/search": _SEARCH,
    "/Contract/searchById": {Refusal.CONTRACT_NOT_FOUND: 1},
    "/History/retrieveBars": {
        Refusal.CONTRACT_NOT_FOUND: 1,
        Refusal.UNIT_INVALID: 2,
        Refusal.UNIT_NUMBER_INVALID: 3,
        Refusal.LIMIT_INVALID: 4,
    },
}


def code_of(endpoint: str, refusal: Refusal) -> int:
    """Return the number a refusal has on an endpoint.

    Raises:
        KeyError: the endpoint never answers that; the message names both.
    """
    codes = CODES.get(endpoint, {})
    if refusal not in codes:
        raise KeyError(f"{endpoint} has no error code for {refusal}: it knows {sorted(codes)}")
    return codes[refusal]
