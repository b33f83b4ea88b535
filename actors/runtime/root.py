"""The RootSupervisor: the top of the tree, and the end of the program when the tree cannot be kept.

Started first, on an `OwnThread`, as "supervisor". What other supervisors escalate to the one above, it
tells `on_give_up`, which ends the process: it stops nothing itself, so that what still guards goes on
until all is stopped in order. Every dead letter of the directory goes to the journal through it. Once
there is a clock, it looks every second for actors that hang, and for threads that are late.
"""

from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any

import structlog

from actors.runtime.child import Child
from actors.runtime.clock import Clock
from actors.runtime.directory import Directory
from actors.runtime.dispatcher import Dispatcher
from actors.runtime.lag import Lag, LagWatch, OnLag
from actors.runtime.ref import PooledRef
from actors.runtime.spec import ChildSpec, SupervisorFlags
from actors.runtime.supervisor import CLOCK, Supervisor
from actors.runtime.watch import LOOK_S, ChildHung, HangWatch
from messages.base import Message
from messages.commands import Woken
from messages.events import AlarmRaised, DeadLettered
from messages.values import AlarmCode

ADDRESS = "supervisor"
LOOK = "look for hung actors"
SHOWN_OF_A_MESSAGE = 400
"""Characters of a dead message that the journal keeps."""

_log = structlog.get_logger()


class RootSupervisor(Supervisor):
    """The supervisor above all others."""

    def __init__(
        self,
        *,
        dispatcher: Dispatcher,
        directory: Directory,
        clock: Clock,
        on_give_up: Callable[[str, str], None],
        flags: SupervisorFlags | None = None,
        dispatchers: Iterable[Dispatcher] = (),
        late_after_s: float = LOOK_S,
        on_lag: OnLag = lambda _lag: None,
    ) -> None:
        super().__init__(
            address=ADDRESS, dispatcher=dispatcher, directory=directory, clock=clock, flags=flags
        )
        self._on_give_up = on_give_up
        self._watch = HangWatch(dispatchers)
        self._lags = LagWatch(dispatchers, clock, late_after_s)
        self._on_lag = on_lag
        self._gave_up = False

    def on_start(self) -> None:
        """Take the address, and journal all dead letters."""
        super().on_start()
        self._directory.on_dead_letter(self._journal_dead_letter)

    def on_failure(
        self,
        _exception_type: type[BaseException] | None,
        exception_value: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Say loudly that nobody supervises any more."""
        self._on_give_up(ADDRESS, repr(exception_value))

    def _end_children(self) -> None:
        """Leave them be: nobody is above, and what still guards goes on until the program ends."""

    def on_receive(self, message: Any) -> Any:
        """Look for hung actors, or do what any supervisor does."""
        if isinstance(message, Woken) and message.key == LOOK:
            return self._look()
        return super().on_receive(message)

    def _start_child(self, spec: ChildSpec) -> PooledRef[Any]:
        ref = super()._start_child(spec)
        if spec.address == CLOCK:
            self._wake_after(LOOK_S, LOOK)
        return ref

    def _child_up(self, child: Child, down_s: float) -> None:
        super()._child_up(child, down_s)
        if child.spec.address == CLOCK:
            # Wake-ups may have died with the clock: back too soon is safe, never back is not.
            self._restart_all_waiting()
            self._wake_after(LOOK_S, LOOK)

    def _look(self) -> None:
        self._wake_after(LOOK_S, LOOK)
        for hung in self._watch.look(self._clock.monotonic()):
            hung.life.child.report(hung)
        for lag in self._lags.look():
            self._tell_lag(lag)

    def _tell_lag(self, lag: Lag) -> None:
        if lag.over:
            text = f"{lag.name} turns again: what it was handed had waited {lag.late_s:.1f} s"
            self._reports.alarm(AlarmCode.TURNS_LATE, text)
        elif lag.began:
            text = (
                f"{lag.name} is late: what it was handed has waited {lag.late_s:.1f} s; it is blocked, "
                "or has more to do than this machine can"
            )
            self._reports.alarm(AlarmCode.TURNS_LATE, text)
        self._on_lag(lag)

    def _child_hung(self, hung: ChildHung) -> None:
        if not self._gave_up:
            super()._child_hung(hung)

    def _failed(self, child: Child, error: str) -> None:
        if self._gave_up:
            self._forget(child)
        else:
            super()._failed(child, error)

    def _escalate(self, child: Child, error: str) -> None:
        """Give up: whoever started the tree ends the program."""
        self._gave_up = True
        address = child.spec.address
        self._reports.ends(child, error)
        try:
            self._on_give_up(address, error)  # before anything is logged: a log may block
        except Exception:  # noqa: BLE001  (the supervisor must outlive whoever it informs)
            _log.exception("on_give_up_failed", child=address)
        _log.critical("actor_gave_up", supervisor=ADDRESS, child=address, error=error)
        if not child.is_up:
            self._forget(child)

    def _journal_dead_letter(self, address: str, message: Any, error: str) -> None:
        # Runs on whatever thread the letter died; the directory keeps a dead journal from looping.
        cause = message.cause if isinstance(message, Message) else ADDRESS
        shown = repr(message)[:SHOWN_OF_A_MESSAGE]
        at = self._clock.now()
        self._reports.journal(
            DeadLettered(at=at, cause=cause, address=address, message=shown, error=error),
            AlarmRaised(
                at=at,
                cause=ADDRESS,
                account=None,
                code=AlarmCode.DEAD_LETTER,
                text=f"{address} could not handle {type(message).__name__}: {error}",
            ),
        )
