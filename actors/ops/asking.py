"""Asking the running process to do something: a POST over its loopback HTTP, with the token.

For the commands that change something (`reload`, `lock`). Each thing that can go wrong has an error of
its own, so that a command ends with the exit code that says what to do.
"""

from collections.abc import Mapping

import httpx
import msgspec

from actors.ops.status import NoAnswerError
from config.errors import ConfigError
from config.listening import TOKEN_VARIABLE
from config.loader import Config

_TIMEOUT_S = 30.0
_FORBIDDEN = frozenset({403, 429})
_REFUSED = frozenset({400, 409})
_UNANSWERED = 503


class NotRunningError(RuntimeError):
    """Nothing answers at `http.listen` (exit 69)."""


class TokenRefusedError(RuntimeError):
    """The running process has no token, or another one (exit 77)."""


class RefusedError(RuntimeError):
    """The running process does not do what it was asked."""

    def __init__(self, complaints: tuple[str, ...]) -> None:
        super().__init__("; ".join(complaints))
        self.complaints = complaints


class _Refusal(msgspec.Struct, frozen=True):
    complaints: tuple[str, ...]


def ask[A](
    config: Config,
    environment: Mapping[str, str],
    route: str,
    body: object,
    kind: type[A],
    *,
    otherwise: str = "",
) -> A:
    """Return the running process's answer.

    Args:
        config: Names the address.
        environment: Holds the token.
        route: Path, e.g. `/api/reload`.
        body: What becomes the JSON asked with.
        kind: Type of the answer.
        otherwise: What can be done without the token, if anything.

    Raises:
        ConfigError: there is no token to ask with.
        NotRunningError: nothing is running there.
        TokenRefusedError: the process was started without a token, or with another one.
        RefusedError: it does not do it, and says why.
        NoAnswerError: what listens there is not Lockstep, or does not answer.
    """
    token = config.http_token(environment)
    or_else = f", or {otherwise}" if otherwise else ""
    if not token:
        missing = (
            f"environment variable {TOKEN_VARIABLE} is not set; export the one the process was started "
            f"with{or_else}"
        )
        raise ConfigError(config.path, [missing])
    url = f"http://{config.file.http.listen}{route}"
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    try:
        answer = httpx.post(
            url,
            content=msgspec.json.encode(body),
            headers=headers,
            timeout=_TIMEOUT_S,
            trust_env=False,
        )
        if answer.status_code in _FORBIDDEN:
            raise TokenRefusedError("; ".join(_complaints(answer)) + or_else.replace(",", ";", 1))
        if answer.status_code in _REFUSED:
            raise RefusedError(_complaints(answer))
        if answer.status_code == _UNANSWERED:
            raise NoAnswerError("; ".join(_complaints(answer)))
        answer.raise_for_status()
        return msgspec.json.decode(answer.content, type=kind)
    except httpx.ConnectError:
        raise NotRunningError(
            f"nothing runs at {config.file.http.listen}; if http.listen has changed, restart"
        ) from None
    except (httpx.HTTPError, msgspec.DecodeError) as error:
        raise NoAnswerError(
            f"{url} does not answer as Lockstep does ({error or type(error).__name__}); look at the "
            "program that listens there and at its log"
        ) from None


def _complaints(answer: httpx.Response) -> tuple[str, ...]:
    return msgspec.json.decode(answer.content, type=_Refusal).complaints
