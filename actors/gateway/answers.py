"""What the broker's HTTP answers mean. Pure; the one table of its error codes.

For a command the question is whether it had its effect, and the doubt goes against us: only a code that
is known to mean "refused" for that very endpoint is `Rejected`, only an answer that proves that nothing
was done is `NotSent`; everything else that is not a clear success is `Uncertain`.
For a read the question is whether the answer is complete: anything else raises `ReadFailedError`.
"""

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from actors.gateway import signalr
from actors.gateway.errors import (
    BrokerUnreachableError,
    DecodeError,
    LoginRefusedError,
    MalformedAnswerError,
    ReadFailedError,
    shown,
)
from actors.gateway.fields import Fields
from messages.values import Done, NotSent, Outcome, Rejected, Uncertain

PLACE_ORDER = "/Order/place"
MODIFY_ORDER = "/Order/modify"
CANCEL_ORDER = "/Order/cancel"
CLOSE_CONTRACT = "/Position/closeContract"
PARTIAL_CLOSE = "/Position/partialCloseContract"
LOGIN = "/Auth/loginKey"

_OK = 200
_UNAUTHORIZED = 401
_FORBIDDEN = 403
_REFUSED_UNSEEN = frozenset({400, _UNAUTHORIZED, _FORBIDDEN, 404, 405, 413, 415, 429})
# These come from in front of the trading system: the command was never carried out.
_LONGEST_PAUSE_S = 15.0
# No longer do we stay away from an account with a duty, whatever a Retry-After says.

_CLOSE = {
    1: "AccountNotFound",
    2: "PositionNotFound",
    3: "ContractNotFound",
    4: "ContractNotActive",
}
_CANCEL = {1: "AccountNotFound", 2: "OrderNotFound", 3: "Rejected", 6: "AccountRejected"}
_REFUSALS: dict[str, dict[int, str]] = {
    PLACE_ORDER: {
        1: "AccountNotFound",
        2: "OrderRejected",
        3: "InsufficientFunds",
        4: "AccountViolation",
        5: "OutsideTradingHours",
        8: "ContractNotFound",
        9: "ContractNotActive",
        10: "AccountRejected",
    },
    CANCEL_ORDER: _CANCEL,
    MODIFY_ORDER: _CANCEL | {7: "ContractNotFound"},
    CLOSE_CONTRACT: _CLOSE | {5: "OrderRejected", 8: "AccountRejected"},
    PARTIAL_CLOSE: _CLOSE | {5: "InvalidCloseSize", 6: "OrderRejected", 9: "AccountRejected"},
}
# What is missing here on purpose is ambiguous: OrderPending, Pending and UnknownError (place 6 and 7,
# cancel and modify 4 and 5, close 6 and 7, partial close 7 and 8), and every code we do not know.

_LOGIN_REFUSALS = {
    1: "UserNotFound",
    2: "PasswordVerificationFailed",
    3: "InvalidCredentials",
    4: "AppNotFound",
    5: "AppVerificationFailed",
    6: "InvalidDevice",
    7: "AgreementsNotSigned",
    8: "UnknownError",
    9: "ApiSubscriptionNotFound",
    10: "ApiKeyAuthenticationDisabled",
}


class Reply(NamedTuple):
    """What came back over HTTP."""

    status: int
    content: bytes
    retry_after: str | None


def outcome_of(endpoint: str, reply: Reply) -> Outcome:
    """Say what became of a command."""
    if reply.status in _REFUSED_UNSEEN:
        reason = f"{endpoint}: HTTP {reply.status}"
        return NotSent(reason=reason, retry_after_s=_asked_pause_s(reply.retry_after))
    if reply.status != _OK:
        return Uncertain(reason=f"{endpoint}: HTTP {reply.status}")
    try:
        answer = Fields(signalr.parse(reply.content), "answer")
        code = answer.integer_or("errorCode", 0)
        if answer.flag("success"):
            return _success(endpoint, code, answer)
        return _failure(endpoint, code, answer.text_or_none("errorMessage"))
    except DecodeError as error:
        return Uncertain(reason=f"{endpoint}: {error}")


def _asked_pause_s(retry_after: str | None) -> float | None:
    """Return how long the broker asks us to wait, within reason; None where it does not say."""
    if retry_after is None or not retry_after.isdecimal():
        return None
    return min(float(retry_after), _LONGEST_PAUSE_S)


