"""The `reload` command: asks the running process over its loopback HTTP to take up its changed file."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import msgspec

from actors.ops.status import NoAnswerError
from config.errors import ConfigError
from config.listening import TOKEN_VARIABLE
from config.loader import Config
from messages.queries import ConfigReloaded

_TIMEOUT_S = 30.0
_REFUSED, _FORBIDDEN = frozenset({400, 409}), frozenset({403, 429})


class NotRunningError(RuntimeError):
    """Nothing answers at `http.listen` (exit 69)."""


class TokenRefusedError(RuntimeError):
    """The running process has no token, or another one (exit 77)."""


def ask_reload(config: Config, environment: Mapping[str, str]) -> ConfigReloaded:
    """Return what the running process made of its changed file.

    Raises:
        ConfigError: there is no token to ask with, or the process refused the file and changed nothing.
        NotRunningError: nothing is running there.
        TokenRefusedError: the process was started without a token, or with another one.
        NoAnswerError: what listens there is not Lockstep.
    """
    token = config.http_token(environment)
    if not token:
        missing = (
            f"environment variable {TOKEN_VARIABLE} is not set; export the one the process was started "
            "with, or send the process SIGHUP instead"
        )
        raise ConfigError(config.path, [missing])
    url = f"http://{config.file.http.listen}/api/reload"
    try:
        answer = httpx.post(
            url,
            json={"config": str(config.path.resolve())},
            headers={"Authorization": f"Bearer {token}"},
            timeout=_TIMEOUT_S,
            trust_env=False,
        )
        return _understood(answer, config.path)
    except httpx.ConnectError:
        raise NotRunningError(
            f"nothing runs at {config.file.http.listen}; if http.listen has changed, restart"
        ) from None
    except (httpx.HTTPError, msgspec.DecodeError) as error:
        raise NoAnswerError(
            f"{url} does not answer as Lockstep does ({error or type(error).__name__}); look at the "
            "program that listens there and at its log"
        ) from None


class _Refusal(msgspec.Struct, frozen=True):
    complaints: tuple[str, ...]


def _understood(answer: httpx.Response, path: Path) -> ConfigReloaded:
    if answer.status_code in _FORBIDDEN:
        (why,) = msgspec.json.decode(answer.content, type=_Refusal).complaints
        raise TokenRefusedError(f"{why}; or send the process SIGHUP instead")
    if answer.status_code in _REFUSED:
        refusal = msgspec.json.decode(answer.content, type=_Refusal)
        raise ConfigError(path, list(refusal.complaints))
    answer.raise_for_status()
    return msgspec.json.decode(answer.content, type=ConfigReloaded)


def lines_of(answer: ConfigReloaded) -> Iterator[str]:
    """Yield for people what applies at once and what waits, account by account."""
    yield f"configuration {answer.config_version} is in force (SHA-256 {answer.config[:12]}…)"
    for each in answer.accounts:
        yield from (f"  {each.account} at once: {line}" for line in each.applied)
        yield from (f"  {each.account} queued: {line}" for line in each.queued)
        if not each.applied and not each.queued:
            yield f"  {each.account} nothing changed"
    for account in answer.unanswered:
        yield f"  {account} was told, but has not answered yet; look at status"
