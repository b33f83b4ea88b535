"""Logs to stderr: readable on a terminal, one JSON object a line otherwise; secrets never in them.

Called once at start by main.py. The SDK's own loggers are silenced (they print to stdout and mix up their
contexts); warnings of other libraries come through the same door.
"""

import logging
import os
import sys
from collections.abc import Callable, Collection, MutableMapping
from contextlib import suppress
from typing import Any, NoReturn, TextIO, cast

import structlog
from structlog.typing import Processor

from actors.secrets import without_tokens

_QUIET = ("pykka", "httpx", "httpcore", "websockets", "uvicorn.access", "asyncio", "apprise")
_ONLY_ERRORS = ("uvicorn.error",)  # else whoever sends it rubbish writes our log
_SHORTEST = 4
"""Shorter secrets hide nothing, and would be found in every other word."""


def without(secrets: Collection[str]) -> Callable[[str], str]:
    """Return what blots out every secret and every token in a text."""
    known = [secret for secret in secrets if len(secret) >= _SHORTEST]

    def clean(text: str) -> str:
        for secret in known:
            text = text.replace(secret, "***")
        return without_tokens(text)

    return clean


def redactor(secrets: Collection[str]) -> Processor:
    """Return a processor that blots out every secret and every token in a log entry, at any depth."""
    clean_text = without(secrets)

    def clean(value: Any) -> Any:
        match value:
            case str():
                return clean_text(value)
            case dict():
                return {key: clean(each) for key, each in value.items()}
            case list() | tuple():
                return [clean(each) for each in value]
            case _:
                return value

    def redact(
        _logger: Any, _name: str, entry: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        for key, value in entry.items():
            entry[key] = clean(value)
        return entry

    return redact


def _for_people() -> Processor:
    """Return a renderer for a terminal: what an event says to people as lines, all else in full."""
    in_full = structlog.dev.ConsoleRenderer(colors="NO_COLOR" not in os.environ)

    def render(
        logger: Any, name: str, entry: MutableMapping[str, Any]
    ) -> str | bytes | MutableMapping[str, Any]:
        said = entry.get("say")
        if said is None:
            return in_full(logger, name, entry)
        shadow = "SHADOW | " if entry.get("shadow") else ""
        head = f"{entry['logged_at'][:23]}Z | {entry['level'].upper():8} | {shadow}"
        return "\n".join(head + line for line in said.splitlines())

    return render


class LogStream:
    """Where log lines go; one that cannot be written is lost, and harms nobody.

    Who reads a log may go away, the disk under it fill up. What happened is in the journal all the same.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write what can be written."""
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Hand on what can be handed on."""
        with suppress(OSError):
            self._stream.flush()


def _in_shadow(
    _logger: Any, _name: str, entry: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    entry["shadow"] = True
    return entry


def configure_logging(level: int, secrets: Collection[str] = (), *, shadow: bool = False) -> None:
    """Send all logs to stderr, from this level on; in shadow every line says so."""
    terminal = sys.stderr.isatty()
    stream = LogStream(sys.stderr)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="logged_at"),
        structlog.processors.format_exc_info,
        redactor(secrets),
        *[_in_shadow] * shadow,
    ]
    renderer = _for_people() if terminal else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, stream)),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(level, logging.WARNING))
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    for name in _ONLY_ERRORS:
        logging.getLogger(name).setLevel(logging.ERROR)


def silence_logging() -> None:
    """Let no log line out at all: the demo tells its story itself."""
    structlog.configure(processors=[_drop])
    logging.disable(logging.CRITICAL)


def _drop(_logger: Any, _name: str, _entry: MutableMapping[str, Any]) -> NoReturn:
    raise structlog.DropEvent
