"""The Supervisor: children are replaced when they fail, and keep their inbox, address and reference.

OTP's words: one_for_one, one_for_all, rest_for_one; permanent, transient, temporary; intensity restarts
within a period, then it ends its children and fails itself, which concerns the supervisor above: a
supervisor is an actor, so it can be a child. Starts its `children` left to right, is asked StartChild,
StopChild and StopChildren, stops right to left. It waits for its children, so it shares its thread with
no supervisor above or below it. It never retries the message a child failed on, or waits to back off.

The children are kept in a `Roster` that outlives it: one that failed by a fault of its own leaves them
running, and its successor takes them over. Only the `RootSupervisor` ends the program instead of itself.
"""

from functools import partial
from typing import Any, NamedTuple

import structlog

from actors.runtime.actor import PooledActor
from actors.runtime.child import Child, ChildExited, ChildUp, HungError, Life
from actors.runtime.clock import Clock
from actors.runtime.directory import Directory
from actors.runtime.dispatcher import Dispatcher
from actors.runtime.ref import PooledRef
from actors.runtime.reporting import Reports
from actors.runtime.spec import ChildSpec, Intensity, Restart, Strategy, SupervisorFlags
from actors.runtime.stopping import stop_together, stopping_order
from actors.runtime.watch import ChildHung
from messages.commands import WakeAfter, Woken
from messages.queries import Ping

CLOCK = "clock"
LONG_BACK_OFF_S = 1.0
"""From here on a person is told before the next try, not only after it."""

_log = structlog.get_logger()

type Roster = dict[str, Child]
"""The children by address, in the order of their start."""


class StartChild(NamedTuple):
    """Ask: start a child; answered with its reference, or with the error of its start."""

    spec: ChildSpec


class StopChild(NamedTuple):
    """Ask: stop a child after what it was told before, and forget its address."""

    address: str


class StopChildren(NamedTuple):
    """Ask: stop all children, the last started first, those of a group side by side."""


class ClockReturned(NamedTuple):
    """Told by the supervisor above: the clock was replaced, and with it a wake-up may be lost."""


class IntensityExceededError(RuntimeError):
    """Its children failed too often: whoever is above must restart more."""


