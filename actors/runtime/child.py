"""One child of a Supervisor: its spec, its lasting inbox and reference, and the life of its instance.

A Child is used on its Supervisor's thread and outlives the Supervisor's own instances. A Life watches one
instance and is called on that one's thread; what it hears, it reports to the supervisor's address. A
report of a life that is not the child's present one is stale. Two flags, `over` set by the life and
`stopping` by the supervisor, make sure that a child which fails while it is stopped is ended by either.
"""

import threading
from typing import Any, NamedTuple

import pykka
from pykka import ActorDeadError, Timeout
from pykka._envelope import Envelope
from pykka.messages import _ActorStop

from actors.runtime.actor import PooledActor, Suspend
from actors.runtime.blocking import refuse_blocking
from actors.runtime.clock import Clock
from actors.runtime.inbox import Exit, Nudge
from actors.runtime.ref import PooledRef
from actors.runtime.spec import ChildSpec


class ChildExited(NamedTuple):
    """Told to the Supervisor by the child's own thread: the instance ended."""

    life: "Life"
    exit_: Exit


class ChildUp(NamedTuple):
    """Told to the Supervisor by the child's own thread: a successor does its work again."""

    life: "Life"
    down_s: float
    """Since its predecessor failed, or began to hang."""


class HungError(RuntimeError):
    """It has been at one message for too long."""


class Life:
    """One instance of a child, watched."""

    __slots__ = (
        "actor",
        "begun",
        "child",
        "ended",
        "expected",
        "lost",
        "over",
        "settled",
        "start_error",
    )

    def __init__(self, child: "Child", actor: PooledActor) -> None:
        self.child = child
        self.actor = actor
        self.begun = False
        """Its `on_start` has succeeded."""
        self.over = False
        self.expected = False
        """The supervisor ends it, so its end is no failure."""
        self.lost: object | None = None
        """The message it was at when it was fenced, until somebody says so."""
        self.start_error: BaseException | None = None
        self.settled: threading.Event | None = None
        """Set when `on_start` is over, if the supervisor waits for that."""
        self.ended: threading.Event | None = None
        """Set when the instance is, if the supervisor waits for that."""

    # --- told by the child's own thread ---------------------------------------------------------------

    def started(self) -> None:
        """Hear that `on_start` succeeded."""
        self.begun = self.child.has_lived = True
        if self.settled is not None:
            self.settled.set()

    def up(self) -> None:
        """Hear that the first turn is over."""
        child = self.child
        if child.life is self and child.down_since is not None:
            down_s = child.clock.monotonic() - child.down_since
            child.down_since = None
            child.report(ChildUp(self, down_s))

    def exited(self, exit_: Exit) -> None:
        """Hear that the instance ended: tell the supervisor, or end the address if it is stopping."""
        child = self.child
        if child.life is self and child.down_since is None:
            child.down_since = child.clock.monotonic()
        self.start_error = exit_.error
        self.over = True
        if self.ended is not None:
            self.ended.set()
        if self.settled is not None and not self.begun:
            self.settled.set()
        elif child.stopping:
            child.end()
        elif not self.expected or exit_.message is not None:
            child.report(ChildExited(self, exit_))


