"""One child of a Supervisor: its spec, its lasting inbox and reference, its failures so far.

Used by the Supervisor only, on the Supervisor's thread, except `started` and `exited`, which the
child's own thread calls. Two flags, `_down` set by the child and `_stopping` by the supervisor, make
sure that a child which fails while it is being stopped is ended by one of the two.
"""

import threading
from collections import deque
from collections.abc import Callable
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec
from pykka import ActorDeadError, Timeout

from actors.runtime.actor import PooledActor
from actors.runtime.blocking import refuse_blocking
from actors.runtime.inbox import Exit
from actors.runtime.ref import PooledRef


class Restart(StrEnum):
    """When a child that ended is replaced; OTP's words."""

    PERMANENT = "permanent"
    """Always."""
    TRANSIENT = "transient"
    """When it failed, not when it stopped."""
    TEMPORARY = "temporary"
    """Never."""


class ChildSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What a Supervisor has to know to start and to replace a child."""

    address: str
    """Where it is reached, e.g. `account/13298777`."""
    factory: Callable[[], PooledActor]
    """Makes a new, unstarted instance; runs on the supervisor's thread, so every wait has a timeout."""
    restart: Restart = Restart.PERMANENT
    """When it is replaced."""


class ChildExited(NamedTuple):
    """Told to the Supervisor by the child's own thread: the instance ended."""

    child: "Child"
    exit_: Exit


class Child:
    """A started child; watches its instances."""

    def __init__(self, spec: ChildSpec, actor: PooledActor, supervisor: PooledRef[Any]) -> None:
        self.spec = spec
        self.ref: PooledRef[Any] = actor.actor_ref
        self.last_error = ""
        self.backs_off = False
        self._first = actor
        self._supervisor = supervisor
        self._failed_at: deque[float] = deque()
        self._start_error: BaseException | None = None
        self._start_settled = threading.Event()
        self._was_started = threading.Event()
        self._down = threading.Event()
        self._stopping = threading.Event()

    def start(self, timeout: float) -> BaseException | None:
        """Start the first instance; return what its `on_start` raised, or None when it lives."""
        refuse_blocking(f"starting {self.spec.address}")
        self._first.start_supervised(self)
        if not self._start_settled.wait(timeout):
            return TimeoutError(f"{self.spec.address}: on_start has not returned in {timeout} s")
        return self._start_error

    def replace(self, actor: PooledActor) -> None:
        """Start a successor on the same inbox; how its `on_start` went is reported like any exit."""
        self.backs_off = False
        self._down.clear()
        actor.start_supervised(self, predecessor=self.ref)

    def count_failure(self, monotonic: float, period_s: float) -> int:
        """Note a failure and return how many there were within the period, this one included."""
        self._failed_at.append(monotonic)
        while self._failed_at[0] <= monotonic - period_s:
            self._failed_at.popleft()
        return len(self._failed_at)

    def failures(self) -> int:
        """Return the failures within the period as of the last one."""
        return len(self._failed_at)

    def stop(self, timeout: float) -> bool:
        """Stop it after what it was told before; False if a handler or task still runs."""
        self._stopping.set()
        if self._down.is_set():
            return True
        try:
            self.ref.stop(block=False).get(timeout=timeout)
        except Timeout:
            return False
        return True

    def end(self) -> None:
        """Declare the address dead: what waits in the inbox is refused, and no successor follows."""
        self.ref.actor_inbox.close()

    # --- told by the child's own thread ---------------------------------------------------------------

    def started(self) -> None:
        """Hear that `on_start` succeeded."""
        self._was_started.set()
        self._start_settled.set()

    def exited(self, exit_: Exit) -> None:
        """Hear that the instance ended: tell the supervisor, or end the address if it is stopping."""
        self._down.set()
        if not self._was_started.is_set():
            self._start_error = exit_.error
            self._start_settled.set()
        elif self._stopping.is_set():
            self.end()
        else:
            self._report(ChildExited(self, exit_))

    def _report(self, message: ChildExited) -> None:
        try:
            self._supervisor.tell(message)
        except ActorDeadError:
            # Nobody is left who could replace it: what waits must not wait for ever.
            self.end()
