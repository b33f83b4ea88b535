"""The Supervisor: children are replaced when they fail, and keep their inbox, address and reference.

OTP's words: one_for_one (a failure concerns that child only), restart permanent | transient | temporary,
intensity restarts within a period (counted per child: 1,000 accounts must not use up each other's),
then it gives that child up. Started first, on an `OwnThread`, as "supervisor"; asked StartChild,
StopChild and StopChildren; stops right to left. Every dead letter of the directory goes to the journal.
It never retries the message a child failed on, and never waits in order to back off.
"""

import itertools
from collections.abc import Callable
from types import TracebackType
from typing import Any, NamedTuple

import structlog

from actors.runtime.actor import PooledActor
from actors.runtime.child import Child, ChildExited, ChildSpec, Restart
from actors.runtime.clock import Clock
from actors.runtime.directory import Directory
from actors.runtime.dispatcher import Dispatcher
from actors.runtime.ref import PooledRef
from messages.base import Message
from messages.commands import WakeAfter, Woken
from messages.events import ActorRestarted, AlarmRaised, DeadLettered, Event
from messages.journal import Append
from messages.queries import Ping
from messages.values import AlarmCode

ADDRESS = "supervisor"
CLOCK = "clock"
START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 5.0
FIRST_BACK_OFF_S = 0.1
"""Before the second restart within a period; doubles from there. The first restart is immediate."""
SHOWN_OF_A_MESSAGE = 400
"""Characters of a dead message that the journal keeps."""

_log = structlog.get_logger()

__all__ = ["ChildSpec", "Restart", "StartChild", "StopChild", "StopChildren", "Supervisor"]


class StartChild(NamedTuple):
    """Ask: start a child; answered with its reference, or with the error of its start."""

    spec: ChildSpec


class StopChild(NamedTuple):
    """Ask: stop a child after what it was told before, and forget its address."""

    address: str


class StopChildren(NamedTuple):
    """Ask: stop all children, the last started first."""