def _success(endpoint: str, code: int, answer: Fields) -> Outcome:
    if code != 0:
        return Uncertain(reason=f"{endpoint}: success, but with code {code}")
    return Done(order_id=answer.integer("orderId") if endpoint == PLACE_ORDER else None)


def _failure(endpoint: str, code: int, text: str | None) -> Outcome:
    name = _REFUSALS[endpoint].get(code)
    if name is None:
        return Uncertain(reason=f"{endpoint}: ambiguous code {code} {text or ''}".rstrip())
    return Rejected(code=code, text=text or name)


def read_of(endpoint: str, reply: Reply) -> Fields:
    """Return the object a read answered with.

    Raises:
        ReadFailedError: it was refused, or is none.
    """
    if reply.status != _OK:
        raise ReadFailedError(f"{endpoint}: HTTP {reply.status}")
    try:
        answer = Fields(signalr.parse(reply.content), "answer")
        if answer.flag("success") and answer.integer_or("errorCode", 0) == 0:
            return answer
        code, text = answer.get("errorCode"), answer.text_or_none("errorMessage")
    except DecodeError as error:
        raise ReadFailedError(f"{endpoint}: {error}") from None
    raise ReadFailedError(f"{endpoint}: refused with code {code} {text or ''}".rstrip())


def rows_of[T](
    endpoint: str, answer: Fields, name: str, decode: Callable[[Fields], T]
) -> tuple[T, ...]:
    """Return the rows of a list; one that is null or absent proves nothing, least of all "none".

    Raises:
        ReadFailedError: there is no list.
        MalformedAnswerError: a row cannot be understood, so the rest is not the whole.
    """
    rows = answer.get(name)
    if not isinstance(rows, list):
        raise ReadFailedError(f"{endpoint}: {name} is no list; that is not proof of none")
    return tuple(row_of(endpoint, row, decode) for row in rows)


def row_of[T](endpoint: str, row: object, decode: Callable[[Fields], T]) -> T:
    """Return one row of an answer.

    Raises:
        MalformedAnswerError: it cannot be understood.
    """
    try:
        return decode(Fields(row, "row"))
    except DecodeError as error:
        raise MalformedAnswerError(endpoint, shown(row, 2000), error) from None


def token_of(reply: Reply, *, place: str, blot: Callable[[str], str]) -> str:
    """Return the token of a login's answer; `blot` takes secrets out of whatever the broker says.

    Raises:
        LoginRefusedError: the broker refused; names the code.
        BrokerUnreachableError: the answer is none.
    """
    if reply.status in (_UNAUTHORIZED, _FORBIDDEN):
        raise LoginRefusedError(f"{place}: login refused with HTTP {reply.status}")
    if reply.status != _OK:
        raise BrokerUnreachableError(f"{place}: login answered HTTP {reply.status}")
    try:
        answer = Fields(signalr.parse(reply.content), "answer")
        if answer.flag_or_none("success") is not False:
            return _sendable(answer.text("token"))
        code = answer.integer_or("errorCode", 0)
        text = blot(answer.text_or_none("errorMessage") or "")
    except DecodeError:
        # Not naming the value: it may be a token.
        raise BrokerUnreachableError(f"{place}: login answered without a token") from None
    name = _LOGIN_REFUSALS.get(code, "unknown code")
    raise LoginRefusedError(f"{place}: login refused: {name} ({code}) {text}".rstrip())


def _sendable(token: str) -> str:
    """Insist on a token that a header can carry: one that cannot would fail at every request."""
    if not token.isascii() or not token.isprintable() or " " in token:
        raise DecodeError("token", "***", "visible ASCII characters")
    return token


def expiry_of(token: str) -> datetime | None:
    """Return when a JWT says that it expires; None if it does not say."""
    try:
        claims = token.split(".")[1]
        padded = claims + "=" * (-len(claims) % 4)
        return datetime.fromtimestamp(
            msgspec.json.decode(base64.urlsafe_b64decode(padded))["exp"], tz=UTC
        )
    except (IndexError, KeyError, TypeError, ValueError, OverflowError, OSError, RecursionError):
        return None
