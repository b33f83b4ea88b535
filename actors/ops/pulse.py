"""The pulse: a thread that asks whether the guard still turns, and tells the watchdog only then.

Started by main.py beside the running system. Every second at most it asks the supervisor, the journal and
the clock for a sign of life; only if all of them answer, a heartbeat goes out. So a process that stands
still, and one whose journal or clock has a stuck thread, fall silent and are replaced. It also asks
after the lease, which may be lost while no command is sent.
"""

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import structlog
from pykka import ActorDeadError, ActorRef, Timeout

from actors.ops.notify import BEAT, Notifier
from actors.runtime import Clock
from messages.queries import Ping

LOOK_EVERY_S = 1.0
"""How often the lease is looked at; heartbeats go out as often, or twice within the watchdog's limit."""

_log = structlog.get_logger(actor="pulse")


class Pulse:
    """Beats from `start` to `stop`, or while the context lasts."""

    def __init__(
        self,
        *,
        vital: Callable[[], Mapping[str, ActorRef[Any]]],
        fence: Callable[[], str],
        alone: Callable[[], None],
        notifier: Notifier,
        clock: Clock,
    ) -> None:
        self._vital = vital
        self._fence = fence
        self._alone = alone
        self._notifier = notifier
        self._clock = clock
        self._patience_s = (notifier.limit_s or 2 * LOOK_EVERY_S) / 2
        self._every_s = min(LOOK_EVERY_S, self._patience_s)
        self._silent: list[str] = []
        self._heard = True
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        self._thread.join(timeout=2 * self._patience_s)

    def _run(self) -> None:
        while not self._ended.wait(self._every_s):
            self._fence()
            if self._notifier.limit_s is not None:
                self._beat()

    def _beat(self) -> None:
        silent = self._who_is_silent()
        if silent != self._silent:
            _log.critical("vital_actors", silent=silent)
        self._silent = silent
        if silent:
            return
        heard = self._notifier.tell(BEAT)
        if self._heard and not heard:
            self._alone()
        self._heard = heard

    def _who_is_silent(self) -> list[str]:
        now = self._clock.now()
        try:
            asked = {
                address: ref.ask(Ping(at=now, cause="pulse"), block=False)
                for address, ref in self._vital().items()
            }
        except (ActorDeadError, LookupError) as error:
            return [str(error)]
        latest = self._clock.monotonic() + self._patience_s  # a busy machine is not a hang
        silent = []
        for address, answer in asked.items():
            try:
                answer.get(timeout=max(0.0, latest - self._clock.monotonic()))
            except (Timeout, ActorDeadError):
                silent.append(address)
        return silent


def name_threads() -> None:
    """Give every thread its name for the system too, so that `top -H` and gdb tell them apart (Linux)."""
    for thread in threading.enumerate():
        with suppress(OSError):  # it has just ended, or this is no Linux
            Path(f"/proc/self/task/{thread.native_id}/comm").write_text(thread.name[:15])