class Supervisor(PooledActor):
    """Starts, watches, replaces and stops children."""

    def __init__(
        self,
        *,
        dispatcher: Dispatcher,
        directory: Directory,
        clock: Clock,
        intensity: int = 5,
        period_s: float = 10.0,
        on_give_up: Callable[[str, str], None],
    ) -> None:
        super().__init__(dispatcher=dispatcher)
        self._directory = directory
        self._clock = clock
        self._intensity = intensity
        self._period_s = period_s
        self._on_give_up = on_give_up
        self._children: dict[str, Child] = {}
        self._tokens = itertools.count(1)

    def on_start(self) -> None:
        """Take the address "supervisor" (the clock wakes it there) and journal all dead letters."""
        self._directory.register(ADDRESS, self.actor_ref)
        self._directory.on_dead_letter(self._journal_dead_letter)

    def on_stop(self) -> None:
        """Stop the children, the last started first."""
        self._stop_children()

    def on_failure(
        self,
        _exception_type: type[BaseException] | None,
        exception_value: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Say loudly that nobody supervises any more."""
        self._on_give_up(ADDRESS, repr(exception_value))

    def on_receive(self, message: Any) -> Any:
        """Start, replace or stop children."""
        match message:
            case StartChild(spec):
                return self._start_child(spec)
            case ChildExited(child, exit_):
                return self._child_exited(child, exit_.error, exit_.message)
            case Woken(key=address):
                return self._restart_waiting(address)
            case StopChild(address):
                return self._stop_child(address)
            case StopChildren():
                return self._stop_children()
            case Ping():
                return ADDRESS
            case _:
                raise TypeError(f"Supervisor knows no {type(message).__name__}")

    # --- starting -------------------------------------------------------------------------------------

    def _start_child(self, spec: ChildSpec) -> PooledRef[Any]:
        if self._directory.is_alive(spec.address):
            raise ValueError(f"child {spec.address!r} is already started: stop it first")
        actor = spec.factory()
        if actor.actor_inbox.dispatcher is self.actor_inbox.dispatcher:
            raise ValueError(f"{spec.address!r} must not run on the thread of its supervisor")
        child = Child(spec, actor, self.actor_ref)
        # Before it starts: what on_start sends may be answered to its address.
        self._directory.register(spec.address, child.ref)
        error = child.start(START_TIMEOUT_S)
        if error is not None:
            child.end()
            self._directory.unregister(spec.address)
            raise error
        self._children[spec.address] = child
        return child.ref

    # --- failing and restarting -----------------------------------------------------------------------

    def _child_exited(self, child: Child, error: BaseException | None, message: Any) -> None:
        if self._children.get(child.spec.address) is not child:
            return
        if error is not None and message is not None:
            self._directory.dead_letter(child.spec.address, message, repr(error))
        if child.spec.restart is Restart.PERMANENT or (
            child.spec.restart is Restart.TRANSIENT and error is not None
        ):
            self._failed(child, repr(error) if error is not None else "it stopped unasked")
        else:
            self._forget(child)
        if child.spec.address == CLOCK:
            # Back-offs may have died with the clock: back too soon is safe, never back is not.
            for address in tuple(self._children):
                self._restart_waiting(address)

    def _failed(self, child: Child, error: str) -> None:
        child.last_error = error
        failures = child.count_failure(self._clock.monotonic(), self._period_s)
        if failures > self._intensity:
            self._give_up(child, error)
        elif failures == 1 or not self._can_be_woken_for(child):
            self._restart(child)
        else:
            child.backs_off = True
            self._wake_after(FIRST_BACK_OFF_S * 2 ** (failures - 2), child.spec.address)

    def _can_be_woken_for(self, child: Child) -> bool:
        # The clock cannot time its own return, and without a clock nobody would ever come back.
        return child.spec.address != CLOCK and self._directory.is_alive(CLOCK)

    def _wake_after(self, seconds: float, key: str) -> None:
        self._directory.tell(
            CLOCK,
            WakeAfter(at=self._clock.now(), cause=ADDRESS, to=ADDRESS, key=key, after_s=seconds),
        )

    def _restart_waiting(self, address: str) -> None:
        child = self._children.get(address)
        if child is not None and child.backs_off:
            self._restart(child)

    def _restart(self, child: Child) -> None:
        address = child.spec.address
        error, restarts = child.last_error, child.failures()
        try:
            child.replace(child.spec.factory())
        except Exception as failure:  # noqa: BLE001  (a failed restart is a failure of the child)
            _log.exception("restart_failed", child=address)
            self._failed(child, repr(failure))
            return
        text = f"{address} failed ({error}) and was restarted, {restarts} in {self._period_s:g} s"
        self._journal(
            ActorRestarted(**self._said(), address=address, error=error, restarts=restarts),
            AlarmRaised(**self._said(), account=None, code=AlarmCode.ACTOR_RESTARTED, text=text),
        )

    def _give_up(self, child: Child, error: str) -> None:
        address = child.spec.address
        del self._children[address]
        child.end()
        text = (
            f"{address} failed more than {self._intensity} times in {self._period_s:g} s ({error}) "
            "and was given up: it handles nothing any more until the program is restarted"
        )
        self._journal(
            AlarmRaised(**self._said(), account=None, code=AlarmCode.ACTOR_GAVE_UP, text=text)
        )
        _log.critical("actor_gave_up", child=address, error=error)
        try:
            self._on_give_up(address, error)
        except Exception:  # noqa: BLE001  (the supervisor must outlive whoever it informs)
            _log.exception("on_give_up_failed", child=address)

    # --- stopping -------------------------------------------------------------------------------------

    def _stop_child(self, address: str) -> None:
        child = self._children.get(address)
        if child is None:
            raise LookupError(f"no child {address!r}; children: {', '.join(self._children)}")
        if not child.stop(STOP_TIMEOUT_S):
            _log.error("child_did_not_stop", child=address, timeout_s=STOP_TIMEOUT_S)
        self._forget(child)

    def _stop_children(self) -> None:
        for address in tuple(reversed(self._children)):
            self._stop_child(address)

    def _forget(self, child: Child) -> None:
        del self._children[child.spec.address]
        child.end()
        self._directory.unregister(child.spec.address)

    # --- telling the journal --------------------------------------------------------------------------

    def _said(self) -> dict[str, Any]:
        return {"at": self._clock.now(), "cause": ADDRESS}

    def _journal(self, *events: Event) -> None:
        token = f"{ADDRESS}/{next(self._tokens)}"
        self._directory.tell(
            "journal", Append(**self._said(), events=events, asker=None, token=token)
        )

    def _journal_dead_letter(self, address: str, message: Any, error: str) -> None:
        # Runs on whatever thread the letter died; the directory keeps a dead journal from looping.
        cause = message.cause if isinstance(message, Message) else ADDRESS
        shown = repr(message)[:SHOWN_OF_A_MESSAGE]
        self._journal(
            DeadLettered(
                at=self._clock.now(), cause=cause, address=address, message=shown, error=error
            )
        )