class Supervisor(PooledActor):
    """Starts, watches, replaces and stops children."""

    def __init__(
        self,
        *,
        address: str,
        dispatcher: Dispatcher,
        directory: Directory,
        clock: Clock,
        flags: SupervisorFlags | None = None,
        children: tuple[ChildSpec, ...] = (),
        roster: Roster | None = None,
    ) -> None:
        super().__init__(dispatcher=dispatcher)
        self.address = address
        self._directory = directory
        self._clock = clock
        self._flags = SupervisorFlags() if flags is None else flags
        self._intensity = Intensity(self._flags)
        self._roster: Roster = {} if roster is None else roster
        for spec in children:
            self._roster.setdefault(spec.address, Child(spec))
        self._reports = Reports(address, directory, clock)

    def on_start(self) -> None:
        """Take the address, where the clock wakes it, and start or take over the children."""
        self._directory.register(self.address, self.actor_ref)
        for child in tuple(self._roster.values()):
            child.belong_to(self.actor_ref, self._clock)
            if not child.is_up and (error := self._start(child)) is not None:
                self._cannot_start(child, error)

    def _cannot_start(self, child: Child, error: BaseException) -> None:
        if child.has_lived and self._flags.intensity is None:
            self._failed(child, repr(error))
            return
        if not child.has_lived or self._flags.strategy is not Strategy.ONE_FOR_ONE:
            self._suspend(tuple(self._roster.values()))
        # Else those that are up go on while this supervisor is tried again: an enforcer, for one.
        raise error

    def on_stop(self) -> None:
        """End the children, the last started first: for good, or for a successor."""
        if self.suspended:
            self._suspend(tuple(self._roster.values()))
        else:
            self._stop_children()

    def _closed(self) -> None:
        super()._closed()
        self._end_children()

    def _end_children(self) -> None:
        """End the addresses below: this one is dead, so no successor will take them over."""
        for child in reversed(tuple(self._roster.values())):
            child.end()

    def on_receive(self, message: Any) -> Any:
        """Start, replace or stop children."""
        match message:
            case StartChild(spec):
                return self._start_child(spec)
            case StopChild(address):
                self._stop_child(address)
            case StopChildren():
                self._stop_children()
            case ChildExited(life, exit_):
                self._child_exited(life, exit_.error, exit_.message)
            case ChildUp(life, down_s):
                self._child_up(life.child, down_s)
            case ChildHung():
                self._child_hung(message)
            case Woken(key=address):
                self._restart_waiting(address)
            case ClockReturned():
                self._restart_all_waiting()
            case Ping():
                return self.address
            case _:
                raise TypeError(f"{self.address} knows no {type(message).__name__}")
        return None

    # --- starting -------------------------------------------------------------------------------------

    def _start_child(self, spec: ChildSpec) -> PooledRef[Any]:
        if spec.address in self._roster or self._directory.is_alive(spec.address):
            raise ValueError(f"child {spec.address!r} is already started: stop it first")
        child = Child(spec)
        child.belong_to(self.actor_ref, self._clock)
        error = self._start(child)
        if error is not None or child.ref is None:
            self._forget(child)
            raise error or AssertionError(spec.address)
        self._roster[spec.address] = child
        return child.ref

    def _start(self, child: Child) -> BaseException | None:
        """Start an instance and wait until it has begun; return why it could not."""
        try:
            error = child.start(self._new_instance(child))
        except BaseException as failure:  # noqa: BLE001  (a factory may raise anything)
            error = failure
        return error

    def _new_instance(self, child: Child) -> PooledActor:
        if child.is_up:
            raise HungError("its predecessor still ends")
        actor = child.spec.factory()
        if actor.actor_inbox.dispatcher is self.actor_inbox.dispatcher:
            raise ValueError(f"{child.spec.address!r} must not run on the thread of its supervisor")
        if child.ref is None:
            child.ref = actor.actor_ref
            # Before it starts: what on_start sends may be answered to its address.
            self._directory.register(child.spec.address, child.ref)
        return actor

    # --- failing --------------------------------------------------------------------------------------

    def _child_exited(self, life: Life, error: BaseException | None, message: Any) -> None:
        child = life.child
        if error is not None and message is not None:
            self._directory.dead_letter(child.spec.address, message, repr(error))
        if life.expected or self._roster.get(child.spec.address) is not child:
            return
        if child.life is not life:
            return
        restart = child.spec.restart
        if restart is Restart.PERMANENT or (restart is Restart.TRANSIENT and error is not None):
            self._failed(child, repr(error) if error is not None else "it stopped unasked")
        else:
            self._forget(child)

    def _child_hung(self, hung: ChildHung) -> None:
        life, child = hung.life, hung.life.child
        if child.life is not life or life.over or life.actor.under_way is not hung.at:
            return
        error = HungError(f"it has hung for {hung.hung_s:g} s")
        self._reports.hung(child, hung.hung_s)
        if not child.spec.replaceable:
            self._escalate(child, repr(error))
            return
        child.down_since = self._clock.monotonic() - hung.hung_s
        taken = child.fence(error)
        hung.write_off()
        if taken:
            self._bury(child, repr(error))
            self._child_exited(life, error, None)

    def _failed(self, child: Child, error: str) -> None:
        flags, address = self._flags, child.spec.address
        child.count_failure(error, flags.period_s, flags.back_off(address, child.failures))
        if self._intensity.exceeded(self._clock.monotonic()):
            self._escalate(child, error)
            return
        self._suspend([each for each in self._related(child) if each is not child])
        back_off_s = flags.back_off(address, child.failures)
        if back_off_s and self._can_be_woken_for(child):
            child.waits = True
            self._wake_after(back_off_s, address)
            if back_off_s >= LONG_BACK_OFF_S:
                self._reports.down(child, back_off_s)
        elif child.failures <= 1:
            self._restart(child)
        else:
            # By message, not by recursion: nothing bounds how often it fails where nothing can wait.
            child.waits = True
            self.actor_ref.tell(Woken(**self._reports.said(), key=address))

    def _escalate(self, child: Child, error: str) -> None:
        """Give up: end the children for a successor, and fail."""
        address = child.spec.address
        self._reports.gave_up(child, error, self._flags)
        _log.critical("actor_gave_up", supervisor=self.address, child=address, error=error)
        self._suspend(tuple(self._roster.values()))
        self.fail(IntensityExceededError(f"{address}: {error}"))

    def _related(self, child: Child) -> list[Child]:
        """Return who is replaced with it, itself included, in the order of their start."""
        everybody = list(self._roster.values())
        match self._flags.strategy:
            case Strategy.ONE_FOR_ONE:
                return [child]
            case Strategy.ONE_FOR_ALL:
                return everybody
            case Strategy.REST_FOR_ONE:
                return everybody[everybody.index(child) :]

    # --- restarting -----------------------------------------------------------------------------------

    def _can_be_woken_for(self, child: Child) -> bool:
        # The clock cannot time its own return, and without a clock nobody would ever come back.
        return child.spec.address != CLOCK and self._directory.is_alive(CLOCK)

    def _wake_after(self, seconds: float, key: str) -> None:
        wake = WakeAfter(**self._reports.said(), to=self.address, key=key, after_s=seconds)
        self._directory.tell(CLOCK, wake)

    def _restart_waiting(self, address: str) -> None:
        child = self._roster.get(address)
        if child is not None and child.waits:
            self._restart(child)

    def _restart_all_waiting(self) -> None:
        for address, child in tuple(self._roster.items()):
            self._restart_waiting(address)
            if child.life is not None and isinstance(child.life.actor, Supervisor):
                self._directory.tell(address, ClockReturned())

    def _restart(self, child: Child) -> None:
        related = [each for each in self._related(child) if not each.is_up]
        for each in related:
            alone = len(related) == 1
            error = self._start_soon(each) if alone else self._start(each)
            if error is not None:
                _log.error("restart_failed", child=each.spec.address, error=repr(error))
                self._failed(each, repr(error))
                return

    def _start_soon(self, child: Child) -> BaseException | None:
        try:
            child.start_soon(self._new_instance(child))
        except BaseException as failure:  # noqa: BLE001  (a factory may raise anything)
            return failure
        return None

    def _child_up(self, child: Child, down_s: float) -> None:
        self._reports.up(child, down_s)

    # --- ending ---------------------------------------------------------------------------------------

    def _suspend(self, children: "list[Child] | tuple[Child, ...]") -> None:
        for child in reversed(children):
            if child.spec.restart is Restart.TEMPORARY:
                self._stop_child(child.spec.address)
            elif child.is_up and not child.suspend():
                _log.error("child_was_fenced", child=child.spec.address)
                if child.life is not None:
                    child.life.expected = False  # if it is still to end, that brings it back
            self._bury(child, "it did not end in time")

    def _stop_child(self, address: str) -> None:
        child = self._roster.get(address)
        if child is None:
            raise LookupError(f"no child {address!r}; children: {', '.join(self._roster)}")
        self._stop_together((child,))

    def _stop_together(self, children: tuple[Child, ...]) -> None:
        for child, in_time in stop_together(children):
            if not in_time:
                spec = child.spec
                _log.error("child_did_not_stop", child=spec.address, shutdown_s=spec.shutdown_s)
            self._bury(child, "it did not stop in time")
            self._forget(child)

    def _bury(self, child: Child, error: str) -> None:
        """Make a dead letter of the message that a child was at when it was ended by force."""
        life = child.life
        if life is not None and life.lost is not None:
            lost, life.lost = life.lost, None
            self._directory.dead_letter(child.spec.address, lost, error)

    def _stop_children(self) -> None:
        for children in stopping_order(self._roster.values(), self._flags.strategy):
            self._stop_together(children)

    def _forget(self, child: Child) -> None:
        self._roster.pop(child.spec.address, None)
        child.end()
        self._directory.unregister(child.spec.address)


def supervisor_spec(
    address: str,
    *,
    dispatcher: Dispatcher,
    directory: Directory,
    clock: Clock,
    flags: SupervisorFlags,
    children: tuple[ChildSpec, ...] = (),
    group: str = "",
) -> ChildSpec:
    """Return the spec of a supervisor under a supervisor; its children outlive its instances."""
    make = partial(
        Supervisor,
        address=address,
        dispatcher=dispatcher,
        directory=directory,
        clock=clock,
        flags=flags,
        children=children,
        roster={},
    )
    # It waits for its children, each for as long as that one's spec says.
    return ChildSpec(address=address, factory=make, shutdown_s=None, hung_after_s=None, group=group)
