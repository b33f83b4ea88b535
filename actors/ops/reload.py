"""The `reload` command: asks the running process over its loopback HTTP to take up its changed file."""

from collections.abc import Iterator, Mapping

from actors.ops.asking import RefusedError, ask
from config.errors import ConfigError
from config.loader import Config
from messages.queries import ConfigReloaded


def ask_reload(config: Config, environment: Mapping[str, str]) -> ConfigReloaded:
    """Return what the running process made of its changed file.

    Raises:
        ConfigError: there is no token to ask with, or the process refused the file and changed nothing.
        NotRunningError, TokenRefusedError, NoAnswerError: as `ask` does.
    """
    body = {"config": str(config.path.resolve())}
    signal = "send the process SIGHUP instead"
    try:
        return ask(config, environment, "/api/reload", body, ConfigReloaded, otherwise=signal)
    except RefusedError as error:
        raise ConfigError(config.path, list(error.complaints)) from None


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
