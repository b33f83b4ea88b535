"""What can go wrong between us and a broker; each error names what, where and, if known, the fix.

No text of these errors ever holds a token, an API key or a URL with a query.
"""


class GatewayError(Exception):
    """Something between us and the broker failed."""


class LoginRefusedError(GatewayError):
    """The broker refused the username or the API key; trying again changes nothing (exit 77)."""


class BrokerUnreachableError(GatewayError):
    """The broker could not be asked, or its answer is none (exit 69)."""


class ReadFailedError(GatewayError):
    """A read did not succeed completely: what it was to tell is unknown, never empty."""


class MalformedAnswerError(ReadFailedError):
    """A read was answered, but a row of it cannot be understood."""

    def __init__(self, source: str, raw: str, error: "DecodeError") -> None:
        super().__init__(f"{source}: {error}")
        self.source = source
        self.raw = raw
        self.error = error


class NoBudgetError(GatewayError):
    """A request would have to wait for the request budget longer than its own deadline."""

    def __init__(self, text: str, retry_after_s: float) -> None:
        super().__init__(text)
        self.retry_after_s = retry_after_s


class HubError(GatewayError):
    """A hub connection failed or was ended; the text is the reason."""


class SubscriptionRefusedError(HubError):
    """The hub answered a subscription with an error; the connection itself is sound."""


class DecodeError(GatewayError):
    """A payload is not what it should be; the text names the field and the value."""

    def __init__(self, field: str, value: object, expected: str) -> None:
        super().__init__(f"{field} is {shown(value)}: expected {expected}")


def first_error(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return what began it: the first error in a group that is not a group itself."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def shown(value: object, limit: int = 120) -> str:
    """Return a value as text of at most `limit` characters, whatever it is."""
    try:
        text = repr(value)
    except ValueError:  # Python refuses to print integers of more than 4,300 digits
        text = f"<{type(value).__name__} too long to print>"
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


class FencedError(GatewayError):
    """This process may not act any more, for it has lost its lease: the command has not left."""