class Child:
    """A child; its lives follow one another on one inbox."""

    def __init__(self, spec: ChildSpec) -> None:
        self.spec = spec
        self.ref: PooledRef[Any] | None = None
        self.life: Life | None = None
        self.clock: Clock
        self.error = ""
        """What it failed with last."""
        self.has_lived = False
        """It could be started once, so a start that fails is a failure like any other."""
        self.failures = 0
        """In a row."""
        self.waits = False
        """It backs off."""
        self.stopping = False
        self.down_since: float | None = None
        """When it failed or began to hang, monotonic; None while it is up."""
        self._supervisor: PooledRef[Any]
        self._up_at: float | None = None

    def belong_to(self, supervisor: PooledRef[Any], clock: Clock) -> None:
        """Report to this supervisor from now on."""
        self._supervisor, self.clock = supervisor, clock

    @property
    def is_up(self) -> bool:
        """Tell whether an instance lives."""
        return self.life is not None and not self.life.over

    @property
    def is_at_work(self) -> bool:
        """Tell whether a turn of its instance is under way."""
        return self.life is not None and self.life.actor.under_way is not None

    def start(self, actor: PooledActor) -> BaseException | None:
        """Start an instance; return what its `on_start` raised, or None when it lives."""
        refuse_blocking(f"starting {self.spec.address}")
        life = Life(self, actor)
        life.settled = threading.Event()
        self._live(life)
        if life.settled.wait(self.spec.start_s):
            return life.start_error
        error = TimeoutError(
            f"{self.spec.address}: on_start has not returned in {self.spec.start_s:g} s"
        )
        self.fence(error)
        return error

    def start_soon(self, actor: PooledActor) -> None:
        """Start an instance; how its `on_start` goes is reported like any exit."""
        self._live(Life(self, actor))

    def _live(self, life: Life) -> None:
        predecessor = None if self.life is None else self.ref
        self.life, self.waits = life, False
        self._up_at = self.clock.monotonic()
        life.actor.start_supervised(life, predecessor)

    def count_failure(self, error: str, period_s: float, last_back_off_s: float) -> None:
        """Note one more failure in a row, or the first if it had lived long enough before it."""
        self.error = error
        now = self.clock.monotonic()
        if self._up_at is not None and now - self._up_at > max(period_s, last_back_off_s):
            self.failures = 0
        self.failures += 1
        self._up_at = None  # if it cannot even be made again, that is no second life

    # --- ending ---------------------------------------------------------------------------------------

    def ask_to_stop(self, answer: pykka.Future[None]) -> bool:
        """Have it stop for good after what it was told before; False if there is nobody to ask."""
        self.stopping = True
        if not self.is_up or self.ref is None:
            return False
        self.ref.actor_inbox.put(Envelope(_ActorStop(), reply_to=answer))
        return True

    def suspend(self) -> bool:
        """End the instance after the message it is at, for a successor; False if it was fenced."""
        life, ref = self.life, self.ref
        if life is None or ref is None:
            return True
        life.expected, life.ended = True, threading.Event()
        if life.over:
            return True
        order = Envelope(Suspend(), reply_to=pykka.ThreadingFuture())
        ref.actor_inbox.put_first(order)
        ended = life.ended.wait(self.spec.shutdown_s)
        if ref.actor_inbox.withdraw(order) or not ended:
            # It failed on its own before it came to the order, or it never came to it.
            return ended or self.fence(HungError(f"it did not end in {self.spec.shutdown_s} s"))
        return self._tasks_end(order)

    def _tasks_end(self, order: Envelope[Any]) -> bool:
        assert order.reply_to is not None  # noqa: S101
        try:
            order.reply_to.get(timeout=self.spec.shutdown_s)
        except Timeout:
            return False
        return True

    def fence(self, error: BaseException) -> bool:
        """Let the instance act no more; False: its turn is not taken from it, and it reports its end.

        The message it is at is lost: an asker is told so.
        """
        life, ref = self.life, self.ref
        if life is None or ref is None:
            return True
        lost = message_at(life)
        life.actor.fence(error)
        inbox = ref.actor_inbox
        if not inbox.seize():
            return False
        life.over, life.lost = True, lost
        if self.down_since is None:
            self.down_since = self.clock.monotonic()
        inbox.dispatcher.write_off(inbox)
        envelope = life.actor.under_way
        if envelope is not None and envelope.reply_to is not None and not life.actor.in_hook:
            dead = ActorDeadError(f"{self.spec.address} was replaced: {error}")
            envelope.reply_to.set_exception((ActorDeadError, dead, None))
        return True

    def end(self) -> None:
        """Declare the address dead: what waits in the inbox is refused, and no successor follows."""
        self.stopping = True
        if self.ref is not None:
            self.ref.actor_inbox.close()

    def report(self, message: object) -> None:
        """Tell the supervisor how a life fares; on any thread."""
        try:
            self._supervisor.tell(message)
        except ActorDeadError:
            # Nobody is left who could replace it: what waits must not wait for ever.
            self.end()


def message_at(life: Life) -> object | None:
    """Return the message an instance is at, if it is at one."""
    envelope = life.actor.under_way
    if envelope is None or life.actor.in_hook:
        return None
    own = isinstance(envelope.message, _ActorStop | Suspend | Nudge)
    return None if own else envelope.message
