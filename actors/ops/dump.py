"""SIGUSR1: what every actor is at and every thread's stack, in a file beside the journal.

A file, not the log: it is thousands of lines where there are thousands of accounts, and each line of the
log is one JSON object. `<journal>.dump-<UTC time>`, its user's alone, without secrets, the last ten kept.
Written on a thread of its own, so it comes about whatever the main thread and the actors are at; only
what must be asked (how accounts stand) can be missing, and then it says so.
"""

import asyncio
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC
from pathlib import Path
from types import FrameType

import structlog

from actors import private
from actors.runtime import Clock

KEPT = 10
"""Dumps beside one journal: some in a row show what moves, and they must not fill the disk."""

_log = structlog.get_logger(actor="dump")


class Dumps:
    """Writes one whenever the process is told SIGUSR1; made on the main thread, ends with the process."""

    def __init__(self, journal: Path, *, clock: Clock, clean: Callable[[str], str]) -> None:
        self._journal = journal
        self._clock = clock
        self.clean = clean
        """Blots out what nobody may read."""
        self.describe: Callable[[], str] = lambda: "not started yet\n"
        """Says how the actors stand, within seconds."""
        self.loops: Callable[[], Iterable[tuple[str, asyncio.AbstractEventLoop]]] = lambda: ()
        """Names the loops whose tasks are to be shown."""
        # Its `put` may interrupt itself, as a signal does; an Event's `set` may not.
        self._asked: queue.SimpleQueue[None] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="dump", daemon=True).start()
        signal.signal(signal.SIGUSR1, lambda _number, _frame: self._asked.put(None))

    def _run(self) -> None:
        while True:
            self._asked.get()
            try:
                path = self._write()
            except Exception as error:  # noqa: BLE001 - the next one may succeed; nobody else is harmed
                _log.error("dump_failed", error=repr(error))
            else:
                _log.warning("dumped", path=str(path))

    def _write(self) -> Path:
        now = self._clock.now().astimezone(UTC)
        # The stacks first: they are of the moment it was asked for, and need nobody.
        parts = [f"dump of {now.isoformat()}\n", *stacks(), *tasks(self.loops())]
        try:
            parts.append(self.describe())
        except Exception as error:  # noqa: BLE001 - what is known is written all the same
            parts.append(f"how the actors stand cannot be told: {error!r}\n")
        path = self._journal.with_name(f"{self._journal.name}.dump-{now:%Y%m%dT%H%M%SZ}")
        private.make_folder(path.parent)
        private.write_file(path, self.clean("".join(parts)).encode(), replace=True)
        self._tidy()
        return path

    def _tidy(self) -> None:
        written = sorted(self._journal.parent.glob(f"{self._journal.name}.dump-*Z"))
        for old in written[:-KEPT]:
            old.unlink(missing_ok=True)


def stacks() -> Iterator[str]:
    """Yield every thread's name and stack; no values of variables, so no secrets."""
    names = {each.ident: each.name for each in threading.enumerate()}
    for number, frame in sys._current_frames().items():  # noqa: SLF001 - documented for debuggers
        yield f"\n=== thread {names.get(number, 'of no name')} ({number})\n"
        yield from traceback.format_stack(frame)


def tasks(loops: Iterable[tuple[str, asyncio.AbstractEventLoop]]) -> Iterator[str]:
    """Yield where every task of some loops waits: their threads' stacks do not show it."""
    for name, loop in loops:
        yield f"\n=== tasks of {name}\n"
        for task in asyncio.all_tasks(loop):
            yield f"{task.get_name()}: {' < '.join(map(_place, reversed(task.get_stack())))}\n"


def _place(frame: FrameType) -> str:
    code = frame.f_code
    return f"{code.co_qualname} ({Path(code.co_filename).name}:{frame.f_lineno})"
