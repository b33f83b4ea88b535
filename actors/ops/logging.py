"""Logs to stderr: readable on a terminal, one JSON object a line otherwise; secrets never in them.

Called once at start by main.py. The SDK's own loggers are silenced (they print to stdout and mix up their
contexts); warnings of other libraries come through the same door.
"""

import atexit
import logging
import os
import queue
import sys
import threading
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
LAST_WORDS_S = 2.0
"""For so long a process that ends waits for who reads its log."""
MOST_WAITING = 10_000
"""Lines that wait to be written at most: some megabytes."""


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
    """Where log lines go: a thread of its own writes them, so nobody waits for who reads them.

    A terminal that is held (Ctrl-S), a pager that waits, a journald that hangs: once its pipe is full it
    blocks whoever writes to it, perhaps for ever, and none of them may keep a close from going out. Who
    reads may also go away, the disk under it fill up. Lines that cannot be written, or find too many
    waiting, are lost and harm nobody: what happened is in the journal all the same.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self._lines: queue.SimpleQueue[str | threading.Event] = queue.SimpleQueue()
        self._lost = 0
        self._counting = threading.Lock()
        threading.Thread(target=self._run, name="log-lines", daemon=True).start()
        atexit.register(self.drain, LAST_WORDS_S)

    def write(self, text: str) -> int:
        """Have a text written, if not too many wait; never blocks."""
        if self._lines.qsize() < MOST_WAITING:
            self._lines.put(text)
        else:
            with self._counting:
                self._lost += 1
        return len(text)

    def flush(self) -> None:
        """Do nothing: what has been handed in is written as soon as it can be."""

    def drain(self, within_s: float) -> bool:
        """Wait until all before this was written; False if that takes longer."""
        written = threading.Event()
        self._lines.put(written)
        return written.wait(within_s)

    def _run(self) -> None:
        while True:
            each = self._lines.get()
            if isinstance(each, threading.Event):
                each.set()
                continue
            with suppress(OSError, ValueError):  # ValueError: it was closed
                self.stream.write(each)
                if self._lines.empty():
                    self.stream.flush()
            if self._lost and self._lines.qsize() < MOST_WAITING // 2:
                self._say_lost()

    def _say_lost(self) -> None:
        with self._counting:
            lost, self._lost = self._lost, 0
        structlog.get_logger(actor="log").warning("log_lines_lost", lines=lost)


_streams: list[LogStream] = []
"""The last one in use, if any."""


def log_stream() -> LogStream | None:
    """Return where log lines go, if that is to the stderr of now."""
    return next((each for each in _streams if each.stream is sys.stderr), None)


def _in_shadow(
    _logger: Any, _name: str, entry: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    entry["shadow"] = True
    return entry


def configure_logging(level: int, secrets: Collection[str] = (), *, shadow: bool = False) -> None:
    """Send all logs to stderr, from this level on; in shadow every line says so."""
    terminal = sys.stderr.isatty()
    stream = log_stream() or LogStream(sys.stderr)
    _streams[:] = [stream]
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
        logger_factory=structlog.WriteLoggerFactory(cast(TextIO, stream)),
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
